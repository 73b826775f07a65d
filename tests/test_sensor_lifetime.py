"""Tests of when sensors appear and disappear."""

from decimal import Decimal
from typing import Any

import pytest

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .common import Row, Shop, complaints, get_state, get_value, make_row


async def test_new_currency_appears(hass: HomeAssistant, shop: Shop) -> None:
    """Test that a currency gets its sensor without a reload."""
    await shop.poll(TON=7, A=100, B=5)

    assert get_value(hass, "ton") == "7"
    assert get_value(hass, "a") == "100"


async def test_currencies_are_added_in_order(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that the answer's order leaves no trace."""
    await new_shop.set_up(C=1, A=1, D=1, B=1)

    codes = [
        state.attributes.get("currency") for state in hass.states.async_all("sensor")
    ]
    assert [code for code in codes if code] == ["A", "B", "C", "D"]


async def test_currency_goes_and_returns(
    hass: HomeAssistant, new_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that a currency that is not reported is unavailable until it returns."""
    row = make_row("B", 5)
    row["currency"]["icon_base"] = "https://cdn.cryptocloud.plus/b.svg"
    await new_shop.set_up(row, A=100)
    assert "entity_picture" in get_state(hass, "b").attributes

    await new_shop.poll(A=100)
    state = get_state(hass, "b")
    assert state.state == STATE_UNAVAILABLE
    assert state.attributes["unit_of_measurement"] == "B"
    assert "entity_picture" not in state.attributes
    assert get_value(hass, "a") == "100"
    assert get_value(hass, "total_balance") == "100"

    await new_shop.poll(row, A=100)
    assert get_value(hass, "b") == "5"
    assert complaints(caplog) == []


@pytest.mark.parametrize(
    ("incomplete", "total"),
    [
        ([], STATE_UNKNOWN),
        ([make_row("BTC"), {"balance_usd": 1}], "2"),
        ([make_row(None)], STATE_UNKNOWN),
    ],
)
async def test_incomplete_answer_removes_nothing(
    hass: HomeAssistant, shop: Shop, incomplete: list[Row], total: str
) -> None:
    """Test starts with an empty list and with rows of unknown currencies."""
    shop.set(*incomplete)
    await shop.reload()
    assert get_value(hass, "b") == STATE_UNAVAILABLE
    assert get_value(hass, "total_balance") == total

    await shop.poll(A=100, B=5)
    assert get_value(hass, "b") == "5"


async def test_empty_list_after_a_full_one_makes_totals_unknown(
    hass: HomeAssistant, shop: Shop
) -> None:
    """Test that a list gone missing is not taken for an empty account."""
    shop.set()
    await shop.poll()
    assert get_value(hass, "a") == STATE_UNAVAILABLE
    assert get_value(hass, "total_balance") == STATE_UNKNOWN
    assert get_value(hass, "total_available_balance") == STATE_UNKNOWN

    await shop.poll(A=100, B=5)
    assert get_value(hass, "a") == "100"
    assert get_value(hass, "total_balance") == "105"


async def test_new_account_without_currencies_holds_nothing(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that an account without currencies holds nothing."""
    await new_shop.set_up()
    assert get_value(hass, "total_balance") == "0"
    assert get_value(hass, "total_available_balance") == "0"

    await new_shop.poll()
    assert get_value(hass, "total_balance") == "0"


async def test_unit_never_changes(hass: HomeAssistant, shop: Shop) -> None:
    """Test that a new ticker changes no unit, as statistics would end."""
    row = make_row("A", 100)
    row["currency"]["short_code"] = "NEW"
    await shop.poll(row)
    assert get_state(hass, "a").attributes["unit_of_measurement"] == "A"

    await shop.reload()
    assert get_state(hass, "a").attributes["unit_of_measurement"] == "A"


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
async def test_option_hides_currencies_until_their_first_funds(
    hass: HomeAssistant,
    new_shop: Shop,
    entity_registry: er.EntityRegistry,
    funds: dict[str, Any],
) -> None:
    """Test that a currency gets its sensors with its first funds and keeps them."""
    options = {**new_shop.entry.options, "only_funded": True}
    hass.config_entries.async_update_entry(new_shop.entry, options=options)
    await new_shop.set_up(BTC=0, ETH=0, TON=None)
    assert len(hass.states.async_all("sensor")) == 4
    assert get_value(hass, "total_balance") == STATE_UNKNOWN

    await new_shop.poll(make_row("BTC", 0, **funds), ETH=0)
    assert len(hass.states.async_all("sensor")) == 6
    assert get_state(hass, "btc").attributes["currency"] == "BTC"

    await new_shop.poll(BTC=0, ETH=0)
    assert get_value(hass, "btc") == "0"

    await new_shop.reload()
    assert get_value(hass, "btc") == "0"
    assert not entity_registry.async_get("sensor.cryptocloud_eth")
