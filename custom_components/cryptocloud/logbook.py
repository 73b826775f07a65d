"""Describes changes of balances in the logbook."""

from collections.abc import Callable
from decimal import Decimal

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback

from .const import DOMAIN, EVENT_BALANCE_CHANGE
from .entity import currency_title
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
        message = f"{sign}{data['amount']}"
        if (usd := data["amount_usd"]) is not None:
            message += f" ({Decimal(usd):.2f} USD)"
        name = currency_title(data["currency"])
        if len(hass.config_entries.async_entries(DOMAIN)) > 1:
            name = f"{data['account']} {name}"
        return {
            LOGBOOK_ENTRY_NAME: name,
            LOGBOOK_ENTRY_MESSAGE: message,
            # Icon translations are for entities. Without one, 2026.6 shows a warning.
            LOGBOOK_ENTRY_ICON: "mdi:cash-plus" if increased else "mdi:cash-minus",
            LOGBOOK_ENTRY_STATE: event_type,
        }

    async_describe_event(DOMAIN, EVENT_BALANCE_CHANGE, describe_balance_change)
