"""Tests of every fault in every place: a config flow, a first refresh, a later poll."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
import gc
import logging
import re
from time import process_time
import tracemalloc
from typing import Any, override

from aiohttp.resolver import AsyncResolver
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.api import CryptoCloudClient
from custom_components.cryptocloud.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_component import async_update_entity
from tools.sandbox import CASES, Body, Fault, Sandbox

from .common import (
    OTHER_API_KEY,
    Poll,
    complaints,
    logged,
    reload,
    set_up,
    start_flow,
    submit,
    suggested_values,
)
from .faults import CURRENCIES, EXPECTED, REFUSALS, TABLE, USUAL, Expected

type Strike = Callable[[str | None], Awaitable[None]]

pytestmark = pytest.mark.heavy

MEBIBYTE = 2**20
PLAIN_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")
REASONS = {
    "cannot_connect": "CryptoCloud cannot be reached (",
    "invalid_auth": "CryptoCloud rejected the API key.",
    "http_error": "CryptoCloud returned an error (HTTP status ",
    "maybe_invalid_auth": "CryptoCloud refused the request (HTTP status ",
    "invalid_response": "CryptoCloud returned an unexpected response (",
    "timeout_connect": "CryptoCloud did not respond in time (",
}
DIGITS = "1" * (8 * MEBIBYTE - 100)
LONG_BODIES = {
    "most values": ", ".join("0" * 99_990),
    "twice as many values": ", ".join("0" * 199_000),
    "digits": f'{{"balance_crypto": {DIGITS}}}',
    "digits in a string": f'{{"balance_crypto": "{DIGITS}x"}}',
}
UNIDENTIFIED = (
    "CryptoCloud: 1 balances do not say which currency they are of; they have no"
    " sensor and count in the totals only"
)

everywhere = pytest.mark.parametrize(
    ("fault", "expected"),
    [pytest.param(name, expected, id=name) for name, expected in TABLE.items()],
)


class NameServer(asyncio.DatagramProtocol):
    """A name server that knows no name."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers."""
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Say that the domain does not exist."""
        header = data[:2] + b"\x81\x83" + data[4:6] + bytes(6)
        self.transport.sendto(header + data[12:], addr)


@pytest.fixture
async def strike(
    hass: HomeAssistant,
    sandbox: Sandbox,
    outlast: Callable[[Fault], Fault],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Strike]:
    """Return what lets a fault strike, by its name, or ends it."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, ("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    resolver = AsyncResolver(nameservers=[f"127.0.0.1:{port}"])
    connector = async_get_clientsession(hass).connector
    monkeypatch.setattr(connector, "_resolver", resolver)

    async def strike(name: str | None) -> None:
        group, _, case = (name or "/").partition("/")
        url, fault = sandbox.url, CASES.get(group, {}).get(case)
        if name == "transport/dns_failure":
            url = "http://sandbox.invalid"
        elif name == "transport/tls_failure":
            url = url.replace("http:", "https:")
        elif fault and TABLE[f"{group}/{case}"].error == "timeout_connect":
            fault = outlast(fault)
        monkeypatch.setattr(CryptoCloudClient, "base_url", url)
        await sandbox.strike(fault)

    yield strike
    assert not sandbox.strays  # Nobody followed a redirect.
    transport.close()
    await resolver.close()


def sensor(name: str) -> str:
    """Return the entity id of an account's sensor."""
    return f"sensor.cryptocloud_{name}".removesuffix("_").replace("__", "_")


def check_sensors(
    hass: HomeAssistant, expected: Expected, gone: str | None = None
) -> None:
    """Check all sensors, where those that are not reported are gone in some way."""
    for name, value in (USUAL | expected.states).items():
        state = hass.states.get(sensor(name))
        assert (state and state.state) == (gone if value is None else value), name
    for state in hass.states.async_all("sensor"):
        assert len(state.state) <= 255
        assert state.state in {
            STATE_UNAVAILABLE,
            STATE_UNKNOWN,
        } or PLAIN_DECIMAL.fullmatch(state.state)
        assert state.attributes["unit_of_measurement"]
        if picture := state.attributes.get("entity_picture"):
            assert picture.startswith("https://cdn.cryptocloud.plus/")
    if expected.attributes:
        state = hass.states.get(sensor(expected.name))
        assert state
        for name, value in expected.attributes.items():
            assert state.attributes.get(name) == value


def test_table_has_every_fault() -> None:
    """Test that the sandbox's faults and the expectations are about the same."""
    faults = {group: set(cases) for group, cases in CASES.items()}
    faults["transport"].add("dns_failure")

    assert faults == {group: set(cases) for group, cases in EXPECTED.items()}


@everywhere
async def test_flow_names_the_fault_and_goes_on(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    strike: Strike,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    expected: Expected,
) -> None:
    """Test that each flow names the fault and goes on after it, or takes no notice."""
    for source in ("reauth", "reconfigure", "user"):
        user_input: dict[str, Any] = {"api_key": OTHER_API_KEY}
        if source == "user":
            sandbox.valid_keys.add("third")
            user_input |= {"api_key": "third", "only_funded": True, "show_icons": False}
        result = await start_flow(hass, entry, source)
        step_id = result["step_id"]
        requests = sandbox.request_count
        await strike(fault)
        result = await submit(hass, result, **user_input)
        if expected.error:
            assert result["type"] is FlowResultType.FORM
            assert result["step_id"] == step_id
            assert result["errors"] == {"base": expected.error}
            assert "api_key" not in suggested_values(result)
            assert sandbox.request_count == requests + expected.requests
            assert not complaints(caplog)
            await strike(None)
            result = await submit(hass, result, **user_input)
        if source == "user":
            assert result["type"] is FlowResultType.CREATE_ENTRY
            assert result["result"].state is ConfigEntryState.LOADED
        else:
            assert result["type"] is FlowResultType.ABORT
            assert result["reason"] == f"{source}_successful"
            assert entry.state is ConfigEntryState.LOADED

    assert set(complaints(caplog)) <= {
        UNIDENTIFIED,
        UNIDENTIFIED.replace("CryptoCloud:", "CryptoCloud 2:"),
    }


@everywhere
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_first_refresh_recovers(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    strike: Strike,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    expected: Expected,
) -> None:
    """Test that the set-up is tried again or a new key asked for, else the sensors."""
    await strike(fault)
    await set_up(hass, entry)
    assert sandbox.request_count == expected.requests

    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    if expected.error is None:
        assert entry.state is ConfigEntryState.LOADED
        check_sensors(hass, expected)
        assert len(hass.states.async_all("sensor")) == 5 + 5 * (
            CURRENCIES - expected.unidentified
        )
        assert complaints(caplog) == [UNIDENTIFIED] * expected.unidentified
    else:
        assert hass.states.async_all("sensor") == []
        assert entry.reason
        assert entry.reason.startswith(REASONS[expected.error])
        # Home Assistant says it in its own way.
        assert len(complaints(caplog)) <= 1
        assert len(logged(caplog, logging.ERROR)) <= (expected.error == "invalid_auth")

    await strike(None)
    if expected.error == "invalid_auth":
        assert entry.state is ConfigEntryState.SETUP_ERROR
        [flow] = flows
        assert flow["context"]["source"] == SOURCE_REAUTH
        await reload(hass, entry)
    else:
        assert flows == []
        if expected.error:
            assert entry.state is ConfigEntryState.SETUP_RETRY
        await poll(timedelta(minutes=expected.minutes))
    assert entry.state is ConfigEntryState.LOADED

    check_sensors(hass, Expected())


@everywhere
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_poll_recovers(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    strike: Strike,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    expected: Expected,
) -> None:
    """Test that nothing is shown while nothing is known, and the way back."""
    # Here, since the order of fixtures does not say when entities are enabled.
    assert await set_up(hass, entry)
    check_sensors(hass, Expected())
    requests = sandbox.request_count
    per_attempt = (
        expected.requests if expected.kept_requests is None else expected.kept_requests
    )
    refusals = REFUSALS.get(expected.error or "")

    await strike(fault)
    await poll()

    wait = timedelta(minutes=expected.minutes)
    for attempt in (1, 2, 3):
        is_refused = refusals is not None and attempt >= refusals
        # A refused key is not tried again automatically.
        requests += per_attempt if not is_refused or attempt == refusals else 0
        assert sandbox.request_count == requests
        assert entry.state is ConfigEntryState.LOADED

        flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if expected.error is None:
            check_sensors(hass, expected, gone=STATE_UNAVAILABLE)
            assert complaints(caplog) == [UNIDENTIFIED] * expected.unidentified
        else:
            assert {state.state for state in hass.states.async_all("sensor")} == {
                STATE_UNAVAILABLE
            }
            assert complaints(caplog) == logged(caplog, logging.ERROR)
            [message] = complaints(caplog)
            assert REASONS[expected.error] in message or flows

        assert [flow["context"]["source"] for flow in flows] == (
            [SOURCE_REAUTH] if is_refused else []
        )

        await poll(wait - timedelta(seconds=10))
        assert sandbox.request_count == requests
        if attempt < 3:
            await poll(wait)

    said = complaints(caplog)
    await strike(None)
    if refusals:
        await async_update_entity(hass, "sensor.cryptocloud_eth")
        await hass.async_block_till_done()
    else:
        await poll(wait)
    check_sensors(hass, Expected())
    assert complaints(caplog) == said
    assert logged(caplog, logging.INFO) == (
        ["Fetching CryptoCloud data recovered"] if expected.error else []
    )


async def longest_gap(stop: asyncio.Event) -> float:
    """Return the longest time that the event loop did not come by, in CPU seconds.

    The CPU time of this process, of all its threads, as a thread that does not let
    go of the interpreter holds up the loop, too. Not the time on the clock: this
    process has to wait when others share the machine.
    """
    longest, before = 0.0, process_time()
    while not stop.is_set():
        await asyncio.sleep(0)
        longest, before = max(longest, process_time() - before), process_time()
    return longest


async def measure_poll(poll: Poll) -> float:
    """Return the longest gap of the event loop during a poll."""
    # To collect the garbage of other tests would take longer than the poll.
    gc.freeze()
    stop = asyncio.Event()
    watchdog = asyncio.create_task(longest_gap(stop))
    await poll()
    stop.set()
    return await watchdog


@pytest.mark.parametrize("fault", EXPECTED["body"])
@pytest.mark.usefixtures("loaded_entry")
async def test_body_blocks_nothing(poll: Poll, strike: Strike, fault: str) -> None:
    """Test that the event loop goes on while an answer is read.

    Of three polls the best counts: now and then one meets a collection of garbage.
    """
    await strike(f"body/{fault}")
    await poll()
    gaps = [await measure_poll(poll) for _ in range(3)]

    assert min(gaps) < 0.05, gaps


@pytest.mark.parametrize("row", LONG_BODIES.values(), ids=LONG_BODIES)
@pytest.mark.usefixtures("loaded_entry")
async def test_long_body_blocks_nothing(sandbox: Sandbox, poll: Poll, row: str) -> None:
    """Test that the event loop goes on while a long answer is read, as above."""
    gaps = []
    for number in range(4):
        # An answer that comes again is not read again.
        sandbox.fault = Body(
            f'{{"status": "success", "result": [{row}]}}{" " * number}'
        )
        gaps.append(await measure_poll(poll))

    assert min(gaps[1:]) < 0.05, gaps


@pytest.mark.parametrize("fault", EXPECTED["body"])
@pytest.mark.usefixtures("loaded_entry")
async def test_body_leaves_memory_flat(
    poll: Poll, strike: Strike, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """Test that no answer takes more than twice the 8 MiB that a body may have.

    What the sandbox takes to send it counts, too.
    """
    await strike(f"body/{fault}")
    await poll()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(3):
            await poll()
            caplog.clear()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - before < 20 * MEBIBYTE
    assert after - before < MEBIBYTE
