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
from tools.sandbox.faults import Close

from .common import get_value, make_row, set_up

ROW = '{"currency": {"code": "BTC"}, "balance_crypto": 5}'
ANSWER = f'{{"status": "success", "result": [{ROW}]}}'


def encoded(encoding: str, body: bytes) -> Fault:
    """Return an answer with a body that is encoded, or claims to be."""
    return Twist(lambda _: body, encoding=encoding)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Body(ANSWER), id="plain"),
        pytest.param(
            Body(ANSWER.replace('"status"', '"more": [{}], "status"')), id="more keys"
        ),
        pytest.param(
            Body(ANSWER.replace('"status"', '"detail": "", "status"')), id="detail"
        ),
        pytest.param(encoded("gzip", gzip.compress(ANSWER.encode())), id="gzip"),
        pytest.param(
            encoded("GZip", gzip.compress(ANSWER.encode())), id="gzip in capitals"
        ),
        pytest.param(encoded(" X-GZip ", gzip.compress(ANSWER.encode())), id="x-gzip"),
        pytest.param(
            encoded("identity, gzip", gzip.compress(ANSWER.encode())),
            id="identity and gzip",
        ),
        pytest.param(
            encoded(
                "gzip",
                b"".join(gzip.compress(bytes([byte])) for byte in ANSWER.encode()),
            ),
            id="gzip of many members",
        ),
        pytest.param(encoded("identity", ANSWER.encode()), id="identity"),
        pytest.param(encoded("", ANSWER.encode()), id="no encoding named"),
        pytest.param(Body(ANSWER + " " * (8 * 1024 * 1024 - len(ANSWER))), id="8 MiB"),
    ],
)
async def test_unusual_answer_is_read(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, fault: Fault
) -> None:
    """Test answers that say what they should in their own way."""
    sandbox.fault = fault
    assert await set_up(hass, entry)

    assert get_value(hass, "btc") == "5"


async def test_body_over_8_mib_is_refused(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that the limit is where it should be."""
    sandbox.fault = Body(ANSWER + " " * (8 * 1024 * 1024 - len(ANSWER) + 1))
    assert not await set_up(hass, entry)

    assert entry.reason
    assert "unexpected response" in entry.reason


async def test_more_after_the_gzip_stream_is_refused(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that an answer followed by anything else is not taken for whole."""
    sandbox.fault = encoded("gzip", gzip.compress(ANSWER.encode()) + b"more")

    assert not await set_up(hass, entry)

    assert entry.reason
    assert "unexpected response" in entry.reason


async def test_long_packed_answer_is_read(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test an answer that is long enough to be unpacked in a thread."""
    packed = gzip.compress(ANSWER.encode().ljust(100_000), 0)
    assert len(packed) > 64 * 1024
    sandbox.fault = encoded("gzip", packed)

    assert await set_up(hass, entry)
    assert get_value(hass, "btc") == "5"


async def test_answer_of_400_currencies_is_read(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test an answer that is long enough to be read in a thread."""
    rows = [make_row(f"C{number}", number) for number in range(400)]
    sandbox.rows = rows
    assert len(json.dumps(rows)) > 64 * 1024

    assert await set_up(hass, entry)
    assert get_value(hass, "c399") == "399"
    assert get_value(hass, "total_balance") == str(sum(range(400)))


@pytest.mark.parametrize(("values", "is_read"), [(199_993, True), (199_994, False)])
async def test_too_many_values_are_not_decoded(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    values: int,
    is_read: bool,
) -> None:
    """Test that JSON that would hold up Home Assistant is not even decoded.

    Without these values the answer has seven separators.
    """
    more = f'"more": [{", ".join("0" for _ in range(values))}], "status"'
    sandbox.fault = Body(ANSWER.replace('"status"', more))
    assert await set_up(hass, entry) == is_read


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
