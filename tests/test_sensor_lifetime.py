"""Tests of which sensors there are, and from when to when."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from tools.sandbox import Sandbox

from .common import (
    Poll,
    Row,
    complaints,
    get_state,
    get_value,
    make_entry,
    make_row,
    reload,
    set_up,
)


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
    assert state.attributes["unit_of_measurement"] == "ETH"
    assert "entity_picture" not in state.attributes
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert get_value(hass, "total_balance") == "1250.37"

    sandbox.rows = rows
    await poll()
    assert get_value(hass, "eth") == "0.00000001"
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
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    incomplete: list[Row],
    total: str,
) -> None:
    """Test starts with an empty list and with rows of unknown currencies."""
    rows = sandbox.rows
    sandbox.rows = incomplete
    await reload(hass, loaded_entry)
    assert get_value(hass, "eth") == STATE_UNAVAILABLE
    assert get_value(hass, "total_balance") == total

    sandbox.rows = rows
    await poll()
    assert get_value(hass, "eth") == "0.00000001"


@pytest.mark.usefixtures("loaded_entry")
async def test_empty_list_after_a_full_one_makes_totals_unknown(
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


async def test_new_account_without_currencies_holds_nothing(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that an account without currencies holds nothing."""
    sandbox.rows = []
    assert await set_up(hass, entry)
    assert get_value(hass, "total_balance") == "0"
    assert get_value(hass, "total_available_balance") == "0"

    await poll()
    assert get_value(hass, "total_balance") == "0"


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
    assert len(hass.states.async_all("sensor")) == 4
    assert get_value(hass, "total_balance") == STATE_UNKNOWN

    sandbox.rows = [make_row("BTC", 0, **funds), make_row("ETH", 0)]
    await poll()
    assert len(hass.states.async_all("sensor")) == 6
    assert get_state(hass, "btc").attributes["currency"] == "BTC"

    sandbox.rows = [make_row("BTC", 0), make_row("ETH", 0)]
    await poll()
    assert get_value(hass, "btc") == "0"

    await reload(hass, entry)
    assert get_value(hass, "btc") == "0"
    assert not entity_registry.async_get("sensor.cryptocloud_eth")
