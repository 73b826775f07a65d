"""Tests of the conditions, as automations use them."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .common import Shop

SENSORS = ["sensor.cryptocloud_a", "sensor.cryptocloud_b"]


def number(value: float) -> dict[str, float]:
    """Return a limit that is a number."""
    return {"number": value}


@pytest.mark.parametrize(
    ("threshold", "behavior", "expected"),
    [
        ({"type": "above", "value": number(4)}, "any", True),
        ({"type": "above", "value": number(4)}, "all", False),
        ({"type": "above", "value": number(5)}, "any", False),
        ({"type": "below", "value": number(6)}, "all", True),
        (
            {"type": "outside", "value_min": number(4), "value_max": number(9)},
            "any",
            True,
        ),
        (
            {"type": "between", "value_min": number(4), "value_max": number(6)},
            "any",
            True,
        ),
        ({"type": "above", "value": {"entity": "input_number.limit"}}, "any", True),
    ],
)
async def test_condition_compares_balances_that_are_known(
    new_shop: Shop,
    entity_registry: er.EntityRegistry,
    threshold: dict[str, Any],
    behavior: str,
    expected: bool,
) -> None:
    """Test balances of 5 and 3, and another sensor that does not count."""
    hass = new_shop.hass
    await new_shop.set_up(A=5, B=3)
    hass.states.async_set("sensor.other", "1000")
    hass.states.async_set("input_number.limit", "4")
    calls = async_mock_service(hass, "test", "notify")
    automation = {
        "triggers": {"trigger": "event", "event_type": "ask"},
        "conditions": {
            "condition": "cryptocloud.is_balance",
            "target": {"entity_id": [*SENSORS, "sensor.other"]},
            "options": {"behavior": behavior, "threshold": threshold},
        },
        "actions": {"action": "test.notify"},
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})

    async def is_met() -> bool:
        calls.clear()
        hass.bus.async_fire("ask")
        await hass.async_block_till_done()
        return bool(calls)

    assert await is_met() is expected

    await new_shop.fail()
    assert not await is_met()

    await new_shop.poll()
    for sensor in SENSORS:
        entity_registry.async_remove(sensor)
    assert not await is_met()
