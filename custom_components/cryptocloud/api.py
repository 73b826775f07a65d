"""Client for the balance method of CryptoCloud's merchant API, version 2.

Facts about the API are from https://docs.cryptocloud.plus/en/api-reference-v2/balance.
"""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from gzip import GzipFile
from http import HTTPStatus
from io import BytesIO
import re
from typing import ClassVar
import zlib

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    hdrs,
)

from .answer import ParsedCurrencies, Problem, parse_answer
from .models import Account

MAX_BODY_SIZE = 8 * 1024 * 1024
# Longer bodies are decoded in a thread to keep the event loop free.
MAX_BODY_SIZE_IN_LOOP = 64 * 1024
TIMEOUT = ClientTimeout(total=30)
# gzip reads the header of each in Python: 8 MiB of empty ones take minutes.
MAX_GZIP_MEMBERS = 1000

_GZIP_MEMBER = b"\x1f\x8b\x08"
_HEADER_VALUE = re.compile(r"[!-~]+")


class CryptoCloudError(Exception):
    """Failure to get the balances; the message never holds the API key."""

    translation_key: ClassVar[str]


class CryptoCloudAuthError(CryptoCloudError):
    """The API key was refused."""

    translation_key = "invalid_auth"


class CryptoCloudConnectionError(CryptoCloudError):
    """CryptoCloud could not be reached."""

    translation_key = "cannot_connect"


class CryptoCloudHTTPError(CryptoCloudError):
    """CryptoCloud answered with an HTTP error.

    `retry_after` is the number of seconds CryptoCloud asks to wait, if it does.
    """

    translation_key = "http_error"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Initialize the error."""
        super().__init__(message)
        self.retry_after = retry_after


class CryptoCloudMaybeAuthError(CryptoCloudHTTPError):
    """The API key was refused, or a service in between has a fault."""

    translation_key = "maybe_invalid_auth"


class CryptoCloudTimeoutError(CryptoCloudError):
    """No complete answer arrived in time."""

    translation_key = "timeout_connect"


class CryptoCloudResponseError(CryptoCloudError):
    """The answer is not a list of balances."""

    translation_key = "invalid_response"


class CryptoCloudClient:
    """Client for one API key."""

    base_url: ClassVar[str] = "https://api.cryptocloud.plus"

    def __init__(self, *, session: ClientSession, api_key: str) -> None:
        """Initialize the client."""
        self._session = session
        self.api_key = api_key
        # The last good answer, which may come again, and is described in diagnostics
        self.last_body: bytes | None = None
        self._last_account: Account
        self._parsed: ParsedCurrencies = {}

    async def get_account(self) -> Account:
        """Return all balances, with one request.

        Raises one of the errors above.
        """
        if not _HEADER_VALUE.fullmatch(self.api_key):
            raise CryptoCloudAuthError("The API key cannot stand in an HTTP header")
        status, body, retry_after = await self._post("/v2/merchant/wallet/balance/all")
        if status == HTTPStatus.OK and body and body == self.last_body:
            return self._last_account
        if len(body or b"") <= MAX_BODY_SIZE_IN_LOOP:
            account = parse_answer(status, body, self._parsed)
        else:
            account = await asyncio.to_thread(parse_answer, status, body, self._parsed)
        match account:
            case Problem.KEY_REFUSED:
                raise CryptoCloudAuthError(f"HTTP status {status}")
            case Problem.KEY_MAYBE_REFUSED:
                raise CryptoCloudMaybeAuthError(f"HTTP status {status}", retry_after)
            case Problem.HTTP_STATUS:
                raise CryptoCloudHTTPError(f"HTTP status {status}", retry_after)
            case Problem.NO_BALANCES:
                raise CryptoCloudResponseError("The answer holds no list of balances")
        self.last_body = body
        self._last_account = account
        return account

    async def _post(self, path: str) -> tuple[int, bytes | None, float | None]:
        """Send a request; return the answer's status, body and seconds to wait."""
        error: CryptoCloudError
        try:
            # For both attempts together
            async with (
                asyncio.timeout(TIMEOUT.total),
                await self._open(path) as response,
            ):
                retry_after = response.headers.get(hdrs.RETRY_AFTER)
                return (
                    response.status,
                    await _read(response),
                    _parse_retry_after(retry_after),
                )
        except TimeoutError:
            error = CryptoCloudTimeoutError(f"No whole answer in {TIMEOUT.total:g} s")
        except ClientError as err:
            error = CryptoCloudConnectionError(type(err).__name__)
        # Not raised in the handler: aiohttp's errors can hold the request's headers,
        # and the key must not be found along the chain of exceptions.
        raise error

    async def _open(self, path: str) -> ClientResponse:
        """Send a request; send it again if the connection breaks before any answer.

        A server may close a kept connection at any time. aiohttp repeats no POST, but
        this one only reads. aiohttp reports a reset within the headers of an answer like
        one before them, so that is repeated too.
        """
        try:
            return await self._send(path)
        except ClientConnectorError:
            raise
        except ServerDisconnectedError as err:
            if not isinstance(err.message, str):
                raise  # It broke within the headers of an answer.
        except ClientOSError:
            pass
        return await self._send(path)

    async def _send(self, path: str) -> ClientResponse:
        """Send a request once."""
        return await self._session.post(
            f"{self.base_url}{path}",
            headers={
                hdrs.ACCEPT: "application/json",
                hdrs.ACCEPT_ENCODING: "gzip",
                hdrs.AUTHORIZATION: f"Token {self.api_key}",
            },
            # A redirect would forward the key.
            allow_redirects=False,
            # _read decompresses, with a size limit.
            auto_decompress=False,
            timeout=TIMEOUT,
        )


async def _read(response: ClientResponse) -> bytes | None:
    """Return the decompressed body, or None if it is too long or damaged."""
    encodings = {
        encoding.strip().lower()
        for header in response.headers.getall(hdrs.CONTENT_ENCODING, ())
        for encoding in header.split(",")
    } - {"", "identity"}
    if not encodings <= {"gzip", "x-gzip"}:
        return None
    try:
        body = await _read_raw(response)
    except ClientError:
        if response.status == HTTPStatus.OK:
            raise
        return None  # The status says enough.
    if body is None or not encodings:
        return body
    if len(body) <= MAX_BODY_SIZE_IN_LOOP:
        return _unpack(body)
    return await asyncio.to_thread(_unpack, body)


async def _read_raw(response: ClientResponse) -> bytes | None:
    """Return the body as it was sent, or None if it is too long."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_SIZE:
            return None
    return bytes(body)


def _unpack(packed: bytes) -> bytes | None:
    """Return what a gzip file holds, or None if it is too long or damaged."""
    if packed.count(_GZIP_MEMBER) > MAX_GZIP_MEMBERS:
        return None
    body = bytearray()
    try:
        with GzipFile(fileobj=BytesIO(packed)) as file:
            for chunk in iter(file.read1, b""):
                body += chunk
                if len(body) > MAX_BODY_SIZE:
                    return None
    except EOFError, OSError, zlib.error:
        return None
    return bytes(body)


def _parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, if it is valid."""
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
