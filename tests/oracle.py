"""The oracle: what Home Assistant should show of an answer."""

from decimal import Context, Decimal, Inexact, InvalidOperation
import gzip
import json
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

AMOUNT_KEYS = {
    "balance": "balance_crypto",
    "usd_value": "balance_usd",
    "available": "available_balance",
    "available_usd_value": "available_balance_usd",
}
TOTALS = {
    "total_balance": "balance_usd",
    "total_available_balance": "available_balance_usd",
}
# What must be understood, and no more than that.
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
PLAIN_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
MAX_DIGITS = 78
MAX_NUMBER_LENGTH = 1000

EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])


def decimal(token: str) -> Decimal | None:
    """Return a number, whatever its size, unless it is endless."""
    if len(token) > MAX_NUMBER_LENGTH:
        return None
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


def read_rows(body: bytes, encoding: str = "") -> list[Any] | None:
    """Return the rows of an answer in which every number is exact."""
    encodings = {name.strip() for name in encoding.lower().split(",")}
    encodings -= {"", "identity"}
    if not encodings <= {"gzip", "x-gzip"}:
        return None
    try:
        if encodings:
            body = gzip.decompress(body)
        content = json.loads(
            body.decode("utf-8-sig"),
            parse_float=decimal,
            parse_int=decimal,
            parse_constant=lambda _: None,
        )
    except ValueError, OSError, EOFError, RecursionError:
        return None
    found = content.get("result") if isinstance(content, dict) else None
    return found if isinstance(found, list) else None


def read_amount(row: Any, key: str) -> Decimal | None:
    """Return an amount, where there is one."""
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return decimal(value)
    return value if isinstance(value, Decimal) else None


def read_code(row: Any) -> str | None:
    """Return the code of a row, where there is one."""
    currency = row.get("currency") if isinstance(row, dict) else None
    code = currency.get("code") if isinstance(currency, dict) else None
    return code if isinstance(code, str) else None


def is_sane(amount: Decimal | None) -> bool:
    """Return whether an amount is one that must be shown."""
    if amount is None or not -MAX_DIGITS < amount.adjusted() < MAX_DIGITS:
        return False
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and (
        max(amount.adjusted() + 1, 1) + max(-exponent, 0) <= MAX_DIGITS
    )


class Account:
    """What Home Assistant shows of an account."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Read the states."""
        self.units: dict[str, str] = {}
        self.is_shown = False
        self.states: dict[str, str] = {}
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        ):
            name = entity.unique_id.removeprefix(f"{entry.entry_id}_")
            if (
                entity.domain != "sensor"
                or (state := hass.states.get(entity.entity_id)) is None
            ):
                continue
            self.states[name] = state.state
            if state.state != STATE_UNAVAILABLE:
                self.is_shown = True
                self.units[name] = state.attributes["unit_of_measurement"]
                assert self.units[name]
                # As long as the registry knows it
                assert self.units[name] == entity.unit_of_measurement
        for name in self.states:
            self.value(name)
        self.codes = {
            code
            for code, colon, _ in (name.rpartition(":") for name in self.states)
            if colon and self.states[f"{code}:balance"] != STATE_UNAVAILABLE
        }

    def value(self, name: str) -> Decimal | None:
        """Return a value that is shown."""
        state = self.states[name]
        assert len(state) <= 255
        if state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return None
        assert PLAIN.fullmatch(state), state
        return Decimal(state)

    def check(self, found: list[Any]) -> None:
        """Check that what is shown is what these rows say."""
        by_code = {
            code: [row for row in found if read_code(row) == code]
            for code in self.codes
        }
        assert self.codes >= {
            code for row in found if PLAIN_CODE.fullmatch(code := read_code(row) or "")
        }
        assert all(by_code.values())
        amounts = {
            f"{code}:{key}": [read_amount(row, name) for row in same]
            for code, same in by_code.items()
            for key, name in AMOUNT_KEYS.items()
        }
        for name, values in amounts.items():
            self._check_amount(name, values)
        for code in self.codes:
            parts = (f"{code}:balance", f"{code}:available")
            self._check_difference(f"{code}:on_hold", *parts)
        unidentified = [row for row in found if read_code(row) not in self.codes]
        is_contradicted = any(
            len({amount if is_sane(amount) else None for amount in values}) > 1
            for values in amounts.values()
        )
        counted = [*(same[0] for same in by_code.values()), *unidentified]
        for key, name in TOTALS.items():
            self._check_total(
                key, [read_amount(row, name) for row in counted], is_contradicted
            )
        self._check_difference("total_on_hold", *TOTALS)

    def _check_amount(self, name: str, amounts: list[Decimal | None]) -> None:
        value = self.value(name)
        if value is not None:
            assert set(amounts) == {value}
        else:
            # Of rows that agree, 0 and 0e999999, one may still be out of all proportion.
            assert len(set(amounts)) > 1 or not all(map(is_sane, amounts))

    def _check_total(
        self, name: str, parts: list[Decimal | None], is_contradicted: bool
    ) -> None:
        value = self.value(name)
        if value is None:
            # That no currency is left is no proof of an empty account.
            assert is_contradicted or not self.codes or not all(map(is_sane, parts))
            return
        assert not is_contradicted
        total = Decimal()
        for part in parts:
            assert part is not None
            total = EXACT.add(total, part)
        assert value == total

    def _check_difference(self, name: str, minuend: str, subtrahend: str) -> None:
        value, whole, part = map(self.value, (name, minuend, subtrahend))
        if whole is None or part is None:
            assert value is None
        else:
            assert value == EXACT.subtract(whole, part)
