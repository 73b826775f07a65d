"""Coordinator that polls the balances of an account."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.singleton import singleton
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .api import (
    EXACT,
    Account,
    Balance,
    CryptoCloudAuthError,
    CryptoCloudClient,
    CryptoCloudConnectionError,
    CryptoCloudError,
)
from .const import DOMAIN, LOGGER, UPDATE_INTERVAL

MAX_RETRY_AFTER = timedelta(days=1)

type CryptoCloudConfigEntry = ConfigEntry[CryptoCloudCoordinator]


@dataclass(slots=True)
class KnownBalances:
    """What an account was last known to hold, by currency code.

    `complete` tells whether every currency is among them.
    """

    balances: dict[str, Decimal | None] = field(default_factory=dict)
    complete: bool = False


@callback
@singleton(f"{DOMAIN}_known_balances")
def known_balances(hass: HomeAssistant) -> defaultdict[str, KnownBalances]:
    """Return what accounts were last known to hold, by entry id.

    It outlives the coordinators: an account is set up anew for a new key or another
    option, and what arrived meanwhile has to be told.
    """
    return defaultdict(KnownBalances)


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceChange:
    """A balance that is another one than when it was last known.

    `amount` is the difference, negative where the balance decreased.
    """

    balance: Balance
    amount: Decimal


class CryptoCloudCoordinator(DataUpdateCoordinator[Account]):
    """Coordinator of one account; one request brings all its balances."""

    config_entry: CryptoCloudConfigEntry
    # What the last answer brought, by currency code
    changes: tuple[BalanceChange, ...] = ()
    last_error: CryptoCloudError | None = None
    last_error_at: datetime | None = None

    def __init__(
        self,
        hass: HomeAssistant,
        entry: CryptoCloudConfigEntry,
        client: CryptoCloudClient,
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=UPDATE_INTERVAL,
            always_update=False,
        )
        self.client = client
        self._had_currencies = bool(self.registered_sensors())
        self._known = known_balances(hass)[entry.entry_id]
        self._said_unidentified = False

    @property
    def knows_balances(self) -> bool:
        """Return whether the last answer told what the account holds."""
        return (
            self.data is not None
            and self.last_update_success
            and bool(self.data.balances or not self._had_currencies)
        )

    def unique_id(self, code: str, key: str) -> str:
        """Return the unique id of a currency's sensor, whatever the code consists of."""
        return f"{self.config_entry.entry_id}_{code}:{key}"

    @callback
    def registered_unit(self, unique_id: str) -> str | None:
        """Return the unit that a sensor was registered with.

        A sensor keeps it for good: statistics end where a unit changes.
        """
        registry = er.async_get(self.hass)
        entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
        entity = registry.async_get(entity_id) if entity_id else None
        return entity.unit_of_measurement if entity else None

    @callback
    def registered_sensors(self) -> dict[str, list[str]]:
        """Return the entity ids of the registered sensors by currency code."""
        sensors = defaultdict(list)
        for entity in er.async_entries_for_config_entry(
            er.async_get(self.hass), self.config_entry.entry_id
        ):
            name, colon, _ = entity.unique_id.rpartition(":")
            if colon:
                code = name.removeprefix(f"{self.config_entry.entry_id}_")
                sensors[code].append(entity.entity_id)
        return sensors

    @callback
    def async_remove_sensors(self, codes: Iterable[str]) -> None:
        """Remove the registered sensors of currencies."""
        registry = er.async_get(self.hass)
        registered = self.registered_sensors()
        for code in codes:
            for entity_id in registered[code]:
                registry.async_remove(entity_id)

    @override
    async def _async_update_data(self) -> Account:
        """Fetch the balances, without mistaking an outage for an empty account."""
        self.changes = ()
        try:
            account = await self.client.get_account()
        except CryptoCloudError as err:
            self.last_error = err
            self.last_error_at = dt_util.utcnow()
            if isinstance(err, CryptoCloudAuthError):
                raise ConfigEntryAuthFailed(
                    translation_domain=DOMAIN, translation_key=err.translation_key
                ) from err
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key=err.translation_key,
                translation_placeholders={"error": str(err)},
                retry_after=_retry_after(err),
            ) from err

        if account.unidentified and not self._said_unidentified:
            self._said_unidentified = True
            LOGGER.warning(
                "%s: %d balances do not say which currency they are of; they have no"
                " sensor and count in the totals only",
                self.name,
                account.unidentified,
            )
        self.changes = tuple(self._compare(account))
        if account.balances:
            self._had_currencies = True
        elif self._had_currencies:
            # The list went missing, which is not the same as holding nothing.
            account = replace(account, total_usd=None, total_available_usd=None)
        return account

    def _compare(self, account: Account) -> Iterator[BalanceChange]:
        """Compare with the balances as last known, however long ago that was."""
        for code, balance in sorted(account.balances.items()):
            # A currency that was never listed before arrives with all it holds,
            # unless an earlier answer may just have failed to list it.
            before = self._known.balances.setdefault(
                code, Decimal() if self._known.complete else None
            )
            if balance.balance is None:
                continue
            self._known.balances[code] = balance.balance
            if before is not None and before != balance.balance:
                yield BalanceChange(
                    balance=balance, amount=EXACT.subtract(balance.balance, before)
                )
        if account.balances:
            self._known.complete = not account.unidentified


def _retry_after(err: CryptoCloudError) -> float | None:
    """Return the seconds to wait as asked, between one poll and one day."""
    if not isinstance(err, CryptoCloudConnectionError) or err.retry_after is None:
        return None
    return min(
        max(err.retry_after, UPDATE_INTERVAL.total_seconds()),
        MAX_RETRY_AFTER.total_seconds(),
    )
