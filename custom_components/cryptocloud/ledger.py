"""What an account received and what was withdrawn, remembered over restarts.

The ledger compares each answer with the balances it last knew, values the changes in USD,
adds them up, and keeps those that nobody has heard of yet.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .models import CENT, EXACT, Account, Balance, BalanceChange, Currency, to_usd
from .storage import STORAGE_VERSION, LastKnown, Record, format_record, parse_record

_LEDGERS: HassKey[dict[str, Ledger]] = HassKey(f"{DOMAIN}_ledgers")


class Ledger:
    """The record of one account; it outlives reloads and restarts."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Initialize an empty ledger."""
        self._store: Store[dict[str, Any]] = Store(
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry.entry_id}",
            private=True,
            atomic_writes=True,
        )
        self._entry = entry
        self._load_lock = asyncio.Lock()
        self._save_lock = asyncio.Lock()
        # Whether the file could be read; None before
        self.loaded: bool | None = None
        self._record = Record()
        self._saved_unidentified = 0
        self._has_changed = False
        # Whether the file says that all changes have been reported
        self._saved_as_reported = False
        self._warned_lost = False

    @property
    def received(self) -> Decimal:
        """Return what was received since the account was added, in USD."""
        return self._record.received

    @property
    def withdrawn(self) -> Decimal:
        """Return what was withdrawn since the account was added, in USD."""
        return self._record.withdrawn

    @property
    def known_currencies(self) -> int:
        """Return the number of currencies whose balance is known."""
        return sum(
            last.balance is not None for last in self._record.currencies.values()
        )

    @callback
    def last_known_values(self) -> dict[str, Decimal | None]:
        """Return what each currency that is not empty was worth in USD."""
        return {
            code: None
            if last.balance is None or last.rate is None
            else to_usd(last.balance, last.rate)
            for code, last in self._record.currencies.items()
            if last.balance != 0
        }

    async def async_load(self) -> None:
        """Load the ledger, unless it is loaded. A damaged one starts from nothing."""
        async with self._load_lock:
            if self.loaded is not None:
                return
            try:
                if stored := await self._store.async_load():
                    self._record = parse_record(stored)
                    self._saved_unidentified = self._record.unidentified or 0
                self.loaded = True
            except HomeAssistantError:
                # The disk failed, or a later version wrote the file.
                LOGGER.debug("Unreadable record of balances", exc_info=True)
                self.loaded = False
                self._store.make_read_only()
            except Exception:  # noqa: BLE001 # whatever is wrong with the file
                LOGGER.debug("Damaged record of balances", exc_info=True)
                self.loaded = False

    @callback
    def async_learn(self, codes: Collection[str]) -> None:
        """Note currencies that have sensors; they are not new when they are listed."""
        is_lost = not self.loaded or (codes and not self._record.currencies)
        if is_lost and not self._warned_lost:
            self._warned_lost = True
            LOGGER.warning(
                "%s: the record of balances is missing or cannot be read; received and"
                " withdrawn start at zero",
                self._entry.title,
            )
        for code in codes:
            self._record.currencies.setdefault(code, LastKnown())

    async def async_replace_key(self) -> None:
        """Note that the next answer may be another account's."""
        await self.async_load()
        self._record.key_replaced = self._has_changed = True
        await self.async_save(lambda: False)

    @callback
    def async_record(self, account: Account) -> None:
        """Take note of an answer, to be saved."""
        if not account.balances:
            return
        if self._record.key_replaced:
            self._check_account(account)
        # One that is missing among the unidentified balances is no longer one of them.
        is_complete = (
            self._record.unidentified is not None
            and account.unidentified >= self._record.unidentified
        )
        for code, balance in sorted(account.balances.items()):
            if code not in self._record.currencies:
                self._record.currencies[code] = LastKnown(
                    balance=Decimal() if is_complete else None
                )
                self._has_changed = True
            self._record_balance(self._record.currencies[code], balance)
        self._record.unidentified = account.unidentified
        # A lower number is saved with the next balance that changes.
        if account.unidentified > self._saved_unidentified:
            self._has_changed = True

    async def async_save(self, can_report: Callable[[], bool]) -> None:
        """Save what has changed, before it is reported.

        `can_report` returns whether the changes are reported as soon as this returns.
        """
        while self._save_lock.locked() or self._needs_saving(can_report()):
            # A thread that writes cannot be cancelled; the next write has to wait.
            await asyncio.shield(self._async_write(can_report))

    def _needs_saving(self, report: bool) -> bool:
        """Return whether the file differs from what is known."""
        return self._has_changed or (
            bool(self._record.unreported) and report is not self._saved_as_reported
        )

    async def _async_write(self, can_report: Callable[[], bool]) -> None:
        """Write the file, with the changes that cannot be reported."""
        async with self._save_lock:
            while self._needs_saving(report := can_report()):
                self._has_changed = self._saved_as_reported = False
                self._saved_unidentified = self._record.unidentified or 0
                await self._store.async_save(
                    format_record(
                        replace(self._record, unreported=[]) if report else self._record
                    )
                )
                self._saved_as_reported = report

    @callback
    def async_take_changes(self) -> list[BalanceChange]:
        """Return the changes that are saved as reported, and forget them."""
        if not self._saved_as_reported:
            return []
        changes, self._record.unreported = self._record.unreported, []
        return changes

    async def async_remove(self) -> None:
        """Remove the file for good."""
        self._store.make_read_only()
        await self._store.async_remove()

    def _check_account(self, account: Account) -> None:
        """Forget the balances if, with another key, none of them is the same."""
        balances = {
            code: balance.balance
            for code, balance in account.balances.items()
            if balance.balance is not None
        }
        known = {
            code: last.balance
            for code, last in self._record.currencies.items()
            if last.balance is not None
        }
        is_alike = balances.items() <= known.items()
        if is_alike and not any(balances.values()) and any(known.values()):
            # Empty currencies do not identify an account; the next answer may.
            return
        self._record.key_replaced = False
        self._has_changed = True
        if (
            not known
            or is_alike
            or any(balance for _, balance in balances.items() & known.items())
        ):
            return
        LOGGER.warning(
            "%s: the new API key belongs to another account; the difference between the"
            " two accounts is not counted",
            self._entry.title,
        )
        for code in {*self._record.currencies, *account.balances}:
            self._record.currencies.setdefault(code, LastKnown()).balance = None

    def _record_balance(self, last: LastKnown, balance: Balance) -> None:
        """Take note of a balance."""
        # A balance too small to have a value in USD has no rate of its own.
        rate = balance.rate or last.rate or balance.rate
        # A rate that only moves is not worth wearing out a memory card.
        if last.rate is None and rate is not None:
            self._has_changed = True
        last.rate = rate
        before, now = last.balance, balance.balance
        if now is not None and now != before:
            last.balance = now
            self._has_changed = True
            if before is not None:
                self._record_change(last, balance.currency, before, now)
        self._add_up(last)

    def _record_change(
        self, last: LastKnown, currency: Currency, before: Decimal, now: Decimal
    ) -> None:
        """Note a change, to be added up and reported."""
        amount = EXACT.subtract(now, before)
        # Unlike abs(), this does not round.
        size = amount.copy_abs()
        if amount > 0:
            last.received = EXACT.add(last.received, size)
        else:
            last.withdrawn = EXACT.add(last.withdrawn, size)
        usd = None if last.rate is None else to_usd(size, last.rate)
        self._record.unreported.append(
            BalanceChange(
                currency=currency,
                amount=amount,
                amount_usd=usd and EXACT.quantize(usd, CENT),
                balance=now,
            )
        )

    def _add_up(self, last: LastKnown) -> None:
        """Add amounts to the sums if their rate is known."""
        if last.rate is None or not (last.received or last.withdrawn):
            return
        record = self._record
        record.received = EXACT.add(record.received, to_usd(last.received, last.rate))
        record.withdrawn = EXACT.add(
            record.withdrawn, to_usd(last.withdrawn, last.rate)
        )
        last.received = last.withdrawn = Decimal()


@callback
def async_get_ledger(hass: HomeAssistant, entry: ConfigEntry) -> Ledger:
    """Return the ledger of an account; it may not be loaded yet."""
    ledgers = hass.data.setdefault(_LEDGERS, {})
    if entry.entry_id not in ledgers:
        ledgers[entry.entry_id] = Ledger(hass, entry)
    return ledgers[entry.entry_id]


async def async_remove_ledger(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove the ledger of an account, with its file."""
    await async_get_ledger(hass, entry).async_remove()
    hass.data[_LEDGERS].pop(entry.entry_id)
