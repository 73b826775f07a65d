"""Tests of long sequences, and of ends in the middle of a request."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
import logging

from aiohttp import web
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.components.homeassistant import (
    DOMAIN as HOMEASSISTANT_DOMAIN,
    SERVICE_UPDATE_ENTITY,
)
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Fault, Hang, Sandbox, Status

from .common import (
    OTHER_API_KEY,
    Poll,
    complaints,
    get_value,
    hold,
    logged,
    make_entry,
    reload,
    set_up,
)

type End = Callable[[HomeAssistant, str], Awaitable[object]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens outside of Home Assistant's tasks."""
    while not condition():  # noqa: ASYNC110 # nobody sets an event for it
        await asyncio.sleep(0.01)


@pytest.fixture
async def request_in_flight(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> AsyncGenerator[None]:
    """Have a poll wait for an answer that does not come, until it is given up."""
    left = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        try:
            return await Hang()(request)
        finally:
            left.set()

    sandbox.fault, sandbox.fault_count = hang, 1
    async_fire_time_changed(
        hass, dt_util.utcnow() + UPDATE_INTERVAL + timedelta(seconds=1)
    )
    await until(lambda: sandbox.request_count == 2)
    yield
    await left.wait()


async def unload(hass: HomeAssistant, entry_id: str) -> None:
    """Unload an account."""
    assert await hass.config_entries.async_unload(entry_id)


async def disable(hass: HomeAssistant, entry_id: str) -> None:
    """Disable an account."""
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


async def remove(hass: HomeAssistant, entry_id: str) -> None:
    """Remove an account."""
    await hass.config_entries.async_remove(entry_id)


@pytest.mark.parametrize("end", [unload, disable, remove])
@pytest.mark.usefixtures("request_in_flight")
async def test_end_while_a_request_is_in_flight(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    end: End,
) -> None:
    """Test that the request ends with what asked for it."""
    await end(hass, loaded_entry.entry_id)
    await hass.async_block_till_done()
    assert loaded_entry.state is ConfigEntryState.NOT_LOADED
    assert sandbox.request_count == 2
    assert complaints(caplog, logging.ERROR) == []


@pytest.mark.usefixtures("request_in_flight")
async def test_stop_while_a_request_is_in_flight(
    hass: HomeAssistant, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that Home Assistant does not wait for an answer when it stops."""
    async with asyncio.timeout(15):  # Half of what the client waits
        await hass.async_stop(force=True)
    assert sandbox.request_count == 2
    assert complaints(caplog, logging.ERROR) == []


@pytest.mark.usefixtures("request_in_flight")
async def test_reload_while_a_request_is_in_flight(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that a reload waits for no old request."""
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 7
    await reload(hass, loaded_entry)
    assert get_value(hass, "usdt_trc20") == "7"
    assert sandbox.request_count == 3
    assert complaints(caplog, logging.ERROR) == []


async def test_remove_during_the_first_refresh(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    outlast: Callable[[Fault], Fault],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test removing an account that is still being set up."""
    arrived = asyncio.Event()
    removal = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await removal.wait()
        return await outlast(Hang())(request)

    sandbox.fault = hang
    first_refresh = hass.async_create_task(set_up(hass, entry))
    await arrived.wait()
    end = hass.async_create_task(hass.config_entries.async_remove(entry.entry_id))
    removal.set()
    await end
    assert not await first_refresh
    await hass.async_block_till_done()
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert hass.states.async_all("sensor") == []
    assert complaints(caplog, logging.ERROR) == []


@pytest.mark.usefixtures("loaded_entry")
async def test_refresh_while_a_request_is_in_flight(
    hass: HomeAssistant,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that an update asked for during a poll waits for its turn."""
    assert await async_setup_component(hass, HOMEASSISTANT_DOMAIN, {})
    asked = asyncio.Event()
    sandbox.fault, sandbox.fault_count = hold(asked.wait), 1
    async_fire_time_changed(
        hass, dt_util.utcnow() + UPDATE_INTERVAL + timedelta(seconds=1)
    )
    await until(lambda: sandbox.request_count == 2)
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 7
    update = hass.async_create_task(
        hass.services.async_call(
            HOMEASSISTANT_DOMAIN,
            SERVICE_UPDATE_ENTITY,
            {ATTR_ENTITY_ID: ["sensor.cryptocloud_eth", "sensor.cryptocloud_bnb"]},
            blocking=True,
        )
    )
    asked.set()
    await update
    await hass.async_block_till_done(wait_background_tasks=True)
    assert get_value(hass, "usdt_trc20") == "7"
    assert complaints(caplog, logging.ERROR) == []


async def test_every_second_poll_fails(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    entity_registry: er.EntityRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that alternating good and bad answers leave the right numbers only."""
    assert sandbox.rows
    entities = set(entity_registry.entities)
    caplog.clear()
    for number in range(1, 21):
        good = number % 2
        sandbox.fault = None if good else Status(500)
        sandbox.rows[0]["balance_crypto"] = Decimal(number)
        await poll()
        value = get_value(hass, "usdt_trc20")
        assert value == (str(number) if good else STATE_UNAVAILABLE)
    assert sandbox.request_count == 21
    assert set(entity_registry.entities) == entities
    assert len(logged(caplog, logging.ERROR)) == 10
    assert len(logged(caplog, logging.INFO)) == 9
    assert logged(caplog, logging.WARNING) == []


async def test_two_accounts_fail_apart(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that one account's revoked key does not touch the other."""
    first = make_entry()
    second = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    for entry in (first, second):
        entry.add_to_hass(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    sandbox.revoke(OTHER_API_KEY)
    await poll()
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert get_value(hass, "2_usdt_trc20") == STATE_UNAVAILABLE
    [flow] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["entry_id"] == second.entry_id

    await hass.config_entries.async_remove(second.entry_id)
    await hass.async_block_till_done()
    await poll()
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert not hass.states.get("sensor.cryptocloud_2_usdt_trc20")
