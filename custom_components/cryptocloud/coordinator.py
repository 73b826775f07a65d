"""Coordinator that polls the balances of an account."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.singleton import singleton
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .api import (
    CryptoCloudAuthError,
    CryptoCloudClient,
    CryptoCloudConnectionError,
    CryptoCloudError,
)
from .const import DOMAIN, LOGGER, UPDATE_INTERVAL
from .models import EXACT, Account, Balance

MAX_RETRY_AFTER = timedelta(days=1)

type CryptoCloudConfigEntry = ConfigEntry[CryptoCloudCoordinator]
# By currency code and key
type RegisteredSensors = Mapping[str, Mapping[str, er.RegistryEntry]]


@dataclass(slots=True)
class LastKnownBalances:
    """What an account last held, by currency code.

    `complete` tells whether every currency is among them.
    """

    balances: dict[str, Decimal | None] = field(default_factory=dict)
    complete: bool = False


@callback
@singleton(f"{DOMAIN}_last_known_balances")
def last_known_balances(hass: HomeAssistant) -> defaultdict[str, LastKnownBalances]:
    """Return what accounts last held, by entry id.

    Survives reloads, so that changes across a reload (new key, new option) are still
    reported.
    """
    return defaultdict(LastKnownBalances)


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceChange:
    """A balance that differs from its last known value.

    `amount` is the difference, negative where the balance decreased.
    """

    balance: Balance
    amount: Decimal


class CryptoCloudCoordinator(DataUpdateCoordinator[Account]):
    """Coordinator of one account; one request brings all its balances."""

    config_entry: CryptoCloudConfigEntry
    # What the last answer changed, sorted by currency code
    changes: tuple[BalanceChange, ...] = ()
    last_error: CryptoCloudError | None = None
    last_error_at: datetime | None = None

    def __init__(
        self,
        hass: HomeAssistant,
        entry: CryptoCloudConfigEntry,
        client: CryptoCloudClient,
        registered: RegisteredSensors,
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
        # Sensors of currencies in the entity registry when the account was set up
        self.registered = registered
        self._ever_listed = bool(registered)
        self._last_known = last_known_balances(hass)[entry.entry_id]
        self._warned_unidentified = False

    @property
    def knows_balances(self) -> bool:
        """Return whether the last answer says what the account holds."""
        return (
            self.data is not None
            and self.last_update_success
            and bool(self.data.balances or not self._ever_listed)
        )

    @override
    async def _async_update_data(self) -> Account:
        """Fetch the balances, without confusing an outage with an empty account."""
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

        if account.unidentified and not self._warned_unidentified:
            self._warned_unidentified = True
            LOGGER.warning(
                "%s: %d balances do not say which currency they are of; they have no"
                " sensor and count in the totals only",
                self.name,
                account.unidentified,
            )
        self.changes = tuple(self._compare(account))
        if account.balances:
            self._ever_listed = True
        elif self._ever_listed:
            # A list that went missing does not mean that the account holds nothing.
            account = replace(account, total_usd=None, total_available_usd=None)
        return account

    def _compare(self, account: Account) -> Iterator[BalanceChange]:
        """Yield the changes since the last known balances."""
        for code, balance in sorted(account.balances.items()):
            # A currency that was never listed before arrives with all it holds,
            # unless an earlier answer may just have failed to list it.
            before = self._last_known.balances.setdefault(
                code, Decimal() if self._last_known.complete else None
            )
            if balance.balance is None:
                continue
            self._last_known.balances[code] = balance.balance
            if before is not None and before != balance.balance:
                yield BalanceChange(
                    balance=balance, amount=EXACT.subtract(balance.balance, before)
                )
        if account.balances:
            self._last_known.complete = not account.unidentified


def _retry_after(err: CryptoCloudError) -> float | None:
    """Return the seconds to wait as asked, between one poll and one day."""
    if not isinstance(err, CryptoCloudConnectionError) or err.retry_after is None:
        return None
    return min(
        max(err.retry_after, UPDATE_INTERVAL.total_seconds()),
        MAX_RETRY_AFTER.total_seconds(),
    )
