"""Descriptions of the sensors."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)

from .coordinator import CryptoCloudCoordinator
from .models import Balance

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
    BALANCE_SENSOR,
    CryptoCloudUsdSensorDescription[Balance](
        key="usd_value",
        translation_key="usd_value",
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
