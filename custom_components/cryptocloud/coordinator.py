"""Coordinator that polls the balances of an account."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .api import (
    CryptoCloudAuthError,
    CryptoCloudClient,
    CryptoCloudError,
    CryptoCloudHTTPError,
    CryptoCloudMaybeAuthError,
)
from .const import DOMAIN, LOGGER, UPDATE_INTERVAL
from .ledger import Ledger
from .models import Account, BalanceChange
from .refusals import RETRY_INTERVAL, async_confirm_refusal, async_forget_refusal

MAX_RETRY_AFTER = timedelta(days=1)
# Seconds between polls that something asks for
REQUEST_COOLDOWN = 10

type CryptoCloudConfigEntry = ConfigEntry[CryptoCloudCoordinator]
# By currency code and key
type RegisteredSensors = Mapping[str, Mapping[str, er.RegistryEntry]]


class CryptoCloudCoordinator(DataUpdateCoordinator[Account]):
    """Coordinator of one account; one request brings all its balances."""

    config_entry: CryptoCloudConfigEntry
    device: dr.DeviceEntry
    last_error: CryptoCloudError | None = None
    last_error_at: datetime | None = None
    # How many polls have begun
    poll_count = 0

    def __init__(
        self,
        hass: HomeAssistant,
        entry: CryptoCloudConfigEntry,
        client: CryptoCloudClient,
        ledger: Ledger,
        registered: RegisteredSensors,
    ) -> None:
        """Initialize the coordinator."""
        debouncer: Debouncer[Coroutine[Any, Any, None]] = Debouncer(
            hass, LOGGER, cooldown=REQUEST_COOLDOWN, immediate=True
        )
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=UPDATE_INTERVAL,
            always_update=False,
            request_refresh_debouncer=debouncer,
        )
        self._request_debouncer = debouncer
        self.client = client
        self.ledger = ledger
        # Sensors of currencies in the entity registry when the account was set up
        self.registered = registered
        self._change_listeners: list[Callable[[BalanceChange], None]] = []
        self._ever_listed = bool(registered)
        # The event loop's time until which CryptoCloud wants no request
        self._paused_until = 0.0
        self._last_answer: Account | None = None
        self._is_reporting = False
        self._is_shut_down = False
        self._warned_unidentified = False

    @property
    def knows_balances(self) -> bool:
        """Return whether the last answer says what the account holds."""
        return (
            self.data is not None
            and self.last_update_success
            and bool(self.data.balances or not self._ever_listed)
        )

    @property
    def may_poll(self) -> bool:
        """Return whether the key is not refused, and no pause was asked for."""
        is_paused = self.hass.loop.time() < self._paused_until
        return self.update_interval is not None and not is_paused

    def is_disabled(self, code: str, key: str) -> bool:
        """Return whether a sensor of a currency was disabled at the set-up."""
        entity = self.registered.get(code, {}).get(key)
        return entity is not None and entity.disabled

    @callback
    def async_listen_changes(
        self, listener: Callable[[BalanceChange], None]
    ) -> CALLBACK_TYPE:
        """Call a listener for each change of a balance, once all entities show it."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    async def async_start_reporting(self) -> None:
        """Report changes, from those that happened before anyone could listen."""
        self._is_reporting = True
        # Without the lock, an answer could be reported before the sensors show it.
        async with self._request_debouncer.async_lock():
            # In an outage, the next answer reports them. On Home Assistant 2026.6,
            # automations start to listen at the same event; they do so while the ledger
            # is saved.
            if self.last_update_success:
                await self.ledger.async_save(self._can_report)
                self._report_changes()

    async def async_stop_reporting(self) -> None:
        """Leave what has not been reported to the next set-up."""
        self._is_reporting = False
        await self.ledger.async_save(self._can_report)

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Update all entities, then report what has changed."""
        super().async_update_listeners()
        self._report_changes()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling; an answer that is still on its way no longer counts."""
        self._is_shut_down = True
        await super().async_shutdown()
        await self.async_stop_reporting()

    @property
    def _is_outdated(self) -> bool:
        """Return whether answers no longer count."""
        # If the key has just been replaced, they may be another account's.
        is_other_key = self.client.api_key != self.config_entry.data[CONF_API_KEY]
        return self._is_shut_down or is_other_key

    def _can_report(self) -> bool:
        """Return whether automations hear of changes."""
        return self._is_reporting and self.hass.state is CoreState.running

    @callback
    def _report_changes(self) -> None:
        """Report the changes that have not been reported, if anyone can listen."""
        if self._can_report() and self.last_update_success:
            for change in self.ledger.async_take_changes():
                for listener in self._change_listeners:
                    listener(change)

    @override
    async def _async_update_data(self) -> Account:
        """Fetch the balances, without confusing an outage with an empty account."""
        self.poll_count += 1
        try:
            account = await self.client.get_account()
        except CryptoCloudError as err:
            # Pending requests must not use a rejected key again.
            self._request_debouncer.async_cancel()
            self.last_error = err
            self.last_error_at = dt_util.utcnow()
            if self._is_key_refused(err):
                # Only a user asks with this key again, until that brings balances.
                self.update_interval = None
                raise ConfigEntryAuthFailed(
                    translation_domain=DOMAIN,
                    translation_key=CryptoCloudAuthError.translation_key,
                ) from err
            pause = self._seconds_to_wait(err)
            if pause is not None:
                self._paused_until = self.hass.loop.time() + pause
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=err.translation_key,
                translation_placeholders={"error": str(err)},
                retry_after=pause,
            ) from err

        if self._is_outdated:
            return account
        self.update_interval = UPDATE_INTERVAL
        self._paused_until = 0
        async_forget_refusal(self.hass, self.config_entry.entry_id)
        if account.unidentified and not self._warned_unidentified:
            self._warned_unidentified = True
            LOGGER.warning(
                "%s: %d balances do not say which currency they are of; they have no"
                " sensor and count in the totals only",
                self.name,
                account.unidentified,
            )
        if account is not self._last_answer:
            self.ledger.async_record(account)
            self._last_answer = account
        await self.ledger.async_save(self._can_report)
        if account.balances:
            self._ever_listed = True
        elif self._ever_listed:
            # A list that went missing does not mean that the account holds nothing.
            account = replace(account, total_usd=None, total_available_usd=None)
        return account

    @callback
    def _is_key_refused(self, err: CryptoCloudError) -> bool:
        """Return whether it is certain by now that the key is refused."""
        if self._is_outdated:
            return False
        if isinstance(err, CryptoCloudMaybeAuthError):
            return async_confirm_refusal(self.hass, self.config_entry.entry_id)
        async_forget_refusal(self.hass, self.config_entry.entry_id)
        return isinstance(err, CryptoCloudAuthError)

    def _seconds_to_wait(self, err: CryptoCloudError) -> float | None:
        """Return after how many seconds to ask again, if not after an interval."""
        asked = err.retry_after if isinstance(err, CryptoCloudHTTPError) else None
        least = UPDATE_INTERVAL.total_seconds()
        if isinstance(err, CryptoCloudMaybeAuthError):
            asked = asked or 0
            # Home Assistant counts from the last whole second.
            least = RETRY_INTERVAL.total_seconds() + self.hass.loop.time() % 1
        if asked is None:
            return None
        return min(max(asked, least), MAX_RETRY_AFTER.total_seconds())
