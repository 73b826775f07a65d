"""Test what tests/test_faults.py cannot see of the faults."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
import json
from time import monotonic
import zlib

from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ServerDisconnectedError,
    web,
)
import pytest

from tools.sandbox import BALANCE_PATH, GOOD_KEY, Sandbox
from tools.sandbox.faults import (
    Body,
    Delay,
    Fault,
    GzipBomb,
    Hang,
    Huge,
    Redirect,
    Reset,
    Row,
    Slow,
    Status,
    Tls,
    Twist,
)

type Post = Callable[..., Awaitable[ClientResponse]]


@pytest.mark.parametrize(
    ("fault", "answer", "body"),
    [
        (Status(403, "<h1>No</h1>"), (403, "text/html"), b"<h1>No</h1>"),
        (Status(401, {"detail": "No"}), (401, "application/json"), b'{"detail": "No"}'),
        (Status(200, []), (200, "application/json"), b"[]"),
        (Status(599, ""), (599, "text/html"), b""),
        (Status(500, "no", {"content-type": "text/csv"}), (500, "text/csv"), b"no"),
        (Body("no JSON"), (200, "application/json"), b"no JSON"),
        (Body(b"\xff\xfe", "text/plain"), (200, "text/plain"), b"\xff\xfe"),
        (Body(""), (200, "application/json"), b""),
    ],
)
async def test_answer_is_complete(
    sandbox: Sandbox, post: Post, fault: Fault, answer: tuple[int, str], body: bytes
) -> None:
    """Test faults that are complete answers."""
    sandbox.fault = fault
    response = await post()
    assert (response.status, response.content_type) == answer
    assert await response.read() == body


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST")])
async def test_redirect_that_is_followed_is_noticed(
    sandbox: Sandbox, post: Post, status: int, method: str
) -> None:
    """Test that those who follow a redirect to another server are noticed."""
    sandbox.fault = Redirect(status)
    response = await post(allow_redirects=False)
    assert response.status == status
    assert not response.headers["Location"].startswith(sandbox.url)
    assert not sandbox.strays
    assert (await post(headers={"X-Key": GOOD_KEY})).status == 200
    [stray] = sandbox.strays
    assert stray.method == method
    assert stray.headers["X-Key"] == GOOD_KEY


async def test_tls_fails_for_the_certificate(
    sandbox: Sandbox, post: Post, session: ClientSession
) -> None:
    """Test that TLS fails for the certificate only, also after a restart."""
    await sandbox.strike(Tls())
    await sandbox.stop()
    await sandbox.start()
    url = sandbox.url.replace("http:", "https:") + BALANCE_PATH
    with pytest.raises(ClientConnectorCertificateError):
        await session.post(url)
    # Whoever takes it gets no further.
    with pytest.raises((ClientOSError, ServerDisconnectedError)):
        await session.post(url, ssl=False)
    assert sandbox.request_count == 0
    await sandbox.strike(None)
    assert (await post()).status == 200


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (Row({}), '{"currency": {"code": "A"}, "balance_usd": 0.10}'),
        (Row({"": "null"}), "null"),
        (Row({"currency": None}), '{"balance_usd": 0.10}'),
        (Row({"currency.code": "[1]"}), '{"currency": {"code": [1]}, "balance_usd": '),
        (Row({"nothing": None, "more": "NaN"}), '"balance_usd": 0.10, "more": NaN}'),
        (
            Row({"balance_usd": "1e999"}, repeated=True),
            '0.10}, {"currency": {"code": "A"}, "balance_usd": 1e999}',
        ),
    ],
)
async def test_only_the_first_row_changes(
    sandbox: Sandbox, post: Post, fault: Fault, first: str
) -> None:
    """Test that the first row changes to the letter, and the second stays."""
    row = {"currency": {"code": "A"}, "balance_usd": Decimal("0.10")}
    sandbox.rows = [row, row]
    sandbox.fault = fault
    text = await (await post()).text()
    assert first in text
    assert text.endswith(', {"currency": {"code": "A"}, "balance_usd": 0.10}]}')
    assert (await post("wrong")).status == 400


async def test_bytes_change_and_what_they_claim(sandbox: Sandbox, post: Post) -> None:
    """Test a change of the answer's bytes and of what they claim to be."""
    sandbox.rows = []
    sandbox.fault = Twist(bytes.upper, "text/plain", "identity")
    response = await post()
    assert response.content_type == "text/plain"
    assert await response.read() == b'{"STATUS": "SUCCESS", "RESULT": []}'
    assert (await post("wrong")).status == 400


async def test_reset_is_a_reset(sandbox: Sandbox) -> None:
    """Test that the connection doesn't just end."""
    sandbox.fault = Reset()
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {BALANCE_PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_slow_answer_drips(sandbox: Sandbox, post: Post) -> None:
    """Test that the right answer drips."""
    sandbox.rows = []
    sandbox.fault = Slow(100)
    start = monotonic()
    response = await post()
    assert (await response.json()) == {"status": "success", "result": []}
    assert monotonic() - start > 0.3


async def test_late_answer_is_right(sandbox: Sandbox, post: Post) -> None:
    """Test that the right answer is late, to whom it is due."""
    sandbox.fault = Delay(0.2)
    start = monotonic()
    assert (await post()).status == 200
    assert monotonic() - start >= 0.2
    assert (await post("wrong")).status == 400


async def test_huge_answer_is_streamed(sandbox: Sandbox, post: Post) -> None:
    """Test that a huge answer is one, and streamed."""
    sandbox.fault = Huge(3)
    response = await post()
    assert "Content-Length" not in response.headers
    body = await response.read()
    assert 3 * 2**20 <= len(body) < 3.2 * 2**20
    assert len(json.loads(body)["result"]) > 10000


async def test_small_answer_unpacks_to_a_large_one(sandbox: Sandbox) -> None:
    """Test that a small answer unpacks to a large one."""
    sandbox.fault = GzipBomb(40)
    async with (
        ClientSession(auto_decompress=False) as session,
        session.post(
            sandbox.url + BALANCE_PATH, headers={"Authorization": f"Token {GOOD_KEY}"}
        ) as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"
        packed = await response.read()
    assert len(packed) == int(response.headers["Content-Length"]) < 2**17
    body = zlib.decompress(packed, wbits=31)
    assert len(body) > 40 * 2**20
    assert json.loads(body) == {"status": "success", "result": []}


@pytest.mark.parametrize("fault", [Hang(), Delay(3600), Slow(1), Huge(4096)])
async def test_waiting_client_does_not_hold_up_the_end(
    socket_enabled: None, fault: Fault
) -> None:
    """Test that a waiting client doesn't hold up the end."""
    before = asyncio.all_tasks()
    arrived = asyncio.Queue[None]()

    async def strike(request: web.Request) -> web.StreamResponse:
        arrived.put_nowait(None)
        return await fault(request)

    async with Sandbox() as sandbox, ClientSession() as session:
        sandbox.fault = strike
        clients = [
            asyncio.create_task(
                session.post(
                    sandbox.url + BALANCE_PATH,
                    headers={"Authorization": f"Token {GOOD_KEY}"},
                )
            )
            for _ in range(3)
        ]
        for _ in clients:
            await arrived.get()
        async with asyncio.timeout(10):
            await sandbox.stop()
        for response in await asyncio.gather(*clients, return_exceptions=True):
            if isinstance(response, ClientResponse):
                response.close()
        assert asyncio.all_tasks() == before
        with pytest.raises(ClientError):
            await session.post(sandbox.url + BALANCE_PATH)
