"""What users do, in order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
import json
from pathlib import Path
import re
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from playwright.async_api import expect
import yaml

from tools.demo.coins import HOST
from tools.demo.demo import DASHBOARD, Demo
from tools.demo.home_assistant import REPOSITORY
from tools.sandbox import BAD_KEY, GOOD_KEY, SECOND_KEY, Status

from .user import DESKTOP, PHONE, Scheme, Size, User

ADD = "/config/integrations/dashboard/add?domain=cryptocloud"
AUTOMATION = "/config/automation/edit/new"
DASHBOARDS = "/config/lovelace/dashboards"
INTEGRATION = "/config/integrations/integration/cryptocloud"
# A poll every fifteen seconds, and then some.
POLL_TIMEOUT = 30_000

LOOKS: tuple[tuple[str, Size, Scheme], ...] = (
    ("dashboard", DESKTOP, "light"),
    ("dashboard-dark", DESKTOP, "dark"),
    ("dashboard-phone", PHONE, "light"),
    ("dashboard-phone-dark", PHONE, "dark"),
)
PLAIN_DASHBOARD = REPOSITORY / "docs" / "dashboard.yaml"
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TRANSLATIONS = REPOSITORY / "custom_components" / "cryptocloud" / "translations"


@dataclass(kw_only=True)
class Stage:
    """What the steps have in common."""

    demo: Demo
    user: User
    known_errors: set[str] = field(default_factory=set)
    settled: float = 0
    """When Home Assistant reloads the account no more by itself."""
    texts: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Load the integration's own texts."""
        file = TRANSLATIONS / f"{self.user.language}.json"
        self.texts = json.loads(file.read_text())


async def see_dashboard(stage: Stage) -> None:
    """See every funded currency on the dashboard, on all devices."""
    user = stage.user
    stage.demo.sandbox.merchant.payment("LTC", Decimal("1.25"))
    for name, size, scheme in LOOKS:
        await user.look(size, scheme)
        await user.open(f"/{DASHBOARD}")
        page = user.page
        await expect(
            page.locator("hui-distribution-card ha-segmented-bar")
        ).to_be_visible()
        await expect(
            page.locator("hui-history-graph-card canvas").first
        ).to_be_visible()
        funded = {
            state["attributes"]["currency"].replace("_", " ")
            for state in (await user.states()).values()
            if "balance_usd" in state["attributes"] and float(state["state"])
        }
        assert len(funded) >= 8
        for currency in funded:
            tile = page.locator("hui-tile-card").filter(has_text=currency).first
            await expect(tile.locator("img")).to_have_count(1)
        if size == DESKTOP:
            await _expect_log(user)
        await _expect_no_error(user)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], "scrolls sideways"
        await user.take_picture(name)
        charts = page.locator("hui-statistics-graph-card")
        await charts.first.scroll_into_view_if_needed()
        await expect(charts.first.locator("canvas").first).to_be_visible()
        await _expect_log(user)
    await user.look(DESKTOP)


async def _expect_log(user: User) -> None:
    await expect(user.page.locator("hui-logbook-card")).to_contain_text(
        re.compile(r"\+[\d.]+ \([\d.]+ USD\)"), timeout=POLL_TIMEOUT
    )


async def see_payment(stage: Stage) -> None:
    """See first payments without a reload, also one during an outage."""
    user, sandbox = stage.user, stage.demo.sandbox
    merchant = sandbox.merchant
    tiles = user.page.locator("hui-tile-card")
    await user.open(f"/{DASHBOARD}")
    await user.page.evaluate("window.isTheSamePage = true")
    await expect(user.page.locator("hui-distribution-card")).to_be_visible()
    for fault in (None, Status(503)):
        sandbox.fault = fault
        if fault:
            unavailable = await user.localize("state.default.unavailable")
            await expect(tiles.first).to_contain_text(unavailable, timeout=POLL_TIMEOUT)
        empty = (code for code in merchant.listed if not merchant.balances[code])
        code = min(empty)
        tile = tiles.filter(has_text=code.replace("_", " "))
        await expect(tile).to_have_count(0)
        # Small enough for the pictures to stay as they are.
        amount = (50 / merchant.rate(code)).quantize(Decimal("0.00000001"))
        merchant.payment(code, amount)
        sandbox.fault = None
        await expect(tile.first).to_be_visible(timeout=POLL_TIMEOUT)
    assert await user.page.evaluate("window.isTheSamePage")


async def see_examples(stage: Stage) -> None:
    """See the plain dashboard, and the cards and dashboards on the docs' pages."""
    examples = [
        example
        for page in PAGES
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        if isinstance(example := yaml.safe_load(block), dict)
    ]
    cards = [
        example
        for example in examples
        if not example.get("type", "custom:").startswith("custom:")
    ]
    plain = yaml.safe_load(PLAIN_DASHBOARD.read_text())
    plain["views"].append({"title": "Examples", "path": "examples", "cards": cards})
    [strategy] = [
        example for example in examples if example.get("type") == "custom:cryptocloud"
    ]
    assert len(cards) >= 3
    await _see_dashboard(stage, plain, "examples")
    await _see_dashboard(stage, {"strategy": strategy})


async def _see_dashboard(stage: Stage, config: dict[str, Any], *paths: str) -> None:
    user = stage.user
    dashboard = await user.call(
        "lovelace/dashboards/create", title="Example", url_path="an-example"
    )
    await user.call("lovelace/config/save", config=config, url_path="an-example")
    for path in ("", *paths):
        await user.open(f"/an-example/{path}")
        await expect(user.page.locator("ha-card").first).to_be_visible()
        # A card that is not known has two seconds to come.
        await user.page.wait_for_timeout(3000)
        await _expect_no_error(user)
    # The frontend has no page for a dashboard without views.
    await user.open()
    await user.call("lovelace/dashboards/delete", dashboard_id=dashboard["id"])


async def _expect_no_error(user: User) -> None:
    await expect(user.page.locator("hui-error-card, hui-warning")).to_have_count(0)


async def note_errors(stage: Stage) -> None:
    """Note what the console says without the integration."""
    user = stage.user
    for path in ("/config/integrations/dashboard", DASHBOARDS, AUTOMATION, "/home"):
        await user.open(path)
        await user.page.wait_for_timeout(2000)
    stage.known_errors = set(user.errors)
    assert not await user.states()


async def add_integration(stage: Stage) -> None:
    """Add the integration, with a bad key first."""
    user = stage.user
    await user.open(ADD)
    await user.confirm()
    key = user.flow.locator("input[type=password]")
    await key.fill(BAD_KEY)
    await user.submit()
    await expect(user.flow.locator("ha-alert")).to_contain_text(
        stage.texts["config"]["error"]["invalid_auth"]
    )
    await user.take_picture("bad-key")
    await key.fill(GOOD_KEY)
    await user.submit()
    await expect(user.flow.get_by_text("CryptoCloud").first).to_be_visible()
    await expect(key).to_have_count(0)
    await user.finish()


async def see_device(stage: Stage) -> None:
    """See the sensors on the device's page."""
    user = stage.user
    await user.open(INTEGRATION)
    device = await user.page.evaluate(
        """Object.values(document.querySelector("home-assistant").hass.entities)
        .find((entity) => entity.platform === "cryptocloud").device_id"""
    )
    await user.open(f"/config/devices/device/{device}")
    card = user.page.locator("ha-device-entities-card").first
    for text in ("USDT TRC20", "BTC"):
        await expect(card.get_by_text(text, exact=True)).to_be_visible()
    await user.take_picture("device")


async def add_dashboard(stage: Stage) -> None:
    """Add the dashboard."""
    user, page = stage.user, stage.user.page
    await user.open(DASHBOARDS)
    await page.locator("ha-config-lovelace-dashboards ha-button[slot=fab]").click()
    card = page.locator("dashboard-card").filter(has_text="CryptoCloud")
    await card.scroll_into_view_if_needed()
    await user.take_picture("add-dashboard")
    await card.click()
    dialog = page.locator("dialog-lovelace-dashboard-detail")
    await dialog.locator("[slot=primaryAction]:visible").click()
    await expect(dialog.locator("ha-dialog:visible")).to_have_count(0)
    await _open_dashboard(user)
    await expect(page.locator("hui-tile-card").first).to_be_visible()
    # Their values have no sensors yet.
    await expect(page.locator("hui-markdown-card")).to_contain_text("BTC\xa033.1\xa0%")
    await page.locator("hui-button-card").click()
    # Half a minute after sensors were enabled, Home Assistant reloads them, too.
    stage.settled = monotonic() + 40
    await expect(page.locator("hui-distribution-card")).to_contain_text("BTC")
    await expect(page.locator("hui-button-card")).to_have_count(0)


async def _open_dashboard(user: User) -> None:
    [path] = [
        dashboard["url_path"]
        for dashboard in await user.call("lovelace/dashboards/list")
        if dashboard["title"] == "CryptoCloud"
    ]
    await user.open(f"/{path}")


async def make_automation(stage: Stage) -> None:
    """Make an automation in the editor and have it started by a payment."""
    user, page = stage.user, stage.user.page
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
    await page.wait_for_function(
        "document.querySelector('home-assistant').hass.states['automation.paid']"
    )
    stage.demo.sandbox.merchant.payment("BTC", Decimal("0.5"))
    await page.wait_for_function(
        "document.querySelector('home-assistant')"
        ".hass.states['automation.paid'].attributes.last_triggered",
        timeout=POLL_TIMEOUT,
    )


async def change_options(stage: Stage) -> None:
    """Switch off pictures and empty currencies."""
    user, page = stage.user, stage.user.page
    await user.open(INTEGRATION)
    await page.locator("ha-config-entry-row ha-icon-button").nth(1).click()
    switches = user.flow.locator("ha-switch")
    await expect(switches).to_have_count(2)
    for index in range(2):
        await switches.nth(index).click()
    await user.submit()
    await expect(switches).to_have_count(0)
    await user.finish()
    await page.wait_for_function(
        """() => Object.values(document.querySelector("home-assistant").hass.states)
        .every((state) => !("icon_base" in state.attributes)
          || (Number(state.state) && !state.attributes.entity_picture))"""
    )
    assert any(HOST in url for url in user.requests)
    user.requests.clear()
    await _open_dashboard(user)
    await expect(page.locator("hui-tile-card").first).to_be_visible()
    await page.wait_for_timeout(2000)


async def replace_key(stage: Stage) -> None:
    """Replace a revoked key in the dialog that asks for another."""
    user, page = stage.user, stage.user.page
    # A reload would end the dialog.
    await asyncio.sleep(max(0, stage.settled - monotonic()))
    stage.demo.sandbox.revoke(GOOD_KEY)
    await user.open(INTEGRATION)
    name = await user.localize("ui.panel.config.integrations.reconfigure")
    button = page.get_by_role("button", name=name, exact=True)
    await button.click(timeout=POLL_TIMEOUT)
    await user.flow.locator("input[type=password]").fill(SECOND_KEY)
    await user.take_picture("new-key")
    await user.submit()
    await expect(user.flow.locator("input")).to_have_count(0)
    await expect(button).to_have_count(0)
    await page.wait_for_function(
        "document.querySelector('home-assistant').hass"
        ".states['sensor.cryptocloud_total_balance'].state > 0"
    )


async def download_diagnostics(stage: Stage) -> None:
    """Download diagnostics, which have no key."""
    user, page = stage.user, stage.user.page
    await user.open(INTEGRATION)
    await page.locator("ha-config-entry-row ha-icon-button").nth(2).click()
    async with page.expect_download() as info:
        await page.locator("ha-config-entry-row a[href*=diagnostics]").click()
    diagnostics = await info.value
    with TemporaryDirectory() as folder:
        file = Path(folder) / "diagnostics.json"
        await diagnostics.save_as(file)
        text = file.read_text()
    assert "funded_currencies" in text
    for key in (GOOD_KEY, SECOND_KEY):
        assert not any(part in text for part in key.split(".")[1:])


async def remove(stage: Stage) -> None:
    """Remove the integration, of which nothing stays."""
    user, page = stage.user, stage.user.page
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


async def check_requests(stage: Stage) -> None:
    """Check that nothing was asked of other servers since then."""
    assert stage.user.requests
    assert all(
        url.startswith((f"{stage.demo.url}/", "blob:", "data:"))
        for url in stage.user.requests
    ), {url for url in stage.user.requests if not url.startswith(stage.demo.url)}


async def check_errors(stage: Stage) -> None:
    """Check that the console has no error of the integration."""
    new = set(stage.user.errors) - stage.known_errors
    assert not new, "\n".join(sorted(new))


type Step = Callable[[Stage], Awaitable[None]]

DASHBOARD_STEPS: tuple[Step, ...] = (
    see_dashboard,
    see_examples,
    see_payment,
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
