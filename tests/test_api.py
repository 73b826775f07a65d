"""Tests of the client: what it reads, its limits and its patience."""

import asyncio
import gzip
import json

from aiohttp import web
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud import api
from homeassistant.core import HomeAssistant
from tools.sandbox import Body, Fault, Sandbox, Twist
from tools.sandbox.faults import Close, Reset

from .common import Shop, get_value, make_row, set_up

ROW = '{"currency": {"code": "BTC"}, "balance_crypto": 5}'
ANSWER = f'{{"status": "success", "result": [{ROW}]}}'


PACKED = gzip.compress(ANSWER.encode())
MAX_SIZE = 8 * 1024 * 1024


def encoded(encoding: str, body: bytes) -> Fault:
    """Return an answer with a body that is encoded, or claims to be."""
    return Twist(lambda _: body, encoding=encoding)


def add_key(json: str) -> Fault:
    """Return an answer with another key."""
    return Body(ANSWER.replace('"status"', f'{json}, "status"'))


UNUSUAL = {
    "more keys": add_key('"more": [{}]'),
    "detail": add_key('"detail": ""'),
    # Without these values the answer has seven separators.
    "most values": add_key(f'"more": [{", ".join("0" * 99_993)}]'),
    "gzip": encoded("gzip", PACKED),
    "gzip in capitals": encoded("GZip", PACKED),
    "x-gzip": encoded(" X-GZip ", PACKED),
    "identity and gzip": encoded("identity, gzip", PACKED),
    "gzip of many members": encoded(
        "gzip", b"".join(gzip.compress(bytes([byte])) for byte in ANSWER.encode())
    ),
    "most gzip members": encoded("gzip", gzip.compress(b"") * 999 + PACKED),
    # Unpacked in a thread
    "long gzip": encoded("gzip", gzip.compress(ANSWER.encode().ljust(100_000), 0)),
    "identity": encoded("identity", ANSWER.encode()),
    "no encoding named": encoded("", ANSWER.encode()),
    "8 MiB": Body(ANSWER.ljust(MAX_SIZE)),
}
# What would hold up Home Assistant is not even unpacked or decoded.
REFUSED = {
    "over 8 MiB": Body(ANSWER.ljust(MAX_SIZE + 1)),
    "too many values": add_key(f'"more": [{", ".join("0" * 99_994)}]'),
    "too many gzip members": encoded("gzip", gzip.compress(b"") * 1000 + PACKED),
}


@pytest.mark.parametrize("fault", UNUSUAL.values(), ids=UNUSUAL)
async def test_unusual_answer_is_read(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, fault: Fault
) -> None:
    """Test answers that say what they should in their own way."""
    sandbox.fault = fault
    assert await set_up(hass, entry)

    assert get_value(hass, "btc") == "5"


@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)
async def test_answer_beyond_the_limits_is_refused(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, fault: Fault
) -> None:
    """Test that the limits are where they should be."""
    sandbox.fault = fault
    assert not await set_up(hass, entry)

    assert entry.reason
    assert "unexpected response" in entry.reason


async def test_answer_of_400_currencies_is_read(new_shop: Shop) -> None:
    """Test an answer that is long enough to be read in a thread."""
    rows = [make_row(f"C{number}", number) for number in range(400)]
    assert len(json.dumps(rows)) > 64 * 1024

    await new_shop.set_up(*rows)
    assert get_value(new_shop.hass, "c399") == "399"
    assert get_value(new_shop.hass, "total_balance") == str(sum(range(400)))


def test_answer_may_take_30_seconds() -> None:
    """Test how long the client waits."""
    assert api.TIMEOUT.total == 30


@pytest.mark.parametrize(("seconds", "is_read"), [(14, True), (16, False)])
async def test_both_attempts_share_the_time(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    is_read: bool,
) -> None:
    """Test that a second attempt does not double the time."""
    clock = hass.loop.time
    skipped = 0
    monkeypatch.setattr(hass.loop, "time", lambda: clock() + skipped)

    async def fault(request: web.Request) -> web.StreamResponse:
        nonlocal skipped
        skipped += seconds
        if sandbox.request_count == 1:
            return await Close()(request)
        # Long enough for the client to notice
        await asyncio.sleep(0.1)
        return await Body(ANSWER)(request)

    sandbox.fault = fault
    assert await set_up(hass, entry) == is_read
    assert sandbox.request_count == 2
    if not is_read:
        assert entry.reason
        assert "in time" in entry.reason


@pytest.mark.parametrize(("end", "requests"), [(Reset(), 2), (Close(), 1)])
async def test_connection_that_ends_within_the_headers(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    end: Fault,
    requests: int,
) -> None:
    """Test that a reset cannot be told from one before the answer, but an end can."""

    async def fault(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-")
        await asyncio.sleep(0.05)  # A reset overtakes what is still on its way.
        return await end(request)

    sandbox.fault = fault
    assert not await set_up(hass, entry)
    assert sandbox.request_count == requests


async def test_no_connection_is_not_tried_twice(
    hass: HomeAssistant,
    socket_enabled: None,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test that only a connection that broke is replaced, not one that never was."""
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"https://127.0.0.1:{port}"
        monkeypatch.setattr(api.CryptoCloudClient, "base_url", url)
        assert not await set_up(hass, entry)

    assert entry.reason
    assert entry.reason.startswith("CryptoCloud cannot be reached (ClientConnector")
    assert connections == 1
