"""Conditions for balances and totals."""

from typing import Any, override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    Condition,
    ConditionConfig,
    EntityNumericalConditionBase,
)

from .entity import filter_amounts


class BalanceCondition(EntityNumericalConditionBase):
    """Condition for an amount to be above, below or between limits."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}
    _any_included = False

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition."""
        super().__init__(hass, config)
        self._named = set((config.target or {}).get(ATTR_ENTITY_ID, ()))

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out other integrations' sensors, and those that have to be named."""
        return filter_amounts(self._hass, super().entity_filter(entities), self._named)

    @override
    def _should_include(self, _state: State) -> bool:
        """Count unknown states as not matching; skipping them would let "all" pass."""
        self._any_included = True
        return True

    @override
    def _async_check(self, **kwargs: Any) -> bool:
        """Return whether there are sensors and they match."""
        self._any_included = False
        return super()._async_check(**kwargs) and self._any_included


CONDITIONS: dict[str, type[Condition]] = {"is_balance": BalanceCondition}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
