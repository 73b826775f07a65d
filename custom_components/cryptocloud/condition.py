"""Conditions on the money of an account."""

from typing import override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityNumericalConditionBase

from .entity import own_entities


class BalanceCondition(EntityNumericalConditionBase):
    """Condition for an amount to be above, below or between limits."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out the sensors of other integrations."""
        return own_entities(self._hass, super().entity_filter(entities))

    @override
    def _should_include(self, _state: State) -> bool:
        """Include what is not known, which then meets no condition.

        Left out, it would let "all of them" pass while nothing is known.
        """
        return True

    @override
    def _check_all_match_state(self, states: list[State]) -> bool:
        """Return whether all match, of which there has to be one."""
        return bool(states) and super()._check_all_match_state(states)


CONDITIONS: dict[str, type[Condition]] = {"is_balance": BalanceCondition}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
