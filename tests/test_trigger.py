"""Tests of the triggers, as automations use them."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox, Status

from .common import Poll, make_row, set_up

EVENT = "event.cryptocloud_balance_change"
TOTAL = "sensor.cryptocloud_total_balance"


@pytest.fixture
def calls(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what the automations do."""
    return async_mock_service(hass, "test", "notify")


@pytest.fixture
async def entry(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> MockConfigEntry:
    """Set up an account with little in it."""
    sandbox.rows = [make_row("A", 5), make_row("B", 5)]
    assert await set_up(hass, entry)
    return entry


async def automate(hass: HomeAssistant, trigger: dict[str, Any], say: str) -> None:
    """Set up an automation."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": trigger,
                "actions": {"action": "test.notify", "data": {"say": say}},
                "mode": "queued",
            }
        },
    )
    await hass.async_block_till_done()


def said(calls: list[ServiceCall]) -> list[str]:
    """Return what was said, and forget it."""
    messages = [call.data["say"] for call in calls]
    calls.clear()
    return messages


CHANGE = "{{ trigger.to_state.attributes.currency }} {{ trigger.to_state.attributes.amount }}"


@pytest.mark.parametrize(
    ("trigger", "options", "expected"),
    [
        ("balance_increased", {}, ["A 2", "B 1.5", "USDT_TRC20 1"]),
        ("balance_increased", {"currencies": ["B"]}, ["B 1.5"]),
        ("balance_increased", {"currencies": "A"}, ["A 2"]),
        ("balance_increased", {"currencies": ["B", "A"]}, ["A 2", "B 1.5"]),
        ("balance_increased", {"currencies": ["C"]}, []),
        ("balance_increased", {"currencies": ["  b "]}, ["B 1.5"]),
        ("balance_increased", {"currencies": ["usdt trc20"]}, ["USDT_TRC20 1"]),
        ("balance_increased", {"currencies": ["Usdt_Trc20"]}, ["USDT_TRC20 1"]),
        ("balance_increased", {"minimum_usd": 1.75}, ["A 2"]),
        ("balance_increased", {"minimum_usd": 2}, ["A 2"]),
        ("balance_increased", {"minimum_usd": 2.01}, []),
        ("balance_increased", {"minimum_usd": 1, "currencies": ["B"]}, ["B 1.5"]),
        ("balance_decreased", {}, ["C 4"]),
        ("balance_decreased", {"minimum_usd": 4}, ["C 4"]),
        ("balance_decreased", {"minimum_usd": 4.01}, []),
        ("balance_decreased", {"currencies": ["A", "B"]}, []),
    ],
)
async def test_balance_change(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    trigger: str,
    options: dict[str, Any],
    expected: list[str],
) -> None:
    """Test each change of an answer against the options."""
    sandbox.rows = [
        make_row("A", 5),
        make_row("B", 5),
        make_row("C", 4),
        make_row("USDT_TRC20", 2),
    ]
    await poll()
    await automate(
        hass,
        {
            "trigger": f"cryptocloud.{trigger}",
            "target": {"entity_id": EVENT},
            "options": options,
        },
        CHANGE,
    )
    sandbox.rows = [
        make_row("A", 7),
        make_row("B", Decimal("6.5")),
        make_row("C", 0),
        make_row("USDT_TRC20", 3),
    ]
    await poll()
    assert said(calls) == expected


async def test_outage(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
) -> None:
    """Test that a payment during an outage is reported once, afterwards."""
    await automate(
        hass,
        {"trigger": "cryptocloud.balance_increased", "target": {"entity_id": EVENT}},
        CHANGE,
    )
    sandbox.rows = [make_row("A", 6), make_row("B", 5)]
    await poll()
    assert said(calls) == ["A 1"]
    sandbox.fault = Status(503)
    sandbox.rows = [make_row("A", 8), make_row("B", 5)]
    await poll()
    assert said(calls) == []
    sandbox.fault = None
    await poll()
    assert said(calls) == ["A 2"]
    await poll()
    # Back from an outage without a payment
    sandbox.fault = Status(503)
    await poll()
    sandbox.fault = None
    await poll()
    assert said(calls) == []


async def test_target_is_the_device(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    device_registry: dr.DeviceRegistry,
) -> None:
    """Test that an account can be meant by its device."""
    [device] = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    await automate(
        hass,
        {
            "trigger": "cryptocloud.balance_increased",
            "target": {"device_id": device.id},
        },
        CHANGE,
    )
    sandbox.rows = [make_row("A", 6), make_row("B", 5)]
    await poll()
    assert said(calls) == ["A 1"]


async def test_name_is_no_event(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that other names and icons do not report the last payment again."""
    # Home Assistant 2026.6 tells triggers of such changes only beside another listener.
    async_track_state_change_event(hass, EVENT, lambda event: None)
    await automate(
        hass,
        {"trigger": "cryptocloud.balance_increased", "target": {"entity_id": EVENT}},
        CHANGE,
    )
    sandbox.rows = [make_row("A", 7), make_row("B", 5)]
    await poll()
    assert said(calls) == ["A 2"]
    [device] = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    device_registry.async_update_device(device.id, name_by_user="Tea shop")
    await hass.async_block_till_done()
    entity_registry.async_update_entity(EVENT, name="Payments")
    await hass.async_block_till_done()
    entity_registry.async_update_entity(EVENT, icon="mdi:cash")
    await hass.async_block_till_done()
    assert said(calls) == []
    sandbox.rows = [make_row("A", 8), make_row("B", 5)]
    await poll()
    assert said(calls) == ["A 1"]


async def test_reload(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
) -> None:
    """Test that what arrived before a reload starts an automation once."""
    await automate(
        hass,
        {"trigger": "cryptocloud.balance_increased", "target": {"entity_id": EVENT}},
        CHANGE,
    )
    for amount in (7, 10):
        sandbox.rows = [make_row("A", amount), make_row("B", amount)]
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert said(calls) == [f"{code} {2 if amount == 7 else 3}" for code in "AB"]
        await poll()
        assert said(calls) == []


async def test_events_of_others(
    hass: HomeAssistant, entry: MockConfigEntry, calls: list[ServiceCall]
) -> None:
    """Test that an event of something else is not taken for money."""
    await automate(
        hass,
        {
            "trigger": "cryptocloud.balance_increased",
            "target": {"entity_id": ["event.doorbell", "sensor.cryptocloud_a"]},
        },
        "ding",
    )
    for number in range(2):
        hass.states.async_set(
            "event.doorbell", str(number), {"event_type": "increased"}
        )
        await hass.async_block_till_done()
    assert said(calls) == []


@pytest.mark.parametrize(
    "options",
    [
        {"minimum_usd": -1},
        {"minimum_usd": "much"},
        {"currencies": [{}]},
        {"coin": "A"},
    ],
)
async def test_bad_options(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
) -> None:
    """Test that an automation with bad options is refused with their name."""
    await automate(
        hass,
        {
            "trigger": "cryptocloud.balance_increased",
            "target": {"entity_id": EVENT},
            "options": options,
        },
        "",
    )
    assert "failed to setup triggers and has been disabled" in caplog.text
    assert next(iter(options)) in caplog.text


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ({"type": "above", "value": {"number": 12}}, [True, False, False]),
        ({"type": "below", "value": {"number": 9}}, [False, True, False]),
        (
            {
                "type": "between",
                "value_min": {"number": 10.5},
                "value_max": {"number": 12},
            },
            [False, False, True],
        ),
    ],
)
async def test_total_crossed_threshold(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    threshold: dict[str, Any],
    expected: list[bool],
) -> None:
    """Test a total that goes up, down and up again."""
    await automate(
        hass,
        {
            "trigger": "cryptocloud.total_crossed_threshold",
            "target": {"entity_id": [TOTAL, "sensor.other"]},
            "options": {"threshold": threshold},
        },
        "crossed",
    )
    crossed = []
    for amount in (10, 2, 6):
        sandbox.rows = [make_row("A", amount), make_row("B", 5)]
        hass.states.async_set(
            "sensor.other",
            str(amount),
            {"device_class": "monetary", "unit_of_measurement": "USD"},
        )
        await poll()
        crossed.append(bool(said(calls)))
    assert crossed == expected


@pytest.mark.parametrize(
    ("target", "unit", "expected"),
    [
        (TOTAL, "USD", True),
        (TOTAL, "EUR", False),
        ("sensor.cryptocloud_a", "USD", False),
    ],
)
async def test_total_is_in_usd(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    target: str,
    unit: str,
    expected: bool,
) -> None:
    """Test that only amounts in USD are compared, and with nothing else."""
    hass.states.async_set("sensor.limit", "6", {"unit_of_measurement": unit})
    threshold = {"type": "above", "value": {"entity": "sensor.limit"}}
    await automate(
        hass,
        {
            "trigger": "cryptocloud.total_crossed_threshold",
            "target": {"entity_id": target},
            "options": {"threshold": threshold},
        },
        "crossed",
    )
    for amount in (1, 20):
        sandbox.rows = [make_row("A", amount)]
        await poll()
    assert bool(said(calls)) is expected


async def test_totals_of_an_account(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
    device_registry: dr.DeviceRegistry,
) -> None:
    """Test that balances in other units do not keep all totals from crossing."""
    [device] = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    await automate(
        hass,
        {
            "trigger": "cryptocloud.total_crossed_threshold",
            "target": {"device_id": device.id},
            "options": {
                "behavior": "all",
                "threshold": {"type": "above", "value": {"number": 12}},
            },
        },
        "crossed",
    )
    sandbox.rows = [make_row("A", 20), make_row("B", 5)]
    await poll()
    # Home Assistant 2026.6 says so for each of the totals.
    assert set(said(calls)) == {"crossed"}


async def test_received_crosses_a_threshold_if_it_is_named(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    calls: list[ServiceCall],
) -> None:
    """Test that a goal can be set for what is received."""
    await automate(
        hass,
        {
            "trigger": "cryptocloud.total_crossed_threshold",
            "target": {"entity_id": "sensor.cryptocloud_received"},
            "options": {"threshold": {"type": "above", "value": {"number": 12}}},
        },
        "crossed",
    )
    sandbox.rows = [make_row("A", 20), make_row("B", 5)]
    await poll()
    assert said(calls) == ["crossed"]
