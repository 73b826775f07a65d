"""Tests of the client: what it reads, its limits and its patience."""

import gzip
import json

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud import api
from homeassistant.core import HomeAssistant
from tools.sandbox import Body, Fault, Sandbox, Twist

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
        pytest.param(encoded("identity", ANSWER.encode()), id="identity"),
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
