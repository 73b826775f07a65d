"""Answers that may refuse a key: only two of them in a row, a minute apart, do.

Kept apart from the coordinator, as each attempt to set up an account makes a new one.
"""

from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

RETRY_INTERVAL = timedelta(minutes=1)

# What stops the wait for the end of an account's minute, or None once that is over
_PENDING: HassKey[dict[str, CALLBACK_TYPE | None]] = HassKey(f"{DOMAIN}_refusals")


@callback
def async_confirm_refusal(hass: HomeAssistant, entry_id: str) -> bool:
    """Note a possible refusal; return whether it confirms one a minute ago."""
    pending = hass.data.setdefault(_PENDING, {})
    if entry_id not in pending:

        @callback
        def end_minute(_: datetime) -> None:
            """Let the next possible refusal count."""
            pending[entry_id] = None

        pending[entry_id] = async_call_later(
            hass, RETRY_INTERVAL, HassJob(end_minute, cancel_on_shutdown=True)
        )
    return pending[entry_id] is None


@callback
def async_forget_refusal(hass: HomeAssistant, entry_id: str) -> None:
    """Reset the count."""
    if cancel := hass.data.get(_PENDING, {}).pop(entry_id, None):
        cancel()
