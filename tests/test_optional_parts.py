"""Tests that an account does not need its optional parts."""

from decimal import Decimal
import logging
import sys
from typing import Any
from unittest.mock import Mock

import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import Shop, get_value, logged

# The parts that the integration sets up itself, and their first function
OWN_PARTS = dict.fromkeys(("assist", "dashboard", "webhook"), "async_setup")
# Those that Home Assistant loads
PARTS = OWN_PARTS | {
    "condition": "async_get_conditions",
    "diagnostics": "async_get_config_entry_diagnostics",
    "logbook": "async_describe_events",
    "system_health": "async_register",
    "trigger": "async_get_triggers",
}
EVENT = {"entity_id": "event.cryptocloud_balance_change"}
SENSOR = {"entity_id": "sensor.cryptocloud_a"}
ABOVE = {"threshold": {"type": "above", "value": {"number": 1}}}
AUTOMATIONS: list[dict[str, Any]] = [
    {
        "triggers": {"trigger": "cryptocloud.balance_increased", "target": EVENT},
        "actions": [],
    },
    {
        "triggers": [],
        "conditions": {"condition": "cryptocloud.is_balance", "target": SENSOR}
        | {"options": ABOVE},
        "actions": [],
    },
]


@pytest.fixture(params=["import", "set-up"])
def tried(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, part: str
) -> Mock:
    """Let a part fail, and return what is called when it does."""
    module = f"custom_components.{DOMAIN}.{part}"
    if request.param == "set-up":
        tried = Mock(side_effect=TypeError)
        monkeypatch.setattr(f"{module}.{PARTS[part]}", tried)
        return tried
    tried = Mock(side_effect=ImportError)
    finder = Mock()
    finder.find_spec = lambda name, *_: tried() if name == module else None
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.delitem(sys.modules, module, raising=False)
    return tried


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.no_fail_on_log_exception
@pytest.mark.usefixtures("recorder_mock", "frontend_urls")
async def test_account_without_a_part(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_ws_client: WebSocketGenerator,
    new_shop: Shop,
    part: str,
    tried: Mock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that the sensors are right although something else fails."""
    assert await async_setup_component(hass, "http", {})
    for domain in ("diagnostics", "logbook", "system_health"):
        assert await async_setup_component(hass, domain, {})

    entry = new_shop.entry
    # Without it, there is no such part.
    options = {**entry.options, "instant_updates": part == "webhook"}
    hass.config_entries.async_update_entry(entry, options=options)
    await new_shop.set_up(A=5)
    await async_setup_component(hass, "automation", {"automation": AUTOMATIONS})
    websocket = await hass_ws_client()
    await websocket.send_json_auto_id({"type": "system_health/info"})
    await websocket.receive_json()
    await (await hass_client()).get(f"/api/diagnostics/config_entry/{entry.entry_id}")
    await new_shop.poll(A=Decimal("7.5"), B=1)

    tried.assert_called()
    assert entry.state is ConfigEntryState.LOADED
    shown = [get_value(hass, name) for name in ("a", "b", "total_balance")]
    assert shown == ["7.5", "1", "8.5"]
    warnings = [f"{part.capitalize()} could not be set up"] if part in OWN_PARTS else []
    assert logged(caplog, logging.WARNING) == warnings
