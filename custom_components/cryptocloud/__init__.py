"""The CryptoCloud integration."""

from typing import Any

from homeassistant.const import CONF_API_KEY, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .api import CryptoCloudClient
from .const import CONF_INSTANT_UPDATES, DOMAIN, LOGGER, PLATFORMS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .entity import async_enable_usd_values, async_get_device, async_get_registered
from .ledger import async_get_ledger, async_remove_ledger
from .refusals import async_forget_refusal
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all accounts share."""
    async_setup_services(hass)
    # Before accounts are set up; later, this would reload them.
    for entry in hass.config_entries.async_entries(DOMAIN):
        async_enable_usd_values(hass, entry)
    await async_run_optional(hass, "dashboard")
    return True


async def async_migrate_entry(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> bool:
    """Drop the unique id of version 1.1, a hash of the API key."""
    hass.config_entries.async_update_entry(entry, unique_id=None, minor_version=2)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> bool:
    """Set up CryptoCloud from a config entry."""
    api_key = entry.data.get(CONF_API_KEY)
    if not isinstance(api_key, str):
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN, translation_key="api_key_missing"
        )
    client = CryptoCloudClient(session=async_get_clientsession(hass), api_key=api_key)
    registered = async_get_registered(hass, entry.entry_id)
    ledger = async_get_ledger(hass, entry)
    await ledger.async_load()
    ledger.async_learn(registered.keys())
    coordinator = CryptoCloudCoordinator(hass, entry, client, ledger, registered)
    # Set before the first refresh, so that diagnostics can say why that one failed.
    entry.runtime_data = coordinator
    await coordinator.async_config_entry_first_refresh()
    coordinator.device = async_get_device(hass, entry)
    # Before the platforms: a call while they are set up would be lost.
    if entry.options.get(CONF_INSTANT_UPDATES):
        await async_run_optional(hass, "webhook", entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    await async_run_optional(hass, "assist", entry)

    async def start_reporting(_: HomeAssistant) -> None:
        """Report changes once automations listen."""
        await coordinator.async_start_reporting()

    entry.async_on_unload(async_at_started(hass, start_reporting))
    return True


async def async_unload_entry(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> bool:
    """Unload CryptoCloud."""
    coordinator = entry.runtime_data
    # Without its event entity, nobody would hear of a change.
    await coordinator.async_stop_reporting()
    is_unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if not is_unloaded:
        await coordinator.async_start_reporting()
    return is_unloaded


async def async_remove_entry(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> None:
    """Forget what a removed account held."""
    # An open form may show an address.
    options = hass.config_entries.options
    for flow in options.async_progress_by_handler(entry.entry_id):
        options.async_abort(flow["flow_id"])
    if webhook_id := entry.data.get(CONF_WEBHOOK_ID):
        await async_run_optional(
            hass, "webhook", entry, webhook_id, function="async_remove"
        )
    async_forget_refusal(hass, entry.entry_id)
    await async_remove_ledger(hass, entry)


async def async_run_optional(
    hass: HomeAssistant, name: str, *args: Any, function: str = "async_setup"
) -> None:
    """Run a part that the sensors do not need; if it fails, only it fails."""
    try:
        module = await async_import_module(hass, f"{__package__}.{name}")
        await getattr(module, function)(hass, *args)
    except Exception:  # noqa: BLE001 # whatever an optional part does
        done = "set up" if function == "async_setup" else "removed"
        LOGGER.warning("%s could not be %s", name.capitalize(), done, exc_info=True)
