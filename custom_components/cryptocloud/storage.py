"""What is stored of an account: the last known balances, and what was added up."""

from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

import voluptuous as vol

from .models import EXACT, BalanceChange, Currency, format_plain

STORAGE_VERSION = 1


@dataclass(kw_only=True, slots=True)
class LastKnown:
    """What is last known of a currency; `rate` is the value of one unit in USD.

    `received` and `withdrawn` are amounts that wait for a first rate.
    """

    balance: Decimal | None = None
    rate: Decimal | None = None
    received: Decimal = Decimal()
    withdrawn: Decimal = Decimal()


@dataclass(kw_only=True, slots=True)
class Record:
    """What is remembered of an account; `received` and `withdrawn` are in USD.

    `unidentified` is the number of balances of the last answer that do not say their
    currency, None if there was no answer yet.
    """

    received: Decimal = Decimal()
    withdrawn: Decimal = Decimal()
    currencies: dict[str, LastKnown] = field(default_factory=dict)
    unidentified: int | None = None
    key_replaced: bool = False
    unreported: list[BalanceChange] = field(default_factory=list)


_AMOUNT = vol.All(
    str,
    vol.Length(max=EXACT.prec),
    vol.Match(r"-?[0-9]+(\.[0-9]+)?\Z"),
    vol.Coerce(Decimal),
)
_NOT_NEGATIVE = vol.All(_AMOUNT, vol.Range(min=0))
_CURRENCY = {vol.Required("code"): str} | {
    vol.Optional(field.name, default=None): vol.Any(str, int, None)
    for field in fields(Currency)
    if field.name != "code"
}
# What a later version adds is left out.
_STORED = vol.Schema(
    {
        "received": _NOT_NEGATIVE,
        "withdrawn": _NOT_NEGATIVE,
        "currencies": {
            str: {
                "balance": vol.Maybe(_AMOUNT),
                "rate": vol.Maybe(_NOT_NEGATIVE),
                "received": _NOT_NEGATIVE,
                "withdrawn": _NOT_NEGATIVE,
            }
        },
        "unidentified": vol.Maybe(int),
        "key_replaced": bool,
        "unreported": [
            {
                "currency": _CURRENCY,
                "amount": _AMOUNT,
                "amount_usd": vol.Maybe(_NOT_NEGATIVE),
                "balance": _AMOUNT,
            }
        ],
    },
    required=True,
    extra=vol.REMOVE_EXTRA,
)


def parse_record(stored: Any) -> Record:
    """Return the record in a stored file. Raises vol.Invalid if it is damaged."""
    data = _STORED(stored)
    return Record(
        **data
        | {
            "currencies": {
                code: LastKnown(**last) for code, last in data["currencies"].items()
            },
            "unreported": [
                BalanceChange(**change | {"currency": Currency(**change["currency"])})
                for change in data["unreported"]
            ],
        }
    )


def format_record(record: Record) -> dict[str, Any]:
    """Return a record as JSON, with amounts as texts that keep every digit."""
    return {
        "received": format_plain(record.received),
        "withdrawn": format_plain(record.withdrawn),
        "currencies": {
            code: {
                "balance": format_plain(last.balance),
                "rate": format_plain(last.rate),
                "received": format_plain(last.received),
                "withdrawn": format_plain(last.withdrawn),
            }
            for code, last in record.currencies.items()
        },
        "unidentified": record.unidentified,
        "key_replaced": record.key_replaced,
        "unreported": [
            {
                "currency": asdict(change.currency),
                "amount": format_plain(change.amount),
                "amount_usd": format_plain(change.amount_usd),
                "balance": format_plain(change.balance),
            }
            for change in record.unreported
        ],
    }
