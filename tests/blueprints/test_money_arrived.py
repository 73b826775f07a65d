"""Tests of the messages about receipts."""

from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .common import EVENT, EVIL, HARMLESS, Home


async def test_each_increase_is_one_message(home: Home) -> None:
    """Test one message for each currency that increased."""
    await home.run("money_arrived", accounts=[EVENT])
    await home.elapse()
    assert home.messages == []

    home.hold("1000", "990")
    await home.elapse()
    worth = "Worth 98.50 USD. CryptoCloud now holds 1000.00 USDT TRC20."
    expected = [("+99.50 USDT TRC20", worth)]
    assert home.messages == expected

    # A withdrawal, and a rate
    home.hold("500", "500")
    home.hold("2", "120000", row=1)
    await home.elapse()
    assert home.messages == expected

    # Two at once, one of which is valued at the last known rate
    home.hold("500.00000001", "500")
    home.rows[1] |= {"balance_crypto": Decimal(3), "balance_usd": None}
    with patch("homeassistant.util.dt.utcnow", return_value=dt_util.utcnow()):
        await home.elapse()
    worth = "Worth 60000.00 USD. CryptoCloud now holds 3.00000000 BTC."
    next_to_nothing = "Worth 0.00 USD. CryptoCloud now holds 500.00 USDT TRC20."
    assert home.messages == [
        *expected,
        ("+1.00000000 BTC", worth),
        ("+0.00000001 USDT TRC20", next_to_nothing),
    ]


async def test_receipt_during_an_outage_is_told_once(
    home: Home, entity_registry: er.EntityRegistry
) -> None:
    """Test that what arrived during an outage is reported, and nothing twice."""
    await home.run("money_arrived", accounts=[EVENT], message_text="+{amount} $")
    home.hold("901.5", "901.5")
    await home.elapse()
    home.hold("1000.5", "1000.5")
    await home.fail()
    expected = [("+1.00 USDT TRC20", "+1.00 $")]
    assert home.messages == expected

    await home.recover()
    expected.append(("+99.00 USDT TRC20", "+99.00 $"))
    assert home.messages == expected

    # Nothing of this is an event.
    await home.fail()
    await home.recover()
    entity_registry.async_update_entity(EVENT, name="Payments")
    await home.elapse()
    entries = home.hass.config_entries
    for end in (entries.async_reload, entries.async_remove):
        assert await end(home.entry.entry_id)
        await home.elapse()
    assert home.messages == expected


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
    home: Home, inputs: dict[str, Any], told: bool
) -> None:
    """Test the minimum value and the currencies."""
    await home.run("money_arrived", accounts=[EVENT], **inputs)
    home.hold("1000", "990")
    await home.elapse()

    assert bool(home.messages) is told


async def test_own_words_and_action_are_used(home: Home) -> None:
    """Test all placeholders, another action, and a run by hand."""
    calls = async_mock_service(home.hass, "notify", "phone")
    data = {"title": "{{ title }}", "message": "{{ message }}"}
    await home.run(
        "money_arrived",
        accounts=[EVENT],
        notify=[
            {"action": "notify.phone", "data": data | {"data": {"url": "{{ url }}"}}}
        ],
        url="/shop",
        title_text="{account}: {network}",
        message_text="+{amount} {currency_name} ({amount_usd} $) = {balance} {rest}",
    )
    home.hold("1000", "990")
    await home.elapse()
    await home.hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.test"}, blocking=True
    )

    assert [call.data for call in calls] == 2 * [
        {
            "title": "CryptoCloud: Network",
            "message": "+99.50 Tether (98.50 $) = 1000.00 {rest}",
            "data": {"url": "/shop"},
        }
    ]
    assert home.messages == []


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
async def test_message_of_digits_stays_text(home: Home, text: str, told: str) -> None:
    """Test that no digit or sign is lost, whatever else the text has."""
    texts = {"title_text": text, "message_text": text}
    await home.run("money_arrived", accounts=[EVENT], **texts)
    home.hold("900.50000001", "891.495")
    await home.elapse()

    assert home.messages == [(told, told)]


async def test_names_of_the_service_do_not_format_the_message(home: Home) -> None:
    """Test a code that would be a link, and an amount that never had a value."""
    currency = home.rows[0]["currency"]
    currency |= {"code": EVIL, "name": "<b>{{ 1 }}</b>"}
    currency["obj_network"]["fullname"] = "***"
    home.rows[0]["balance_usd"] = None
    await home.elapse()
    text = "{amount_usd} {currency_name} {network}"
    await home.run("money_arrived", accounts=[EVENT], message_text=text)
    home.rows[0]["balance_crypto"] = Decimal(1000)
    await home.elapse()

    assert home.messages == [(f"+99.50 {HARMLESS}", "? b 1 /b ?")]
