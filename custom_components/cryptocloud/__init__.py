"""The CryptoCloud integration."""

from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

from .api import CryptoCloudClient
from .const import DOMAIN, PLATFORMS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator, known_balances
from .dashboard import async_setup_dashboard
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all accounts share."""
    async_setup_services(hass)
    await async_setup_dashboard(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> bool:
    """Set up CryptoCloud from a config entry."""
    client = CryptoCloudClient(
        session=async_get_clientsession(hass), api_key=entry.data[CONF_API_KEY]
    )
    # Before the first refresh, so that diagnostics can tell why that one fails.
    entry.runtime_data = CryptoCloudCoordinator(hass, entry, client)
    await entry.runtime_data.async_config_entry_first_refresh()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    if entry.runtime_data.changes:
        # The event was not there yet when what happened before a reload became known.
        entry.runtime_data.async_update_listeners()
    return True


async def async_unload_entry(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> bool:
    """Unload CryptoCloud."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> None:
    """Forget what a removed account held."""
    known_balances(hass).pop(entry.entry_id, None)
