"""Tests of the sensors."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads
from tools.sandbox import Status

from .common import Row, Shop, get_state, get_value, load_rows, make_row


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_sensors(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    new_shop: Shop,
    snapshot: SnapshotAssertion,
) -> None:
    """Test every sensor of a currency and of the account."""
    await new_shop.set_up(*load_rows("balance_composed")[:1])
    entry_id = new_shop.entry.entry_id
    sensors = {
        entity.entity_id: {
            "unique_id": entity.unique_id.replace(entry_id, "<entry>"),
            "options": json_dumps(entity.options),
            "state": (state := hass.states.get(entity.entity_id)) and state.state,
            "attributes": state and dict(state.attributes),
        }
        for entity in er.async_entries_for_config_entry(entity_registry, entry_id)
        if entity.domain == "sensor"
    }

    assert len(sensors) == 5 + 5
    # As JSON, since what Home Assistant makes of it differs between versions.
    assert json_loads(json_dumps(sensors)) == snapshot


async def test_unchanged_balances_are_not_written(
    hass: HomeAssistant, shop: Shop
) -> None:
    """Test that a payment in one currency leaves the sensors of the others alone."""
    await shop.poll(A=101, B=5)
    written: set[str] = set()

    @callback
    def note(event: Event[Any]) -> None:
        written.add(event.data["entity_id"].removeprefix("sensor.cryptocloud_"))

    @callback
    def accept(_: object) -> bool:
        return True

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=accept)
    await shop.poll(A=102, B=5)

    totals = {"total_balance", "total_available_balance", "received", "withdrawn"}
    event = "event.cryptocloud_balance_change"
    assert written == {"a", "a_usd_value", event} | totals


async def test_flag_that_becomes_a_number(new_shop: Shop) -> None:
    """Test that 1 is no flag, also if it was true before, which Python calls equal."""
    row = make_row("A")
    row["currency"]["stablecoin"] = True
    await new_shop.set_up(row)
    row["currency"]["stablecoin"] = 1
    await new_shop.poll()

    balances = new_shop.entry.runtime_data.data.balances
    assert balances["A"].currency.stablecoin is False


async def test_details_are_disabled_by_default(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test which sensors are enabled by default."""
    disabled = {
        entity.entity_id.removeprefix("sensor.cryptocloud_")
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
        if entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    }

    assert disabled == {
        "total_on_hold",
        *(
            f"{currency}_{key}"
            for currency in ("bnb", "eth", "usdt_trc20")
            for key in ("available", "available_usd_value", "on_hold")
        ),
    }
    assert len(hass.states.async_all("sensor")) == 4 + 3 * 2


def get_decimals(shop: Shop, name: str = "coin") -> int:
    """Return the decimals that Home Assistant shows of a sensor."""
    entity = er.async_get(shop.hass).async_get(f"sensor.cryptocloud_{name}")
    assert entity
    decimals: int = entity.options["sensor"]["suggested_display_precision"]
    return decimals


def make_coin(rate: Any, amount: Any = 2, *, stablecoin: bool = False) -> Row:
    """Return a row of a coin that is worth so many USD."""
    worth = None if rate is None else amount * Decimal(rate)
    row = make_row("COIN", amount, balance_usd=worth)
    row["currency"]["stablecoin"] = stablecoin
    return row


@pytest.mark.parametrize(
    ("rate", "decimals"),
    [
        ("97250", 8),  # BTC
        ("3420", 7),  # ETH
        ("92.4", 5),  # LTC
        ("2.86", 4),  # TON
        ("0.284", 3),  # TRX
        ("0.00014", 0),  # DOGS
        ("0.0000000000092", 0),
        ("1", 3),
        ("1.01", 4),
        ("100000", 8),
        ("100001", 8),
        ("1E+40", 8),
        ("0", 8),
        ("-5", 8),
        (None, 8),
    ],
)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_coin_shows_decimals_that_mean_something(
    new_shop: Shop, rate: str | None, decimals: int
) -> None:
    """Test that as many decimals are shown as a tenth of a cent needs."""
    await new_shop.set_up(make_coin(rate, Decimal("1.234567891234")))

    for name in ("coin", "coin_available", "coin_on_hold"):
        assert get_decimals(new_shop, name) == decimals
    for name in ("coin_usd_value", "coin_available_usd_value", "total_balance"):
        assert get_decimals(new_shop, name) == 2
    assert get_value(new_shop.hass, "coin") == "1.234567891234"


async def test_stablecoin_shows_two_decimals(new_shop: Shop) -> None:
    """Test that a stablecoin shows two decimals at any rate."""
    await new_shop.set_up(make_coin("1", stablecoin=True))
    for rate in ("1", "0.05", "4000", "0", None):
        await new_shop.poll(make_coin(rate, stablecoin=True))
        assert get_decimals(new_shop) == 2, rate


async def test_coin_that_becomes_a_stablecoin_shows_two_decimals(
    new_shop: Shop,
) -> None:
    """Test that the decimals follow what CryptoCloud says of the coin."""
    await new_shop.set_up(make_coin("1"))
    assert get_decimals(new_shop) == 3

    for stablecoin in (True, False):
        await new_shop.poll(make_coin("1", stablecoin=stablecoin))
        assert get_decimals(new_shop) == 2


async def test_decimals_follow_the_value_without_flicker(new_shop: Shop) -> None:
    """Test a coin that gets its first rate, moves about a border, and leaves it."""
    await new_shop.set_up(make_coin(None, 0))
    assert get_decimals(new_shop) == 8

    for rate, decimals in (
        ("10.2", 5),
        ("9.8", 5),
        ("10.2", 5),
        ("6", 5),
        ("4", 4),
        ("9.8", 4),
        ("10.2", 4),
        ("19", 4),
        ("21", 5),
        (None, 5),
        ("0", 5),
        ("12000", 8),
        ("9800", 8),
        ("0.000001", 0),
        ("0.0019", 0),
        ("0.0021", 1),
    ):
        await new_shop.poll(make_coin(rate))
        assert get_decimals(new_shop) == decimals, rate
        assert get_value(new_shop.hass, "coin") == "2"

        await new_shop.reload()
        # From the maximum alone, nobody can tell whether there was a rate.
        if rate != "9800":
            assert get_decimals(new_shop) == decimals, rate

    new_shop.set()
    await new_shop.poll()
    assert get_decimals(new_shop) == 1


async def test_most_decimals_do_not_flicker(new_shop: Shop) -> None:
    """Test the border of the most decimals, which a coin without a rate shows too."""
    await new_shop.set_up(make_coin("10100"))
    for rate in ("9900", "10100", "9900"):
        await new_shop.poll(make_coin(rate))
        assert get_decimals(new_shop) == 8


async def test_most_decimals_of_a_coin_without_a_rate_mean_nothing(
    new_shop: Shop,
) -> None:
    """Test a first rate that arrives with a start."""
    await new_shop.set_up(make_coin(None))
    assert get_decimals(new_shop) == 8

    await new_shop.reload(make_coin("9800"))
    assert get_decimals(new_shop) == 7


async def test_precision_of_the_user_stays(
    entity_registry: er.EntityRegistry, shop: Shop
) -> None:
    """Test that new decimals leave those alone that the user has chosen."""
    name = "sensor.cryptocloud_a"
    options = {"display_precision": 1, "suggested_display_precision": 8}
    entity_registry.async_update_entity_options(name, "sensor", options)
    await shop.poll(make_row("A", 3, balance_usd=2700))

    entity = entity_registry.async_get(name)
    assert entity
    assert entity.options["sensor"] == {
        "display_precision": 1,
        "suggested_display_precision": 6,
    }


@pytest.mark.parametrize(
    ("code", "name", "object_id"),
    [
        ("BTC", "BTC", "btc"),
        ("USDT_TRC20", "USDT TRC20", "usdt_trc20"),
        ("X" * 100, "X" * 100, "x" * 100),
        ("{currency}", "{currency}", "currency"),
        ("БТК", "БТК", "btk"),
    ],
)
async def test_currency_is_named_after_its_code(
    new_shop: Shop, code: str, name: str, object_id: str
) -> None:
    """Test that a currency is named after its code, whatever that is."""
    await new_shop.set_up(make_row(code))

    state = get_state(new_shop.hass, object_id)
    assert state.state == "1"
    assert state.name == f"CryptoCloud {name}"


GOOD = "https://cdn.cryptocloud.plus"


@pytest.mark.parametrize(
    "icon_network",
    [
        "None",
        "",
        None,
        "//cryptocloud.plus/n.svg",
        "https:///n.svg",
        "https://[]h@",
        "https://u:p@cryptocloud.plus/n.svg",
        f'{GOOD}/"n.svg',
        f"{GOOD}/<n>.svg",
        "https://cryptocloud.plus\x00/n.svg",
        f"{GOOD}/{'n' * 2000}",
        "https://a.example/n.svg",
    ],
)
async def test_picture_of_the_coin_stands_in_for_a_bad_one(
    new_shop: Shop, icon_network: Any
) -> None:
    """Test addresses that are none, or those of others."""
    row = make_row("BTC")
    icons = {"icon_network": icon_network, "icon_base": f"{GOOD}/b.svg"}
    row["currency"] |= icons
    await new_shop.set_up(row)

    picture = get_state(new_shop.hass, "btc").attributes["entity_picture"]
    assert picture == f"{GOOD}/b.svg"


async def test_outage_keeps_the_picture(new_shop: Shop) -> None:
    """Test that only the values change in an outage, and that it ends."""
    row = make_row("BTC", 1)
    row["currency"]["icon_base"] = f"{GOOD}/b.svg"
    await new_shop.set_up(row)
    for fault, state in ((Status(503), STATE_UNAVAILABLE), (None, "1")):
        new_shop.sandbox.fault = fault
        await new_shop.poll()
        assert get_value(new_shop.hass, "btc") == state
        picture = get_state(new_shop.hass, "btc").attributes["entity_picture"]
        assert picture == f"{GOOD}/b.svg"


@pytest.mark.parametrize("scheme", ["ftp", "http"])
async def test_insecure_picture_is_not_shown(new_shop: Shop, scheme: str) -> None:
    """Test addresses that no page of Home Assistant should load."""
    row = make_row("BTC")
    row["currency"]["icon_base"] = f"{scheme}://cryptocloud.plus/b.svg"
    await new_shop.set_up(row)

    assert "entity_picture" not in get_state(new_shop.hass, "btc").attributes


@pytest.mark.parametrize(
    ("address", "is_shown"),
    [
        ("https://cryptocloud.plus/a.svg", True),
        ("https://cryptocloud.plus", True),
        ("https://a.b.CryptoCloud.Plus/a.svg", True),
        ("https://cdn.cryptocloud.plus:8443/a.svg", True),
        ("https://a.example/a.svg", False),
        ("https://192.168.1.1/a.svg", False),
        ("https://homeassistant.local:8123/api/a.svg", False),
        ("https://notcryptocloud.plus/a.svg", False),
        ("https://cryptocloud.plus.a.example/a.svg", False),
        ("https://a.example/cryptocloud.plus/a.svg", False),
        ("https://a.example/?a=.cryptocloud.plus", False),
        ("https://a.example/#.cryptocloud.plus", False),
    ],
)
async def test_pictures_are_only_shown_from_the_service(
    new_shop: Shop, address: str, is_shown: bool
) -> None:
    """Test that no browser loads a foreign address, which attributes still say."""
    row = make_row("BTC")
    row["currency"] |= {"icon_network": address, "icon_base": address}
    row["currency"]["obj_network"]["icon"] = address
    await new_shop.set_up(row)

    attributes = get_state(new_shop.hass, "btc").attributes
    assert attributes.get("entity_picture") == (address if is_shown else None)
    for name in ("icon_base", "icon_network", "network_icon"):
        assert attributes[name] == address


@pytest.mark.parametrize(
    ("code", "icon"),
    [
        ("BTC", "mdi:bitcoin"),
        ("ETH", "mdi:ethereum"),
        ("ETH_ARB", "mdi:ethereum"),
        ("LTC", "mdi:litecoin"),
        ("TON", None),
        ("USDT_TRC20", None),
    ],
)
async def test_coin_has_its_own_icon_without_a_picture(
    hass: HomeAssistant, new_shop: Shop, code: str, icon: str | None
) -> None:
    """Test the icons where pictures are turned off, in an outage too."""
    row = make_row(code)
    row["currency"]["icon_base"] = f"{GOOD}/b.svg"
    hass.config_entries.async_update_entry(
        new_shop.entry, options={"only_funded": False, "show_icons": False}
    )
    await new_shop.set_up(row)
    attributes = get_state(hass, code.lower()).attributes
    assert attributes.get("icon") == icon
    assert "entity_picture" not in attributes
    assert "icon" not in get_state(hass, f"{code.lower()}_usd_value").attributes

    await new_shop.fail()
    assert get_state(hass, code.lower()).attributes.get("icon") == icon


@pytest.mark.parametrize(
    ("language", "names"), [("ru", {"eth", "total_balance"}), ("de", {"eth"})]
)
async def test_entity_ids_of_currencies_are_the_same_in_all_languages(
    hass: HomeAssistant, new_shop: Shop, language: str, names: set[str]
) -> None:
    """Test that the ids of the currencies do not depend on the language."""
    hass.config.language = language
    await new_shop.set_up(ETH=1)

    for name in names:
        assert hass.states.get(f"sensor.cryptocloud_{name}")


async def test_many_currencies_are_added_in_parts(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that the event loop comes by while 400 currencies are added.

    With 5 sensors each, all at once would hold it up for half a second. It takes 10
    of them at a time, the first time together with what the account itself has.
    """
    added: list[int] = [0]

    @callback
    def count(event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        added[-1] += event.data["action"] == "create"

    async def watch() -> None:
        while True:
            added.append(0)
            await asyncio.sleep(0)

    hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, count)
    watchdog = asyncio.create_task(watch())
    await new_shop.set_up(*(make_row(f"C{number}") for number in range(400)))
    watchdog.cancel()

    assert sum(added) == 1 + 5 + 5 * 400
    assert max(added) <= 1 + 5 + 5 * 10
