"""Sensors that Assist knows by name."""

from typing import override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .coordinator import CryptoCloudCoordinator
from .entity import CryptoCloudEntity


class CryptoCloudVoiceSensor(CryptoCloudEntity, SensorEntity):
    """A sensor that Assist knows by a short name."""

    def __init__(self, coordinator: CryptoCloudCoordinator, unique_id: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator)
        self._attr_unique_id = unique_id
        registry = er.async_get(coordinator.hass)
        key = (Platform.SENSOR, DOMAIN, unique_id)
        self._is_new = not (
            registry.async_get_entity_id(*key) or key in registry.deleted_entities
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Give a new sensor its short name."""
        await super().async_added_to_hass()
        if self._is_new:
            # Once only: from then on its names are the user's.
            self._is_new = False
            self._add_short_name()

    @callback
    def _add_short_name(self) -> None:
        """Add the name without the account's, unless another account has it."""
        registry = er.async_get(self.hass)
        entity = registry.entities[self.entity_id]
        key = entity.unique_id.removeprefix(self.coordinator.config_entry.entry_id)
        others = (
            registry.async_get_entity_id(
                Platform.SENSOR, DOMAIN, f"{entry.entry_id}{key}"
            )
            for entry in self.hass.config_entries.async_entries(DOMAIN)
        )
        if (name := entity.original_name) and not any(
            other and name in registry.entities[other].aliases for other in others
        ):
            aliases = [*entity.aliases, name]
            registry.async_update_entity(self.entity_id, aliases=aliases)
