"""What an answer means: a refused key, another error, or the balances of an account.

The format is from https://docs.cryptocloud.plus/en/api-reference-v2/balance. No bad row
spoils the others, and what cannot be read is unknown, never zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from enum import Enum, auto
from http import HTTPStatus
import json
import re
from types import NoneType
from typing import Any

from .models import EXACT, MAX_DIGITS, Account, Balance, Currency, add

# The amounts of a Balance, and their keys in the answer
AMOUNT_KEYS = {
    "balance": "balance_crypto",
    "balance_usd": "balance_usd",
    "available": "available_balance",
    "available_usd": "available_balance_usd",
}
MAX_INTEGER_DIGITS = 15
MAX_TEXT_LENGTH = 100
MAX_URL_LENGTH = 2000
# About eight times what 1,000 currencies need. Decoding more would block the event loop
# even in a thread, because json holds the GIL.
MAX_SEPARATORS = 200_000

# Keeps every digit. Numbers too large for a Decimal become non-finite or get an absurd
# exponent; _parse_amount rejects both.
_parse_number = Context(
    prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[]
).create_decimal

_FIELD_NAME = re.compile(r"[a-z_]{1,50}")
_HTTPS_URL = re.compile(
    r"https://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9/._~%!$&'()*+,;=:@?#-]*)?",
    re.ASCII | re.IGNORECASE,
)
_JSON_TYPES = {
    bool: "boolean",
    Decimal: "number",
    dict: "object",
    list: "array",
    NoneType: "null",
    str: "string",
}
_NO_JSON = object()
_PLAIN_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


_FLAGS = ("stablecoin", "is_email_required", "enable")

# Currencies of the last answer by code, with what they were parsed from
type KnownCurrencies = dict[str, tuple[dict[str, Any], Currency]]


class Problem(Enum):
    """Why an answer brings no balances."""

    KEY_REFUSED = auto()
    KEY_MAYBE_REFUSED = auto()
    HTTP_STATUS = auto()
    NO_BALANCES = auto()


def parse_answer(
    status: int, body: bytes | None, known: KnownCurrencies
) -> Account | Problem:
    """Return the account that an answer describes, or why there is none.

    `body` is None if it cannot be read. `known` keeps the currencies for the next
    answer.
    """
    content = _decode(body)
    if refusal := _find_refusal(status, content):
        return refusal
    if status != HTTPStatus.OK:
        return Problem.HTTP_STATUS
    if (rows := _find_rows(content)) is None:
        return Problem.NO_BALANCES
    return _parse_account(rows, known)


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
            parse_float=_parse_number,
            parse_int=_parse_number,
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


def _parse_account(rows: Iterable[Any], known: KnownCurrencies) -> Account:
    """Return the balances and totals of an answer's rows."""
    balances: dict[str, Balance] = {}
    unidentified: list[dict[str, Decimal | None]] = []
    contradicted = False
    for item in rows:
        row = item if isinstance(item, dict) else {}
        amounts = {
            name: _parse_amount(row.get(key)) for name, key in AMOUNT_KEYS.items()
        }
        if (currency := _get_currency(row.get("currency"), known)) is None:
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
    for code in known.keys() - balances.keys():
        del known[code]

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


def _get_currency(content: Any, known: KnownCurrencies) -> Currency | None:
    """Return a currency as it is known or, if it is new or has changed, parsed."""
    if not isinstance(content, dict):
        return None
    code = content.get("code")
    # An identifier is taken as sent or not at all.
    if code is None or _parse_text(code) != code:
        return None
    before, currency = known.get(code, ({}, None))
    if (
        currency
        and content == before
        # To Python, true is the same as 1.
        and all(content.get(flag) is before.get(flag) for flag in _FLAGS)
    ):
        return currency
    currency = _parse_currency(code, content)
    known[code] = content, currency
    return currency


def _parse_currency(code: str, content: dict[str, Any]) -> Currency:
    """Return a currency."""
    network = content.get("obj_network")
    if not isinstance(network, dict):
        network = {}
    return Currency(
        code=code,
        short_code=_parse_text(content.get("short_code"))
        or code.split("_", maxsplit=1)[0]
        or code,
        name=_parse_text(content.get("name")),
        network=_parse_text(network.get("code")),
        network_name=_parse_text(network.get("fullname")),
        icon_base=_parse_https_url(content.get("icon_base")),
        icon_network=_parse_https_url(content.get("icon_network")),
        stablecoin=content.get("stablecoin") is True,
        id=_parse_integer(content.get("id")),
        is_email_required=_parse_bool(content.get("is_email_required")),
        enable=_parse_bool(content.get("enable")),
        order=_parse_integer(content.get("order")),
        icon_qr=_parse_https_url(content.get("icon_qr")),
        network_id=_parse_integer(network.get("id")),
        network_icon=_parse_https_url(network.get("icon")),
    )


def _parse_text(value: Any) -> str | None:
    """Return a text that can be shown.

    CryptoCloud sends the string "None" for missing values.
    """
    if (
        isinstance(value, str)
        and len(value) <= MAX_TEXT_LENGTH
        and value.isprintable()
        and (text := value.strip()) not in ("", "None")
    ):
        return text
    return None


def _parse_bool(value: Any) -> bool | None:
    """Return a boolean."""
    return value if isinstance(value, bool) else None


def _parse_integer(value: Any) -> int | None:
    """Return an integer of at most 15 digits, which every JSON reader keeps."""
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() < MAX_INTEGER_DIGITS
        and value == value.to_integral_value()
    ):
        return int(value)
    return None


def _parse_https_url(value: Any) -> str | None:
    """Return the address of a picture."""
    if (
        isinstance(value, str)
        and len(value) <= MAX_URL_LENGTH
        and _HTTPS_URL.fullmatch(value)
    ):
        return value
    return None


def _parse_amount(value: Any) -> Decimal | None:
    """Return an amount given as a JSON number or as a plain decimal string.

    None for anything else, and if the plain notation has too many digits.
    """
    if isinstance(value, str) and _PLAIN_DECIMAL.fullmatch(value):
        value = _parse_number(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    magnitude = value.adjusted()
    if abs(magnitude) > MAX_DIGITS:
        return None
    # Round to EXACT's precision first, so that counting digits stays cheap.
    exponent = magnitude + 1 - len(EXACT.plus(value).as_tuple().digits)
    digits = max(magnitude + 1, 1) + max(-exponent, 0)
    return value if digits <= MAX_DIGITS else None
