"""Tests of the event of balance changes."""

from decimal import Decimal
from typing import Any

import pytest

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event

from .common import (
    OTHER_API_KEY,
    Row,
    Shop,
    load_rows,
    make_entry,
    make_row,
    set_options,
    set_up,
)

EVENT = "event.cryptocloud_balance_change"


@pytest.fixture
def events(hass: HomeAssistant) -> list[State]:
    """Return the events that happen, as the states that an automation sees."""
    events: list[State] = []

    @callback
    def changed(event: Any) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if (
            new
            and new.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
            and (old is None or old.attributes != new.attributes)
            and "amount" in new.attributes
            and (old is None or old.state != STATE_UNAVAILABLE)
        ):
            events.append(new)

    async_track_state_change_event(hass, EVENT, changed)
    return events


def brief(events: list[State]) -> list[tuple[str, ...]]:
    """Return what the events say, and forget them."""
    names = ("event_type", "currency", "amount", "amount_usd", "balance")
    said = [tuple(event.attributes[name] for name in names) for event in events]
    events.clear()
    return said


def get_event(hass: HomeAssistant) -> State:
    """Return the state of the event."""
    state = hass.states.get(EVENT)
    assert state
    return state


async def test_event_describes_a_payment(new_shop: Shop, events: list[State]) -> None:
    """Test what a payment looks like."""
    rows = load_rows("balance_composed")
    await new_shop.set_up(*rows)
    state = get_event(new_shop.hass)
    assert state.state == STATE_UNKNOWN
    assert state.attributes["event_types"] == ["decreased", "increased"]

    rows[0] |= dict.fromkeys(("balance_crypto", "balance_usd"), Decimal("1350.75"))
    await new_shop.poll(*rows)

    [event] = events
    assert event.attributes == {
        "amount": "100.25",
        "amount_usd": "100.25",
        "balance": "1350.75",
        "currency": "USDT_TRC20",
        "currency_name": "Tether",
        "event_type": "increased",
        "event_types": ["decreased", "increased"],
        "friendly_name": "CryptoCloud Balance change",
        "network": "TRC20",
        "network_name": "Tron",
    }


async def test_each_currency_has_its_event(new_shop: Shop, events: list[State]) -> None:
    """Test that each currency has its event, in the order of their codes."""
    await new_shop.set_up(C=10, A=10, B=10)

    await new_shop.poll(
        make_row("C", Decimal("10.00000001"), balance_usd=25),
        make_row("A", 4, balance_usd=2),
        make_row("B", 10, balance_usd=99),
    )

    assert brief(events) == [
        ("decreased", "A", "6", "3", "4"),
        ("increased", "C", "0.00000001", "0", "10.00000001"),
    ]


@pytest.mark.parametrize(
    ("balance", "usd", "event"),
    [
        (0, 1, ("decreased", "1", "1", "0")),
        (Decimal("0.75"), 1, ("decreased", "0.25", "0.33", "0.75")),
        (3, None, ("increased", "2", "2", "3")),
        (3, 1, ("increased", "2", "0.67", "3")),
        (10**40, 10**44, ("increased", "9" * 40, f"{'9' * 40}0000", f"{10**40}")),
        (-1, -100, ("decreased", "2", "200", "-1")),
    ],
)
async def test_amounts_are_exact(
    new_shop: Shop, events: list[State], balance: Any, usd: Any, event: tuple[str, ...]
) -> None:
    """Test exact amounts, and their value where the answer contains it."""
    await new_shop.set_up(BTC=1)
    await new_shop.poll(make_row("BTC", 1, balance_crypto=balance, balance_usd=usd))

    event_type, *amounts = event
    assert brief(events) == [(event_type, "BTC", *amounts)]


A_5 = make_row("A", 5)
B_3 = make_row("B", 3)
TWO_MORE = ("increased", "A", "2", "2", "7")
THREE_NEW = ("increased", "B", "3", "3", "3")
SEQUENCES: dict[str, tuple[list[list[Row]], list[tuple[str, ...]]]] = {
    "the rate alone changed": ([[make_row("A", 5, balance_usd=9)]], []),
    "the hold alone changed": ([[make_row("A", 5, available_balance=1)]], []),
    "the list went missing": ([[]], []),
    "the list came back": ([[], [make_row("A", 7)]], [TWO_MORE]),
    "unreadable for a while": ([[make_row("A", None)], [make_row("A", 7)]], [TWO_MORE]),
    "a new currency arrived with funds": ([[A_5, B_3]], [THREE_NEW]),
    "a new currency arrived unreadable": (
        [[A_5, make_row("B", None)], [A_5, B_3]],
        [THREE_NEW],
    ),
    "a new currency was empty": ([[A_5, make_row("B", 0)]], []),
    "a currency may have been there, unnamed": (
        [[A_5, make_row(None)], [A_5, B_3]],
        [],
    ),
    "a currency went and came back": (
        [[B_3], [B_3, make_row("A", 7)]],
        [THREE_NEW, TWO_MORE],
    ),
    "rows contradicted each other": ([[A_5, make_row("A", 6)], [A_5]], []),
}


@pytest.mark.parametrize(("answers", "expected"), SEQUENCES.values(), ids=SEQUENCES)
async def test_only_known_differences_are_events(
    new_shop: Shop,
    events: list[State],
    answers: list[list[Row]],
    expected: list[tuple[str, ...]],
) -> None:
    """Test which answers are events."""
    await new_shop.set_up(A_5)
    for rows in answers:
        new_shop.set(*rows)
        await new_shop.poll()

    assert brief(events) == expected


async def test_first_currencies_are_no_payments(
    new_shop: Shop, events: list[State]
) -> None:
    """Test that the first currencies ever listed are no payments."""
    await new_shop.set_up()
    await new_shop.poll(A=5)

    assert brief(events) == []


async def test_outage_ends_with_one_event(shop: Shop, events: list[State]) -> None:
    """Test that what happened during an outage is one event."""
    await shop.fail(A=120, B=5)
    await shop.fail(A=150, B=5)
    assert get_event(shop.hass).state == STATE_UNAVAILABLE

    await shop.poll()
    assert brief(events) == [("increased", "A", "50", "50", "150")]

    await shop.poll()
    assert events == []


async def test_outage_does_not_report_the_change_before_it(shop: Shop) -> None:
    """Test that an outage does not report the change before it again."""
    await shop.poll(A=150, B=5)
    await shop.fail()
    await shop.poll()

    assert shop.reports == [("increased", "A", "50", "50")]


async def test_reload_reports_only_what_it_hid(shop: Shop, events: list[State]) -> None:
    """Test that the first answer after a start is no event, but what a reload hid."""
    assert brief(events) == []

    await shop.reload(A=7, B=5)
    assert brief(events) == [("decreased", "A", "93", "93", "7")]

    await shop.reload()
    assert brief(events) == []

    await shop.poll(A=8, B=5)
    assert len(brief(events)) == 1


async def test_removed_account_is_forgotten(shop: Shop, events: list[State]) -> None:
    """Test that nothing is remembered of a removed account."""
    await shop.hass.config_entries.async_remove(shop.entry.entry_id)
    shop.set(A=7, B=5)
    assert await set_up(shop.hass, make_entry(entry_id=shop.entry.entry_id))

    assert brief(events) == []


@pytest.fixture
async def thrifty_shop(new_shop: Shop) -> Shop:
    """Return a shop whose option leaves out A, of which it has none."""
    hass, entry = new_shop.hass, new_shop.entry
    options = {**entry.options, "only_funded": True}
    hass.config_entries.async_update_entry(entry, options=options)
    await new_shop.set_up(A=0, B=5)
    assert not hass.states.get("sensor.cryptocloud_a")
    return new_shop


async def test_option_is_no_event(thrifty_shop: Shop, events: list[State]) -> None:
    """Test that currencies shown because of an option are no payments."""
    hass, entry = thrifty_shop.hass, thrifty_shop.entry
    await set_options(hass, entry, only_funded=False, show_icons=True)
    await thrifty_shop.poll()

    assert hass.states.get("sensor.cryptocloud_a")
    assert brief(events) == []


async def test_first_funds_of_a_currency_are_an_event(
    thrifty_shop: Shop, events: list[State]
) -> None:
    """Test the first funds of a currency that has no sensor yet."""
    await thrifty_shop.poll(A=2, B=5)

    assert brief(events) == [("increased", "A", "2", "2", "2")]


async def test_each_account_has_its_event(shop: Shop) -> None:
    """Test that each account has its event."""
    assert await set_up(shop.hass, make_entry(OTHER_API_KEY, title="Tea shop"))

    events = shop.hass.states.async_entity_ids("event")
    assert events == [EVENT, "event.tea_shop_balance_change"]
