"""Describes balance changes in the logbook."""

from collections.abc import Callable
from decimal import Decimal

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.sensor import async_rounded_state
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import Event, HomeAssistant, State, callback

from .const import DOMAIN, EVENT_BALANCE_CHANGE
from .entity import async_get_balance_sensor, currency_title
from .event import EVENT_INCREASED

# The logbook card filters by it; the logbook does not export its constant.
LOGBOOK_ENTRY_STATE = "state"


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Describe the events of the integration."""

    @callback
    def describe_balance_change(event: Event) -> dict[str, str]:
        """Describe a change in signs that need no translation."""
        data = event.data
        event_type = data["event_type"]
        increased = event_type == EVENT_INCREASED
        sign = "+" if increased else "−"
        code = data["currency"]
        sensor = async_get_balance_sensor(hass, data[ATTR_CONFIG_ENTRY_ID], code)
        amount = _round(hass, sensor, data["amount"])
        # A phone cuts the name, and a dialog shows nothing but the message.
        message = f"{sign}{amount} {currency_title(code)}"
        if (usd := data["amount_usd"]) is not None:
            message += f" · {Decimal(usd):.2f} USD"
        return {
            LOGBOOK_ENTRY_NAME: data["account"],
            LOGBOOK_ENTRY_MESSAGE: message,
            # Icon translations are for entities. Without one, 2026.6 shows a warning.
            LOGBOOK_ENTRY_ICON: "mdi:cash-plus" if increased else "mdi:cash-minus",
            LOGBOOK_ENTRY_STATE: event_type,
        }

    async_describe_event(DOMAIN, EVENT_BALANCE_CHANGE, describe_balance_change)


def _round(hass: HomeAssistant, entity_id: str | None, amount: str) -> str:
    """Return an amount with the decimals that a sensor shows, but never as zero."""
    if entity_id is None:
        return amount
    rounded = async_rounded_state(hass, entity_id, State(entity_id, amount))
    return rounded if Decimal(rounded) else amount
