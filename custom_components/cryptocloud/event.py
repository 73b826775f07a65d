"""Event entity for balance changes."""

from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import EVENT_BALANCE_CHANGE
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .entity import CryptoCloudEntity, currency_attributes
from .models import format_plain

PARALLEL_UPDATES = 0

EVENT_DECREASED = "decreased"
EVENT_INCREASED = "increased"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: CryptoCloudConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event of an account."""
    async_add_entities([CryptoCloudBalanceChangeEvent(entry.runtime_data)])


class CryptoCloudBalanceChangeEvent(CryptoCloudEntity, EventEntity):
    """Receipts and withdrawals, as far as they change a balance."""

    _attr_event_types = [EVENT_DECREASED, EVENT_INCREASED]
    _attr_translation_key = "balance_change"

    def __init__(self, coordinator: CryptoCloudCoordinator) -> None:
        """Initialize the event."""
        super().__init__(coordinator, "balance_change")

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Fire one event per change, after updating availability."""
        super()._handle_coordinator_update()
        for change in self.coordinator.changes:
            # Unlike abs(), this does not round.
            amount = change.amount.copy_abs()
            event_type = EVENT_INCREASED if change.amount > 0 else EVENT_DECREASED
            attributes = {
                **currency_attributes(change.balance.currency),
                "amount": format_plain(amount),
                "amount_usd": format_plain(change.balance.to_usd(amount)),
                "balance": format_plain(change.balance.balance),
            }
            self._trigger_event(event_type, attributes)
            self.async_write_ha_state()
            # From the state alone, the logbook could only show the event type.
            self.hass.bus.async_fire(
                EVENT_BALANCE_CHANGE,
                {
                    ATTR_ENTITY_ID: self.entity_id,
                    "account": self.coordinator.config_entry.title,
                    "event_type": event_type,
                    **attributes,
                },
            )
