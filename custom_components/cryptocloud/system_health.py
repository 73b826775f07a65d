"""System health of CryptoCloud."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .api import CryptoCloudClient


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register the system health information."""
    register.async_register_info(async_system_health_info)


async def async_system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return whether the API can be reached."""
    return {
        "can_reach_server": system_health.async_check_can_reach_url(
            hass, CryptoCloudClient.base_url
        )
    }
