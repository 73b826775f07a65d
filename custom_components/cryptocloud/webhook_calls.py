"""When CryptoCloud last called, remembered over restarts."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER, UPDATE_INTERVAL

STORAGE_VERSION = 1
SAVE_DELAY = 10
# Payments noticed within this time after a call may be the ones it reported.
LAG = 2 * UPDATE_INTERVAL
# This many payments without a call, over this time, mean that calls do not arrive.
MANY_PAYMENTS = 5
LONG_TIME = timedelta(days=1)

_CALLS: HassKey[dict[str, Calls]] = HassKey(f"{DOMAIN}_webhook_calls")


class Calls:
    """The last call for an account, and the payments noticed without a call since."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize a record without calls."""
        self._store: Store[dict[str, Any]] = Store(
            hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}.webhook", private=True
        )
        self._loaded = False
        self._clear()

    def _clear(self) -> None:
        """Know of no call."""
        self.last: datetime | None = None
        self._first_payment: datetime | None = None
        self._payments = 0

    async def async_load(self) -> None:
        """Load the record, unless it is loaded. A damaged one starts from nothing."""
        if self._loaded:
            return
        try:
            if stored := await self._store.async_load():
                self._payments = int(stored["payments"])
                if last := stored["last"]:
                    self.last = datetime.fromisoformat(last)
                # Older versions did not store it.
                if first := stored.get("first_payment"):
                    self._first_payment = datetime.fromisoformat(first)
        except Exception:  # noqa: BLE001 # whatever is wrong with the file
            LOGGER.debug("Damaged record of calls", exc_info=True)
            self._clear()
        self._loaded = True

    @property
    def are_missing(self) -> bool:
        """Return whether payments keep being noticed by polling only."""
        return (
            self._payments >= MANY_PAYMENTS
            and self._first_payment is not None
            and dt_util.utcnow() - self._first_payment >= LONG_TIME
        )

    @callback
    def async_note_call(self) -> None:
        """Note that CryptoCloud called."""
        self._clear()
        self.last = dt_util.utcnow()
        self._async_save()

    @callback
    def async_note_payment(self) -> None:
        """Note that a payment was noticed."""
        now = dt_util.utcnow()
        if self.last is None or now - self.last > LAG:
            self._first_payment = self._first_payment or now
            self._payments += 1
            self._async_save()

    async def async_remove(self) -> None:
        """Remove the file for good."""
        self._store.make_read_only()
        await self._store.async_remove()

    @callback
    def _async_save(self) -> None:
        """Save soon, however many calls there are until then."""
        self._store.async_delay_save(self._as_dict, SAVE_DELAY)

    def _as_dict(self) -> dict[str, Any]:
        """Return what is stored."""
        return {
            "first_payment": self._first_payment and self._first_payment.isoformat(),
            "last": self.last and self.last.isoformat(),
            "payments": self._payments,
        }


async def async_get_calls(hass: HomeAssistant, entry: ConfigEntry) -> Calls:
    """Return the record of an account."""
    calls = hass.data.setdefault(_CALLS, {})
    if entry.entry_id not in calls:
        calls[entry.entry_id] = Calls(hass, entry.entry_id)
    await calls[entry.entry_id].async_load()
    return calls[entry.entry_id]


async def async_remove_calls(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove the record of an account, with its file."""
    calls = hass.data.setdefault(_CALLS, {})
    record = calls.pop(entry.entry_id, None) or Calls(hass, entry.entry_id)
    await record.async_remove()
