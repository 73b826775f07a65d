"""Tests of answers that may refuse a key: two in a row, a minute apart, do."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed_exact,
)

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.components.homeassistant import (
    DOMAIN as HOMEASSISTANT_DOMAIN,
    SERVICE_UPDATE_ENTITY,
)
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tools.sandbox import Fault, Hang, Sandbox, Status
from tools.sandbox.faults import ANSWER, Close

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Poll,
    get_value,
    make_entry,
    reload,
    set_up,
    start_flow,
    submit,
)

MINUTE = timedelta(minutes=1)
MAYBE_REFUSED = Status(401)
REFUSED = Status(401, {"detail": "Signature verification failed"})


def asks_for_key(hass: HomeAssistant) -> bool:
    """Return whether Home Assistant asks for a new key."""
    return bool(
        hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )
    )


async def refresh(hass: HomeAssistant) -> None:
    """Refresh as a user or an automation does."""
    await async_setup_component(hass, HOMEASSISTANT_DOMAIN, {})
    await hass.services.async_call(
        HOMEASSISTANT_DOMAIN,
        SERVICE_UPDATE_ENTITY,
        {ATTR_ENTITY_ID: "sensor.cryptocloud_total_balance"},
        blocking=True,
    )
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.usefixtures("loaded_entry")
async def test_second_refusal_after_a_minute_asks_for_a_key(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that a refusal has to last for a minute."""
    sandbox.fault = MAYBE_REFUSED
    await poll()
    assert get_value(hass, "usdt_trc20") == STATE_UNAVAILABLE
    assert not asks_for_key(hass)

    await poll(MINUTE)
    assert sandbox.request_count == 3
    assert asks_for_key(hass)
    await poll(timedelta(days=1))
    assert sandbox.request_count == 3


@pytest.mark.usefixtures("loaded_entry")
async def test_refusals_within_a_minute_count_as_one(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that asking again sooner proves nothing."""
    sandbox.fault = MAYBE_REFUSED
    for _ in range(3):
        await refresh(hass)
        # Home Assistant keeps 10 seconds between refreshes.
        await poll(timedelta(seconds=10))
    await poll(timedelta(seconds=50))
    assert sandbox.request_count > 3
    assert not asks_for_key(hass)

    await poll(MINUTE)
    assert asks_for_key(hass)


@pytest.mark.usefixtures("loaded_entry")
@pytest.mark.parametrize("second", [0.0, 0.25, 0.999])
async def test_next_attempt_is_not_too_early(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    freezer: FrozenDateTimeFactory,
    second: float,
) -> None:
    """Test that the next attempt is late enough to count, whatever Home Assistant rounds."""
    freezer.tick(1 - hass.loop.time() % 1 + second)
    sandbox.fault = MAYBE_REFUSED
    await poll()
    freezer.tick(59.9)
    async_fire_time_changed_exact(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert sandbox.request_count == 2
    freezer.tick(0.7)
    async_fire_time_changed_exact(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert asks_for_key(hass)


@pytest.mark.usefixtures("loaded_entry")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(None, id="answer"),
        pytest.param(Status(503), id="503"),
        pytest.param(Status(403), id="firewall"),
        pytest.param(Status(200, []), id="another answer"),
        pytest.param(Close(), id="broken connection"),
        pytest.param(Hang(), id="timeout"),
    ],
)
async def test_anything_in_between_resets_the_count(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    outlast: Callable[[Fault], Fault],
    fault: Fault | None,
) -> None:
    """Test that only refusals in a row count."""
    if isinstance(fault, Hang):
        fault = outlast(fault)
    for answer in (MAYBE_REFUSED, fault, MAYBE_REFUSED):
        sandbox.fault = answer
        await poll()
        assert not asks_for_key(hass)
    sandbox.fault = None
    await poll(MINUTE)
    assert get_value(hass, "usdt_trc20") == "1250.5"


async def test_start_asks_again(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that one refusal stops no start."""
    sandbox.fault, sandbox.fault_count = MAYBE_REFUSED, 1
    assert not await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason
    assert entry.reason.startswith("CryptoCloud refused the request (HTTP status 401)")

    await poll(MINUTE)
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert not asks_for_key(hass)


async def test_start_asks_for_a_key_after_a_minute(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that each attempt to start continues the count, but only after a minute."""
    sandbox.fault = MAYBE_REFUSED
    await set_up(hass, entry)
    for _ in range(2):
        await reload(hass, entry)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert not asks_for_key(hass)

    await poll(MINUTE)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert asks_for_key(hass)


async def test_reload_continues_the_count(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that a reload is no answer."""
    sandbox.fault = MAYBE_REFUSED
    await poll()
    await reload(hass, loaded_entry)
    assert loaded_entry.state is ConfigEntryState.SETUP_RETRY
    assert not asks_for_key(hass)

    await poll(MINUTE)
    assert asks_for_key(hass)


async def test_documented_refusal_asks_at_once(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that nothing is waited for if the key is refused as documented."""
    sandbox.fault = MAYBE_REFUSED
    await poll()
    sandbox.fault = REFUSED
    await refresh(hass)
    assert asks_for_key(hass)


async def refuse_once(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Let a key be refused, and a minute pass without another attempt."""
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    sandbox.fault = MAYBE_REFUSED
    await refresh(hass)
    await poll()
    assert sandbox.request_count == 2


@pytest.mark.parametrize("api_key", [API_KEY, OTHER_API_KEY])
@pytest.mark.parametrize("source", ["reauth", "reconfigure"])
async def test_new_key_resets_the_count(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    source: str,
    api_key: str,
) -> None:
    """Test that a key that has just worked is not refused for what was before."""
    await refuse_once(hass, sandbox, loaded_entry, poll)

    async def fault(request: web.Request) -> web.StreamResponse:
        """Answer the form only."""
        is_check = sandbox.request_count == 3
        return await (request.app[ANSWER] if is_check else MAYBE_REFUSED)(request)

    sandbox.fault = fault
    result = await start_flow(hass, loaded_entry, source)
    result = await submit(hass, result, api_key=api_key)
    assert result["reason"] == f"{source}_successful"
    assert sandbox.request_count == 4
    assert loaded_entry.state is ConfigEntryState.SETUP_RETRY
    assert not asks_for_key(hass)


async def test_removed_account_is_forgotten(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that the count ends with the account."""
    await refuse_once(hass, sandbox, loaded_entry, poll)
    await hass.config_entries.async_remove(loaded_entry.entry_id)

    entry = make_entry(entry_id=loaded_entry.entry_id)
    assert not await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_accounts_are_counted_apart(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that one account's refusal does not confirm that of another."""
    await refuse_once(hass, sandbox, loaded_entry, poll)

    other = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    assert not await set_up(hass, other)
    assert other.state is ConfigEntryState.SETUP_RETRY


@pytest.mark.parametrize(
    "late", [MAYBE_REFUSED, REFUSED], ids=["maybe refused", "refused"]
)
async def test_late_refusal_of_an_old_key_counts_for_nothing(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    late: Fault,
) -> None:
    """Test that an answer to the old key is not held against the new one."""
    await async_setup_component(hass, HOMEASSISTANT_DOMAIN, {})
    asked, replaced = asyncio.Event(), asyncio.Event()

    async def fault(request: web.Request) -> web.StreamResponse:
        asked.set()
        await replaced.wait()
        return await late(request)

    sandbox.fault, sandbox.fault_count = fault, 1
    refreshing = hass.async_create_task(refresh(hass))
    await asked.wait()
    result = await start_flow(hass, loaded_entry, "reconfigure")
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"api_key": OTHER_API_KEY}
    )
    assert result["reason"] == "reconfigure_successful"
    replaced.set()
    await refreshing
    assert not asks_for_key(hass)
    assert get_value(hass, "usdt_trc20") == "1250.5"
