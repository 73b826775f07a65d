"""What users do, in order."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
import json
import re
from typing import Any

from playwright.async_api import Route, expect
import yaml

from tools.demo.demo import DASHBOARD
from tools.demo.home_assistant import REPOSITORY
from tools.sandbox import BAD_KEY, GOOD_KEY, SECOND_KEY, Status

from .happenings import poll, start_badly
from .user import DESKTOP, PHONE, PICTURES, Scheme, Size, User

ADD = "/config/integrations/dashboard/add?domain=cryptocloud"
AUTOMATION = "/config/automation/edit/new"
DASHBOARDS = "/config/lovelace/dashboards"
INTEGRATION = "/config/integrations/integration/cryptocloud"

LOOKS: tuple[tuple[str, Size, Scheme], ...] = (
    ("dashboard", DESKTOP, "light"),
    ("dashboard-dark", DESKTOP, "dark"),
    ("dashboard-phone", PHONE, "light"),
    ("dashboard-phone-dark", PHONE, "dark"),
)
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


# Texts that do not fit where they are, but for those that scroll
_FIND_CUT_OFF = """() => {
  const cut = [];
  const visit = (node) => {
    const { overflowX } = getComputedStyle(node);
    if (["hidden", "clip"].includes(overflowX) && node.clientWidth
        && node.scrollWidth > node.clientWidth + 1) {
      cut.push(`${node.localName}: ${node.textContent.trim()}`);
    }
    [...(node.shadowRoot?.children ?? []), ...node.children].forEach(visit);
  };
  visit(document.body);
  if (document.documentElement.scrollWidth > window.innerWidth) cut.push("the page");
  return cut;
}"""


async def see_dashboard(user: User) -> None:
    """See every funded currency on the dashboard, on all devices."""
    user.demo.sandbox.merchant.payment("LTC", Decimal("1.25"))
    for name, size, scheme in LOOKS:
        await user.look(size, scheme)
        await user.open(f"/{DASHBOARD}")
        page = user.page
        await expect(
            page.locator("hui-distribution-card ha-segmented-bar")
        ).to_be_visible()
        funded = {
            state["attributes"]["currency"].replace("_", " ")
            for state in (await user.states()).values()
            if "balance_usd" in state["attributes"] and float(state["state"])
        }
        assert len(funded) >= 8
        for currency in funded:
            shown = page.locator("hui-tile-card, cryptocloud-amounts button").filter(
                has_text=currency
            )
            # Its value, with the currency sign
            await expect(shown.first).to_contain_text("$")
        tiles = page.locator("hui-tile-card").filter(
            has=page.locator("cryptocloud-amounts")
        )
        await expect(tiles.locator("img")).to_have_count(await tiles.count())
        await _expect_log(user)
        await expect_no_error(user)
        await expect_nothing_cut_off(user)
        await user.take_picture(name)
    await user.look(DESKTOP)


async def see_outage(user: User) -> None:
    """See in an outage since when, that nothing else changed, and what to do."""
    page = user.page
    await user.look(PHONE)
    await user.open(f"/{DASHBOARD}")
    await expect(page.locator("hui-distribution-card")).to_be_visible()
    before = await _read_currencies(user)
    assert len(before) >= 8
    await start_badly(user)
    await user.open(f"/{DASHBOARD}")
    card = page.locator("hui-empty-state-card").filter(
        has_text=str(datetime.now(UTC).year)
    )
    await expect(card).to_contain_text("Home Assistant")
    await expect(card.locator("ha-button")).to_have_count(2)
    assert await _read_currencies(user) == before
    await expect(page.locator("hui-distribution-card")).to_be_hidden()
    await expect_no_error(user)
    await expect_nothing_cut_off(user)
    user.demo.sandbox.fault = None
    await poll(user)
    await expect(card).to_be_hidden()
    await user.look(DESKTOP)


async def _read_currencies(user: User) -> list[str]:
    names = user.page.locator("hui-tile-card .primary, cryptocloud-amounts .name")
    return await names.all_inner_texts()


async def see_no_pictures(user: User) -> None:
    """See icons if the pictures do not load."""
    page = user.page

    async def hang(route: Route) -> None:
        await asyncio.sleep(10)
        await route.abort()

    await page.route(PICTURES, hang)
    await user.open(f"/{DASHBOARD}")
    await expect(page.locator("cryptocloud-amounts").first).to_be_visible()
    await expect(page.locator("hui-tile-card img")).to_have_count(0)
    await page.unroute(PICTURES, hang)
    # What is said of the missing pictures
    user.errors = [error for error in user.errors if "/local/" not in error]


async def see_section(user: User) -> None:
    """See the section for other dashboards."""
    section = {"strategy": {"type": "custom:cryptocloud"}}
    view = {"title": "Home", "type": "sections", "sections": [section]}
    await _see_dashboard(user, {"views": [view]})


async def change_dashboard(user: User) -> None:
    """Change the dashboard in its visual editor."""
    page = user.page
    await user.open(f"/{DASHBOARD}")
    before = await user.call("lovelace/config", url_path=DASHBOARD)
    edit = await user.localize("ui.panel.lovelace.menu.configure_ui")
    await page.locator("hui-root").get_by_label(edit, exact=True).first.click()
    dialog = page.locator("dialog-dashboard-strategy-editor")
    days = dialog.locator("ha-form input[type=number]").nth(1)
    await days.fill("7")
    await days.press("Tab")
    await dialog.locator("[slot=primaryAction]:visible").click()
    await expect(dialog.locator("ha-form")).to_have_count(0)
    after = await user.call("lovelace/config", url_path=DASHBOARD)
    assert after["strategy"]["days_to_show"] == 7
    await user.call("lovelace/config/save", config=before, url_path=DASHBOARD)


async def expect_nothing_cut_off(user: User) -> None:
    """Check that all texts fit where they are."""
    cut = await user.page.evaluate(_FIND_CUT_OFF)
    assert not cut, f"cut off: {cut}"


async def _expect_log(user: User) -> None:
    log = user.page.locator("hui-logbook-card")
    # It is only filled where it can be seen.
    await user.scroll_to(log)
    await expect(log).to_contain_text(
        re.compile(r"\+[\d.]+ [A-Z][A-Z0-9 ]+ · [\d.]+ USD")
    )
    await user.scroll_to(user.page.locator("hui-heading-card").first)


async def see_payment(user: User) -> None:
    """See first payments without a reload, also one during an outage."""
    sandbox = user.demo.sandbox
    merchant = sandbox.merchant
    tiles = user.page.locator("hui-tile-card")
    await user.open(f"/{DASHBOARD}")
    await user.page.evaluate("window.isTheSamePage = true")
    await expect(user.page.locator("hui-distribution-card")).to_be_visible()
    for fault in (None, Status(503)):
        sandbox.fault = fault
        if fault:
            await poll(user)
            unavailable = await user.localize("state.default.unavailable")
            await expect(tiles.first).to_contain_text(unavailable)
        empty = (code for code in merchant.listed if not merchant.balances[code])
        code = min(empty)
        shown = user.page.locator("hui-tile-card, cryptocloud-amounts button")
        tile = shown.filter(has_text=code.replace("_", " "))
        await expect(tile).to_have_count(0)
        # Small enough for the pictures to stay as they are.
        amount = (50 / merchant.rate(code)).quantize(Decimal("0.00000001"))
        merchant.payment(code, amount)
        sandbox.fault = None
        await expect(tile.first).to_be_visible()
    assert await user.page.evaluate("window.isTheSamePage")


async def see_examples(user: User) -> None:
    """See the cards and dashboards in the docs."""
    examples = [
        example
        for page in PAGES
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        if isinstance(example := yaml.safe_load(block), dict)
    ]
    cards = [example for example in examples if "type" in example]
    [strategy] = [card for card in cards if card["type"] == "custom:cryptocloud"]
    cards.remove(strategy)
    assert len(cards) >= 3
    await _see_dashboard(user, {"views": [{"title": "Examples", "cards": cards}]})
    await _see_dashboard(user, {"strategy": strategy})


async def _see_dashboard(user: User, config: dict[str, Any]) -> None:
    dashboard = await user.call(
        "lovelace/dashboards/create", title="Example", url_path="an-example"
    )
    await user.call("lovelace/config/save", config=config, url_path="an-example")
    await user.open("/an-example")
    await expect(user.page.locator("ha-card").first).to_be_visible()
    # The frontend waits two seconds for an unknown card.
    await user.page.wait_for_timeout(3000)
    await expect_no_error(user)
    # The frontend has no page for a dashboard without views.
    await user.open()
    await user.call("lovelace/dashboards/delete", dashboard_id=dashboard["id"])


async def expect_no_error(user: User) -> None:
    """Check that no card has an error."""
    await expect(user.page.locator("hui-error-card, hui-warning")).to_have_count(0)


async def note_errors(user: User) -> None:
    """Note the errors in the console without the integration."""
    for path in ("/config/integrations/dashboard", DASHBOARDS, AUTOMATION, "/home"):
        await user.open(path)
        await user.page.wait_for_timeout(2000)
    user.known_errors = set(user.errors)
    assert not await user.states()


async def add_integration(user: User) -> None:
    """Add the integration, with a bad key first."""
    await user.open(ADD)
    await user.confirm()
    key = user.flow.locator("input[type=password]")
    await key.fill(BAD_KEY)
    await user.submit()
    await expect(user.flow.locator("ha-alert")).to_contain_text(
        await user.localize("component.cryptocloud.config.error.invalid_auth")
    )
    await user.take_picture("bad-key")
    await key.fill(GOOD_KEY)
    await user.submit()
    await expect(user.flow.get_by_text("CryptoCloud").first).to_be_visible()
    await expect(key).to_have_count(0)
    await user.finish()


async def see_device(user: User) -> None:
    """See the sensors on the device's page."""
    await user.open(INTEGRATION)
    device = await user.wait_for(
        """Object.values(hass.entities).find(
          (entity) => entity.platform === "cryptocloud")?.device_id"""
    )
    await user.open(f"/config/devices/device/{device}")
    card = user.page.locator("ha-device-entities-card").first
    for text in ("USDT TRC20", "BTC"):
        await expect(card.get_by_text(text, exact=True)).to_be_visible()
    await user.take_picture("device")


async def add_dashboard(user: User) -> None:
    """Add the dashboard."""
    page = user.page
    # Opened directly, the page may be drawn before its words are there, and stays so.
    await user.open("/config")
    created = await user.localize(
        "ui.panel.config.lovelace.dashboards.picker.type.user_created"
    )
    await user.go(DASHBOARDS)
    await expect(page.get_by_text(created, exact=True).first).to_be_visible()
    await page.locator("ha-config-lovelace-dashboards ha-button[slot=fab]").click()
    card = page.locator("dashboard-card").filter(has_text="CryptoCloud")
    await user.scroll_to(card)
    await user.take_picture("add-dashboard")
    await card.click()
    dialog = page.locator("dialog-lovelace-dashboard-detail")
    await dialog.locator("[slot=primaryAction]:visible").click()
    await expect(dialog.locator("ha-dialog:visible")).to_have_count(0)
    await _open_dashboard(user)
    await expect(page.locator("hui-tile-card").first).to_be_visible()
    await expect(page.locator("hui-distribution-card")).to_contain_text("BTC")
    # The first figures take an hour.
    await expect(page.locator("hui-statistic-card")).to_have_count(0)
    await expect(page.locator("hui-empty-state-card:visible")).to_have_count(3)
    await expect_nothing_cut_off(user)


async def _open_dashboard(user: User) -> None:
    [path] = [
        dashboard["url_path"]
        for dashboard in await user.call("lovelace/dashboards/list")
        if dashboard["title"] == "CryptoCloud"
    ]
    await user.open(f"/{path}")


async def make_automation(user: User) -> None:
    """Make an automation in the editor, and run it with a payment."""
    page = user.page
    await user.open(AUTOMATION)
    await page.locator("ha-automation-trigger ha-button:visible").first.click()
    dialog = page.locator("add-automation-element-dialog")
    name = await user.localize("component.cryptocloud.triggers.balance_increased.name")
    await dialog.locator("input:visible").first.fill(name)
    await dialog.get_by_text(name, exact=True).first.click()
    await page.locator("ha-target-picker ha-button:visible").first.click()
    await page.wait_for_timeout(1000)
    await page.keyboard.type("Balance change")
    await page.wait_for_timeout(1000)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await user.take_picture("automation")
    await page.locator("ha-automation-editor ha-button[slot=fab]:visible").click()
    save = page.locator("ha-dialog-automation-save")
    await save.locator("input:visible").first.fill("Paid")
    await save.locator("[slot=primaryAction]:visible").click()
    await user.wait_for("hass.states['automation.paid']")
    user.demo.sandbox.merchant.payment("BTC", Decimal("0.5"))
    await user.wait_for("hass.states['automation.paid'].attributes.last_triggered")


async def change_options(user: User) -> None:
    """Switch off pictures and empty currencies."""
    page = user.page
    await user.open(INTEGRATION)
    await page.locator("ha-config-entry-row ha-icon-button").nth(1).click()
    switches = user.flow.locator("ha-switch")
    await expect(switches).to_have_count(3)
    for index in range(2):
        await switches.nth(index).click()
    await user.submit()
    await expect(switches).to_have_count(0)
    await user.finish()
    await user.wait_for(
        """Object.values(hass.states).every((state) => !("icon_base" in state.attributes)
          || (Number(state.state) && !state.attributes.entity_picture))"""
    )
    assert any("/local/" in url for url in user.requests)
    user.requests.clear()
    await _open_dashboard(user)
    await expect(page.locator("hui-tile-card").first).to_be_visible()
    await page.wait_for_timeout(2000)


async def replace_key(user: User) -> None:
    """Replace a revoked key in the dialog that asks for another."""
    page = user.page
    user.demo.sandbox.revoke(GOOD_KEY)
    await user.wait_for(
        "hass.states['sensor.cryptocloud_total_balance'].state === 'unavailable'",
    )
    await _open_dashboard(user)
    card = page.locator("hui-empty-state-card").first
    await expect(card).to_contain_text("API")
    # With the link to where a new key is entered
    await card.locator("ha-button").first.click()
    await page.wait_for_url(f"**{INTEGRATION}")
    name = await user.localize("ui.panel.config.integrations.reconfigure")
    button = page.get_by_role("button", name=name, exact=True)
    await button.click()
    await user.flow.locator("input[type=password]").fill(SECOND_KEY)
    await user.take_picture("new-key")
    await user.submit()
    await expect(user.flow.locator("input")).to_have_count(0)
    await expect(button).to_have_count(0)
    await user.wait_for("hass.states['sensor.cryptocloud_total_balance'].state > 0")


async def download_diagnostics(user: User) -> None:
    """Download diagnostics, which do not contain the key."""
    page = user.page
    await user.open(INTEGRATION)
    await page.locator("ha-config-entry-row ha-icon-button").nth(2).click()
    async with page.expect_download() as info:
        await page.locator("ha-config-entry-row a[href*=diagnostics]").click()
    text = (await (await info.value).path()).read_text()
    assert "funded_currencies" in text
    for key in (GOOD_KEY, SECOND_KEY):
        assert not any(part in text for part in key.split(".")[1:])


async def remove(user: User) -> None:
    """Remove the integration without leaving anything behind."""
    page = user.page
    await user.open(INTEGRATION)
    await page.locator("ha-config-entry-row ha-icon-button").nth(2).click()
    await page.locator("ha-dropdown-item[variant=danger]:visible").last.click()
    await user.confirm()
    await expect(page.locator("ha-config-entry-row")).to_have_count(0)
    await user.open("/config/entities")
    assert not await user.states()
    for registry in ("entity", "device"):
        assert "cryptocloud" not in json.dumps(
            await user.call(f"config/{registry}_registry/list")
        )
    assert not await user.call("config_entries/get", domain="cryptocloud")
    assert not (await user.call("repairs/list_issues"))["issues"]


async def check_requests(user: User) -> None:
    """Check that no other server was asked since the pictures were switched off."""
    assert user.requests
    own = (f"{user.demo.url}/", "blob:", "data:")
    assert not [url for url in user.requests if not url.startswith(own)]


async def check_errors(user: User) -> None:
    """Check that the integration caused no error in the console."""
    assert not user.new_errors, "\n".join(sorted(user.new_errors))


type Step = Callable[[User], Awaitable[None]]

DASHBOARD_STEPS: tuple[Step, ...] = (
    see_dashboard,
    change_dashboard,
    see_section,
    see_examples,
    see_payment,
    see_outage,
    see_no_pictures,
    check_errors,
)
LIFE_STEPS: tuple[Step, ...] = (
    note_errors,
    add_integration,
    see_device,
    add_dashboard,
    make_automation,
    change_options,
    replace_key,
    download_diagnostics,
    check_requests,
    remove,
    check_errors,
)
