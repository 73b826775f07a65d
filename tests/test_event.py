"""Tests of the event of balance changes."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.cryptocloud.const import EVENT_BALANCE_CHANGE
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from tools.sandbox import Sandbox, Status

from .common import (
    OTHER_API_KEY,
    Poll,
    make_entry,
    make_row,
    reload,
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
    said = [
        tuple(
            event.attributes[name]
            for name in ("event_type", "currency", "amount", "amount_usd", "balance")
        )
        for event in events
    ]
    events.clear()
    return said


async def test_event(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
) -> None:
    """Test what a payment looks like."""
    state = hass.states.get(EVENT)
    assert state
    assert state.state == STATE_UNKNOWN
    assert state.attributes["event_types"] == ["decreased", "increased"]

    assert sandbox.rows
    sandbox.rows[0] |= {
        "balance_crypto": Decimal("1350.75"),
        "balance_usd": Decimal("1350.75"),
    }
    await poll()
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


async def test_several_changes(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
) -> None:
    """Test that each currency has its event, in the order of their codes."""
    sandbox.rows = [make_row(code, Decimal(10)) for code in ("C", "A", "B")]
    await poll()
    events.clear()
    sandbox.rows = [
        make_row("C", Decimal("10.00000001"), balance_usd=Decimal(25)),
        make_row("A", Decimal(4), balance_usd=Decimal(2)),
        make_row("B", Decimal(10), balance_usd=Decimal(99)),
    ]
    await poll()
    assert brief(events) == [
        ("decreased", "A", "6", "3", "4"),
        ("increased", "C", "0.00000001", "0", "10.00000001"),
    ]


@pytest.mark.parametrize(
    ("row", "event"),
    [
        ({"balance_crypto": 0}, ("decreased", "BTC", "1", "1", "0")),
        (
            {"balance_crypto": Decimal("0.75")},
            ("decreased", "BTC", "0.25", "0.33", "0.75"),
        ),
        (
            {"balance_crypto": 3, "balance_usd": None},
            ("increased", "BTC", "2", "2", "3"),
        ),
        (
            {"balance_crypto": 3, "balance_usd": 1},
            ("increased", "BTC", "2", "0.67", "3"),
        ),
        (
            {"balance_crypto": Decimal("1E+40"), "balance_usd": Decimal("1E+44")},
            ("increased", "BTC", "9" * 40, "9" * 40 + "0000", "1" + "0" * 40),
        ),
        (
            {"balance_crypto": -1, "balance_usd": -100},
            ("decreased", "BTC", "2", "200", "-1"),
        ),
    ],
)
async def test_amounts(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
    row: dict[str, Any],
    event: tuple[str, ...],
) -> None:
    """Test exact amounts, and their value where the answer tells it."""
    sandbox.rows = [make_row("BTC")]
    assert await set_up(hass, entry)
    sandbox.rows = [make_row("BTC", **row)]
    await poll()
    assert brief(events) == [event]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(
            [[make_row("A", 5, balance_usd=9)]], [], id="the rate alone changed"
        ),
        pytest.param(
            [[make_row("A", 5, available_balance=1)]], [], id="the hold alone changed"
        ),
        pytest.param([[]], [], id="the list went missing"),
        pytest.param(
            [[], [make_row("A", 7)]],
            [("increased", "A", "2", "2", "7")],
            id="the list came back",
        ),
        pytest.param(
            [[make_row("A", None)], [make_row("A", 7)]],
            [("increased", "A", "2", "2", "7")],
            id="the balance was unreadable",
        ),
        pytest.param(
            [[make_row("A", 5), make_row("B", 3)]],
            [("increased", "B", "3", "3", "3")],
            id="a new currency arrived with funds",
        ),
        pytest.param(
            [
                [make_row("A", 5), make_row("B", None)],
                [make_row("A", 5), make_row("B", 3)],
            ],
            [("increased", "B", "3", "3", "3")],
            id="a new currency arrived unreadable",
        ),
        pytest.param(
            [[make_row("A", 5), make_row("B", 0)]], [], id="a new currency was empty"
        ),
        pytest.param(
            [
                [make_row("A", 5), make_row(None)],
                [make_row("A", 5), make_row("B", 3)],
            ],
            [],
            id="a currency may have been there, unnamed",
        ),
        pytest.param(
            [[make_row("B", 1)], [make_row("B", 1), make_row("A", 6)]],
            [("increased", "B", "1", "1", "1"), ("increased", "A", "1", "1", "6")],
            id="a currency went and came back",
        ),
        pytest.param(
            [[make_row("A", 5), make_row("A", 6)], [make_row("A", 5)]],
            [],
            id="rows contradicted each other",
        ),
    ],
)
async def test_sequences(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
    answers: list[list[dict[str, Any]]],
    expected: list[tuple[str, ...]],
) -> None:
    """Test which answers are events."""
    sandbox.rows = [make_row("A", 5)]
    assert await set_up(hass, entry)
    for rows in answers:
        sandbox.rows = rows
        await poll()
    assert brief(events) == expected


async def test_empty_list_at_first(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
) -> None:
    """Test that the first currencies ever listed are no payments."""
    sandbox.rows = []
    assert await set_up(hass, entry)
    sandbox.rows = [make_row("A", 5)]
    await poll()
    assert brief(events) == []


async def test_outage(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
) -> None:
    """Test that what happened during an outage is one event."""
    sandbox.fault = Status(503)
    assert sandbox.rows
    for balance in (1300, 1400):
        sandbox.rows[0]["balance_crypto"] = Decimal(balance)
        await poll()
    state = hass.states.get(EVENT)
    assert state
    assert state.state == STATE_UNAVAILABLE
    sandbox.fault = None
    await poll()
    assert [event[:3] for event in brief(events)] == [
        ("increased", "USDT_TRC20", "149.5")
    ]
    await poll()
    assert events == []


async def test_change_before_an_outage(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that an outage does not report the change before it again."""
    told = async_capture_events(hass, EVENT_BALANCE_CHANGE)
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = Decimal(1300)
    for fault in (None, Status(503), None):
        sandbox.fault = fault
        await poll()
    assert [event.data["amount"] for event in told] == ["49.5"]


async def test_reload(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    events: list[State],
) -> None:
    """Test that the first answer after a start is no event, but what a reload hid."""
    assert brief(events) == []
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 7
    await reload(hass, loaded_entry)
    assert [event[:3] for event in brief(events)] == [
        ("decreased", "USDT_TRC20", "1243.5")
    ]
    await reload(hass, loaded_entry)
    assert brief(events) == []
    sandbox.rows[0]["balance_crypto"] = 8
    await poll()
    assert len(brief(events)) == 1


async def test_removal(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    events: list[State],
) -> None:
    """Test that nothing is remembered of a removed account."""
    await hass.config_entries.async_remove(loaded_entry.entry_id)
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 7
    entry = make_entry(entry_id=loaded_entry.entry_id)
    assert await set_up(hass, entry)
    assert brief(events) == []


async def test_option_is_no_event(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll, events: list[State]
) -> None:
    """Test that currencies shown because of an option are no payments."""
    entry = make_entry(only_funded=True)
    assert await set_up(hass, entry)
    await set_options(hass, entry, only_funded=False, show_icons=True)
    await poll()
    assert brief(events) == []


async def test_unfunded_currency(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll, events: list[State]
) -> None:
    """Test the first funds of a currency that has no sensor yet."""
    entry = make_entry(only_funded=True)
    assert await set_up(hass, entry)
    assert sandbox.rows
    sandbox.rows[2] |= {"balance_crypto": 2, "balance_usd": 1200}
    await poll()
    assert brief(events) == [("increased", "BNB", "2", "1200", "2")]


async def test_two_accounts(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that each account has its event."""
    entry = make_entry(OTHER_API_KEY, title="Tea shop")
    assert await set_up(hass, entry)
    assert hass.states.async_entity_ids("event") == [
        EVENT,
        "event.tea_shop_balance_change",
    ]
