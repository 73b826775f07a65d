"""Base of all entities, their unique ids, and what the entity registry knows."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import ACCOUNT_URL, DOMAIN
from .coordinator import (
    CryptoCloudConfigEntry,
    CryptoCloudCoordinator,
    RegisteredSensors,
)
from .models import Currency

# Keys of the sensors that do not show what an account holds, or show a part of it again
NOT_MEANT_BY_DEVICE = ("received", "withdrawn", "usd_value", "available_usd_value")


class CryptoCloudEntity(CoordinatorEntity[CryptoCloudCoordinator]):
    """An entity of one CryptoCloud account."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: CryptoCloudCoordinator, unique_id: str) -> None:
        """Initialize the entity; `unique_id` is unique within the account."""
        super().__init__(coordinator)
        self._attr_unique_id = f"{coordinator.config_entry.entry_id}_{unique_id}"
        # All entities are of one device; asking for it once is enough.
        self.device_entry = coordinator.device


@callback
def async_get_device(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> dr.DeviceEntry:
    """Return the device of an account."""
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer="CryptoCloud",
        entry_type=dr.DeviceEntryType.SERVICE,
        configuration_url=ACCOUNT_URL,
    )


def currency_unique_id(code: str, key: str) -> str:
    """Return the part of a unique id that stands for an amount of a currency."""
    return f"{code}:{key}"


@callback
def async_get_registered(hass: HomeAssistant, entry_id: str) -> RegisteredSensors:
    """Return the registered sensors of an account's currencies."""
    registered: defaultdict[str, dict[str, er.RegistryEntry]] = defaultdict(dict)
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry_id):
        code, colon, key = entity.unique_id.rpartition(":")
        if colon:
            registered[code.removeprefix(f"{entry_id}_")][key] = entity
    return registered


@callback
def async_get_balance_sensor(
    hass: HomeAssistant, entry_id: str, code: str
) -> str | None:
    """Return the entity id of a currency's balance sensor."""
    unique_id = f"{entry_id}_{currency_unique_id(code, 'balance')}"
    return er.async_get(hass).async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)


@callback
def async_remove_empty(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> bool:
    """Remove the sensors of empty currencies; return whether it is known which are."""
    coordinator: CryptoCloudCoordinator | None = getattr(entry, "runtime_data", None)
    if coordinator is None or not coordinator.knows_balances:
        return False
    registry = er.async_get(hass)
    registered = async_get_registered(hass, entry.entry_id)
    for code, balance in coordinator.data.balances.items():
        if balance.is_empty:
            for entity in registered.get(code, {}).values():
                registry.async_remove(entity.entity_id)
    return True


@callback
def async_enable_usd_values(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Enable the values in USD, which were once registered as disabled by default."""
    if entry.pref_disable_new_entities:
        return
    registry = er.async_get(hass)
    for sensors in async_get_registered(hass, entry.entry_id).values():
        value = sensors.get("usd_value")
        if value and value.disabled_by is er.RegistryEntryDisabler.INTEGRATION:
            registry.async_update_entity(value.entity_id, disabled_by=None)


def filter_own_entities(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the entities that belong to this integration."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entity := registry.async_get(entity_id)) and entity.platform == DOMAIN
    }


def filter_amounts(
    hass: HomeAssistant, entity_ids: Iterable[str], named: Collection[str]
) -> set[str]:
    """Return the integration's sensors for what an account holds.

    Sums of what came in and went out, and values of single currencies, are only among
    them if the user names them: a device or an area stands for its balances and totals.
    """
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in filter_own_entities(hass, entity_ids)
        if entity_id in named
        or registry.entities[entity_id].translation_key not in NOT_MEANT_BY_DEVICE
    }


def currency_title(code: str) -> str:
    """Return a currency's display name ("USDT TRC20" for "USDT_TRC20")."""
    return code.replace("_", " ")


def currency_attributes(currency: Currency) -> dict[str, str | None]:
    """Return the attributes that identify a currency."""
    return {
        "currency": currency.code,
        "currency_name": currency.name,
        "network": currency.network,
        "network_name": currency.network_name,
    }
