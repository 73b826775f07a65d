"""Tests of the sensors."""

from datetime import timedelta
from decimal import Decimal
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from syrupy.assertion import SnapshotAssertion

from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads
from tools.sandbox import Sandbox

from .common import (
    Poll,
    Row,
    complaints,
    get_state,
    get_value,
    load_rows,
    logged,
    make_entry,
    make_row,
    reload,
    set_up,
)

TOTALS = ("total_balance", "total_available_balance", "total_on_hold")


@pytest.mark.usefixtures("entity_registry_enabled_by_default", "loaded_entry")
async def test_sensors(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    loaded_entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    """Test every sensor of every currency and of the account."""
    sensors = {
        entity.entity_id: {
            "unique_id": entity.unique_id.replace(loaded_entry.entry_id, "<entry>"),
            "options": {domain: dict(o) for domain, o in entity.options.items()},
            "state": (state := hass.states.get(entity.entity_id)) and state.state,
            "attributes": state and dict(state.attributes),
        }
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
        if entity.domain == "sensor"
    }
    assert len(sensors) == 3 + 3 * 5
    # As JSON, since what Home Assistant makes of it differs between versions.
    assert json_loads(json_dumps(sensors)) == snapshot


async def test_documented_answer(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test what the answer in CryptoCloud's documentation becomes."""
    sandbox.rows = load_rows("balance_documented")
    assert await set_up(hass, entry)

    states = hass.states.async_all("sensor")
    assert {state.entity_id: state.state for state in states} == {
        "sensor.cryptocloud_usdt_trc20": "10",
        "sensor.cryptocloud_total_balance": "10",
        "sensor.cryptocloud_total_available_balance": "10",
    }
    assert get_state(hass, "usdt_trc20").attributes == {
        "available_balance": 10.0,
        "available_balance_usd": 10.0,
        "balance_usd": 10.0,
        "currency": "USDT_TRC20",
        "currency_name": "Tether",
        "entity_picture": (
            "https://cdn.cryptocloud.plus/img/currency_network/USDT_TRC.svg"
        ),
        "friendly_name": "CryptoCloud USDT TRC20",
        "icon_base": "https://cdn.cryptocloud.plus/img/currency/USDT.svg",
        "icon_network": (
            "https://cdn.cryptocloud.plus/img/currency_network/USDT_TRC.svg"
        ),
        "network": "TRC20",
        "network_name": "Tron",
        "state_class": "total",
        "unit_of_measurement": "USDT",
    }


async def test_enabled_by_default(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test which sensors a user sees at first."""
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
            for key in ("usd_value", "available", "available_usd_value", "on_hold")
        ),
    }
    assert len(hass.states.async_all("sensor")) == 3 + 2


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1.5E3"), "1500"),
        (
            Decimal("1234567890.123456789012345678"),
            "1234567890.123456789012345678",
        ),
        (Decimal("9" * 78), "9" * 78),
        (Decimal("0." + "9" * 77), "0." + "9" * 77),
        (Decimal("10.0"), "10"),
        (Decimal(100), "100"),
        (Decimal("10.50"), "10.5"),
        (0, "0"),
        (Decimal("0.0"), "0"),
        ("-0.50", "-0.5"),
        ("0.123456789012345678901", "0.123456789012345678901"),
    ],
)
async def test_exact_amounts(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    amount: Any,
    value: str,
) -> None:
    """Test that amounts keep every digit and are written plainly."""
    sandbox.rows = [make_row("BTC", amount)]
    assert await set_up(hass, entry)

    assert get_value(hass, "btc") == value
    assert get_value(hass, "total_balance") == value
    assert get_state(hass, "btc").attributes["balance_usd"] == float(amount)


@pytest.mark.parametrize(
    "amount",
    [
        "1e5",
        "1,5",
        " 1",
        "+1",
        ".5",
        "NaN",
        "Infinity",
        "١",
        "9" * 79,
        Decimal("9" * 79),
        Decimal("1E+78"),
        Decimal("1E-78"),
    ],
)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_unknown_amounts(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, amount: Any
) -> None:
    """Test that an amount of no sane size is unknown, and nothing but that."""
    sandbox.rows = [
        make_row("BTC", balance_crypto=amount, balance_usd=amount),
        make_row("ETH", available_balance=amount),
    ]
    assert await set_up(hass, entry)

    assert get_value(hass, "btc") == STATE_UNKNOWN
    assert get_value(hass, "btc_usd_value") == STATE_UNKNOWN
    assert get_value(hass, "btc_on_hold") == STATE_UNKNOWN
    assert get_value(hass, "btc_available") == "1"
    assert get_state(hass, "btc").attributes["balance_usd"] is None
    assert get_state(hass, "btc").attributes["available_balance_usd"] == 1.0
    assert get_value(hass, "eth") == "1"
    assert get_value(hass, "eth_available") == STATE_UNKNOWN
    assert get_value(hass, "eth_on_hold") == STATE_UNKNOWN
    assert get_value(hass, "total_balance") == STATE_UNKNOWN
    assert get_value(hass, "total_available_balance") == "2"
    assert get_value(hass, "total_on_hold") == STATE_UNKNOWN


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_totals_are_exact(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test sums and differences of amounts that floats would spoil."""
    sandbox.rows = [
        make_row("A", Decimal("0.1"), available_balance_usd=Decimal("0.3")),
        make_row("B", Decimal("0.2")),
        make_row("C", Decimal("1E+77"), available_balance=Decimal("1E-77")),
    ]
    assert await set_up(hass, entry)

    assert get_value(hass, "total_balance") == f"1{'0' * 77}.3"
    assert get_value(hass, "total_available_balance") == f"1{'0' * 77}.5"
    assert get_value(hass, "total_on_hold") == "-0.2"
    assert get_value(hass, "c_on_hold") == f"{'9' * 77}.{'9' * 77}"


@pytest.mark.parametrize(
    ("name", "usd_precision", "crypto_precision"),
    [("usdt_trc20", 2, 2), ("eth", 2, 8)],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_display_precision(
    entity_registry: er.EntityRegistry,
    name: str,
    usd_precision: int,
    crypto_precision: int,
) -> None:
    """Test the number of decimals shown."""

    def precision(key: str) -> int:
        entity = entity_registry.async_get(f"sensor.cryptocloud_{key}")
        assert entity
        decimals: int = entity.options["sensor"]["suggested_display_precision"]
        return decimals

    assert precision(name) == crypto_precision
    assert precision("total_balance") == usd_precision


@pytest.mark.usefixtures("loaded_entry")
async def test_new_currency_appears(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that a currency gets its sensor without a reload."""
    assert sandbox.rows
    sandbox.rows = [make_row("TON", Decimal(7)), *sandbox.rows]
    await poll()

    assert get_value(hass, "ton") == "7"
    assert get_value(hass, "usdt_trc20") == "1250.5"


async def test_currencies_are_added_in_order(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that the answer's order leaves no trace."""
    sandbox.rows = [make_row(code) for code in ("C", "A", "D", "B")]
    assert await set_up(hass, entry)
    codes = [
        state.attributes.get("currency") for state in hass.states.async_all("sensor")
    ]
    assert [code for code in codes if code] == ["A", "B", "C", "D"]


@pytest.mark.usefixtures("loaded_entry")
async def test_currency_goes_and_returns(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that a currency that is not reported is unavailable until it returns."""
    rows = sandbox.rows
    assert rows
    sandbox.rows = [row for row in rows if row["currency"]["code"] != "ETH"]
    await poll()
    state = get_state(hass, "eth")
    assert state.state == STATE_UNAVAILABLE
    assert "entity_picture" not in state.attributes
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert get_value(hass, "total_balance") == "1250.37"

    sandbox.rows = rows
    await poll()
    assert get_value(hass, "eth") == "0.00000001"
    assert complaints(caplog) == []


async def test_gone_currency_is_removed_at_start(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that what is absent from a complete answer at a start is removed."""
    assert sandbox.rows
    sandbox.rows = [row for row in sandbox.rows if row["currency"]["code"] != "ETH"]
    await reload(hass, loaded_entry)

    entity_ids = {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
        if entity.domain == "sensor"
    }
    assert not any("_eth" in entity_id for entity_id in entity_ids)
    assert len(entity_ids) == 3 + 2 * 5


@pytest.mark.parametrize(
    "incomplete", [[], [make_row("BTC"), {"balance_usd": 1}], [make_row(None)]]
)
async def test_incomplete_answer_removes_nothing(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    incomplete: list[Row],
) -> None:
    """Test starts with an empty list and with rows of unknown currencies."""
    rows = sandbox.rows
    sandbox.rows = incomplete
    await reload(hass, loaded_entry)
    assert get_value(hass, "eth") == STATE_UNAVAILABLE

    sandbox.rows = rows
    await poll()
    assert get_value(hass, "eth") == "0.00000001"


@pytest.mark.usefixtures("loaded_entry")
async def test_empty_list_after_a_full_one(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that a list gone missing is not taken for an empty account."""
    rows = sandbox.rows
    sandbox.rows = []
    await poll()
    assert get_value(hass, "usdt_trc20") == STATE_UNAVAILABLE
    assert get_value(hass, "total_balance") == STATE_UNKNOWN
    assert get_value(hass, "total_available_balance") == STATE_UNKNOWN

    sandbox.rows = rows
    await poll()
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert get_value(hass, "total_balance") == "1250.37003"


async def test_empty_list_at_start(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that an empty list at a start makes the totals unknown."""
    sandbox.rows = []
    await reload(hass, loaded_entry)
    assert get_value(hass, "total_balance") == STATE_UNKNOWN
    assert get_value(hass, "eth") == STATE_UNAVAILABLE


async def test_empty_list_of_a_new_account(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that an account without currencies holds nothing."""
    sandbox.rows = []
    assert await set_up(hass, entry)
    assert get_value(hass, "total_balance") == "0"
    assert get_value(hass, "total_available_balance") == "0"

    await poll()
    assert get_value(hass, "total_balance") == "0"


async def test_same_row_twice(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that a repeated row counts once."""
    sandbox.rows = [make_row("BTC", Decimal("1.0")), make_row("BTC", Decimal(1))]
    assert await set_up(hass, entry)
    assert get_value(hass, "btc") == "1"
    assert get_value(hass, "total_balance") == "1"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_contradicting_rows(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that rows of one currency that differ make unknown what differs."""
    sandbox.rows = [
        make_row("BTC"),
        make_row("ETH"),
        make_row("BTC", balance_crypto=2),
        make_row("BTC"),
    ]
    assert await set_up(hass, entry)
    assert get_value(hass, "btc") == STATE_UNKNOWN
    assert get_value(hass, "btc_available") == "1"
    assert get_value(hass, "eth") == "1"
    assert [get_value(hass, total) for total in TOTALS] == [STATE_UNKNOWN] * 3


@pytest.mark.parametrize(
    ("row", "total"),
    [
        (make_row("X" * 101), "2"),
        (make_row(" ETH"), "2"),
        (make_row("ETH "), "2"),
        (make_row("E\tTH"), "2"),
        ({"balance_usd": 5, "available_balance_usd": 5}, "6"),
    ],
)
async def test_unidentified_row(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
    row: Any,
    total: str,
) -> None:
    """Test that a row of no known currency is left out but for the totals."""
    sandbox.rows = [row, make_row("ETH")]
    assert await set_up(hass, entry)
    assert len(hass.states.async_all("sensor")) == 3
    assert get_value(hass, "eth") == "1"
    assert get_value(hass, "total_balance") == total
    assert get_value(hass, "total_available_balance") == total

    await poll()
    [message] = logged(caplog, logging.WARNING)
    assert "which currency they are of" in message


@pytest.mark.parametrize(
    ("code", "name", "object_id"),
    [
        ("BTC", "BTC", "cryptocloud_btc"),
        ("USDT_TRC20", "USDT TRC20", "cryptocloud_usdt_trc20"),
        ("X" * 100, "X" * 100, "cryptocloud_" + "x" * 100),
        ("{currency}", "{currency}", "cryptocloud_currency"),
        ("БТК", "БТК", "cryptocloud_btk"),
    ],
)
async def test_names(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    code: str,
    name: str,
    object_id: str,
) -> None:
    """Test that a currency is named after its code, whatever that is."""
    sandbox.rows = [make_row(code)]
    assert await set_up(hass, entry)
    state = hass.states.get(f"sensor.{object_id}")
    assert state
    assert state.state == "1"
    assert state.name == f"CryptoCloud {name}"


async def test_codes_like_keys(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that no two sensors are taken for one, whatever the codes."""
    codes = ["A", "A:balance", "A_available", "total", "total_balance", "A:balance:b"]
    sandbox.rows = [make_row(code) for code in codes]
    assert await set_up(hass, entry)
    await reload(hass, entry)
    assert {
        state.attributes["currency"]
        for state in hass.states.async_all("sensor")
        if "currency" in state.attributes
    } == set(codes)


@pytest.mark.parametrize(
    ("missing", "attributes"),
    [
        ({"code": "TON", "fullname": None}, {"network": "TON", "network_name": None}),
        ({"code": "None", "fullname": "A"}, {"network": None, "network_name": "A"}),
    ],
)
async def test_missing_network(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    missing: Any,
    attributes: dict[str, str | None],
) -> None:
    """Test currencies without a whole network."""
    row = make_row("TON")
    row["currency"] |= {"obj_network": missing, "name": None, "enable": False}
    sandbox.rows = [row]
    assert await set_up(hass, entry)
    state = get_state(hass, "ton")
    assert state.state == "1"
    assert state.attributes["currency_name"] is None
    assert attributes.items() <= state.attributes.items()


@pytest.mark.parametrize(
    ("code", "short_code", "unit"),
    [
        ("USDT_TRC20", None, "USDT"),
        ("USDT_TRC20", "", "USDT"),
        ("USDT_TRC20", "None", "USDT"),
        ("USDT_TRC20", 7, "USDT"),
        ("USDT_TRC20", "USD₮", "USD₮"),
        ("_TRC20", None, "_TRC20"),
    ],
)
async def test_unit(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    code: str,
    short_code: Any,
    unit: str,
) -> None:
    """Test that there is always a unit."""
    row = make_row(code)
    row["currency"]["short_code"] = short_code
    sandbox.rows = [row]
    assert await set_up(hass, entry)
    [state] = [
        state
        for state in hass.states.async_all("sensor")
        if "currency" in state.attributes
    ]
    assert state.attributes["unit_of_measurement"] == unit


async def test_unit_never_changes(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that a new ticker changes no unit, as statistics would end."""
    assert sandbox.rows
    for row in sandbox.rows:
        row["currency"]["short_code"] = "NEW"
    await poll()
    assert get_state(hass, "eth").attributes["unit_of_measurement"] == "ETH"

    await reload(hass, loaded_entry)
    assert get_state(hass, "eth").attributes["unit_of_measurement"] == "ETH"


@pytest.mark.parametrize(
    ("icon_network", "icon_base", "picture"),
    [
        ("https://a.example/n.svg", "https://a.example/b.svg", "n"),
        ("None", "https://a.example/b.svg", "b"),
        ("", "https://a.example/b.svg", "b"),
        (None, "https://a.example/b.svg", "b"),
        ("//a.example/n.svg", "https://a.example/b.svg", "b"),
        ("https:///n.svg", "https://a.example/b.svg", "b"),
        ("https://[]h@", "https://a.example/b.svg", "b"),
        ("https://user:password@a.example/n.svg", "https://a.example/b.svg", "b"),
        ('https://a.example/"n.svg', "https://a.example/b.svg", "b"),
        ("https://a.example/<n>.svg", "https://a.example/b.svg", "b"),
        ("https://a.example\x00/n.svg", "https://a.example/b.svg", "b"),
        ("https://a.example/" + "n" * 2000, "https://a.example/b.svg", "b"),
        (None, "ftp://a.example/b.svg", None),
    ],
)
async def test_pictures(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    icon_network: Any,
    icon_base: Any,
    picture: str | None,
) -> None:
    """Test that a dashboard gets the best picture with a good address."""
    row = make_row("BTC")
    row["currency"] |= {"icon_network": icon_network, "icon_base": icon_base}
    sandbox.rows = [row]
    assert await set_up(hass, entry)
    expected = picture and f"https://a.example/{picture}.svg"
    assert get_state(hass, "btc").attributes.get("entity_picture") == expected


async def test_no_pictures(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test that pictures can be switched off while the attributes stay."""
    entry = make_entry(show_icons=False)
    assert await set_up(hass, entry)
    attributes = get_state(hass, "usdt_trc20").attributes
    assert "entity_picture" not in attributes
    assert attributes["icon_base"] == (
        "https://cdn.cryptocloud.plus/img/currency/USDT.svg"
    )


@pytest.mark.parametrize(
    "funds",
    [
        {"balance_crypto": 1},
        {"balance_usd": 1},
        {"available_balance": -1},
        {"available_balance_usd": Decimal("0.01")},
        {"balance_crypto": None, "balance_usd": 1},
    ],
)
async def test_only_funded(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entity_registry: er.EntityRegistry,
    poll: Poll,
    funds: dict[str, Any],
) -> None:
    """Test that a currency gets its sensors with its first funds and keeps them."""
    entry = make_entry(only_funded=True)
    entry.add_to_hass(hass)
    sandbox.rows = [make_row("BTC", 0), make_row("ETH", 0), make_row("TON", None)]
    assert await set_up(hass, entry)
    assert len(hass.states.async_all("sensor")) == 2
    assert get_value(hass, "total_balance") == STATE_UNKNOWN

    sandbox.rows = [make_row("BTC", 0, **funds), make_row("ETH", 0)]
    await poll()
    assert len(hass.states.async_all("sensor")) == 3
    assert get_state(hass, "btc").attributes["currency"] == "BTC"

    sandbox.rows = [make_row("BTC", 0), make_row("ETH", 0)]
    await poll()
    assert get_value(hass, "btc") == "0"
    await reload(hass, entry)
    assert get_value(hass, "btc") == "0"
    assert not entity_registry.async_get("sensor.cryptocloud_eth")


async def test_two_accounts(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test that two accounts do not get into each other's way."""
    for api_key, title in (("a", "CryptoCloud"), ("b", "CryptoCloud 2")):
        sandbox.valid_keys.add(api_key)
        entry = make_entry(api_key, title=title)
        entry.add_to_hass(hass)
    assert await set_up(hass, entry)
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert get_value(hass, "2_usdt_trc20") == "1250.5"


@pytest.mark.parametrize(
    ("language", "entity_ids"),
    [
        ("ru", {"cryptocloud_eth", "cryptocloud_total_balance"}),
        ("de", {"cryptocloud_eth"}),
    ],
)
async def test_entity_ids_in_other_languages(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    language: str,
    entity_ids: set[str],
) -> None:
    """Test that the ids of the currencies do not depend on the language."""
    hass.config.language = language
    assert await set_up(hass, entry)
    assert {f"sensor.{name}" for name in entity_ids} <= set(
        hass.states.async_entity_ids()
    )


async def test_statistics(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that a real recorder compiles receipts in the currency's own unit."""
    statistic_id = "sensor.cryptocloud_usdt_trc20"
    assert await async_setup_component(hass, "sensor", {})
    assert await set_up(hass, entry)
    await async_wait_recording_done(hass)
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] += Decimal("99.5")
    await poll()
    await async_wait_recording_done(hass)
    start = dt_util.utcnow().replace(second=0, microsecond=0)
    start -= timedelta(minutes=start.minute % 5)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)

    client = await hass_ws_client()
    await client.send_json_auto_id({"type": "recorder/list_statistic_ids"})
    statistics = {
        item["statistic_id"]: item for item in (await client.receive_json())["result"]
    }
    assert statistics[statistic_id]["statistics_unit_of_measurement"] == "USDT"
    assert statistics[statistic_id]["has_sum"] is True
    assert (
        statistics["sensor.cryptocloud_total_balance"]["statistics_unit_of_measurement"]
        == "USD"
    )
    await client.send_json_auto_id(
        {
            "type": "recorder/statistics_during_period",
            "start_time": start.isoformat(),
            "period": "5minute",
            "statistic_ids": [statistic_id],
            "types": ["state", "sum"],
        }
    )
    [row] = (await client.receive_json())["result"][statistic_id]
    assert (row["state"], row["sum"]) == (1350.0, 99.5)
    assert complaints(caplog) == []
    await client.send_json_auto_id({"type": "recorder/validate_statistics"})
    assert (await client.receive_json())["result"] == {}


async def test_attributes_are_not_recorded(
    recorder_mock: Recorder, hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Test that the database keeps no attributes that repeat what is known."""
    await async_wait_recording_done(hass)
    states = await recorder_mock.async_add_executor_job(
        get_significant_states,
        hass,
        dt_util.utcnow() - timedelta(minutes=1),
        None,
        ["sensor.cryptocloud_usdt_trc20"],
    )
    [state] = states["sensor.cryptocloud_usdt_trc20"]
    assert isinstance(state, State)
    assert state.state == "1250.5"
    assert state.attributes == {
        "friendly_name": "CryptoCloud USDT TRC20",
        "state_class": "total",
        "unit_of_measurement": "USDT",
    }
