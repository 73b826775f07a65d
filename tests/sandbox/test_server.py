"""Test the sandbox's server."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
import json
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any
from unittest.mock import patch

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

type Control = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
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


@pytest.mark.parametrize("name", ["balance_documented", "balance_composed"])
async def test_documented_answer(sandbox: Sandbox, post: Post, name: str) -> None:
    """Test that fixed rows are answered as they are."""
    text = (ROOT / f"tests/fixtures/{name}.json").read_text()
    answer = json.loads(text, parse_float=Decimal)
    sandbox.rows = answer["result"]
    response = await post()
    assert (response.status, response.content_type) == (200, "application/json")
    assert json.loads(await response.text(), parse_float=Decimal) == answer


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


async def test_expiring_key(sandbox: Sandbox, post: Post, control: Control) -> None:
    """Test that one key is revoked a while after its first use."""
    sandbox.key_lifetime = 0.2
    await asyncio.sleep(0.3)
    for _ in range(2):
        assert (await post(EXPIRING_KEY)).status == 200
        assert (await post(EXPIRING_KEY)).status == 200
        await asyncio.sleep(0.3)
        assert (await post(GOOD_KEY)).status == 200
        _, state = await control(method="GET")
        assert state["keys"][EXPIRING_KEY] == "revoked"
        assert await seen(await post(EXPIRING_KEY)) == REVOKED
        assert await seen(await post(EXPIRING_KEY)) == REVOKED
        sandbox.restore(EXPIRING_KEY)


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
    assert request.time <= asyncio.get_running_loop().time()
    sandbox.fault = Status(500)
    await post(BAD_KEY)
    assert len(sandbox.requests) == sandbox.request_count == 2
    assert sandbox.requests[-1].body_length == 0
    assert sandbox.requests.maxlen


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", BALANCE_PATH, (405, "POST")),
        ("PUT", BALANCE_PATH, (405, "POST")),
        ("GET", "/", (404, None)),
        ("POST", BALANCE_PATH + "/", (404, None)),
        ("POST", "/v2/invoice/create", (404, None)),
        ("GET", "/control/nothing", (404, None)),
        ("GET", "/control/fault", (405, "DELETE,POST")),
    ],
)
async def test_other_requests(
    sandbox: Sandbox,
    session: ClientSession,
    method: str,
    path: str,
    answer: tuple[int, str | None],
) -> None:
    """Test what else is answered."""
    response = await session.request(method, sandbox.url + path)
    assert ((await seen(response))[0], response.headers.get("Allow")) == answer
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


async def test_port_in_use(sandbox: Sandbox) -> None:
    """Test that a taken port is an error that leaves nothing behind."""
    other = Sandbox(port=int(sandbox.url.rpartition(":")[2]))
    tasks = asyncio.all_tasks()
    with pytest.raises(OSError, match="in use"):
        await other.start()
    assert asyncio.all_tasks() == tasks


def test_url_with_ipv6() -> None:
    """Test that an IPv6 address stands in brackets."""
    assert Sandbox(host="::1", port=80).url == "http://[::1]:80"


async def test_time_passes(sandbox: Sandbox, post: Post) -> None:
    """Test that the merchant lives at the speed asked for."""
    sandbox.speed = 3600
    await asyncio.sleep(0.1)
    await post()
    assert 300 < sandbox.merchant.time < 3600


async def test_control_state(sandbox: Sandbox, post: Post, control: Control) -> None:
    """Test what the control endpoint tells."""
    sandbox.speed = 0
    await post()
    sandbox.revoke(SECOND_KEY)
    sandbox.fault, sandbox.fault_count = Status(500), 3
    status, state = await control(method="GET")
    assert status == 200
    assert state["time"] == pytest.approx(0, abs=1)
    assert (state["speed"], state["requests"]) == (0, 1)
    assert state["keys"] == {
        GOOD_KEY: "valid",
        EXPIRING_KEY: "valid",
        SECOND_KEY: "revoked",
    }
    assert state["currencies"]["BTC"] is True
    assert state["currencies"]["PYUSD_SOL"] is False
    assert state["fault"] == {"name": "status", "times": 3}
    assert state["faults"]["redirect"] == {
        "location": "a string or null, optional",
        "status": "an integer, optional",
    }
    assert "403_page" in state["cases"]["status"]


async def test_control_fault(sandbox: Sandbox, post: Post, control: Control) -> None:
    """Test asking for a fault, and taking it back."""
    command = {"name": "status", "times": 1, "status": 503, "body": {"a": 1}}
    assert (await control("/fault", command))[0] == 200
    assert await seen(await post()) == (503, {"a": 1})
    assert (await post()).status == 200
    await control("/fault", {"name": "empty"})
    assert await (await post()).read() == await (await post()).read() == b""
    status, state = await control("/fault", method="DELETE")
    assert (status, state["fault"]) == (200, None)
    assert (await post()).status == 200


async def test_control_merchant(sandbox: Sandbox, control: Control) -> None:
    """Test the commands for keys, time, speed, payments and currencies."""
    sandbox.speed = 0
    for command, arguments in (
        ("/key", {"key": GOOD_KEY, "valid": False}),
        ("/key", {"key": "new", "valid": True}),
        ("/payment", {"currency": "SOL", "amount": "125.50000001"}),
        ("/payment", {"currency": "SOL", "amount": -25.5}),
        ("/currency", {"code": "BNB", "listed": False}),
        ("/advance", {"seconds": 9}),
        ("/speed", {"speed": 2.5}),
    ):
        status, state = await control(command, arguments)
        assert status == 200, state
    assert state["keys"][GOOD_KEY] == "revoked"
    assert state["keys"]["new"] == "valid"
    assert sandbox.merchant.balances["SOL"] == Decimal("100.00000001")
    assert state["currencies"]["BNB"] is False
    assert state["time"] == pytest.approx(9, abs=1)
    assert state["speed"] == 2.5


@pytest.mark.parametrize(
    ("command", "arguments", "remedy"),
    [
        ("/fault", {}, "name is missing: a string"),
        ("/fault", [], "the body must be a JSON object"),
        ("/fault", {"name": "flood"}, "no fault has that name; known: status, "),
        ("/fault", {"name": "status"}, "status is missing: an integer"),
        ("/fault", {"name": "status", "status": "500"}, "status must be an integer"),
        ("/fault", {"name": "status", "status": True}, "status must be an integer"),
        ("/fault", {"name": "status", "status": 99}, "status must be from 200 to 599"),
        ("/fault", {"name": "status", "status": 500, "headers": {"a": 1}}, "headers"),
        ("/fault", {"name": "status", "status": 500, "code": 1}, "known: status, body"),
        ("/fault", {"name": "redirect", "location": "/", "status": 200}, "300 to 399"),
        ("/fault", {"name": "hang", "seconds": 1}, "seconds is unknown here; known: n"),
        ("/fault", {"name": "delay", "seconds": -1}, "seconds must be from 0"),
        ("/fault", {"name": "delay", "seconds": float("nan")}, "must be a number"),
        ("/fault", {"name": "delay", "seconds": 10**400}, "must be a number"),
        ("/fault", {"name": "slow", "bytes_per_second": 0}, "must be from 1"),
        ("/fault", {"name": "huge", "mebibytes": 0}, "mebibytes must be from 1"),
        ("/fault", {"name": "gzip_bomb", "mebibytes": 1e9}, "must be an integer"),
        ("/fault", {"name": "redirect", "status": 200}, "300 to 399"),
        ("/fault", {"name": "refuse", "seconds": -1}, "seconds must be from 0"),
        ("/fault", {"name": "retry_date", "seconds": 1e10}, "seconds must be from"),
        ("/fault", {"name": "row", "fields": {"a": 1}}, "fields must be an object"),
        ("/fault", {"name": "status/404", "times": 0}, "times must be at least 1"),
        ("/fault", {"name": "empty", "times": 0}, "times must be at least 1, or null"),
        ("/key", {"key": GOOD_KEY}, "valid is missing: true or false"),
        ("/key", {"key": GOOD_KEY, "valid": 1}, "valid must be true or false"),
        ("/advance", {"seconds": "10"}, "seconds must be a number"),
        ("/advance", {"seconds": -1}, "seconds must be from 0 to"),
        ("/speed", {"speed": -1}, "speed must be from 0 to 3600"),
        ("/speed", {"speed": 1e9}, "speed must be from 0 to 3600"),
        ("/payment", {"currency": "BTC", "amount": "much"}, 'such as "125.50"'),
        ("/payment", {"currency": "BTC", "amount": "1e-99999999"}, "8 decimals"),
        ("/payment", {"currency": "BTC", "amount": "-9"}, "can be withdrawn now"),
        ("/payment", {"currency": "EUR", "amount": "1"}, "unknown currency; one of"),
        ("/currency", {"code": "EUR", "listed": True}, "unknown currency; one of"),
    ],
)
async def test_control_errors(
    sandbox: Sandbox, control: Control, command: str, arguments: Any, remedy: str
) -> None:
    """Test that a bad command is refused, and the remedy named."""
    sandbox.speed = 0
    status, answer = await control(command, arguments)
    assert status == 400
    assert remedy in answer["detail"]
    assert sandbox.fault is None
    assert sandbox.valid_keys == {GOOD_KEY, SECOND_KEY, EXPIRING_KEY}
    assert sandbox.merchant.balances == Merchant().balances


async def test_control_needs_json(sandbox: Sandbox, session: ClientSession) -> None:
    """Test that a body that isn't JSON is refused."""
    for data in (b"seconds=1", b"{", b"\xff"):
        response = await session.post(sandbox.url + "/control/advance", data=data)
        status, answer = await seen(response)
        assert status == 400
        assert "the body must be JSON" in answer["detail"]


async def test_control_is_for_this_machine(sandbox: Sandbox, control: Control) -> None:
    """Test that other machines can't command."""
    with patch("aiohttp.web_request.BaseRequest.remote", "192.0.2.1"):
        assert (await control(method="GET"))[0] == 403


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_by_itself(socket_enabled: None, stop: signal.Signals) -> None:
    """Test that it runs alone, says where, and ends when asked."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.sandbox", "--speed", "60", "--seed", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(stop)
        assert process.wait(10) == 0
    assert "http://127.0.0.1:" in lines[0]
    for key in (GOOD_KEY, BAD_KEY, EXPIRING_KEY):
        assert key in "".join(lines)
