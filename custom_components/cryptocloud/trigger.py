"""Triggers for balance changes and totals."""

from decimal import Decimal
from typing import Any, ClassVar, override

import voluptuous as vol

from homeassistant.components.event import DOMAIN as EVENT_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN, SensorDeviceClass
from homeassistant.const import ATTR_ENTITY_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    EntityNumericalStateCrossedThresholdTriggerBase,
    StatelessEntityTriggerBase,
    Trigger,
    TriggerConfig,
)

from .entity import currency_title, filter_amounts, filter_own_entities
from .event import EVENT_DECREASED, EVENT_INCREASED
from .sensor_types import USD

CONF_CURRENCIES = "currencies"
CONF_MINIMUM_USD = "minimum_usd"


class BalanceChangeTrigger(StatelessEntityTriggerBase):
    """Trigger for events of one type, in all or in some currencies."""

    _domain_specs = {EVENT_DOMAIN: DomainSpec()}
    _event_type: ClassVar[str]
    _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend(
        {
            vol.Required(CONF_OPTIONS, default={}): {
                vol.Optional(CONF_CURRENCIES, default=[]): vol.All(
                    cv.ensure_list, [cv.string]
                ),
                vol.Optional(CONF_MINIMUM_USD, default=0): vol.All(
                    vol.Coerce(float), vol.Range(min=0)
                ),
            }
        }
    )

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger."""
        super().__init__(hass, config)
        self._currencies = set(map(_fold, self._options[CONF_CURRENCIES]))
        self._minimum_usd = Decimal(str(self._options[CONF_MINIMUM_USD]))

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out the events of other integrations."""
        return filter_own_entities(self._hass, super().entity_filter(entities))

    @override
    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        """Return whether an event fired.

        A second event in the same millisecond has another currency or balance. Renames
        change the state without an event.
        """
        return super().is_valid_transition(from_state, to_state) or any(
            from_state.attributes.get(name) != to_state.attributes[name]
            for name in ("currency", "balance")
        )

    # Home Assistant 2026.6 passes only the state.
    @override
    def is_valid_state(self, state: State, *_: Any) -> bool:
        """Return whether the event matches the options.

        Changes with an unknown USD value always match.
        """
        attributes = state.attributes
        amount_usd = attributes.get("amount_usd")
        return (
            attributes.get("event_type") == self._event_type
            and (
                not self._currencies
                or _fold(attributes["currency"]) in self._currencies
            )
            and (amount_usd is None or Decimal(amount_usd) >= self._minimum_usd)
        )


def _fold(currency: str) -> str:
    """Return what a currency's code and display name have in common, in any case."""
    return currency_title(currency).strip().casefold()


class BalanceIncreasedTrigger(BalanceChangeTrigger):
    """Trigger for a balance that increased."""

    _event_type = EVENT_INCREASED


class BalanceDecreasedTrigger(BalanceChangeTrigger):
    """Trigger for a balance that decreased."""

    _event_type = EVENT_DECREASED


class TotalCrossedThresholdTrigger(EntityNumericalStateCrossedThresholdTriggerBase):
    """Trigger for amounts in USD that cross a threshold."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec(device_class=SensorDeviceClass.MONETARY)}
    _valid_unit = USD

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger."""
        super().__init__(hass, config)
        self._named = set((config.target or {}).get(ATTR_ENTITY_ID, ()))

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out other integrations' sensors, and those that have to be named."""
        return filter_amounts(self._hass, super().entity_filter(entities), self._named)


TRIGGERS: dict[str, type[Trigger]] = {
    "balance_decreased": BalanceDecreasedTrigger,
    "balance_increased": BalanceIncreasedTrigger,
    "total_crossed_threshold": TotalCrossedThresholdTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
