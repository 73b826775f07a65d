"""Tests of the dashboard strategy alone, with made-up states in an empty page."""

from typing import Any

from playwright.async_api import Page

from tools.demo.home_assistant import REPOSITORY

from .user import PHONE, open_chromium

MODULE = REPOSITORY / "custom_components" / "cryptocloud" / "frontend" / "dashboard.js"

type Card = dict[str, Any]
type Hass = dict[str, Any]

# What the module needs of a page of Home Assistant
_START = """async (module) => {
  customElements.define("home-assistant", class extends HTMLElement {});
  window.app = document.body.appendChild(document.createElement("home-assistant"));
  window.customStrategies = [{ type: "another" }];
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = module;
  document.head.append(script);
  window.strategy = await customElements.whenDefined("ll-strategy-dashboard-cryptocloud");
}"""
_GENERATE = """([config, { registry, ...hass }]) => {
  hass.callWS = async ({ entity_ids }) =>
    Object.fromEntries(entity_ids.map((id) => [id, registry[id]]));
  return strategy.generate(config, hass);
}"""
_SHOULD_REGENERATE = """([old, states, changes]) => strategy.shouldRegenerate({}, old,
  { ...old, ...changes, states: { ...old.states, ...states } })"""
_SHOW_VALUES = """([ids, registry, error]) => new Promise((resolve) => {
  const calls = [];
  app.hass = {
    callWS: async ({ type, ...data }) => {
      if (error) throw error;
      if (type.endsWith("/list")) return registry;
      calls.push(data);
    },
    callApi: async (method, path) => {
      calls.push(path);
      setTimeout(resolve, 0, calls);
    },
  };
  app.addEventListener("hass-notification", (event) => resolve(event.detail.message));
  for (const detail of [{}, { cryptocloud: { show_values_of: ids } }]) {
    window.dispatchEvent(new CustomEvent("ll-custom", { detail }));
  }
})"""


def make_hass(**balances: str) -> Hass:
    """Return what a page knows of an account with totals, an event and balances."""
    hass: Hass = {
        "language": "en",
        "user": {"is_admin": True},
        "devices": {"shop": {"name": "Shop", "name_by_user": None}},
        "entities": {},
        "registry": {},
        "states": {},
    }
    for key in ("total_balance", "total_available_balance", "balance_change"):
        add_entity(hass, key, key)
    for name, state in balances.items():
        add_entity(hass, name, "balance", state)
    return hass


def add_entity(
    hass: Hass, name: str, key: str, state: str = "1", *, device: str = "shop"
) -> None:
    """Add an entity to what a page knows."""
    entity_id = f"sensor.{name}"
    hass["entities"][entity_id] = {
        "entity_id": entity_id,
        "device_id": device,
        "platform": "cryptocloud",
        "translation_key": key,
        "name": name.upper(),
    }
    hass["registry"][entity_id] = {"unique_id": f"{name.partition('_')[0]}:{key}"}
    is_known = state.replace(".", "").isdecimal()
    hass["states"][entity_id] = {
        "state": state,
        "attributes": {
            "unit_of_measurement": name.partition("_")[0].upper(),
            "balance_usd": float(state) if is_known else None,
        },
    }


async def generate(page: Page, hass: Hass, **config: Any) -> list[Card]:
    """Return the views that the strategy makes."""
    views: list[Card] = (await page.evaluate(_GENERATE, [config, hass]))["views"]
    return views


async def find_cards(page: Page, hass: Hass, kind: str, **config: Any) -> list[Card]:
    """Return the cards of a type that the strategy makes, in their order."""
    return [
        card
        for view in await generate(page, hass, **config)
        for section in view["sections"]
        for card in section["cards"]
        if card["type"] == kind
    ]


async def find_balances(page: Page, hass: Hass) -> list[str]:
    """Return the balances that have a tile; the totals come before them."""
    tiles = await find_cards(page, hass, "tile")
    assert [tile["name"] for tile in tiles[:2]] == ["Total balance", "Available"]
    return [tile["name"] for tile in tiles[2:]]


async def check_balances(page: Page) -> None:
    """Show a tile for each funded currency, the most valuable first."""
    hass = make_hass(usdt="5", ada="0.00000001", eth="70", ton="0", btc="5")
    assert await find_balances(page, hass) == ["ETH", "BTC", "USDT", "ADA"]


async def check_unknown_balances(page: Page) -> None:
    """Show balances that are not known, after the others."""
    hass = make_hass(btc="unavailable", eth="unknown", ton="0", usdt="1")
    assert await find_balances(page, hass) == ["USDT", "BTC", "ETH"]


async def check_other_entities(page: Page) -> None:
    """Leave out hidden entities, those of other integrations and those without a state."""
    hass = make_hass(btc="1", eth="2", ton="3", usdt="4", xmr="5")
    hass["entities"]["sensor.btc"]["hidden"] = True
    hass["entities"]["sensor.eth"]["platform"] = "other"
    del hass["entities"]["sensor.ton"]["device_id"]
    del hass["states"]["sensor.usdt"]
    assert await find_balances(page, hass) == ["XMR"]
    assert len(await generate(page, hass)) == 1


async def check_phone(page: Page) -> None:
    """Leave out graphs beside the balances on a phone."""
    hass = make_hass(btc="1")
    assert "features" in (await find_cards(page, hass, "tile"))[2]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    tiles = await find_cards(page, hass, "tile")
    assert ["features" in tile for tile in tiles] == [True, True, False]


async def check_no_funds(page: Page) -> None:
    """Say that there are no funds."""
    [view] = await generate(page, make_hass(btc="0"))
    now, past = (section["cards"] for section in view["sections"])
    assert now[-1]["content"] == "No funds yet."
    types = [card["type"] for card in now[:-1] + past]
    assert types == [
        *("heading", "tile", "tile", "heading"),
        *("heading", "history-graph", "heading", "logbook"),
    ]


async def check_no_account(page: Page) -> None:
    """Say where to add an account if there is none."""
    [view] = await generate(page, make_hass() | {"entities": {}})
    [card] = view["cards"]
    assert "Devices & services" in card["content"]


async def check_accounts(page: Page) -> None:
    """Show a view for each account, by name, with its own entities."""
    hass = make_hass(btc="1")
    hass["devices"]["kiosk"] = {"name": "Zoo", "name_by_user": "Kiosk"}
    add_entity(hass, "eth", "balance", device="kiosk")
    kiosk, shop = await generate(page, hass)
    assert [kiosk["title"], shop["title"]] == ["Kiosk", "Shop"]
    assert [kiosk["path"], shop["path"]] == ["kiosk", "shop"]
    assert "BTC" not in str(kiosk)
    assert "ETH" not in str(shop)
    # Without totals and an event there is nothing to show of the past but receipts.
    assert [card["type"] for card in kiosk["sections"][1]["cards"]] == [
        "heading",
        "heading",
        "statistics-graph",
    ]


async def check_options(page: Page) -> None:
    """Show a day of history and two weeks of receipts, or what the options say."""
    hass = make_hass(btc="1")
    for options in ({}, {"hours_to_show": 0.25, "days_to_show": 3}):
        hours, days = options.get("hours_to_show", 24), options.get("days_to_show", 14)
        tiles = await find_cards(page, hass, "tile", **options)
        assert {tile["features"][0]["hours_to_show"] for tile in tiles} == {hours}
        for kind, key, value in (
            ("history-graph", "hours_to_show", hours),
            ("logbook", "hours_to_show", hours),
            ("statistics-graph", "days_to_show", days),
        ):
            [card] = await find_cards(page, hass, kind, **options)
            assert card[key] == value


async def check_changes(page: Page) -> None:
    """Show what the event says, without its states."""
    [card] = await find_cards(page, make_hass(), "logbook")
    assert card["target"] == {"entity_id": ["sensor.balance_change"]}
    assert card["state_filter"] == ["increased", "decreased"]


async def check_receipts(page: Page) -> None:
    """Share a chart between the networks of a coin, not between coins."""
    hass = make_hass(usdt_trc20="5", btc="6", usdt_bsc="7")
    charts = await find_cards(page, hass, "statistics-graph")
    assert [
        (chart["title"], chart["hide_legend"], [e["name"] for e in chart["entities"]])
        for chart in charts
    ] == [("USDT", False, ["USDT_BSC", "USDT_TRC20"]), ("BTC", True, ["BTC"])]


async def check_distribution(page: Page) -> None:
    """Show a distribution, in the colors of the tiles, if all values have sensors."""
    hass = make_hass(btc="1", eth="2", ton="0")
    add_entity(hass, "btc_value", "usd_value")
    assert not await find_cards(page, hass, "distribution")
    add_entity(hass, "eth_value", "usd_value")
    [card] = await find_cards(page, hass, "distribution")
    tiles = (await find_cards(page, hass, "tile"))[2:]
    assert [(e["entity"], e["name"], e["color"]) for e in card["entities"]] == [
        (f"{tile['entity']}_value", tile["name"], tile["color"]) for tile in tiles
    ]
    assert len({tile["color"] for tile in tiles}) == 2
    assert not await find_cards(page, hass, "markdown")


async def check_shares(page: Page) -> None:
    """Show the shares as text without those, and the button to administrators only."""
    hass = make_hass(btc="1", eth="2")
    [card] = await find_cards(page, hass, "markdown")
    assert '["sensor.eth","sensor.btc"]' in card["content"]
    [button] = await find_cards(page, hass, "button")
    shown = button["tap_action"]["cryptocloud"]["show_values_of"]
    assert shown == ["sensor.eth", "sensor.btc"]
    for user in ({"is_admin": False}, None):
        assert not await find_cards(page, hass | {"user": user}, "button")


async def check_button(page: Page) -> None:
    """Enable the values of these balances with the button, or say what went wrong."""
    registry = [
        {
            "entity_id": f"{platform}.{name}_{key}",
            "unique_id": f"{name}:{key}",
            "platform": platform,
            "config_entry_id": "entry",
            "disabled_by": None if name == "eth" else "integration",
        }
        for name in ("btc", "eth", "ton", "usdt")
        for key in ("balance", "usd_value")
        for platform in ("cryptocloud", "other")
    ]
    ids = [f"cryptocloud.{name}_balance" for name in ("btc", "eth", "usdt")]
    assert await page.evaluate(_SHOW_VALUES, [ids, registry, None]) == [
        {"entity_id": "cryptocloud.btc_usd_value", "disabled_by": None},
        {"entity_id": "cryptocloud.usdt_usd_value", "disabled_by": None},
        "config/config_entries/entry/entry/reload",
    ]
    message = "Not allowed"
    for error in ({"message": message}, {"body": {"message": message}}):
        assert await page.evaluate(_SHOW_VALUES, [ids, registry, error]) == message


async def check_languages(page: Page) -> None:
    """Use the words of the language, or English ones."""
    for language, word in (
        ("de-CH", "Verfügbar"),
        ("pt-BR", "Disponível"),
        ("xx", "Available"),
    ):
        hass = make_hass() | {"language": language}
        assert (await find_cards(page, hass, "tile"))[1]["name"] == word


async def check_regeneration(page: Page) -> None:
    """Make the dashboard again if other cards are needed, not at every payment."""
    hass = make_hass(btc="1", eth="0")
    await generate(page, hass)
    for name, state, expected in (
        ("btc", "2", False),
        ("btc", "unavailable", False),
        ("eth", "unavailable", False),
        ("eth", "3", True),
        ("btc", "0", True),
        ("total_balance", "0", False),
    ):
        states = {f"sensor.{name}": {"state": state, "attributes": {}}}
        result = await page.evaluate(_SHOULD_REGENERATE, [hass, states, {}])
        assert result is expected, (name, state)
    for key in ("entities", "devices", "language"):
        assert await page.evaluate(_SHOULD_REGENERATE, [hass, {}, {key: {}}]), key


async def check_suggestion(page: Page) -> None:
    """Be suggested where dashboards are added, in the language of the page."""
    await page.evaluate("app.hass = { language: 'ru' }")
    _, suggestion = await page.evaluate("customStrategies")
    assert suggestion["type"] == "cryptocloud"
    assert suggestion["strategyType"] == "dashboard"
    assert suggestion["description"].startswith("Балансы")


async def test_strategy() -> None:
    """Run the checks, each in a page of its own."""
    async with open_chromium() as context:
        for name, check in list(globals().items()):
            if name.startswith("check_"):
                page = await context.new_page()
                await page.evaluate(_START, MODULE.read_text())
                await check(page)
                await page.close()
                print(f"strategy: {check.__doc__}")
