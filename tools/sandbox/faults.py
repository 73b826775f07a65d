"""Faults of a network and of a service."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import cache
import json
import socket
import struct
from typing import Any
import zlib

from aiohttp import web
from multidict import CIMultiDict

from .exact import RawJson, to_json

type Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The answer as it would have been without the fault.
ANSWER: web.AppKey[Callable[[web.Request], Awaitable[web.Response]]] = web.AppKey(
    "answer"
)
# Whether the request came over a connection that was used before.
KEPT = "kept"
# Another address, for redirects.
ELSEWHERE: web.AppKey[Callable[[], str]] = web.AppKey("elsewhere")

_MEBIBYTE = 2**20
_HEAD = b'{"status": "success", "result": ['
_TAIL = b"]}"
_PAGE = "<html><body><h1>Something went wrong</h1></body></html>"


@dataclass(frozen=True)
class Status:
    """An answer with any status: JSON for an object or a list, else HTML."""

    status: int
    body: dict[str, Any] | list[Any] | str = _PAGE
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer with the status."""
        if isinstance(self.body, dict | list):
            content_type, text = "application/json", json.dumps(self.body)
        else:
            content_type, text = "text/html; charset=utf-8", self.body
        headers = CIMultiDict({"Content-Type": content_type})
        headers.update(self.headers)
        return web.Response(body=text.encode(), status=self.status, headers=headers)


@dataclass(frozen=True)
class Redirect:
    """A redirect to another server."""

    status: int

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Point elsewhere."""
        return web.Response(
            status=self.status, headers={"Location": request.app[ELSEWHERE]()}
        )


@dataclass(frozen=True)
class RetryDate:
    """A status 429 with a date for the next try."""

    seconds: float

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Name the date."""
        date = datetime.now(UTC) + timedelta(seconds=self.seconds)
        retry_after = format_datetime(date, usegmt=True)
        return await Status(429, headers={"Retry-After": retry_after})(request)


class Reset:
    """A connection reset before the headers."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Reset the connection."""
        return _reset(request, web.Response())


@dataclass(frozen=True)
class Close:
    """A connection closed before the answer, or after a few bytes of it."""

    sent: bytes = b""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Close the connection."""
        if request.transport:
            request.transport.write(self.sent)
            request.transport.close()
        return web.Response()


class CloseKept:
    """The right answer, but a connection is closed instead of used again."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer the first request of a connection only."""
        answer = Close() if request[KEPT] else request.app[ANSWER]
        return await answer(request)


class Refuse(Reset):
    """A port at which nothing listens."""


class Tls(Refuse):
    """A port that speaks TLS, with a self-signed certificate."""


class ResetBody:
    """A connection reset in the middle of the body."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Send half of the answer and reset the connection."""
        response = await _half_answer(request)
        await asyncio.sleep(0.05)  # A reset overtakes what is still on its way.
        return _reset(request, response)


class ShortBody:
    """A body shorter than its Content-Length."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Send half of the answer and close the connection."""
        response = await _half_answer(request)
        if request.transport:
            request.transport.close()
        return response


class Hang:
    """No answer at all, until the client leaves or the server stops."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Wait for the end."""
        await asyncio.Event().wait()
        raise AssertionError


@dataclass(frozen=True)
class Slow:
    """The right answer, byte by byte."""

    bytes_per_second: float

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer slowly."""
        response, body = await _prepared_answer(request)
        for position in range(len(body)):
            await response.write(body[position : position + 1])
            await asyncio.sleep(1 / self.bytes_per_second)
        return response


@dataclass(frozen=True)
class Delay:
    """The right answer, late."""

    seconds: float

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Wait, then answer."""
        await asyncio.sleep(self.seconds)
        return await request.app[ANSWER](request)


@dataclass(frozen=True)
class Body:
    """Any body, with status 200 unless it is another."""

    body: str | bytes
    content_type: str = "application/json"
    status: int = 200

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer with the body."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return web.Response(
            body=body,
            status=self.status,
            headers={"Content-Type": self.content_type},
        )


@dataclass(frozen=True)
class Twist:
    """The right answer, changed on its way."""

    change: Callable[[bytes], bytes]
    content_type: str = "application/json"
    encoding: str = "identity"

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Change the answer, but not a refusal."""
        answer = await request.app[ANSWER](request)
        if answer.status != 200 or not isinstance(answer.body, bytes):
            return answer
        return web.Response(
            body=self.change(answer.body),
            headers={
                "Content-Type": self.content_type,
                "Content-Encoding": self.encoding,
            },
        )


@dataclass(frozen=True)
class Row:
    """The right answer, but for the first row.

    `fields` has JSON by path, such as `currency.code`, for what the row should hold,
    null for what it should lack; an empty path stands for the row itself. A repeated
    row comes after the one that is right.
    """

    fields: dict[str, str | None]
    repeated: bool = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer with the row changed."""
        return await Twist(self._change)(request)

    def _change(self, body: bytes) -> bytes:
        answer = json.loads(body, parse_float=Decimal)
        first, *others = answer["result"]
        rows = [first] if self.repeated else []
        rows.append(json.loads(to_json(first), parse_float=Decimal))
        for path, value in self.fields.items():
            *parents, name = path.split(".")
            if not name:
                rows[-1] = RawJson(value)
                continue
            content = rows[-1]
            for parent in parents:
                content = content[parent]
            if value is None:
                content.pop(name, None)
            else:
                content[name] = RawJson(value)
        return to_json(answer | {"result": rows + others}).encode()


@dataclass(frozen=True)
class Huge:
    """A balance answer of many mebibytes."""

    mebibytes: int

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Stream rows."""
        row = b'{"currency": {"code": "BTC", "short_code": "BTC"}, "balance_crypto": 0}'
        rows = (row + b", ") * (_MEBIBYTE // 16 // (len(row) + 2))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(_HEAD)
        for _ in range(self.mebibytes * _MEBIBYTE // len(rows) + 1):
            await response.write(rows)
            await asyncio.sleep(0)
        await response.write(row + _TAIL)
        return response


@dataclass(frozen=True)
class GzipBomb:
    """An empty balance list, with many mebibytes of spaces once unpacked."""

    mebibytes: int

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer in one small piece."""
        return web.Response(
            body=await asyncio.to_thread(_gzip_bomb, self.mebibytes),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )


@cache
def _gzip_bomb(mebibytes: int) -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    packed = [pack.compress(_HEAD)]
    spaces = b" " * _MEBIBYTE
    packed += [pack.compress(spaces) for _ in range(mebibytes)]
    packed += [pack.compress(_TAIL), pack.flush()]
    return b"".join(packed)


def _reset[R: web.StreamResponse](request: web.Request, response: R) -> R:
    if request.transport:
        request.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        request.transport.abort()
    return response


async def _prepared_answer(
    request: web.Request,
) -> tuple[web.StreamResponse, bytes]:
    answer = await request.app[ANSWER](request)
    body = answer.body if isinstance(answer.body, bytes) else b""
    response = web.StreamResponse(
        status=answer.status, headers={"Content-Type": "application/json"}
    )
    response.content_length = len(body)
    await response.prepare(request)
    return response, body


async def _half_answer(request: web.Request) -> web.StreamResponse:
    response, body = await _prepared_answer(request)
    await response.write(body[: len(body) // 2])
    return response
