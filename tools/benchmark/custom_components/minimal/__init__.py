"""The least that an integration must do: poll, and hand rows to entities."""

import logging
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, CONF_URL, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

LOGGER = logging.getLogger(__package__)
PLATFORMS = [Platform.SENSOR]

type Rows = dict[str, dict[str, Any]]
type MinimalConfigEntry = ConfigEntry[MinimalCoordinator]


class MinimalCoordinator(DataUpdateCoordinator[Rows]):
    """Coordinator that checks nothing."""

    config_entry: MinimalConfigEntry

    @override
    async def _async_update_data(self) -> Rows:
        """Return the rows by code."""
        data = self.config_entry.data
        async with async_get_clientsession(self.hass).post(
            data[CONF_URL],
            headers={"Authorization": f"Token {data[CONF_API_KEY]}"},
            raise_for_status=True,
        ) as response:
            answer = await response.json()
        return {row["currency"]["code"]: row for row in answer["result"]}


async def async_setup_entry(hass: HomeAssistant, entry: MinimalConfigEntry) -> bool:
    """Set up an account."""
    coordinator = MinimalCoordinator(hass, LOGGER, config_entry=entry, name=entry.title)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: MinimalConfigEntry) -> bool:
    """Unload an account."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
