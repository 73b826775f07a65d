"""Tests of long sequences, and of ends in the middle of a request."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
import logging

from aiohttp import web
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_component import async_update_entity
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Fault, Hang

from .common import (
    OTHER_API_KEY,
    Shop,
    complaints,
    get_value,
    hold,
    logged,
    make_entry,
    set_up,
)


async def begin_poll(shop: Shop) -> None:
    """Let a poll's request arrive."""
    next_poll = dt_util.utcnow() + UPDATE_INTERVAL + timedelta(seconds=1)
    async_fire_time_changed(shop.hass, next_poll)
    while shop.sandbox.request_count < 2:  # noqa: ASYNC110 # nobody sets an event for it
        await asyncio.sleep(0.01)


@pytest.fixture
async def request_in_flight(shop: Shop) -> AsyncGenerator[None]:
    """Have a poll wait for an answer that does not come, until it is given up."""
    left = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        try:
            return await Hang()(request)
        finally:
            left.set()

    shop.sandbox.fault, shop.sandbox.fault_count = hang, 1
    await begin_poll(shop)
    yield
    await left.wait()


@pytest.mark.parametrize("end", ["async_unload", "async_disable", "async_remove"])
@pytest.mark.usefixtures("request_in_flight")
async def test_end_while_a_request_is_in_flight(
    shop: Shop, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    """Test that the request ends with what asked for it."""
    entries = shop.hass.config_entries
    if end == "async_disable":
        disabled_by = ConfigEntryDisabler.USER
        await entries.async_set_disabled_by(shop.entry.entry_id, disabled_by)
    else:
        await getattr(entries, end)(shop.entry.entry_id)
    await shop.hass.async_block_till_done()

    assert shop.entry.state is ConfigEntryState.NOT_LOADED
    assert shop.sandbox.request_count == 2
    assert complaints(caplog, logging.ERROR) == []


@pytest.mark.usefixtures("request_in_flight")
async def test_stop_while_a_request_is_in_flight(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that Home Assistant does not wait for an answer when it stops."""
    async with asyncio.timeout(15):  # Half of what the client waits
        await shop.hass.async_stop(force=True)

    assert shop.sandbox.request_count == 2
    assert complaints(caplog, logging.ERROR) == []


@pytest.mark.usefixtures("request_in_flight")
async def test_reload_while_a_request_is_in_flight(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that a reload waits for no old request."""
    await shop.reload(A=7)

    assert get_value(shop.hass, "a") == "7"
    assert shop.sandbox.request_count == 3
    assert complaints(caplog, logging.ERROR) == []


async def test_remove_during_the_first_refresh(
    new_shop: Shop, outlast: Callable[[Fault], Fault], caplog: pytest.LogCaptureFixture
) -> None:
    """Test removing an account that is still being set up."""
    hass, entry = new_shop.hass, new_shop.entry
    arrived, removal = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await removal.wait()
        return await outlast(Hang())(request)

    new_shop.sandbox.fault = hang
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


async def test_refresh_while_a_request_is_in_flight(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that an update asked for during a poll waits for its turn."""
    hass = shop.hass
    asked = asyncio.Event()
    shop.sandbox.fault, shop.sandbox.fault_count = hold(asked.wait), 1
    await begin_poll(shop)
    shop.set(A=7, B=5)
    updates = [
        hass.async_create_task(async_update_entity(hass, f"sensor.cryptocloud_{name}"))
        for name in ("a", "b")
    ]
    asked.set()
    await asyncio.gather(*updates)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert get_value(hass, "a") == "7"
    assert complaints(caplog, logging.ERROR) == []


async def test_every_second_poll_fails(
    shop: Shop, entity_registry: er.EntityRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that alternating good and bad answers leave the right numbers only."""
    entities = set(entity_registry.entities)
    caplog.clear()
    for number in range(1, 21, 2):
        await shop.poll(A=number)
        assert get_value(shop.hass, "a") == str(number)

        await shop.fail(A=number + 1)
        assert get_value(shop.hass, "a") == STATE_UNAVAILABLE

    assert shop.sandbox.request_count == 21
    assert set(entity_registry.entities) == entities
    assert len(logged(caplog, logging.ERROR)) == 10
    assert len(logged(caplog, logging.INFO)) == 9
    assert logged(caplog, logging.WARNING) == []


async def test_two_accounts_fail_apart(new_shop: Shop) -> None:
    """Test that one account's revoked key does not touch the other."""
    entries = new_shop.hass.config_entries
    second = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    second.add_to_hass(new_shop.hass)
    assert await async_setup_component(new_shop.hass, DOMAIN, {})
    await new_shop.poll(A=100)
    new_shop.sandbox.revoke(OTHER_API_KEY)
    await new_shop.poll()
    assert get_value(new_shop.hass, "a") == "100"
    assert get_value(new_shop.hass, "2_a") == STATE_UNAVAILABLE
    [flow] = entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["entry_id"] == second.entry_id

    await entries.async_remove(second.entry_id)
    await new_shop.hass.async_block_till_done()
    await new_shop.poll()
    assert get_value(new_shop.hass, "a") == "100"
    assert not new_shop.hass.states.get("sensor.cryptocloud_2_a")
