"""What an account received and what was withdrawn, remembered over restarts.

The ledger compares each answer with the balances it last knew, values the changes in USD,
adds them up, and keeps those that nobody has heard of yet.
"""

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .models import (
    CENT,
    EXACT,
    Account,
    Balance,
    BalanceChange,
    Currency,
    format_plain,
    to_usd,
)

STORAGE_VERSION = 1

_LEDGERS: HassKey[dict[str, Ledger]] = HassKey(f"{DOMAIN}_ledgers")


@dataclass(kw_only=True, slots=True)
class _LastKnown:
    """What is last known of a currency; `rate` is the value of one unit in USD.

    `received` and `withdrawn` are amounts that wait for a first rate.
    """

    balance: Decimal | None = None
    rate: Decimal | None = None
    received: Decimal = Decimal()
    withdrawn: Decimal = Decimal()


class Ledger:
    """The record of one account; it outlives reloads and restarts.

    `received` and `withdrawn` are sums in USD since the account was added.
    """

    received: Decimal
    withdrawn: Decimal

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
        self.loaded = False
        self._clear()

    def _clear(self) -> None:
        """Know nothing."""
        self.received = Decimal()
        self.withdrawn = Decimal()
        self._currencies: dict[str, _LastKnown] = {}
        # Whether the last answer listed all currencies, so that any other is new
        self._complete = False
        self._key_replaced = False
        self._unreported: list[BalanceChange] = []

    @property
    def known_currencies(self) -> int:
        """Return the number of currencies whose balance is known."""
        return sum(last.balance is not None for last in self._currencies.values())

    async def async_load(self) -> None:
        """Load the ledger, unless it is loaded. A damaged one starts from nothing."""
        async with self._load_lock:
            if self.loaded:
                return
            try:
                if stored := await self._store.async_load():
                    self._restore(stored)
            except Exception:  # noqa: BLE001 # whatever is wrong with the file
                LOGGER.debug("Damaged record of balances", exc_info=True)
                self._clear()
            self.loaded = True

    @callback
    def async_learn(self, codes: Collection[str]) -> None:
        """Note currencies that have sensors; they are not new when they are listed."""
        if codes and not self._currencies:
            LOGGER.warning(
                "%s: the record of balances is missing or damaged; received and withdrawn"
                " start at zero",
                self._entry.title,
            )
        for code in codes:
            self._currencies.setdefault(code, _LastKnown())

    async def async_replace_key(self) -> None:
        """Note that the next answer may be another account's."""
        await self.async_load()
        self._key_replaced = True
        await self._async_save(unreported=True)

    async def async_record(self, account: Account, *, report: bool) -> None:
        """Take note of an answer, and save what it changed.

        `report` says that the changes are reported as soon as this returns.
        """
        if not account.balances:
            return
        key_replaced, self._key_replaced = self._key_replaced, False
        if key_replaced:
            self._check_account(account)
        changed = [
            self._record_balance(code, balance)
            for code, balance in sorted(account.balances.items())
        ]
        self._complete = not account.unidentified
        if key_replaced or any(changed):
            await self._async_save(unreported=not report)

    @callback
    def async_take_changes(self) -> list[BalanceChange]:
        """Return the changes that have not been reported, and forget them."""
        changes, self._unreported = self._unreported, []
        return changes

    async def async_save_as_reported(self) -> None:
        """Save that there is nothing to report, before it is reported."""
        if self._unreported:
            await self._async_save(unreported=False)

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._store.async_remove()

    def _check_account(self, account: Account) -> None:
        """Forget the balances if, with another key, none of them is the same."""
        known = {
            code: last.balance
            for code, last in self._currencies.items()
            if last.balance is not None
        }
        if not known or any(
            balance.balance and balance.balance == known.get(code)
            for code, balance in account.balances.items()
        ):
            return
        LOGGER.warning(
            "%s: the new API key belongs to another account; the difference between the"
            " two accounts is not counted",
            self._entry.title,
        )
        for code in {*self._currencies, *account.balances}:
            self._currencies.setdefault(code, _LastKnown()).balance = None

    def _record_balance(self, code: str, balance: Balance) -> bool:
        """Take note of a balance; return whether that is worth saving."""
        last = self._currencies.get(code)
        is_new = last is None
        if last is None:
            last = self._currencies[code] = _LastKnown(
                balance=Decimal() if self._complete else None
            )
        # A balance too small to have a value in USD has no rate of its own.
        last.rate = balance.rate or last.rate or balance.rate
        before, now = last.balance, balance.balance
        changed = now is not None and (is_new or now != before)
        if now is not None and before is not None and now != before:
            self._record_change(last, balance.currency, before, now)
        if changed:
            last.balance = now
        return self._add_up(last) or changed

    def _record_change(
        self, last: _LastKnown, currency: Currency, before: Decimal, now: Decimal
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
        self._unreported.append(
            BalanceChange(
                currency=currency,
                amount=amount,
                amount_usd=usd and EXACT.quantize(usd, CENT),
                balance=now,
            )
        )

    def _add_up(self, last: _LastKnown) -> bool:
        """Add amounts to the sums if their rate is known; return whether there are any."""
        if last.rate is None or not (last.received or last.withdrawn):
            return False
        self.received = EXACT.add(self.received, to_usd(last.received, last.rate))
        self.withdrawn = EXACT.add(self.withdrawn, to_usd(last.withdrawn, last.rate))
        last.received = last.withdrawn = Decimal()
        return True

    def _restore(self, stored: dict[str, Any]) -> None:
        """Take over what was stored."""
        self.received = Decimal(stored["received"])
        self.withdrawn = Decimal(stored["withdrawn"])
        self._currencies = {
            code: _LastKnown(**_parse_amounts(last))
            for code, last in stored["currencies"].items()
        }
        self._complete = stored["complete"]
        self._key_replaced = stored["key_replaced"]
        self._unreported = [
            BalanceChange(currency=Currency(**currency), **_parse_amounts(amounts))
            for currency, amounts in stored["unreported"]
        ]

    async def _async_save(self, *, unreported: bool) -> None:
        """Save the ledger, with or without the changes that are not reported yet."""
        await self._store.async_save(
            {
                "received": format_plain(self.received),
                "withdrawn": format_plain(self.withdrawn),
                "currencies": {
                    code: _format_amounts(last)
                    for code, last in self._currencies.items()
                },
                "complete": self._complete,
                "key_replaced": self._key_replaced,
                "unreported": [
                    (asdict(change.currency), _format_amounts(change))
                    for change in (self._unreported if unreported else ())
                ],
            }
        )


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


def _format_amounts(item: BalanceChange | _LastKnown) -> dict[str, str | None]:
    """Return the amounts of an item as texts that keep every digit."""
    return {
        field.name: format_plain(getattr(item, field.name))
        for field in fields(item)
        if field.name != "currency"
    }


def _parse_amounts(texts: dict[str, str | None]) -> dict[str, Any]:
    """Return the amounts in stored texts."""
    return {
        name: None if text is None else Decimal(text) for name, text in texts.items()
    }
