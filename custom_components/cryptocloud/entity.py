"""Base of the CryptoCloud entities."""

from collections.abc import Iterable

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import Currency
from .const import CABINET_URL, DOMAIN
from .coordinator import CryptoCloudCoordinator


class CryptoCloudEntity(CoordinatorEntity[CryptoCloudCoordinator]):
    """An entity of one CryptoCloud account."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: CryptoCloudCoordinator) -> None:
        """Initialize the entity."""
        super().__init__(coordinator)
        entry = coordinator.config_entry
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            name=entry.title,
            manufacturer="CryptoCloud",
            entry_type=DeviceEntryType.SERVICE,
            configuration_url=CABINET_URL,
        )


def own_entities(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the entities of this integration among others."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entity := registry.async_get(entity_id)) and entity.platform == DOMAIN
    }


def currency_title(code: str) -> str:
    """Return how a currency is called, USDT TRC20 for USDT_TRC20."""
    return code.replace("_", " ")


def currency_attributes(currency: Currency) -> dict[str, str | None]:
    """Return what identifies a currency, wherever that is told."""
    return {
        "currency": currency.code,
        "currency_name": currency.name,
        "network": currency.network,
        "network_name": currency.network_name,
    }
