"""Test the sandbox's server."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
import json
from pathlib import Path
import shlex
import signal
import subprocess
import sys
from time import monotonic
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession
import pytest

from tools.sandbox import (
    BAD_KEY,
    BALANCE_PATH,
    EXPIRING_KEY,
    GOOD_KEY,
    SECOND_KEY,
    Merchant,
    Sandbox,
    Status,
)
from tools.sandbox.exact import to_json

type Post = Callable[..., Awaitable[ClientResponse]]

ROOT = Path(__file__).parent.parent.parent
REVOKED = (401, {"detail": "Signature verification failed"})
UNAUTHORIZED = (
    400,
    {"status": "error", "result": {"authorization": "Unauthorized request."}},
)


async def seen(response: ClientResponse) -> tuple[int, dict[str, Any]]:
    """Return status and body."""
    assert response.content_type == "application/json"
    return response.status, await response.json()


async def test_merchants_answer(sandbox: Sandbox, post: Post) -> None:
    """Test that else the merchant's rows are answered."""
    sandbox.speed = 0
    answer = json.loads(await (await post()).text(), parse_float=Decimal)
    assert answer == {"status": "success", "result": Merchant().rows()}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E-18"), "0.000000000000000001"),
        (1e-08, "0.00000001"),
        (0.1, "0.1"),
        (Decimal("10.0"), "10.0"),
        (Decimal("1234567890.123456789012345678"), "1234567890.123456789012345678"),
        (Decimal("1E+20"), "100000000000000000000"),
        (1e22, "10000000000000000000000"),
        (10**40, "1" + 40 * "0"),
        (Decimal("-0.5"), "-0.5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (True, "true"),
        (None, "null"),
        ('Ü"', '"\\u00dc\\""'),
        ([1, ("2", {})], '[1, ["2", {}]]'),
        ({"a": {"b": Decimal(0)}}, '{"a": {"b": 0}}'),
    ],
)
async def test_exact_numbers(
    sandbox: Sandbox, post: Post, value: Any, text: str
) -> None:
    """Test that every digit goes out, in plain notation."""
    sandbox.rows = [{"balance_crypto": value}]
    assert await (await post()).text() == (
        f'{{"status": "success", "result": [{{"balance_crypto": {text}}}]}}'
    )
    assert to_json(value) == text


async def test_raw_body(sandbox: Sandbox, post: Post) -> None:
    """Test that a raw body replaces the answer, for those who may have it."""
    sandbox.body = b'{"status": "success", "result": null}'
    assert await seen(await post()) == (200, {"status": "success", "result": None})
    assert await seen(await post(BAD_KEY)) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate, GZIP", "gzip"),
        ("deflate", None),
        ("identity", None),
    ],
)
async def test_compression(
    sandbox: Sandbox, post: Post, accepted: str, encoding: str | None
) -> None:
    """Test that only what the client takes is packed."""
    response = await post(headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == encoding
    assert len((await response.json())["result"]) == len(sandbox.merchant.rows())


@pytest.mark.parametrize(
    ("authorization", "answer"),
    [
        (None, (401, {"detail": "Invalid header padding"})),
        ("", (401, {"detail": "Invalid header padding"})),
        ("Token", (401, {"detail": "Invalid header padding"})),
        (GOOD_KEY, (401, {"detail": "Invalid header padding"})),
        (f"Bearer {GOOD_KEY}", (401, {"detail": "Invalid header padding"})),
        (f"token {GOOD_KEY}", (401, {"detail": "Invalid header padding"})),
        (f"Token  {GOOD_KEY}", UNAUTHORIZED),
        (f"Token Token {GOOD_KEY}", UNAUTHORIZED),
        (f"Token {BAD_KEY}", UNAUTHORIZED),
    ],
)
async def test_refused_keys(
    sandbox: Sandbox,
    session: ClientSession,
    authorization: str | None,
    answer: tuple[int, dict[str, Any]],
) -> None:
    """Test the documented errors for a missing and a wrong key."""
    headers = {} if authorization is None else {"Authorization": authorization}
    url = sandbox.url + BALANCE_PATH
    assert await seen(await session.post(url, headers=headers)) == answer


async def test_revoked_key(sandbox: Sandbox, post: Post) -> None:
    """Test revoking and restoring a key."""
    assert (await post(SECOND_KEY)).status == 200
    sandbox.revoke(GOOD_KEY)
    assert await seen(await post()) == REVOKED
    assert (await post(SECOND_KEY)).status == 200
    sandbox.restore(GOOD_KEY)
    assert (await post()).status == 200


@pytest.mark.parametrize(("lifetime", "status"), [(0, 401), (3600, 200)])
async def test_expiring_key(
    sandbox: Sandbox, post: Post, lifetime: float, status: int
) -> None:
    """Test that one key is revoked a while after its first use."""
    sandbox.key_lifetime = lifetime
    assert (await post(GOOD_KEY)).status == 200
    assert (await post(EXPIRING_KEY)).status == 200
    assert (await post(EXPIRING_KEY)).status == status
    assert (await post(GOOD_KEY)).status == 200


async def test_own_keys(socket_enabled: None, session: ClientSession) -> None:
    """Test that the keys given are the only ones."""
    async with Sandbox(keys=["own"]) as sandbox:
        for key, status in (("own", 200), (GOOD_KEY, 400), (EXPIRING_KEY, 400)):
            response = await session.post(
                sandbox.url + BALANCE_PATH, headers={"Authorization": f"Token {key}"}
            )
            assert response.status == status


async def test_requests(sandbox: Sandbox, post: Post) -> None:
    """Test that requests are kept, struck and refused ones too, but not all."""
    await post(data=b"four")
    [request] = sandbox.requests
    assert (request.method, request.path) == ("POST", BALANCE_PATH)
    assert request.headers["authorization"] == f"Token {GOOD_KEY}"
    assert request.body_length == 4
    sandbox.fault = Status(500)
    await post(BAD_KEY)
    assert len(sandbox.requests) == sandbox.request_count == 2
    assert sandbox.requests[-1].body_length == 0
    assert sandbox.requests.maxlen


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", BALANCE_PATH, 405),
        ("PUT", BALANCE_PATH, 405),
        ("POST", BALANCE_PATH + "/", 404),
        ("POST", "/v2/invoice/create", 404),
    ],
)
async def test_other_requests(
    sandbox: Sandbox, session: ClientSession, method: str, path: str, status: int
) -> None:
    """Test that nothing else is answered as balances are."""
    assert (await session.request(method, sandbox.url + path)).status == status
    assert not sandbox.requests


async def test_stop_and_start(sandbox: Sandbox, post: Post) -> None:
    """Test that the service returns where it was, and stopping twice is harmless."""
    url = sandbox.url
    assert (await post()).status == 200
    await sandbox.stop()
    await sandbox.stop()
    with pytest.raises(ClientError):
        await post()
    await sandbox.start()
    assert sandbox.url == url
    assert (await post()).status == 200


async def test_time_passes(sandbox: Sandbox, post: Post) -> None:
    """Test that the merchant lives at the speed asked for."""
    sandbox.speed = 3600
    start = monotonic()
    await post()
    before = sandbox.merchant.time

    await asyncio.sleep(0.01)
    await post()

    assert 30 < sandbox.merchant.time - before <= 3600 * (monotonic() - start)


async def test_printed_commands(
    sandbox: Sandbox, session: ClientSession, post: Post
) -> None:
    """Test that the commands do what they say."""
    sandbox.speed = 0

    async def run(line: str) -> None:
        curl, option, value, url = shlex.split(line)
        assert curl == "curl"
        method, data = {"-d": ("POST", value), "-X": (value, None)}[option]
        async with session.request(method, url, data=data) as response:
            assert await response.text() == "done\n"

    payment, calls, failure, recovery = sandbox.commands.splitlines()[1::2]
    await run(payment)
    assert sandbox.merchant.balances["BTC"] == Decimal("0.05183705")

    await run(calls)
    sandbox.merchant.payment("BTC", Decimal("0.01"))
    while not sandbox.strays:  # noqa: ASYNC110 # nobody sets an event for it
        await asyncio.sleep(0.01)

    await run(failure)
    assert (await post()).status == 503

    await run(recovery)
    assert (await post()).status == 200


async def test_control_while_refusing(
    sandbox: Sandbox, session: ClientSession, post: Post
) -> None:
    """Test that a server that refuses connections can be mended."""
    url = f"{sandbox.control_url}/control/fault"
    for name in ("connection_refused", "tls_failure"):
        command = {"name": f"transport/{name}"}
        assert (await session.post(url, json=command)).status == 200
        with pytest.raises(ClientError):
            await post()
        assert (await session.delete(url)).status == 200
        assert (await post()).status == 200


async def test_control_answer(
    sandbox: Sandbox, session: ClientSession, post: Post
) -> None:
    """Test that an answer of any length is sent as it is."""
    body = b" " * 2**21
    await session.post(f"{sandbox.control_url}/control/answer", data=body)
    assert await (await post()).read() == body


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("fault", ""),
        ("fault", "[]"),
        ("fault", "{}"),
        ("fault", '{"name": "status/999"}'),
        ("payment", '{"currency": "BTC"}'),
        ("payment", '{"currency": "EUR", "amount": 1}'),
        ("payment", '{"currency": "BTC", "amount": "much"}'),
        ("payment", '{"currency": "BTC", "amount": -9}'),
    ],
)
async def test_control_errors(
    sandbox: Sandbox, session: ClientSession, command: str, body: str
) -> None:
    """Test that a bad command is refused and changes nothing."""
    url = f"{sandbox.control_url}/control/{command}"
    assert (await session.post(url, data=body)).status == 400
    assert sandbox.fault is None
    assert sandbox.merchant.balances == Merchant().balances


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_runs_alone(stop: signal.Signals) -> None:
    """Test that it says where it listens, and ends when asked."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.sandbox"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(stop)
        assert process.wait() == 0
    assert "http://127.0.0.1:" in lines[0]
    for key in (GOOD_KEY, BAD_KEY, EXPIRING_KEY):
        assert key in "".join(lines)
