"""Sensors for the balances of an account."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_ONLY_FUNDED, CONF_SHOW_ICONS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .entity import (
    CryptoCloudEntity,
    currency_attributes,
    currency_title,
    currency_unique_id,
)
from .models import Balance, format_plain

PARALLEL_UPDATES = 0

USD = "USD"


@dataclass(frozen=True, kw_only=True)
class CryptoCloudSensorDescription[DataT](SensorEntityDescription):
    """Description of an amount."""

    state_class: SensorStateClass = SensorStateClass.TOTAL
    value_fn: Callable[[DataT], Decimal | None]


@dataclass(frozen=True, kw_only=True)
class CryptoCloudUsdSensorDescription[DataT](CryptoCloudSensorDescription[DataT]):
    """Description of an amount in USD."""

    device_class: SensorDeviceClass = SensorDeviceClass.MONETARY
    native_unit_of_measurement: str = USD
    suggested_display_precision: int = 2


ACCOUNT_SENSORS = (
    CryptoCloudUsdSensorDescription[CryptoCloudCoordinator](
        key="total_balance",
        translation_key="total_balance",
        value_fn=lambda coordinator: coordinator.data.total_usd,
    ),
    CryptoCloudUsdSensorDescription[CryptoCloudCoordinator](
        key="total_available_balance",
        translation_key="total_available_balance",
        value_fn=lambda coordinator: coordinator.data.total_available_usd,
    ),
    CryptoCloudUsdSensorDescription[CryptoCloudCoordinator](
        key="total_on_hold",
        translation_key="total_on_hold",
        entity_registry_enabled_default=False,
        value_fn=lambda coordinator: coordinator.data.total_on_hold_usd,
    ),
    CryptoCloudUsdSensorDescription[CryptoCloudCoordinator](
        key="received",
        translation_key="received",
        value_fn=lambda coordinator: coordinator.ledger.received,
    ),
    CryptoCloudUsdSensorDescription[CryptoCloudCoordinator](
        key="withdrawn",
        translation_key="withdrawn",
        value_fn=lambda coordinator: coordinator.ledger.withdrawn,
    ),
)

BALANCE_SENSOR = CryptoCloudSensorDescription[Balance](
    key="balance",
    translation_key="balance",
    value_fn=lambda balance: balance.balance,
)

CURRENCY_SENSORS = (
    CryptoCloudUsdSensorDescription[Balance](
        key="usd_value",
        translation_key="usd_value",
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.balance_usd,
    ),
    CryptoCloudSensorDescription[Balance](
        key="available",
        translation_key="available",
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.available,
    ),
    CryptoCloudUsdSensorDescription[Balance](
        key="available_usd_value",
        translation_key="available_usd_value",
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.available_usd,
    ),
    CryptoCloudSensorDescription[Balance](
        key="on_hold",
        translation_key="on_hold",
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.on_hold,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CryptoCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the totals and the currencies, and add those that appear later."""
    coordinator = entry.runtime_data
    only_funded = entry.options.get(CONF_ONLY_FUNDED, False)
    # Never shrinks: the sensors of a currency that is gone stay, unavailable.
    added: set[str] = set()

    @callback
    def add_currencies() -> None:
        """Add sensors for the currencies that have none yet."""
        codes = sorted(
            code
            for code, balance in coordinator.data.balances.items()
            if code not in added
            and (not only_funded or balance.is_funded or code in coordinator.registered)
        )
        added.update(codes)
        async_add_entities(
            sensor
            for code in codes
            for sensor in (
                CryptoCloudBalanceSensor(coordinator, BALANCE_SENSOR, code),
                *(
                    CryptoCloudCurrencySensor(coordinator, description, code)
                    for description in CURRENCY_SENSORS
                ),
            )
        )

    async_add_entities(
        CryptoCloudAccountSensor(coordinator, description)
        for description in ACCOUNT_SENSORS
    )
    add_currencies()
    entry.async_on_unload(coordinator.async_add_listener(add_currencies))


class CryptoCloudAccountSensor(CryptoCloudEntity, SensorEntity):
    """An amount of a whole account, in USD."""

    entity_description: CryptoCloudSensorDescription[CryptoCloudCoordinator]

    def __init__(
        self,
        coordinator: CryptoCloudCoordinator,
        description: CryptoCloudSensorDescription[CryptoCloudCoordinator],
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> str | None:
        """Return the exact amount."""
        return format_plain(self.entity_description.value_fn(self.coordinator))


class CryptoCloudCurrencySensor(CryptoCloudEntity, SensorEntity):
    """An amount of one currency."""

    entity_description: CryptoCloudSensorDescription[Balance]

    def __init__(
        self,
        coordinator: CryptoCloudCoordinator,
        description: CryptoCloudSensorDescription[Balance],
        code: str,
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, currency_unique_id(code, description.key))
        self.entity_description = description
        self._code = code
        self._attr_translation_placeholders = {"currency": currency_title(code)}
        currency = self._balance.currency
        if description.native_unit_of_measurement is None:
            # The unit must never change, or the sensor's statistics break.
            registered = coordinator.registered.get(code, {}).get(description.key)
            self._attr_native_unit_of_measurement = (
                registered and registered.unit_of_measurement
            ) or currency.short_code
            self._attr_suggested_display_precision = 2 if currency.stablecoin else 8

    @property
    def _balance(self) -> Balance:
        """Return what the account holds in the currency, while that is reported."""
        return self.coordinator.data.balances[self._code]

    @property
    @override
    def available(self) -> bool:
        """Return whether the last answer reported the currency."""
        return super().available and self._code in self.coordinator.data.balances

    @property
    @override
    def native_value(self) -> str | None:
        """Return the exact amount."""
        return format_plain(self.entity_description.value_fn(self._balance))


class CryptoCloudBalanceSensor(CryptoCloudCurrencySensor):
    """The balance of one currency, with its other amounts and its currency."""

    # Each of them is constant or has its own sensor.
    _unrecorded_attributes = frozenset({MATCH_ALL})

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return the other amounts as numbers, and the currency."""
        balance = self._balance
        currency = balance.currency
        return {
            "balance_usd": _number(balance.balance_usd),
            "available_balance": _number(balance.available),
            "available_balance_usd": _number(balance.available_usd),
            **currency_attributes(currency),
            "icon_base": currency.icon_base,
            "icon_network": currency.icon_network,
            "network_icon": currency.network_icon,
        }

    @property
    @override
    def entity_picture(self) -> str | None:
        """Return the picture of the currency, unless pictures are turned off."""
        if not self.available or not self.coordinator.config_entry.options.get(
            CONF_SHOW_ICONS, True
        ):
            return None
        currency = self._balance.currency
        return currency.icon_network or currency.icon_base


def _number(amount: Decimal | None) -> float | None:
    """Return an amount as a JSON number, which may lose digits."""
    if amount is None:
        return None
    return float(amount) if amount else 0.0
