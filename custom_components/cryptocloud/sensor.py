"""Sensors for the balances of an account."""

import asyncio
from decimal import Decimal
from typing import Any, override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN, SensorEntity
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import UNDEFINED, UndefinedType

from .coin import ICONS, MAX_DECIMALS, STABLECOIN_DECIMALS, choose_decimals, get_picture
from .const import CONF_ONLY_FUNDED, CONF_SHOW_ICONS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .entity import (
    CryptoCloudEntity,
    currency_attributes,
    currency_title,
    currency_unique_id,
)
from .models import Balance, Currency, format_plain
from .sensor_types import (
    ACCOUNT_SENSORS,
    BALANCE_SENSOR,
    CURRENCY_SENSORS,
    CryptoCloudSensorDescription,
)

PARALLEL_UPDATES = 0

# Adding the sensors of hundreds at once would block the event loop.
CURRENCIES_AT_ONCE = 10


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

    def find_new() -> list[str]:
        """Return the currencies that have no sensors yet."""
        return sorted(
            code
            for code, balance in coordinator.data.balances.items()
            if code not in added
            and (not only_funded or balance.is_funded or code in coordinator.registered)
        )

    @callback
    def add_currencies(limit: int | None = None) -> None:
        """Add the sensors of new currencies."""
        codes = find_new()[:limit]
        added.update(codes)
        async_add_entities(
            make_sensor(coordinator, description, code)
            for code in codes
            for description in CURRENCY_SENSORS
            # Enabling it reloads the account.
            if not coordinator.is_disabled(code, description.key)
        )

    async_add_entities(
        CryptoCloudAccountSensor(coordinator, description)
        for description in ACCOUNT_SENSORS
    )
    while find_new():
        add_currencies(CURRENCIES_AT_ONCE)
        await asyncio.sleep(0)
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
    """An amount of one currency, in USD."""

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
        self._written: Balance | UndefinedType | None = UNDEFINED
        self._attr_translation_placeholders = {"currency": currency_title(code)}

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

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if the balance differs from the last one written."""
        balance = self._balance if self.available else None
        if balance != self._written:
            self._written = balance
            super()._handle_coordinator_update()


class CryptoCloudCoinSensor(CryptoCloudCurrencySensor):
    """An amount of one currency, in the currency."""

    def __init__(
        self,
        coordinator: CryptoCloudCoordinator,
        description: CryptoCloudSensorDescription[Balance],
        code: str,
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, description, code)
        currency = self._balance.currency
        registered = coordinator.registered.get(code, {}).get(description.key)
        # The unit must never change, or the sensor's statistics break.
        self._attr_native_unit_of_measurement = (
            registered and registered.unit_of_measurement
        ) or currency.short_code
        self._is_stablecoin = False
        self._shown_decimals = None
        if registered and (options := registered.options.get(SENSOR_DOMAIN)):
            shown = options.get("suggested_display_precision")
            # The maximum may only mean that there was no rate.
            self._shown_decimals = None if shown == MAX_DECIMALS else shown
        self._choose_decimals()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show as many decimals as the coin needs now."""
        super()._handle_coordinator_update()
        before = self._attr_suggested_display_precision
        if self.available:
            self._choose_decimals()
        if self._attr_suggested_display_precision != before:
            # Makes Home Assistant look at them again.
            self.async_registry_entry_updated()

    def _choose_decimals(self) -> None:
        """Choose the decimals by the last rate, close to those that are shown."""
        self._shown_decimals = choose_decimals(self._balance.rate, self._shown_decimals)
        # An answer without the flag changes nothing.
        self._is_stablecoin = self._is_stablecoin or self._balance.currency.stablecoin
        if self._is_stablecoin:
            self._attr_suggested_display_precision = STABLECOIN_DECIMALS
        elif self._shown_decimals is None:
            self._attr_suggested_display_precision = MAX_DECIMALS
        else:
            self._attr_suggested_display_precision = self._shown_decimals


class CryptoCloudBalanceSensor(CryptoCloudCoinSensor):
    """The balance of one currency, with its other amounts and its currency."""

    # Each of them is constant or has its own sensor.
    _unrecorded_attributes = frozenset({MATCH_ALL})
    _pictured: Currency | None = None
    _picture: str | None = None

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
        balances = self.coordinator.data.balances
        if self._code not in balances or not self.coordinator.config_entry.options.get(
            CONF_SHOW_ICONS, True
        ):
            return None
        currency = balances[self._code].currency
        # Known currencies stay the same object, and looking at addresses takes time.
        if currency is not self._pictured:
            self._pictured = currency
            self._picture = get_picture(currency)
        return self._picture

    @property
    @override
    def icon(self) -> str | None:
        """Return the coin's own icon, shown where its picture is not."""
        return ICONS.get(self.native_unit_of_measurement or "")


def make_sensor(
    coordinator: CryptoCloudCoordinator,
    description: CryptoCloudSensorDescription[Balance],
    code: str,
) -> CryptoCloudCurrencySensor:
    """Return the sensor of an amount of a currency."""
    if description is BALANCE_SENSOR:
        return CryptoCloudBalanceSensor(coordinator, description, code)
    if description.native_unit_of_measurement is None:
        return CryptoCloudCoinSensor(coordinator, description, code)
    return CryptoCloudCurrencySensor(coordinator, description, code)


def _number(amount: Decimal | None) -> float | None:
    """Return an amount as a JSON number, which may lose digits."""
    if amount is None:
        return None
    return float(amount) if amount else 0.0
