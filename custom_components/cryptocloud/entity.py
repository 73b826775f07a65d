"""Base of the CryptoCloud entities."""

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

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
