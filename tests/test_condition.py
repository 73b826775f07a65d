"""Tests of the conditions, as automations use them."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox, Status

from .common import Poll, make_row, set_up


@pytest.mark.parametrize(
    ("threshold", "behavior", "expected"),
    [
        ({"type": "above", "value": {"number": 4}}, "any", True),
        ({"type": "above", "value": {"number": 4}}, "all", False),
        ({"type": "above", "value": {"number": 5}}, "any", False),
        ({"type": "below", "value": {"number": 6}}, "all", True),
        (
            {
                "type": "outside",
                "value_min": {"number": 4},
                "value_max": {"number": 9},
            },
            "any",
            True,
        ),
        (
            {"type": "between", "value_min": {"number": 4}, "value_max": {"number": 6}},
            "any",
            True,
        ),
        ({"type": "above", "value": {"entity": "input_number.limit"}}, "any", True),
    ],
)
async def test_condition_compares_balances_that_are_known(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    entity_registry: er.EntityRegistry,
    threshold: dict[str, Any],
    behavior: str,
    expected: bool,
) -> None:
    """Test balances of 5 and 3, and another sensor that does not count."""
    sandbox.rows = [make_row("A", 5), make_row("B", 3)]
    assert await set_up(hass, entry)
    hass.states.async_set("sensor.other", "1000")
    hass.states.async_set("input_number.limit", "4")
    calls = async_mock_service(hass, "test", "notify")
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "ask"},
                "conditions": {
                    "condition": "cryptocloud.is_balance",
                    "target": {
                        "entity_id": [
                            "sensor.cryptocloud_a",
                            "sensor.cryptocloud_b",
                            "sensor.other",
                        ]
                    },
                    "options": {"behavior": behavior, "threshold": threshold},
                },
                "actions": {"action": "test.notify"},
            }
        },
    )
    await hass.async_block_till_done()
    hass.bus.async_fire("ask")
    await hass.async_block_till_done()
    assert bool(calls) == expected

    calls.clear()
    sandbox.fault = Status(503)
    await poll()
    hass.bus.async_fire("ask")
    await hass.async_block_till_done()
    assert calls == []

    sandbox.fault = None
    await poll()
    for code in ("a", "b"):
        entity_registry.async_remove(f"sensor.cryptocloud_{code}")
    hass.bus.async_fire("ask")
    await hass.async_block_till_done()
    assert calls == []
