"""Tests of polling: failures, recovery, and calm."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import logging

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.homeassistant import (
    DOMAIN as HOMEASSISTANT_DOMAIN,
    SERVICE_UPDATE_ENTITY,
)
from homeassistant.const import (
    ATTR_ENTITY_ID,
    MAJOR_VERSION,
    MINOR_VERSION,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox, Status

from .common import Poll, get_value, logged, set_up


async def test_server_down(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test a server that goes down and comes back, twice."""
    for times in (1, 2):
        await sandbox.stop()
        await poll()
        assert get_value(hass, "usdt_trc20") == STATE_UNAVAILABLE
        [*_, message] = logged(caplog, logging.ERROR)
        assert message == (
            "Error fetching CryptoCloud data: CryptoCloud cannot be reached"
            " (ClientConnectorError). Home Assistant retries automatically. If this"
            " persists, check its internet access"
        )
        assert len(logged(caplog, logging.ERROR)) == times
        await sandbox.start()
        await poll()
        assert get_value(hass, "usdt_trc20") == "1250.5"
        assert len(logged(caplog, logging.INFO)) == times


@pytest.mark.parametrize(
    ("retry_after", "minutes"),
    [
        (None, 5),
        ("600", 10),
        ("0", 5),
        ("1", 5),
        ("604800", 24 * 60),
        ("9" * 400, 24 * 60),
        ("-5", 5),
        ("soon", 5),
        ("", 5),
        ("1.5", 5),
        (timedelta(minutes=30), 30),
        (timedelta(hours=-1), 5),
        (timedelta(days=7), 24 * 60),
        ("Sun, 06 Nov 1994 08:49:37", 5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    status: int,
    retry_after: str | timedelta | None,
    minutes: int,
) -> None:
    """Test that the next poll waits as long as asked, within reason."""
    if isinstance(retry_after, timedelta):
        retry_after = format_datetime(datetime.now(UTC) + retry_after, usegmt=True)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    sandbox.fault = Status(status, headers=headers)
    await poll()
    assert sandbox.request_count == 2

    sandbox.fault = None
    await poll(timedelta(minutes=minutes, seconds=-10))
    assert sandbox.request_count == 2
    await poll(timedelta(minutes=minutes, seconds=1))
    assert sandbox.request_count == 3
    assert get_value(hass, "usdt_trc20") == "1250.5"
    await poll()
    assert sandbox.request_count == 4


async def test_retry_after_of_the_first_refresh(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that the set-up waits as long as asked, where Home Assistant can."""
    sandbox.fault = Status(429, headers={"Retry-After": "600"})
    await set_up(hass, entry)
    await poll(timedelta(minutes=9))
    waits = (MAJOR_VERSION, MINOR_VERSION) >= (2026, 11)
    assert sandbox.request_count == (1 if waits else 2)
    sandbox.fault = None
    await poll(timedelta(minutes=10))
    assert get_value(hass, "usdt_trc20") == "1250.5"


@pytest.mark.usefixtures("loaded_entry")
async def test_one_request_a_poll(sandbox: Sandbox, poll: Poll) -> None:
    """Test that five minutes pass between requests, and one brings everything."""
    assert sandbox.request_count == 1
    await poll(timedelta(minutes=4))
    assert sandbox.request_count == 1
    for polls in (1, 2, 3):
        await poll()
        assert sandbox.request_count == 1 + polls


@pytest.mark.usefixtures("loaded_entry")
async def test_update_entity(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test that a refresh can be asked for."""
    await async_setup_component(hass, HOMEASSISTANT_DOMAIN, {})
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 2000
    await hass.services.async_call(
        HOMEASSISTANT_DOMAIN,
        SERVICE_UPDATE_ENTITY,
        {ATTR_ENTITY_ID: "sensor.cryptocloud_total_balance"},
        blocking=True,
    )
    await hass.async_block_till_done()
    assert get_value(hass, "usdt_trc20") == "2000"
    assert sandbox.request_count == 2


@pytest.mark.usefixtures("loaded_entry")
async def test_nothing_changed(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that an answer that says nothing new writes nothing."""
    written = {
        state.entity_id: state.last_reported
        for state in hass.states.async_all("sensor")
    }
    await poll()
    assert sandbox.request_count == 2
    assert written == {
        state.entity_id: state.last_reported
        for state in hass.states.async_all("sensor")
    }
