"""Client for the balance method of CryptoCloud's merchant API, version 2.

Facts about the API are from https://docs.cryptocloud.plus/en/api-reference-v2/balance.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
import re
from types import NoneType
from typing import Any, ClassVar
import zlib

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, hdrs

MAX_BODY_SIZE = 8 * 1024 * 1024
MAX_TEXT_LENGTH = 100
MAX_URL_LENGTH = 2000
# Ten times what a list of 1,000 currencies has. JSON of many more would hold up the
# event loop even from a thread, as its decoder does not let go of the interpreter.
MAX_SEPARATORS = 200_000
# An unsigned 256-bit integer, the largest amount of a token, has 78 digits.
MAX_DIGITS = 78
# A longer body is decoded in a thread, as that would hold up the event loop.
MAX_BODY_SIZE_IN_LOOP = 64 * 1024
TIMEOUT = ClientTimeout(total=30)

# The amounts of a Balance, and what the answer calls them
AMOUNTS = {
    "balance": "balance_crypto",
    "balance_usd": "balance_usd",
    "available": "available_balance",
    "available_usd": "available_balance_usd",
}

# Wide enough for sums and differences of such amounts, to the last digit.
EXACT = Context(prec=4 * MAX_DIGITS)
# Keeps every digit; what no Decimal can hold becomes one that is not finite, or whose
# exponent is out of all proportion.
_parse_number = Context(
    prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[]
).create_decimal

_FIELD_NAME = re.compile(r"[a-z_]{1,50}")
_HEADER_VALUE = re.compile(r"[!-~]+")
_HTTPS_URL = re.compile(
    r"https://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9/._~%!$&'()*+,;=:@?#-]*)?",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class CryptoCloudError(Exception):
    """Failure to get the balances; the message never holds the API key."""

    translation_key: ClassVar[str]


class CryptoCloudAuthError(CryptoCloudError):
    """Refusal of the API key."""

    translation_key = "invalid_auth"


class CryptoCloudConnectionError(CryptoCloudError):
    """Failure to reach CryptoCloud, or an HTTP status that says so.

    `retry_after` is the number of seconds CryptoCloud asks to wait, if it does.
    """

    translation_key = "cannot_connect"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Initialize the error."""
        super().__init__(message)
        self.retry_after = retry_after


class CryptoCloudTimeoutError(CryptoCloudError):
    """Absence of a whole answer within the timeout."""

    translation_key = "timeout_connect"


class CryptoCloudResponseError(CryptoCloudError):
    """Answer that is not a list of balances."""

    translation_key = "invalid_response"


@dataclass(frozen=True, kw_only=True, slots=True)
class Currency:
    """Coin on a network; `code`, such as `USDT_TRC20`, identifies it."""

    code: str
    short_code: str
    name: str | None
    network: str | None
    network_name: str | None
    icon_base: str | None
    icon_network: str | None
    stablecoin: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What an account holds in one currency.

    Amounts are exact, in the currency or in USD at the rate of the moment; those
    that cannot be read are None. `available` is what can be withdrawn now.
    """

    currency: Currency
    balance: Decimal | None
    balance_usd: Decimal | None
    available: Decimal | None
    available_usd: Decimal | None

    @property
    def on_hold(self) -> Decimal | None:
        """Return the part of the balance that cannot be withdrawn now."""
        return _subtract(self.balance, self.available)

    def usd(self, amount: Decimal) -> Decimal | None:
        """Return an amount of the currency in USD, to the cent, at this answer's rate.

        None where the rate cannot be told, as with a balance of zero.
        """
        if not self.balance or self.balance_usd is None:
            return None
        return EXACT.quantize(
            EXACT.divide(EXACT.multiply(amount, self.balance_usd), self.balance),
            Decimal("0.01"),
        )

    @property
    def amounts(self) -> tuple[Decimal | None, ...]:
        """Return all amounts."""
        return self.balance, self.balance_usd, self.available, self.available_usd

    @property
    def is_funded(self) -> bool:
        """Return whether any readable amount is other than zero."""
        return any(self.amounts)

    @property
    def is_empty(self) -> bool:
        """Return whether all amounts are known to be zero."""
        return all(amount == 0 for amount in self.amounts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a merchant holds: the balances by currency code, and the totals in USD.

    A total is None where any amount that belongs to it cannot be read. `unidentified`
    counts the rows of the answer that do not say which currency they are of; they
    count in the totals. `fields` are names and JSON types of what the rows hold.
    """

    balances: Mapping[str, Balance]
    total_usd: Decimal | None
    total_available_usd: Decimal | None
    unidentified: int
    fields: frozenset[tuple[str, str]] = field(compare=False)

    @property
    def total_on_hold_usd(self) -> Decimal | None:
        """Return the part of the total that cannot be withdrawn now."""
        return _subtract(self.total_usd, self.total_available_usd)


class CryptoCloudClient:
    """Client for one API key."""

    base_url: ClassVar[str] = "https://api.cryptocloud.plus"

    def __init__(self, *, session: ClientSession, api_key: str) -> None:
        """Initialize the client."""
        self._session = session
        self._api_key = api_key

    async def get_account(self) -> Account:
        """Return all balances, with one request.

        Raises CryptoCloudAuthError, CryptoCloudConnectionError,
        CryptoCloudTimeoutError or CryptoCloudResponseError.
        """
        if not _HEADER_VALUE.fullmatch(self._api_key):
            raise CryptoCloudAuthError("The API key cannot stand in an HTTP header")
        answer = await self._request("/v2/merchant/wallet/balance/all")
        if len(answer.body or b"") <= MAX_BODY_SIZE_IN_LOOP:
            return _parse_answer(answer)
        return await asyncio.to_thread(_parse_answer, answer)

    async def _request(self, path: str) -> _Answer:
        """Send a request and return the answer, whatever its status."""
        error: CryptoCloudError
        try:
            async with self._session.post(
                f"{self.base_url}{path}",
                headers={
                    hdrs.ACCEPT: "application/json",
                    hdrs.ACCEPT_ENCODING: "gzip",
                    hdrs.AUTHORIZATION: f"Token {self._api_key}",
                },
                # The key would travel along.
                allow_redirects=False,
                # Unpacked by _read, which knows a limit.
                auto_decompress=False,
                timeout=TIMEOUT,
            ) as response:
                return _Answer(
                    status=response.status,
                    body=(
                        await _read(response)
                        if response.status in _STATUSES_WITH_BODY
                        else None
                    ),
                    retry_after=_parse_retry_after(
                        response.headers.get(hdrs.RETRY_AFTER)
                    ),
                )
        except TimeoutError:
            error = CryptoCloudTimeoutError(f"No whole answer in {TIMEOUT.total:g} s")
        except ClientError as err:
            error = CryptoCloudConnectionError(type(err).__name__)
        # Not raised in the handler: aiohttp's errors can hold the request's headers,
        # and the key must not be found along the chain of exceptions.
        raise error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """Answer to a request; without a body where that says nothing or is unreadable."""

    status: int
    body: bytes | None
    retry_after: float | None


_JSON_TYPES = {
    bool: "boolean",
    Decimal: "number",
    dict: "object",
    list: "array",
    NoneType: "null",
    str: "string",
}
_STATUSES_WITH_BODY = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)


async def _read(response: ClientResponse) -> bytes | None:
    """Return the unpacked body, or None where it is too long or wrongly packed."""
    encoding = response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
    if encoding not in ("identity", "gzip"):
        return None
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body = bytearray()
    async for chunk in response.content.iter_any():
        if unpacker is None:
            body += chunk
        else:
            try:
                body += unpacker.decompress(chunk, MAX_BODY_SIZE + 1 - len(body))
            except zlib.error:
                return None
        if len(body) > MAX_BODY_SIZE or (unpacker and unpacker.unused_data):
            return None
    if unpacker and not unpacker.eof:
        return None
    return bytes(body)


def _parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, if it can be read."""
    if value is None:
        return None
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - datetime.now(UTC)).total_seconds()


def _parse_answer(answer: _Answer) -> Account:
    """Return what a successful answer says, or raise what another means."""
    content = _decode(answer.body)
    if _refuses_key(answer.status, content):
        raise CryptoCloudAuthError(f"HTTP status {answer.status}")
    if answer.status != HTTPStatus.OK:
        raise CryptoCloudConnectionError(
            f"HTTP status {answer.status}", answer.retry_after
        )
    if (
        isinstance(content, dict)
        and content.get("status") == "success"
        and isinstance(rows := content.get("result"), list)
    ):
        return _parse_account(rows)
    raise CryptoCloudResponseError("The answer holds no list of balances")


def _decode(body: bytes | None) -> Any:
    """Return the JSON in a body with exact numbers, or None where there is none."""
    if body is None or sum(map(body.count, (b",", b"[", b"{"))) > MAX_SEPARATORS:
        return None
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            parse_float=_parse_number,
            parse_int=_parse_number,
            parse_constant=lambda _: None,
        )
    except ValueError, RecursionError:
        return None


def _refuses_key(status: int, content: Any) -> bool:
    """Return whether an answer means a bad key; its texts are not documented.

    https://docs.cryptocloud.plus/en/api-reference-v2/authorization
    """
    if status == HTTPStatus.UNAUTHORIZED:
        return True
    if status == HTTPStatus.FORBIDDEN:
        # Without JSON it is the page of a firewall in between.
        return content is not None
    if not isinstance(content, dict):
        return False
    result = content.get("result")
    is_unauthorized = isinstance(result, dict) and "authorization" in result
    if status == HTTPStatus.BAD_REQUEST:
        return is_unauthorized or "detail" in content
    return content.keys() == {"detail"} or (
        is_unauthorized and content.get("status") == "error"
    )


def _parse_account(rows: list[Any]) -> Account:
    """Return what the rows of an answer say; no row can spoil the others."""
    balances: dict[str, Balance] = {}
    unidentified: list[dict[str, Decimal | None]] = []
    contradicted = False
    shapes: set[tuple[str, tuple[str, ...], tuple[type, ...]]] = set()
    for item in rows:
        row = item if isinstance(item, dict) else {}
        shapes.add(("", tuple(row), tuple(map(type, row.values()))))
        amounts = {name: _parse_amount(row.get(key)) for name, key in AMOUNTS.items()}
        if isinstance(content := row.get("currency"), dict):
            shapes.add(
                ("currency.", tuple(content), tuple(map(type, content.values())))
            )
        if (currency := _parse_currency(content)) is None:
            unidentified.append(amounts)
            continue
        balance = Balance(currency=currency, **amounts)
        known = balances.setdefault(currency.code, balance)
        if known is balance:
            continue
        for name, amount in amounts.items():
            if getattr(known, name) != amount:
                amounts[name] = None
                contradicted = True
        balances[currency.code] = Balance(currency=known.currency, **amounts)

    def total(name: str) -> Decimal | None:
        if contradicted:
            return None
        return _add(
            *(getattr(balance, name) for balance in balances.values()),
            *(amounts[name] for amounts in unidentified),
        )

    return Account(
        balances=balances,
        total_usd=total("balance_usd"),
        total_available_usd=total("available_usd"),
        unidentified=len(unidentified),
        fields=frozenset(
            (prefix + name, _JSON_TYPES[value_type])
            for prefix, names, types in shapes
            for name, value_type in zip(names, types, strict=True)
            if _FIELD_NAME.fullmatch(name)
        ),
    )


def _parse_currency(content: Any) -> Currency | None:
    """Return a currency, or None where it does not say which it is."""
    if (
        not isinstance(content, dict)
        or (code := _parse_text(content.get("code"))) is None
    ):
        return None
    network = content.get("obj_network")
    if not isinstance(network, dict):
        network = {}
    return Currency(
        code=code,
        short_code=_parse_text(content.get("short_code")) or code.split("_")[0] or code,
        name=_parse_text(content.get("name")),
        network=_parse_text(network.get("code")),
        network_name=_parse_text(network.get("fullname")),
        icon_base=_parse_https_url(content.get("icon_base")),
        icon_network=_parse_https_url(content.get("icon_network")),
        stablecoin=content.get("stablecoin") is True,
    )


def _parse_text(value: Any) -> str | None:
    """Return a text fit to be shown; a documented answer has "None" for none."""
    if (
        isinstance(value, str)
        and len(value) <= MAX_TEXT_LENGTH
        and value.isprintable()
        and (text := value.strip()) not in ("", "None")
    ):
        return text
    return None


def _parse_https_url(value: Any) -> str | None:
    """Return the address of a picture that a dashboard may load."""
    if (
        isinstance(value, str)
        and len(value) <= MAX_URL_LENGTH
        and _HTTPS_URL.fullmatch(value)
    ):
        return value
    return None


def _parse_amount(value: Any) -> Decimal | None:
    """Return an amount given as a JSON number or as a plain decimal string.

    None for anything else, and where the plain notation has too many digits.
    """
    if isinstance(value, str) and _PLAIN_DECIMAL.fullmatch(value):
        value = _parse_number(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    magnitude = value.adjusted()
    if abs(magnitude) > MAX_DIGITS:
        return None
    # Longer ones than matter are cut off before they are counted.
    exponent = magnitude + 1 - len(EXACT.plus(value).as_tuple().digits)
    digits = max(magnitude + 1, 1) + max(-exponent, 0)
    return value if digits <= MAX_DIGITS else None


def _add(*amounts: Decimal | None) -> Decimal | None:
    """Return the exact sum, or None where an amount is unknown."""
    total = Decimal()
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total


def _subtract(minuend: Decimal | None, subtrahend: Decimal | None) -> Decimal | None:
    """Return the exact difference, or None where an amount is unknown."""
    if minuend is None or subtrahend is None:
        return None
    return EXACT.subtract(minuend, subtrahend)


def plain(amount: Decimal | None) -> str | None:
    """Return an amount in plain notation with all its digits and no needless zeros."""
    if amount is None:
        return None
    return format(EXACT.normalize(amount), "f") if amount else "0"
