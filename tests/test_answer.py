"""Tests of what an answer means."""

from decimal import Decimal
import logging
from typing import Any

import pytest

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .common import Shop, get_state, get_value, load_rows, logged, make_row

TOTALS = ("total_balance", "total_available_balance", "total_on_hold")
IMAGES = "https://cdn.cryptocloud.plus/img"


async def test_documented_answer_is_understood(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test what the answer in CryptoCloud's documentation becomes."""
    await new_shop.set_up(*load_rows("balance_documented"))

    states = hass.states.async_all("sensor")
    assert {state.entity_id: state.state for state in states} == {
        "sensor.cryptocloud_received": "0",
        "sensor.cryptocloud_usdt_trc20": "10",
        "sensor.cryptocloud_usdt_trc20_usd_value": "10",
        "sensor.cryptocloud_withdrawn": "0",
        "sensor.cryptocloud_total_balance": "10",
        "sensor.cryptocloud_total_available_balance": "10",
    }
    assert get_state(hass, "usdt_trc20").attributes == {
        "available_balance": 10.0,
        "available_balance_usd": 10.0,
        "balance_usd": 10.0,
        "currency": "USDT_TRC20",
        "currency_name": "Tether",
        "entity_picture": f"{IMAGES}/currency_network/USDT_TRC.svg",
        "friendly_name": "CryptoCloud USDT TRC20",
        "icon_base": f"{IMAGES}/currency/USDT.svg",
        "icon_network": f"{IMAGES}/currency_network/USDT_TRC.svg",
        "network": "TRC20",
        "network_icon": f"{IMAGES}/network/TRC20.svg",
        "network_name": "Tron",
        "state_class": "total",
        "unit_of_measurement": "USDT",
    }


ODD_TEXTS = ("1e5", "1,5", " 1", "+1", ".5", "NaN", "Infinity", "١", "9" * 79)
LONG = {"long text": "1".zfill(1001), "long number": Decimal("1" * 1001)}
ODD_NUMBERS = ("9" * 79, "1E+78", "1E-78")


@pytest.mark.parametrize(
    "amount",
    [
        *ODD_TEXTS,
        *map(Decimal, ODD_NUMBERS),
        *(pytest.param(amount, id=name) for name, amount in LONG.items()),
    ],
)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_amount_of_no_sane_size_is_unknown(
    hass: HomeAssistant, new_shop: Shop, amount: Any
) -> None:
    """Test that an amount of no sane size is unknown, and nothing but that."""
    await new_shop.set_up(
        make_row("BTC", balance_crypto=amount, balance_usd=amount),
        make_row("ETH", available_balance=amount),
    )

    assert get_state(hass, "btc").attributes["balance_usd"] is None
    assert get_state(hass, "btc").attributes["available_balance_usd"] == 1.0
    known = {"btc_available": "1", "eth": "1", "total_available_balance": "2"}
    unknown = ("btc", "btc_usd_value", "btc_on_hold", "eth_available", "eth_on_hold")
    expected = dict.fromkeys(
        (*unknown, "total_balance", "total_on_hold"), STATE_UNKNOWN
    )
    for name, value in (expected | known).items():
        assert get_value(hass, name) == value, name


async def test_repeated_row_counts_once(hass: HomeAssistant, new_shop: Shop) -> None:
    """Test that a repeated row counts once."""
    await new_shop.set_up(make_row("BTC", Decimal("1.0")), BTC=1)

    assert get_value(hass, "btc") == "1"
    assert get_value(hass, "total_balance") == "1"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_contradicting_rows_are_unknown(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that rows of one currency that differ make unknown what differs."""
    other = make_row("BTC", balance_crypto=2)
    await new_shop.set_up(make_row("BTC"), make_row("ETH"), other, make_row("BTC"))

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
async def test_unidentified_row_counts_in_the_totals_only(
    hass: HomeAssistant,
    new_shop: Shop,
    caplog: pytest.LogCaptureFixture,
    row: Any,
    total: str,
) -> None:
    """Test that a row of no known currency is left out but for the totals."""
    await new_shop.set_up(row, ETH=1)
    assert len(hass.states.async_all("sensor")) == 6
    assert get_value(hass, "eth") == "1"
    assert get_value(hass, "total_balance") == total
    assert get_value(hass, "total_available_balance") == total

    await new_shop.poll()
    [message] = logged(caplog, logging.WARNING)
    assert "which currency they are of" in message


async def test_codes_like_keys_get_sensors_of_their_own(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that no two sensors are taken for one, whatever the codes."""
    codes = ["A", "A:balance", "A_available", "total", "total_balance", "A:balance:b"]
    await new_shop.set_up(*map(make_row, codes))
    await new_shop.reload()

    assert {
        state.attributes["currency"]
        for state in hass.states.async_all("sensor")
        if "currency" in state.attributes
    } == set(codes)


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
async def test_currency_always_has_a_unit(
    hass: HomeAssistant, new_shop: Shop, code: str, short_code: Any, unit: str
) -> None:
    """Test that there is always a unit."""
    row = make_row(code)
    row["currency"]["short_code"] = short_code
    await new_shop.set_up(row)

    [state] = [
        state
        for state in hass.states.async_all("sensor")
        if "currency" in state.attributes
    ]
    assert state.attributes["unit_of_measurement"] == unit


@pytest.mark.parametrize(
    ("stablecoin", "decimals"), [(True, 2), (False, 3), ("false", 3), (1, 3), (None, 3)]
)
async def test_only_true_makes_a_stablecoin(
    hass: HomeAssistant,
    new_shop: Shop,
    entity_registry: er.EntityRegistry,
    stablecoin: Any,
    decimals: int,
) -> None:
    """Test the decimals that are shown, whatever the answer has for a boolean."""
    row = make_row("USDT")
    row["currency"]["stablecoin"] = stablecoin
    await new_shop.set_up(row)

    entity = entity_registry.async_get("sensor.cryptocloud_usdt")
    assert entity
    assert entity.options["sensor"]["suggested_display_precision"] == decimals


@pytest.mark.parametrize("text", [None, "", " ", "None", 7, "x" * 101, "a\nb"])
async def test_text_that_cannot_be_shown_is_unknown(
    hass: HomeAssistant, new_shop: Shop, text: Any
) -> None:
    """Test names that say nothing or are none."""
    row = make_row("BTC")
    row["currency"] |= {"name": text, "obj_network": {"code": text, "fullname": text}}
    await new_shop.set_up(row)

    attributes = get_state(hass, "btc").attributes
    for name in ("currency_name", "network", "network_name"):
        assert attributes[name] is None
