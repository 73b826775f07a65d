"""Event entity for balance changes."""

from typing import override

from homeassistant.components.event import EventEntity
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import EVENT_BALANCE_CHANGE
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .entity import CryptoCloudEntity, currency_attributes
from .models import BalanceChange, format_plain

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

    @override
    async def async_added_to_hass(self) -> None:
        """Listen for changes."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_changes(self._async_report))

    # Says that the listener outlives a rename, where Home Assistant asks (2026.11).
    @callback
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Keep listening under another entity id."""

    @callback
    def _async_report(self, change: BalanceChange) -> None:
        """Show a change, and fire it on the event bus."""
        event_type = EVENT_INCREASED if change.amount > 0 else EVENT_DECREASED
        attributes = {
            **currency_attributes(change.currency),
            # Unlike abs(), this does not round.
            "amount": format_plain(change.amount.copy_abs()),
            "amount_usd": format_plain(change.amount_usd),
            "balance": format_plain(change.balance),
        }
        self._trigger_event(event_type, attributes)
        self.async_write_ha_state()
        entry = self.coordinator.config_entry
        # From the state alone, the logbook could only show the event type.
        self.hass.bus.async_fire(
            EVENT_BALANCE_CHANGE,
            {
                ATTR_CONFIG_ENTRY_ID: entry.entry_id,
                ATTR_ENTITY_ID: self.entity_id,
                "account": entry.title,
                "event_type": event_type,
                **attributes,
            },
        )
