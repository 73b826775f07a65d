"""Tests of the dashboard strategy alone, with made-up states in an empty page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import BrowserContext, Page, Route, expect

from tools.demo.home_assistant import REPOSITORY

from .user import keep_trace, open_chromium

FOLDER = REPOSITORY / "custom_components" / "cryptocloud" / "frontend"
URL = "http://dashboard.test"
# A currency's code, which names its sensors
MARKUP = "<ha-alert>![](x)[pay](y)`{{ 1 }}`"

REGISTRY = "config/entity_registry/get_entries"
LAST_KNOWN = "cryptocloud/last_known"
HISTORY = "history/history_during_period"
STATISTICS = "recorder/statistics_during_period"

type Card = dict[str, Any]
type Hass = dict[str, Any]

# What the module needs of a page of Home Assistant
_START = """async () => {
  customElements.define("home-assistant", class extends HTMLElement {});
  window.app = document.body.appendChild(document.createElement("home-assistant"));
  window.listed = window.customStrategies = [{ type: "another" }];
  await import("/dashboard.js");
  window.strategy = customElements.get("ll-strategy-dashboard-cryptocloud");
  window.section = customElements.get("ll-strategy-section-cryptocloud");
  window.make = ({ answers, ...hass }) => ({
    ...hass,
    callWS: async ({ type, entity_ids: entities, statistic_ids: ids = entities ?? [] }) => {
      if (!(type in answers)) throw new Error(`Unknown command ${type}`);
      const [key, ...others] = ids;
      const more = others.flatMap((id) => id in answers ? [[id, answers[id]]] : []);
      return type.endsWith("get_entries") ? answers[type]
        : type.endsWith("_during_period")
          ? { [key]: answers[type], ...Object.fromEntries(more) } : answers[type];
    },
    formatEntityState: ({ state, attributes: { unit_of_measurement: unit, device_class } }) =>
      device_class ? `${device_class} ${state}`
        : unit === "USD" ? `$${state}` : `${state.replace(".", ",")} ${unit}`,
  });
}"""
# For the dashboard that was made last: Home Assistant hands over the same object again.
_SHOULD_REGENERATE = """([old, states, changes]) => strategy.shouldRegenerate(config, make(old),
  { ...make(old), ...changes, states: { ...old.states, ...states } })"""
# Microseconds for each of many state changes, all in other integrations
_COST = """(hass) => {
  const old = make(hass);
  for (let i = 0; i < 5000; i++) {
    const id = `sensor.foreign_${i}`;
    old.entities[id] = { entity_id: id, platform: "other", device_id: "other" };
    old.states[id] = { state: "1", attributes: {} };
  }
  const config = {};
  strategy.shouldRegenerate(config, old, old);
  const changed = Array.from({ length: 50 }, (_, i) => ({ ...old, states: { ...old.states,
    [`sensor.foreign_${i}`]: { state: "2", attributes: {} } } }));
  const start = performance.now();
  for (let i = 0; i < 200; i++) {
    for (const hass of changed) strategy.shouldRegenerate(config, old, hass);
  }
  return (performance.now() - start) / 200 / changed.length * 1000;
}"""
_SHOW = """([hass, config]) => {
  const element = document.createElement(config.type.replace("custom:", ""));
  element.setConfig(config);
  document.body.append(element);
  window.shown = element;
  element.hass = make(hass);
}"""


def ago(**time: float) -> datetime:
    """Return a time in the past."""
    return datetime.now(UTC) - timedelta(**time)


def record(state: str, **time: float) -> dict[str, Any]:
    """Return a state of the past, as the recorder has it."""
    return {"s": state, "lu": ago(**time).timestamp()}


def record_day(start: datetime) -> dict[str, float]:
    """Return the statistics of a day in Home Assistant's time zone."""
    return {
        "start": start.timestamp() * 1000,
        "end": (start + timedelta(days=1)).timestamp() * 1000,
    }


def make_hass(**balances: str) -> Hass:
    """Return what a page knows of a settled account with some balances."""
    hass: Hass = {
        "language": "en",
        "user": {"is_admin": True},
        "devices": {"shop": {"name": "Shop", "name_by_user": None}},
        "entities": {},
        "states": {},
        "answers": {
            REGISTRY: {},
            LAST_KNOWN: {"values": {}, "rejected": []},
            "manifest/get": {"documentation": "https://example.com/docs"},
            HISTORY: [record("1", days=20), record("2", minutes=1)],
            STATISTICS: [record_day(ago(days=9))],
        },
    }
    for key in ("total_balance", "total_available_balance", "received", "withdrawn"):
        add_entity(hass, key, key)
    add_entity(hass, "balance_change", "balance_change", ago(hours=1).isoformat())
    for name, state in balances.items():
        add_entity(hass, name, "balance", state)
        add_entity(hass, f"{name}_value", "usd_value", state)
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
    code = name.removesuffix("_value")
    hass["answers"][REGISTRY][entity_id] = {
        "unique_id": f"{code}:{key}",
        "config_entry_id": device,
        "modified_at": ago(days=20).timestamp(),
    }
    unit = code.partition("_")[0].upper() if key == "balance" else "USD"
    hass["states"][entity_id] = {
        "state": state,
        "last_changed": ago(minutes=5).isoformat(),
        "attributes": {"unit_of_measurement": unit},
    }
    if state.replace(".", "").isdecimal():
        hass["states"][entity_id]["attributes"]["balance_usd"] = float(state)


def fail(hass: Hass) -> Hass:
    """Return what a page knows in an outage."""
    states = {
        entity_id: state | {"state": "unavailable", "attributes": {}}
        for entity_id, state in hass["states"].items()
    }
    return hass | {"states": states}


def answer(hass: Hass, command: str, result: Any) -> Hass:
    """Return what a page knows, with another answer to a command, or with none."""
    answers = hass["answers"] | {command: result}
    if result is None:
        del answers[command]
    return hass | {"answers": answers}


async def generate(page: Page, hass: Hass, **config: Any) -> list[Card]:
    """Return the views that the strategy makes."""
    views: list[Card] = await page.evaluate(
        """async ([config, hass]) => {
          window.config = config;
          return (await strategy.generate(config, make(hass))).views;
        }""",
        [config, hass],
    )
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


async def find_sentences(page: Page, hass: Hass) -> list[str]:
    """Return what is said to a user for whom nothing is unavailable."""
    return [
        card["content"]
        for card in await find_cards(page, hass, "empty-state")
        if card.get("content_only")
        and all(
            (hass["states"][entity]["state"] in only["state"])
            if "state" in only
            else (hass["states"][entity]["state"] not in only["state_not"])
            for only in card.get("visibility", ())
            for entity in [only["entity"]]
        )
    ]


async def find_balances(page: Page, hass: Hass) -> list[str]:
    """Return the balances that have a tile, then those in the list."""
    tiles = await find_cards(page, hass, "tile")
    assert [tile["name"] for tile in tiles[:2]] == ["Total balance", "Available"]
    lists = await find_cards(page, hass, "custom:cryptocloud-amounts")
    return [
        card["name"] for card in (*tiles[2:], *(r for c in lists for r in c["rows"]))
    ]


async def check_parts(page: Page) -> None:
    """Answer the shop's questions in their order."""
    [view] = await generate(page, make_hass(btc="50", eth="70", usdt="0.5"))
    assert view["title"] == "Shop"
    assert [[card["type"] for card in part["cards"]] for part in view["sections"]] == [
        ["empty-state", "heading", "tile", "tile"],
        ["heading", *["statistic"] * 3, "statistics-graph"],
        ["heading", "empty-state", "logbook"],
        ["heading", "distribution", "tile", "tile", "custom:cryptocloud-amounts"],
        ["heading", "history-graph"],
    ]


async def check_balances(page: Page) -> None:
    """Show funded currencies, the most valuable first and small ones in a list."""
    hass = make_hass(usdt="5", ada="0.00000001", eth="70", ton="0", btc="5")
    assert await find_balances(page, hass) == ["ETH", "BTC", "USDT", "ADA"]
    [small] = await find_cards(page, hass, "custom:cryptocloud-amounts")
    assert [row["name"] for row in small["rows"]] == ["ADA"]


async def check_unknown_balances(page: Page) -> None:
    """Show balances that are not known, after the others."""
    hass = make_hass(btc="unavailable", eth="unknown", ton="0", usdt="1")
    values = {"btc:balance": None, "eth:balance": None}
    for last_known in (None, {"values": values, "rejected": []}):
        unknown = answer(hass, LAST_KNOWN, last_known)
        assert await find_balances(page, unknown) == ["USDT", "BTC", "ETH"]


async def check_no_registry(page: Page) -> None:
    """Show no value in place of another while the entity registry does not answer."""
    hass = make_hass(btc="5", eth="70")
    values = {"btc:balance": 5, "eth:balance": 70}
    hass = answer(hass, LAST_KNOWN, {"values": values, "rejected": []})
    silent = answer(hass, REGISTRY, None)
    assert await find_balances(page, silent) == ["ETH", "BTC"]
    assert not await find_cards(page, silent, "distribution")
    tiles = (await find_cards(page, silent, "tile"))[2:]
    assert not any(tile["features"][0]["rows"][0].get("value") for tile in tiles)
    # In an outage, it is not known which of them were empty.
    assert await find_balances(page, fail(silent)) == ["BTC", "ETH"]
    views = await page.evaluate(
        """async ([silent, hass]) => {
          const entities = silent.entities;
          await strategy.generate({}, make(silent));
          return (await strategy.generate({}, make({ ...hass, entities }))).views;
        }""",
        [silent, hass],
    )
    assert "sensor.eth_value" in str(views)


async def check_many_balances(page: Page) -> None:
    """Show more than thirty currencies in a list, each in a color of its own."""
    hass = make_hass(**{f"c{number}": str(number + 1) for number in range(31)})
    assert len(await find_cards(page, hass, "tile")) == 2
    assert not await find_cards(page, hass, "distribution")
    [card] = await find_cards(page, hass, "custom:cryptocloud-amounts")
    assert [row["name"] for row in card["rows"]] == [f"C{n}" for n in range(30, -1, -1)]
    assert len({row["color"] for row in card["rows"]}) == 31


async def check_other_entities(page: Page) -> None:
    """Leave out hidden entities, those of other integrations and those without a state."""
    hass = make_hass(btc="1", eth="2", ton="3", usdt="4", xmr="5")
    hass["entities"]["sensor.btc"]["hidden"] = True
    hass["entities"]["sensor.eth"]["platform"] = "other"
    del hass["entities"]["sensor.ton"]["device_id"]
    del hass["states"]["sensor.usdt"]
    assert await find_balances(page, hass) == ["XMR"]
    assert len(await generate(page, hass)) == 1


async def check_payout_day(page: Page) -> None:
    """Keep what came in when all has been paid out."""
    hass = make_hass(btc="0")
    hass["states"]["sensor.total_balance"]["state"] = "0"
    assert await find_sentences(page, hass) == ["No currency holds funds right now."]
    assert len(await find_cards(page, hass, "statistic")) == 3
    [chart] = await find_cards(page, hass, "statistics-graph")
    names = [(entity["entity"], entity["name"]) for entity in chart["entities"]]
    assert names == [("sensor.received", "Received"), ("sensor.withdrawn", "Withdrawn")]
    # The user hid the only currency that holds funds.
    hass["states"]["sensor.total_balance"]["state"] = "0.5"
    assert not await find_sentences(page, hass)


async def check_outage(page: Page) -> None:
    """Change nothing in an outage but say since when, and what to do."""
    hass = make_hass(btc="5", eth="70", ton="0", usdt="900")
    values = {"btc:balance": 5, "eth:balance": 70, "usdt:balance": 900}
    failed = answer(fail(hass), LAST_KNOWN, {"values": values, "rejected": []})
    began = ago(days=3)
    restart = [record("unknown", days=1), record("unavailable", days=1)]
    history = [record("1", days=9), record("unavailable", days=3), *restart]
    failed = answer(failed, HISTORY, history)
    assert await find_balances(page, failed) == await find_balances(page, hass)
    card = (await find_cards(page, failed, "empty-state"))[0]
    assert card["title"] == "Balances are unavailable"
    # As Home Assistant writes times for the user
    assert f"Since timestamp {began:%Y-%m-%dT%H:%M}" in card["content"]
    assert "retries automatically" in card["content"]
    log, help_ = (button["tap_action"] for button in card["buttons"])
    assert log["navigation_path"] == "/config/logs?filter=cryptocloud"
    address = "https://example.com/docs/blob/main/docs/troubleshooting.md"
    assert help_["url_path"] == address
    for other in (hass, failed):
        [condition] = (await find_cards(page, other, "empty-state"))[0]["visibility"]
        assert condition["entity"] == "sensor.total_balance"
        assert condition["state"] == "unavailable"
    # What happened before it stays in sight.
    [log] = await find_cards(page, failed, "logbook")
    assert log["hours_to_show"] >= 4 * 24
    # Nothing that is unavailable is said to be empty.
    assert not await find_sentences(page, failed)
    empty = answer(failed, LAST_KNOWN, {"values": {}, "rejected": []})
    assert not await find_sentences(page, empty)
    # While a page loads, Home Assistant formats nothing yet.
    await page.evaluate("app.hass = { formatEntityState: () => 'today' }")
    card = (await find_cards(page, failed, "empty-state"))[0]
    assert "Since today." in card["content"]
    # Without the recorder
    failed = answer(failed, HISTORY, None)
    card = (await find_cards(page, failed, "empty-state"))[0]
    assert card["content"].startswith("Since ")


async def check_hidden_totals(page: Page) -> None:
    """Make do with the available balance, or without any total."""
    hass = make_hass(btc="5", eth="70")
    hass["entities"]["sensor.total_balance"]["hidden"] = True
    last_known = {"values": {"btc:balance": 5}, "rejected": ["shop"]}
    failed = answer(fail(hass), LAST_KNOWN, last_known)
    [card, *_] = await find_cards(page, failed, "empty-state")
    assert card["title"] == "CryptoCloud rejected the API key"
    assert card["content"].startswith("Since ")
    [condition] = card["visibility"]
    assert condition["entity"] == "sensor.total_available_balance"
    [graph] = await find_cards(page, hass, "history-graph")
    assert graph["hours_to_show"] == 24
    [card] = await find_cards(page, hass, "distribution")
    assert card["visibility"] == [
        {
            "condition": "state",
            "entity": "sensor.total_available_balance",
            "state_not": "unavailable",
        }
    ]
    states = {"sensor.total_available_balance": {"state": "unavailable"}}
    await generate(page, hass)
    assert await is_regenerated(page, hass, states=states)

    hass["entities"]["sensor.total_available_balance"]["hidden"] = True
    [view] = await generate(page, hass)
    assert [[card["type"] for card in part["cards"]] for part in view["sections"]] == [
        ["heading"],
        ["heading", *["statistic"] * 3, "statistics-graph"],
        ["heading", "empty-state", "logbook"],
        ["heading", "distribution", "tile", "tile"],
        [],
    ]
    assert not await find_sentences(page, answer(hass, HISTORY, None))
    for name in ("btc", "eth"):
        hass["states"][f"sensor.{name}"]["state"] = "0"
    assert not await find_sentences(page, hass)


async def check_rejected_key(page: Page) -> None:
    """Say that a new key is needed, with the link for those who may follow it."""
    last_known = {"values": {}, "rejected": ["shop"]}
    hass = answer(fail(make_hass(btc="1")), LAST_KNOWN, last_known)
    card = (await find_cards(page, hass, "empty-state"))[0]
    assert card["title"] == "CryptoCloud rejected the API key"
    assert "needs a new API key" in card["content"]
    path = card["buttons"][0]["tap_action"]["navigation_path"]
    assert path == "/config/integrations/integration/cryptocloud"
    user = answer(hass | {"user": {"is_admin": False}}, "manifest/get", None)
    assert (await find_cards(page, user, "empty-state"))[0]["buttons"] == []


async def check_first_hour(page: Page) -> None:
    """Say where figures will appear, without empty boxes."""
    hass = make_hass(btc="1")
    hass["states"]["sensor.balance_change"]["state"] = "unknown"
    hass = answer(hass, HISTORY, [record("1", minutes=50)])
    hass = answer(hass, STATISTICS, [])
    soon = "The first figures appear here within the hour."
    changes = "Payments and withdrawals appear here."
    assert await find_sentences(page, hass) == [soon, changes, soon]
    for kind in ("statistic", "statistics-graph", "history-graph"):
        assert not await find_cards(page, hass, kind)
    tiles = await find_cards(page, hass, "tile")
    assert not any(tile["features"] for tile in tiles[:2])
    [log] = await find_cards(page, hass, "logbook")
    [condition] = log["visibility"]
    assert "unknown" in condition["state_not"]
    # An outage, in which the state does not say that nothing has happened yet
    states = [{"s": "unknown", "lu": 1}, {"s": "unavailable", "lu": 2}]
    failed = answer(fail(hass), "sensor.balance_change", states)
    assert await find_sentences(page, failed) == [soon, changes, soon]
    [log] = await find_cards(page, failed, "logbook")
    [condition] = log["visibility"]
    assert "unavailable" in condition["state_not"]


async def check_first_day(page: Page) -> None:
    """Look back no further than there are figures."""
    hass = answer(make_hass(), HISTORY, [record("1", hours=2.5)])
    # The browser may have another day.
    hass = answer(hass, STATISTICS, [record_day(ago(hours=23.9))])
    names = [card["name"] for card in await find_cards(page, hass, "statistic")]
    assert names == ["Received today", "Received this month"]
    # There are no days to compare.
    assert not await find_cards(page, hass, "statistics-graph")
    [graph] = await find_cards(page, hass, "history-graph")
    assert graph["hours_to_show"] == 2
    tiles = await find_cards(page, hass, "tile")
    assert {tile["features"][0]["hours_to_show"] for tile in tiles} == {2}
    # The graph goes on with statistics, the trend does not.
    for days, hours in ((1.5, 2), (2.5, 24)):
        statistics = [record_day(ago(days=days))]
        hass = answer(hass, "sensor.total_balance", statistics)
        [graph] = await find_cards(page, hass, "history-graph")
        assert graph["hours_to_show"] == hours
        tiles = await find_cards(page, hass, "tile")
        assert {tile["features"][0]["hours_to_show"] for tile in tiles} == {2}


async def check_periods(page: Page) -> None:
    """Show what came in today, yesterday and this month, with room for millions."""
    cards = await find_cards(page, make_hass(), "statistic")
    assert [card["grid_options"]["columns"] for card in cards] == [12, 12, 12]
    assert [(card["name"], card["period"]["calendar"]) for card in cards] == [
        ("Received today", {"period": "day", "offset": 0}),
        ("Received yesterday", {"period": "day", "offset": -1}),
        ("Received this month", {"period": "month", "offset": 0}),
    ]
    assert {card["entity"] for card in cards} == {"sensor.received"}


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


async def check_options(page: Page) -> None:
    """Show a day of history and two weeks of receipts, or what the options say."""
    hass = make_hass(btc="1")
    nonsense: list[Any] = ["abc", -1, 0, None, True, 1e9, "", [], {}]
    names = ("hours_to_show", "days_to_show", "show")
    cases: list[tuple[float, int, dict[str, Any]]] = [
        (24, 14, {}),
        (0.25, 3, {"hours_to_show": 0.25, "days_to_show": 3}),
        (72, 30, {"hours_to_show": "72", "days_to_show": "30"}),
        *((24, 14, dict.fromkeys(names, value)) for value in nonsense),
    ]
    for hours, days, options in cases:
        tiles = (await find_cards(page, hass, "tile", **options))[:2]
        assert {tile["features"][0]["hours_to_show"] for tile in tiles} == {hours}
        [graph] = await find_cards(page, hass, "history-graph", **options)
        assert graph["hours_to_show"] == hours
        [log] = await find_cards(page, hass, "logbook", **options)
        assert log["hours_to_show"] == max(hours, 2)
        [chart] = await find_cards(page, hass, "statistics-graph", **options)
        assert chart["days_to_show"] == days


async def check_shown_parts(page: Page) -> None:
    """Show the parts that the options name, in the usual order."""
    hass = make_hass(btc="1")
    [view] = await generate(page, hass, show=["changes", "balance", "nonsense"])
    headings = [
        c["heading"] for s in view["sections"] for c in s["cards"] if "heading" in c
    ]
    assert headings == ["Shop", "Balance changes"]


async def check_changes(page: Page) -> None:
    """Show what the event says, without its states, back to the latest change."""
    hass = make_hass()
    [card] = await find_cards(page, hass, "logbook")
    assert card["target"] == {"entity_id": ["sensor.balance_change"]}
    assert card["state_filter"] == ["increased", "decreased"]
    hass["states"]["sensor.balance_change"]["state"] = ago(hours=50).isoformat()
    [card] = await find_cards(page, hass, "logbook")
    assert card["hours_to_show"] == 51
    failed = fail(hass)
    for age, is_shown in ((None, True), (90, True), (300, False)):
        if age:
            states = [{"s": ago(hours=age).isoformat()}, {"s": "unavailable"}]
            failed = answer(failed, "sensor.balance_change", states)
        # In an outage, the state does not say when the latest change was.
        sentences = await find_sentences(page, failed)
        assert ("Payments and withdrawals appear here." not in sentences) == is_shown
        [card] = await find_cards(page, failed, "logbook")
        assert card["hours_to_show"] >= min(age or 0, 240)
    # Home Assistant no longer has the change.
    hass["states"]["sensor.balance_change"]["state"] = ago(days=11).isoformat()
    assert await find_sentences(page, hass) == ["Payments and withdrawals appear here."]
    [card] = await find_cards(page, hass, "logbook", hours_to_show=24 * 14)
    [condition] = card["visibility"]
    assert condition["state_not"] == "unknown"


async def check_distribution(page: Page) -> None:
    """Show the shares in the colors of the tiles, of the values that have sensors."""
    hass = make_hass(btc="1", eth="2", usdt="3", ton="0")
    for hidden in (None, "usdt"):
        if hidden:
            hass["entities"][f"sensor.{hidden}_value"]["hidden"] = True
        [card] = await find_cards(page, hass, "distribution")
        tiles = (await find_cards(page, hass, "tile"))[2:]
        assert [(e["entity"], e["name"], e["color"]) for e in card["entities"]] == [
            (f"{tile['entity']}_value", tile["name"], tile["color"])
            for tile in tiles
            if tile["entity"] != f"sensor.{hidden}"
        ]
        assert len({tile["color"] for tile in tiles}) == 3
    del hass["entities"]["sensor.btc_value"]
    assert not await find_cards(page, hass, "distribution")


async def check_pictures(page: Page) -> None:
    """Show pictures, or icons if one of them does not load in two seconds."""
    hass = make_hass(btc="1", eth="2")
    for name in ("btc", "eth"):
        picture = f"{URL}/{name}.svg"
        hass["states"][f"sensor.{name}"]["attributes"]["entity_picture"] = picture

    async def send(route: Route) -> None:
        body = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
        await route.fulfill(body=body, content_type="image/svg+xml")

    async def hang(route: Route) -> None:
        await asyncio.sleep(3)
        await route.abort()

    async def fail(route: Route) -> None:
        await route.abort()

    await page.route("**/*.svg", send)
    tiles = (await find_cards(page, hass, "tile"))[2:]
    assert [tile["show_entity_picture"] for tile in tiles] == [True, True]
    for fault in (hang, fail):
        hass["states"]["sensor.eth"]["attributes"]["entity_picture"] += "?"
        await page.route("**/eth.svg*", fault)
        tiles = (await find_cards(page, hass, "tile"))[2:]
        assert [tile["show_entity_picture"] for tile in tiles] == [False, False]


async def check_amounts(page: Page) -> None:
    """Show amounts, values and shares as they change, and names as text."""
    hass = make_hass(btc="25", eth="75")
    hass["entities"]["sensor.btc"]["name"] = MARKUP
    hass["states"]["sensor.total_balance"]["state"] = "100"
    btc = {"amount": "sensor.btc", "value": "sensor.btc_value", "name": MARKUP}
    eth = {"amount": "sensor.eth", "value": "sensor.eth_value", "name": "ETH"}
    rows = [row | {"color": "red"} for row in (btc, eth)]
    config = {"type": "custom:cryptocloud-amounts", "total": "sensor.total_balance"}
    await page.evaluate(_SHOW, [hass, config | {"rows": rows}])
    card = page.locator("cryptocloud-amounts")
    await expect(card).to_have_text(f"{MARKUP}25 BTC$2525,0 %ETH75 ETH$7575,0 %")
    assert not await card.locator("ha-alert, img, a").count()

    await page.evaluate(
        """() => window.addEventListener("hass-more-info",
          (event) => { window.opened = event.detail.entityId; })"""
    )
    await card.get_by_text("ETH", exact=True).click()
    assert await page.evaluate("opened") == "sensor.eth"

    await page.evaluate("hass => { shown.hass = make(hass); }", fail(hass))
    await expect(card).not_to_contain_text("$")
    await expect(card).not_to_contain_text("%")
    await expect(card).to_contain_text("unavailable")

    # While a page loads, Home Assistant formats nothing yet.
    await page.evaluate(
        """async (hass) => {
          const made = make(hass);
          const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
          shown.hass = { ...made, formatEntityState: ({ state }) => state };
          await frame();
          await frame();
          shown.hass = made;
        }""",
        hass,
    )
    await expect(card).to_contain_text("25,0 %")

    # On a tile
    value = config | {"rows": [{"value": "sensor.btc_value"}]}
    await page.evaluate("([hass, config]) => shown.setConfig(config)", [hass, value])
    await page.evaluate("hass => { shown.hass = make(hass); }", hass)
    await expect(card).to_have_text("$2525,0 %")


async def check_markup(page: Page) -> None:
    """Let no text of CryptoCloud's reach a card that interprets it."""
    hass = make_hass(btc="1", eth="2")
    hass["entities"]["sensor.btc"]["name"] = MARKUP
    [view] = await generate(page, hass)
    types = {card["type"] for part in view["sections"] for card in part["cards"]}
    assert "markdown" not in types
    assert MARKUP in await find_balances(page, hass)


async def check_section(page: Page) -> None:
    """Make a section of how much there is and what came in, for other dashboards."""
    hass = make_hass(btc="1")
    hass["devices"]["kiosk"] = {"name": "Kiosk", "name_by_user": None}
    add_entity(hass, "kiosk_total", "total_balance", device="kiosk")
    script = """async ([config, hass]) => ({ stub: section.getStubConfig(),
      ...(await section.generate(config, make(hass))) })"""
    for config, expected in (
        ({}, ["Kiosk", "Shop", "Received"]),
        ({"device_id": "kiosk"}, ["Kiosk"]),
    ):
        result = await page.evaluate(script, [config, hass])
        assert result["stub"] == {"type": "custom:cryptocloud"}
        assert result["type"] == "grid"
        headings = [card["heading"] for card in result["cards"] if "heading" in card]
        assert headings == expected
    nothing = await page.evaluate(script, [{}, hass | {"entities": {}}])
    assert "Devices & services" in nothing["cards"][0]["content"]


async def check_languages(page: Page) -> None:
    """Use the words of the language, or English ones."""
    words = {"de-CH": "Verfügbar", "pt-BR": "Disponível", "xx": "Available"}
    for language, word in words.items():
        hass = make_hass() | {"language": language}
        assert (await find_cards(page, hass, "tile"))[1]["name"] == word


async def check_translations(page: Page) -> None:
    """Have all words in all nine languages."""
    words = await page.evaluate(
        """async () => {
          const { getWords } = await import("/words.js");
          const languages = ["en", "de", "es", "fr", "pt-BR", "ru", "tr", "uk", "zh-Hans"];
          return Object.fromEntries(languages.map((name) => [name, getWords(name)]));
        }"""
    )
    for language, translated in words.items():
        assert translated.keys() == words["en"].keys(), language
        assert all(translated.values())
        assert "{time}" in translated["since"], language
        assert language == "en" or translated["soon"] != words["en"]["soon"]


async def is_regenerated(page: Page, hass: Hass, **changes: Any) -> bool:
    """Return whether the dashboard is made again when this changes."""
    states = changes.pop("states", {})
    result = await page.evaluate(_SHOULD_REGENERATE, [hass, states, changes])
    return bool(result)


async def check_regeneration(page: Page) -> None:
    """Make the dashboard again if other cards are needed, not at every payment."""
    hass = make_hass(btc="1", eth="0")
    for name, state, expected in (
        ("btc", "2", False),
        ("btc", "unavailable", False),
        ("eth", "unavailable", False),
        ("eth", "3", True),
        ("btc", "0", True),
        ("total_balance", "0", False),
        ("total_balance", "unavailable", True),
    ):
        await generate(page, hass)
        states = {f"sensor.{name}": {"state": state, "attributes": {}}}
        result = await is_regenerated(page, hass, states=states)
        assert result is expected, (name, state)
    for key in ("entities", "devices", "language"):
        assert await is_regenerated(page, hass, **{key: {}}), key
    # What belongs to others
    other = {"entity_id": "sensor.other", "platform": "other", "device_id": "other"}
    entities = hass["entities"] | {"sensor.other": other}
    assert not await is_regenerated(page, hass, entities=entities)
    devices = hass["devices"] | {"other": {"name": "Other"}}
    assert not await is_regenerated(page, hass, devices=devices)


async def check_late_balances(page: Page) -> None:
    """Notice a balance that comes after the total, or changes without it."""
    await page.clock.install()
    home = await page.evaluate_handle(
        """async (hass) => {
          let shown = make(hass);
          await strategy.generate(hass, shown);
          return (id, state) => {
            const before = shown;
            const states = { ...shown.states, [id]: { state, attributes: {} } };
            shown = { ...shown, states };
            return strategy.shouldRegenerate(hass, before, shown);
          };
        }""",
        make_hass(btc="1", eth="0"),
    )

    async def change(entity: str, state: str) -> bool:
        result = await home.evaluate(
            "(change, args) => change(...args)", [entity, state]
        )
        return bool(result)

    assert not await change("sensor.other", "1")
    await page.clock.fast_forward(30_000)
    assert not await change("sensor.total_balance", "4")
    assert await change("sensor.eth", "3")
    # With an unknown total, and without an event
    await page.clock.fast_forward(30_000)
    is_noticed = await change("sensor.btc", "0")
    await page.clock.fast_forward(60_000)
    assert await change("sensor.other", "2") or is_noticed
    assert not await change("sensor.other", "3")


async def check_waiting(page: Page) -> None:
    """Look again for what is missing as often as it may come, and at the next day."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0)

    def start(hass: Hass, hours: float) -> Hass:
        """Return a young account whose history began some hours ago."""
        hass = deepcopy(hass)
        for entry in hass["answers"][REGISTRY].values():
            entry["modified_at"] = noon.timestamp() - hours * 3600
        return answer(
            hass, HISTORY, [{"s": "1", "lu": noon.timestamp() - hours * 3600}]
        )

    settled = make_hass(btc="1")
    hidden = deepcopy(settled)
    hidden["entities"]["sensor.received"]["hidden"] = True
    short = start(settled, 5)["answers"][HISTORY]
    day = 12 * 60
    await page.clock.install(time=noon)
    for case, hass, hours, minutes in (
        ("first history", start(settled, 0.9), 24, 1),
        ("first statistics", answer(start(settled, 2), STATISTICS, []), 24, 1),
        ("without receipts", answer(start(hidden, 2), STATISTICS, []), 24, 60),
        ("first day", start(settled, 5), 24, 60),
        ("first week", start(settled, 100), 24 * 30, 60),
        (
            "the first day's end",
            answer(settled, STATISTICS, [record_day(noon)]),
            24,
            60,
        ),
        # The recorder keeps less than is to be shown.
        ("short history", answer(settled, HISTORY, short), 24, day),
        (
            "no recorder",
            answer(answer(settled, HISTORY, None), STATISTICS, None),
            24,
            day,
        ),
        # The key may be rejected, or a new one entered, before the total is back.
        ("outage", fail(settled), 24, 1),
        ("no registry", answer(settled, REGISTRY, None), 24, 1),
        ("settled", settled, 24, day),
        ("settled for months", settled, 24 * 30, day),
    ):
        await page.clock.set_system_time(noon)
        await generate(page, hass, hours_to_show=hours)
        await page.clock.fast_forward(minutes * 60_000 - 10_000)
        assert not await is_regenerated(page, hass), case
        await page.clock.fast_forward(70_000)
        assert await is_regenerated(page, hass), case
        assert not await is_regenerated(page, hass), case


async def check_two_sections(page: Page) -> None:
    """Look again for each of two sections, even if their options are the same."""
    await page.clock.install()
    look = await page.evaluate_handle(
        """async (settled) => {
          const hass = make(settled);
          const configs = [{}, {}];
          await Promise.all(configs.map((config) => section.generate(config, hass)));
          return () => configs.map((config) => section.shouldRegenerate(config, hass, hass));
        }""",
        make_hass(),
    )
    assert await look.evaluate("(look) => look()") == [False, False]
    await page.clock.fast_forward(24 * 3600_000)
    assert await look.evaluate("(look) => look()") == [True, True]
    assert await look.evaluate("(look) => look()") == [False, False]


async def measure_changes(page: Page) -> float:
    """Return the microseconds for each change in a home of 5,000 other entities."""
    names = {f"c{number}": "1" for number in range(400)}
    cost: float = await page.evaluate(_COST, make_hass(**names))
    return cost


async def check_cost(page: Page) -> None:
    """Cost little at the state changes of a big home."""
    assert await measure_changes(page) < 10


async def check_suggestion(page: Page) -> None:
    """Be suggested for dashboards and sections, in the language of the page."""
    await page.evaluate("app.hass = { language: 'ru' }")
    # The list that others may hold
    _, *suggestions = await page.evaluate("listed")
    types = [(item["type"], item["strategyType"]) for item in suggestions]
    assert types == [("cryptocloud", "dashboard"), ("cryptocloud", "section")]
    assert suggestions[0]["description"].startswith("Балансы")
    assert suggestions[1]["description"].startswith("Баланс ")


async def _serve(route: Route) -> None:
    file = FOLDER / route.request.url.rpartition("/")[2]
    if file.is_file():
        await route.fulfill(path=file, content_type="text/javascript")
    else:
        await route.fulfill(body="<!doctype html><body>", content_type="text/html")


@asynccontextmanager
async def open_page(context: BrowserContext) -> AsyncGenerator[Page]:
    """Open a page that has loaded the module."""
    page = await context.new_page()
    await page.route(f"{URL}/**", _serve)
    await page.goto(URL)
    await page.evaluate(_START)
    yield page
    await page.close()


async def test_strategy() -> None:
    """Run the checks, each in a page of its own."""
    async with open_chromium() as context, keep_trace(context, "strategy"):
        for name, check in list(globals().items()):
            if name.startswith("check_"):
                async with open_page(context) as page:
                    await check(page)
                print(f"strategy: {check.__doc__}")
