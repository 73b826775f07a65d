"""What an answer means: a refused key, another error, or the balances of an account.

The format is from https://docs.cryptocloud.plus/en/api-reference-v2/balance. No bad row
spoils the others, and what cannot be read is unknown, never zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum, auto
from http import HTTPStatus
import json
import re
from types import NoneType
from typing import Any

from .answer_fields import (
    parse_amount,
    parse_bool,
    parse_https_url,
    parse_integer,
    parse_number,
    parse_text,
)
from .models import Account, Balance, Currency, add

# The amounts of a Balance, and their keys in the answer
AMOUNT_KEYS = {
    "balance": "balance_crypto",
    "balance_usd": "balance_usd",
    "available": "available_balance",
    "available_usd": "available_balance_usd",
}
# About four times what 1,000 currencies need. Decoding more would block the event loop
# even in a thread, because json holds the GIL.
MAX_SEPARATORS = 100_000

_FIELD_NAME = re.compile(r"[a-z_]{1,50}")
_JSON_TYPES = {
    bool: "boolean",
    Decimal: "number",
    dict: "object",
    list: "array",
    NoneType: "null",
    str: "string",
}
_NO_JSON = object()
_FLAGS = ("stablecoin", "is_email_required", "enable")

# Currencies of the last answer by code, with what they were parsed from
type ParsedCurrencies = dict[str, tuple[dict[str, Any], Currency]]


class Problem(Enum):
    """Why an answer brings no balances."""

    KEY_REFUSED = auto()
    KEY_MAYBE_REFUSED = auto()
    HTTP_STATUS = auto()
    NO_BALANCES = auto()


def parse_answer(
    status: int, body: bytes | None, parsed: ParsedCurrencies
) -> Account | Problem:
    """Return the account that an answer describes, or why there is none.

    `body` is None if it cannot be read. `parsed` keeps the currencies for the next
    answer.
    """
    content = _decode(body)
    if refusal := _find_refusal(status, content):
        return refusal
    if status != HTTPStatus.OK:
        return Problem.HTTP_STATUS
    if (rows := _find_rows(content)) is None:
        return Problem.NO_BALANCES
    return _parse_account(rows, parsed)


def describe_fields(body: bytes) -> dict[str, list[str]]:
    """Return the names and JSON types of all fields in the rows of an answer."""
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for row in _find_rows(_decode(body)) or ():
        if isinstance(row, dict):
            _collect_fields(fields, "", row)
            if isinstance(currency := row.get("currency"), dict):
                _collect_fields(fields, "currency.", currency)
    return {name: sorted(types) for name, types in sorted(fields.items())}


def _collect_fields(
    fields: Mapping[str, set[str]], prefix: str, content: dict[str, Any]
) -> None:
    """Add the names and types of an object's fields."""
    for name, value in content.items():
        if _FIELD_NAME.fullmatch(name):
            fields[prefix + name].add(_JSON_TYPES[type(value)])


def _decode(body: bytes | None) -> Any:
    """Return the JSON in a body with exact numbers, or _NO_JSON if there is none."""
    if body is None or sum(map(body.count, (b",", b"[", b"{"))) > MAX_SEPARATORS:
        return _NO_JSON
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            parse_float=parse_number,
            parse_int=parse_number,
            parse_constant=lambda _: None,
        )
    except ValueError, RecursionError:
        return _NO_JSON


def _find_refusal(status: int, content: Any) -> Problem | None:
    """Return whether an answer means a bad key, or may mean one.

    Gateways in between use the same statuses, and `detail` for other errors. Texts are
    not documented and decide nothing.
    https://docs.cryptocloud.plus/en/api-reference-v2/authorization
    """
    match status, content:
        case _, {"status": "error", "result": {"authorization": _}}:
            return Problem.KEY_REFUSED
        case (
            HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN,
            {"detail": str(), **others},
        ) if not others:
            return Problem.KEY_REFUSED
        case HTTPStatus.UNAUTHORIZED, _:
            return Problem.KEY_MAYBE_REFUSED
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN, _:
            # Without JSON, it is the page of a firewall in between.
            return None if content is _NO_JSON else Problem.KEY_MAYBE_REFUSED
        case HTTPStatus.OK, {"detail": _, **others} if not others:
            return Problem.KEY_MAYBE_REFUSED
    return None


def _find_rows(content: Any) -> list[Any] | None:
    """Return the rows of a successful answer."""
    if isinstance(content, dict) and content.get("status") == "success":
        rows = content.get("result")
        return rows if isinstance(rows, list) else None
    return None


def _parse_account(rows: Iterable[Any], parsed: ParsedCurrencies) -> Account:
    """Return the balances and totals of an answer's rows."""
    balances: dict[str, Balance] = {}
    unidentified: list[dict[str, Decimal | None]] = []
    contradicted = False
    for item in rows:
        row = item if isinstance(item, dict) else {}
        amounts = {
            name: parse_amount(row.get(key)) for name, key in AMOUNT_KEYS.items()
        }
        if (currency := _get_currency(row.get("currency"), parsed)) is None:
            unidentified.append(amounts)
            continue
        balance = Balance(currency=currency, **amounts)
        first = balances.setdefault(currency.code, balance)
        if first is balance:
            continue
        for name, amount in amounts.items():
            if getattr(first, name) != amount:
                amounts[name] = None
                contradicted = True
        balances[currency.code] = Balance(currency=first.currency, **amounts)
    for code in parsed.keys() - balances.keys():
        del parsed[code]

    def total(name: str) -> Decimal | None:
        if contradicted:
            return None
        return add(
            *(getattr(balance, name) for balance in balances.values()),
            *(amounts[name] for amounts in unidentified),
        )

    return Account(
        balances=balances,
        total_usd=total("balance_usd"),
        total_available_usd=total("available_usd"),
        unidentified=len(unidentified),
    )


def _get_currency(content: Any, parsed: ParsedCurrencies) -> Currency | None:
    """Return a currency; parse it only if it is new or has changed."""
    if not isinstance(content, dict):
        return None
    code = content.get("code")
    if not isinstance(code, str):
        return None
    before, currency = parsed.get(code, ({}, None))
    if (
        currency
        and content == before
        # To Python, true is the same as 1.
        and all(content.get(flag) is before.get(flag) for flag in _FLAGS)
    ):
        return currency
    # An identifier is taken as sent or not at all.
    if parse_text(code) != code:
        return None
    currency = _parse_currency(code, content)
    parsed[code] = content, currency
    return currency


def _parse_currency(code: str, content: dict[str, Any]) -> Currency:
    """Return a currency."""
    network = content.get("obj_network")
    if not isinstance(network, dict):
        network = {}
    return Currency(
        code=code,
        short_code=parse_text(content.get("short_code"))
        or code.split("_", maxsplit=1)[0]
        or code,
        name=parse_text(content.get("name")),
        network=parse_text(network.get("code")),
        network_name=parse_text(network.get("fullname")),
        icon_base=parse_https_url(content.get("icon_base")),
        icon_network=parse_https_url(content.get("icon_network")),
        stablecoin=content.get("stablecoin") is True,
        id=parse_integer(content.get("id")),
        is_email_required=parse_bool(content.get("is_email_required")),
        enable=parse_bool(content.get("enable")),
        order=parse_integer(content.get("order")),
        icon_qr=parse_https_url(content.get("icon_qr")),
        network_id=parse_integer(network.get("id")),
        network_icon=parse_https_url(network.get("icon")),
    )
