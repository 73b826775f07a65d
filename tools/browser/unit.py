"""Tests of the dashboard strategy alone, with made-up states in an empty page."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page

from tools.demo.home_assistant import REPOSITORY

from .user import open_chromium

MODULE = REPOSITORY / "custom_components" / "cryptocloud" / "frontend" / "dashboard.js"

type Hass = dict[str, Any]
type Card = dict[str, Any]


def make_hass(**balances: str) -> Hass:
    """Return what the page knows of an account with totals, an event and balances."""
    hass: Hass = {
        "language": "en",
        "user": {"is_admin": True},
        "devices": {"device": {"name": "Shop", "name_by_user": None}},
        "entities": {},
        "states": {},
    }
    keys = ("total_balance", "total_available_balance", "balance_change")
    for name in (*keys, *balances):
        entity_id = f"sensor.{name}"
        hass["entities"][entity_id] = {
            "entity_id": entity_id,
            "device_id": "device",
            "platform": "cryptocloud",
            "translation_key": name if name in keys else "balance",
            "name": name.replace("_", " ").upper(),
        }
        hass["states"][entity_id] = {
            "state": balances.get(name, "1"),
            "attributes": {
                "unit_of_measurement": name.partition("_")[0].upper(),
                "balance_usd": float(balances[name])
                if balances.get(name, "").replace(".", "").isdecimal()
                else None,
            },
        }
    return hass


async def generate(page: Page, hass: Hass, **config: Any) -> list[Card]:
    """Return the views that the strategy makes."""
    dashboard: Card = await page.evaluate(
        """([config, hass]) => {
          hass.callWS = async ({ entity_ids }) => Object.fromEntries(
            entity_ids.map((id) => [id, { unique_id: `${id}:balance` }]));
          return strategy.generate(config, hass);
        }""",
        [config, hass],
    )
    views: list[Card] = dashboard["views"]
    return views


def find_cards(views: list[Card], kind: str) -> list[Card]:
    """Return the cards of a type, in their order."""
    return [
        card
        for view in views
        for section in view["sections"]
        for card in section["cards"]
        if card["type"] == kind
    ]


async def check_tiles_are_sorted_by_value(page: Page) -> None:
    """Show a tile for each funded currency, the most valuable first."""
    hass = make_hass(btc="5", eth="70", ton="0", usdt="6")
    tiles = find_cards(await generate(page, hass), "tile")
    assert [tile["entity"] for tile in tiles[2:]] == [
        "sensor.eth",
        "sensor.usdt",
        "sensor.btc",
    ]
    assert [tile["name"] for tile in tiles[:2]] == ["Total balance", "Available"]


async def check_unknown_balances_are_shown(page: Page) -> None:
    """Take no balance for zero in an outage."""
    hass = make_hass(btc="unavailable", eth="unknown")
    tiles = find_cards(await generate(page, hass), "tile")
    assert [tile["entity"] for tile in tiles[2:]] == ["sensor.btc", "sensor.eth"]


async def check_empty_account_says_so(page: Page) -> None:
    """Say that there are no funds."""
    views = await generate(page, make_hass(btc="0"))
    [card] = find_cards(views, "markdown")
    assert card["content"] == "No funds yet."
    assert find_cards(views, "statistics-graph") == []


async def check_no_account_says_what_to_do(page: Page) -> None:
    """Say where to add an account if there is none."""
    hass = make_hass() | {"entities": {}}
    [view] = await generate(page, hass)
    [card] = view["cards"]
    assert "Devices & services" in card["content"]


async def check_one_chart_per_unit(page: Page) -> None:
    """Share a chart between the networks of a coin, not between coins."""
    hass = make_hass(usdt_trc20="5", usdt_bsc="7", btc="1")
    charts = find_cards(await generate(page, hass, days_to_show=3), "statistics-graph")
    assert {chart["title"]: len(chart["entities"]) for chart in charts} == {
        "USDT": 2,
        "BTC": 1,
    }
    assert {chart["days_to_show"] for chart in charts} == {3}


async def check_words_follow_the_language(page: Page) -> None:
    """Take the words of the language, or English ones."""
    for language, words in (
        ("de-CH", "Verfügbar"),
        ("ru", "Доступно"),
        ("xx", "Available"),
    ):
        hass = make_hass(btc="1") | {"language": language}
        tiles = find_cards(await generate(page, hass), "tile")
        assert tiles[1]["name"] == words, language


async def check_other_entities_are_left_out(page: Page) -> None:
    """Leave out hidden entities and those of other integrations."""
    hass = make_hass(btc="1", eth="2")
    hass["entities"]["sensor.btc"]["hidden"] = True
    hass["entities"]["sensor.eth"]["platform"] = "other"
    assert len(find_cards(await generate(page, hass), "tile")) == 2


async def check_regenerates_for_first_funds_only(page: Page) -> None:
    """Make the dashboard again if tiles are missing, not for every payment."""
    before = make_hass(btc="1", eth="0")
    await generate(page, before)
    for changes, expected in (
        ({"sensor.btc": "2"}, False),
        ({"sensor.eth": "unavailable"}, False),
        ({"sensor.eth": "3"}, True),
        ({"sensor.btc": "0"}, True),
    ):
        regenerates = await page.evaluate(
            """([old, changes]) => {
              const states = { ...old.states };
              for (const [id, state] of Object.entries(changes)) {
                states[id] = { ...states[id], state };
              }
              return strategy.shouldRegenerate({}, old, { ...old, states });
            }""",
            [before, changes],
        )
        assert regenerates is expected, changes


CHECKS: tuple[Callable[[Page], Awaitable[None]], ...] = (
    check_tiles_are_sorted_by_value,
    check_unknown_balances_are_shown,
    check_empty_account_says_so,
    check_no_account_says_what_to_do,
    check_one_chart_per_unit,
    check_words_follow_the_language,
    check_other_entities_are_left_out,
    check_regenerates_for_first_funds_only,
)


async def test_strategy(say: Callable[[str], None]) -> None:
    """Run the checks, each in a page of its own."""
    async with open_chromium() as context:
        for check in CHECKS:
            page = await context.new_page()
            await page.evaluate(
                "customElements.define('home-assistant', class extends HTMLElement {})"
            )
            await page.add_script_tag(content=MODULE.read_text(), type="module")
            await page.evaluate(
                """async () => {
                  const name = "ll-strategy-dashboard-cryptocloud";
                  window.strategy = await customElements.whenDefined(name);
                }"""
            )
            await check(page)
            await page.close()
            say(f"strategy: {check.__doc__}")
