"""Two sensors a currency, and four for the account, as floats."""

from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from . import MinimalConfigEntry, MinimalCoordinator

TOTALS = ("balance_usd", "available_balance_usd", "balance_crypto", "available_balance")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MinimalConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            *(TotalSensor(coordinator, key) for key in TOTALS),
            *(BalanceSensor(coordinator, code) for code in coordinator.data),
            *(UsdValueSensor(coordinator, code) for code in coordinator.data),
        ]
    )


class MinimalSensor(CoordinatorEntity[MinimalCoordinator], SensorEntity):
    """A sensor of an account."""

    _attr_has_entity_name = True
    _attr_state_class = SensorStateClass.TOTAL

    def __init__(self, coordinator: MinimalCoordinator, name: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator)
        entry_id = coordinator.config_entry.entry_id
        self._attr_name = name
        self._attr_unique_id = f"{entry_id}_{name}"
        self._attr_device_info = DeviceInfo(identifiers={("minimal", entry_id)})


class TotalSensor(MinimalSensor):
    """A sum of the account."""

    _attr_device_class = SensorDeviceClass.MONETARY
    _attr_native_unit_of_measurement = "USD"

    def __init__(self, coordinator: MinimalCoordinator, key: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, key)
        self._key = key

    @property
    @override
    def native_value(self) -> float:
        """Return the sum."""
        value: float = sum(row[self._key] for row in self.coordinator.data.values())
        return value


class BalanceSensor(MinimalSensor):
    """A balance, with the attributes of the integration's."""

    def __init__(self, coordinator: MinimalCoordinator, code: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, code)
        self._code = code
        currency = coordinator.data[code]["currency"]
        self._attr_native_unit_of_measurement = currency["short_code"]
        self._attr_entity_picture = currency["icon_network"]

    @property
    @override
    def native_value(self) -> float:
        """Return the balance."""
        value: float = self.coordinator.data[self._code]["balance_crypto"]
        return value

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what else the row says."""
        row = self.coordinator.data[self._code]
        currency = row["currency"]
        network = currency["obj_network"]
        return {
            "balance_usd": row["balance_usd"],
            "available_balance": row["available_balance"],
            "available_balance_usd": row["available_balance_usd"],
            "currency": currency["code"],
            "currency_name": currency["name"],
            "network": network["code"],
            "network_name": network["fullname"],
            "network_icon": network.get("icon"),
            "icon_base": currency["icon_base"],
            "icon_network": currency["icon_network"],
        }


class UsdValueSensor(MinimalSensor):
    """A balance in USD."""

    _attr_device_class = SensorDeviceClass.MONETARY
    _attr_native_unit_of_measurement = "USD"

    def __init__(self, coordinator: MinimalCoordinator, code: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, f"{code} USD value")
        self._code = code

    @property
    @override
    def native_value(self) -> float:
        """Return the value."""
        value: float = self.coordinator.data[self._code]["balance_usd"]
        return value
