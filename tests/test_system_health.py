"""Tests of the system health."""

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox


@pytest.mark.parametrize(
    ("is_running", "reachable"),
    [(True, "ok"), (False, {"type": "failed", "error": "unreachable"})],
)
async def test_system_health_says_whether_the_server_is_reachable(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    is_running: bool,
    reachable: object,
) -> None:
    """Test whether CryptoCloud can be reached."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    if not is_running:
        await sandbox.stop()
    info = await get_system_health_info(hass, DOMAIN)

    assert {key: await value for key, value in info.items()} == {
        "can_reach_server": reachable
    }
