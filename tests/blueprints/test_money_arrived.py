"""Tests of the messages about receipts."""

from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from tests.common import Messages, Poll, Row
from tools.sandbox import Sandbox

from .common import EVENT, EVIL, HARMLESS, Run, set_balance


async def test_each_increase_is_one_message(
    hass: HomeAssistant, rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test one message for each currency that increased."""
    await elapse()
    await run("money_arrived", accounts=[EVENT])
    await elapse()
    assert messages == []

    set_balance(rows[0], "1000", "990")
    await elapse()
    expected = [
        (
            "+99.50 USDT TRC20",
            "Worth 98.50 USD. CryptoCloud now holds 1000.00 USDT TRC20.",
        )
    ]
    assert messages == expected

    # A withdrawal, and a rate
    set_balance(rows[0], "500", "500")
    set_balance(rows[1], "2", "120000")
    await elapse()
    assert messages == expected

    # Two at once, one of which is valued at the last known rate
    set_balance(rows[0], "500.00000001", "500")
    rows[1] |= {"balance_crypto": Decimal(3), "balance_usd": None}
    with patch("homeassistant.util.dt.utcnow", return_value=dt_util.utcnow()):
        await elapse()
    expected += [
        (
            "+1.00000000 BTC",
            "Worth 60000.00 USD. CryptoCloud now holds 3.00000000 BTC.",
        ),
        (
            "+0.00000001 USDT TRC20",
            "Worth 0.00 USD. CryptoCloud now holds 500.00 USDT TRC20.",
        ),
    ]
    assert messages == expected


async def test_receipt_during_an_outage_is_told_once(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that what arrived during an outage is reported, and nothing twice."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], message_text="+{amount} $")
    set_balance(rows[0], "901.5", "901.5")
    await elapse()
    sandbox.body = b"no balances"
    set_balance(rows[0], "1000.5", "1000.5")
    await elapse()
    assert messages == [("+1.00 USDT TRC20", "+1.00 $")]

    sandbox.body = None
    await elapse()
    expected = [("+1.00 USDT TRC20", "+1.00 $"), ("+99.00 USDT TRC20", "+99.00 $")]
    assert messages == expected

    # Nothing of this is an event.
    sandbox.body = b"no balances"
    await elapse()
    sandbox.body = None
    await elapse()
    entity_registry.async_update_entity(EVENT, name="Payments")
    await elapse()
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await elapse()
    assert await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse()
    assert messages == expected


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"minimum_usd": 98.5}, True),
        ({"minimum_usd": 98.51}, False),
        ({"currencies": ["BTC"]}, False),
        ({"currencies": ["BTC", "USDT_TRC20"]}, True),
        ({"currencies": ["usdt trc20 "]}, True),
    ],
)
async def test_minimum_and_currencies_filter(
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    inputs: dict[str, Any],
    told: bool,
) -> None:
    """Test the least amount and the currencies."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], **inputs)
    set_balance(rows[0], "1000", "990")
    await elapse()

    assert bool(messages) is told


async def test_own_words_and_action_are_used(
    hass: HomeAssistant, rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test all placeholders, another action, and a run by hand."""
    texts = {
        "title_text": "{account}: {network}",
        "message_text": "+{amount} {currency_name} ({amount_usd} $) = {balance} {rest}",
    }
    calls = async_mock_service(hass, "notify", "phone")
    action = {
        "action": "notify.phone",
        "data": {
            "title": "{{ title }}",
            "message": "{{ message }}",
            "data": {"url": "{{ url }}"},
        },
    }
    await elapse()
    await run("money_arrived", accounts=[EVENT], notify=[action], url="/shop", **texts)
    set_balance(rows[0], "1000", "990")
    await elapse()
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.test"}, blocking=True
    )

    assert [call.data for call in calls] == 2 * [
        {
            "title": "CryptoCloud: Network",
            "message": "+99.50 Tether (98.50 $) = 1000.00 {rest}",
            "data": {"url": "/shop"},
        }
    ]
    assert messages == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{amount}", "0.00000001\u200b"),
        ("+{amount}", "+0.00000001\u200b"),
        ("{balance}", "900.50\u200b"),
        ("{amount}, {amount}", "0.00000001, 0.00000001"),
        ("[{amount}]", "[0.00000001]"),
        ("{amount} {currency}", "0.00000001 USDT TRC20"),
    ],
)
async def test_message_of_digits_stays_text(
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    text: str,
    told: str,
) -> None:
    """Test that no digit or sign is lost, whatever else the text has."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], title_text=text, message_text=text)
    set_balance(rows[0], "900.50000001", "891.495")
    await elapse()

    assert messages == [(told, told)]


async def test_names_of_the_service_do_not_format_the_message(
    hass: HomeAssistant, rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test a code that would be a link, and an amount that never had a value."""
    rows[0]["currency"] |= {"code": EVIL, "name": "<b>{{ 1 }}</b>"}
    rows[0]["currency"]["obj_network"]["fullname"] = "***"
    rows[0]["balance_usd"] = None
    await elapse()
    await run(
        "money_arrived",
        accounts=[EVENT],
        message_text="{amount_usd} {currency_name} {network}",
    )
    rows[0]["balance_crypto"] = Decimal(1000)
    await elapse()

    assert messages == [(f"+99.50 {HARMLESS}", "? b 1 /b ?")]
