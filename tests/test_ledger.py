"""Tests of the rules of money in and money out, as automations see them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from functools import partial
import logging
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud import ledger as ledger_module
from custom_components.cryptocloud.const import EVENT_BALANCE_CHANGE
from custom_components.cryptocloud.ledger import Ledger, async_get_ledger
from custom_components.cryptocloud.models import Account, Balance, Currency
from homeassistant.config_entries import ConfigEntryState, UnknownEntry
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STARTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_component import async_update_entity
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox, Status

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Poll,
    get_value,
    hold,
    logged,
    make_row,
    reload,
    set_up,
    start_flow,
    submit,
)

EVENT = "event.cryptocloud_balance_change"

type Report = tuple[str, str, str, str | None]
type Reports = list[Report]
type Storage = dict[str, Any]


@pytest.fixture
def reports(hass: HomeAssistant) -> Reports:
    """Return what is reported: the type, currency, amount and value of each change."""
    reports: Reports = []

    @callback
    def report(event: Event) -> None:
        data = event.data
        reports.append(
            (data["event_type"], data["currency"], data["amount"], data["amount_usd"])
        )

    hass.bus.async_listen(EVENT_BALANCE_CHANGE, report)
    return reports


@pytest.fixture
async def account(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, hass_storage: Storage
) -> MockConfigEntry:
    """Return an account that holds 100 A and 5 B, each worth 1 USD."""
    sandbox.rows = [make_row("A", 100), make_row("B", 5)]
    await set_up(hass, entry)
    return entry


@pytest.fixture
async def heard(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return what an automation on payments over 1 USD reads when it runs."""
    return await hear_payments(hass)


async def hear_payments(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Set up an automation on payments over 1 USD; return what it reads when it runs."""
    heard: list[dict[str, Any]] = []

    async def hear(call: Any) -> None:
        heard.append(dict(call.data))

    hass.services.async_register("test", "hear", hear)
    sensors = ("a", "total_balance", "received", "new_coin")
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {
                    "trigger": "cryptocloud.balance_increased",
                    "target": {"entity_id": [EVENT, "event.renamed"]},
                    "options": {"minimum_usd": 1},
                },
                "conditions": {
                    "condition": "cryptocloud.is_balance",
                    "target": {"entity_id": "sensor.cryptocloud_total_balance"},
                    "options": {
                        "behavior": "all",
                        "threshold": {"type": "above", "value": {"number": 1000}},
                    },
                },
                "actions": {
                    "action": "test.hear",
                    "data": {
                        name: f"{{{{ states('sensor.cryptocloud_{name}') }}}}"
                        for name in sensors
                    },
                },
            }
        },
    )
    await hass.async_block_till_done()
    return heard


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up an account while Home Assistant starts, as a new process does."""
    hass.set_state(CoreState.starting)
    hass.data.pop("cryptocloud_ledgers")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def started(hass: HomeAssistant) -> None:
    """Let Home Assistant end its start."""
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()


async def restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Do to an account what a restart does."""
    await hass.config_entries.async_unload(entry.entry_id)
    await start(hass, entry)
    await started(hass)


async def replace_key(
    hass: HomeAssistant, entry: MockConfigEntry, api_key: str = OTHER_API_KEY
) -> None:
    """Give an account another key."""
    result = await start_flow(hass, entry, "reconfigure")
    result = await submit(hass, result, api_key=api_key)
    assert result["reason"] == "reconfigure_successful"


@asynccontextmanager
async def answer_in_flight(
    hass: HomeAssistant, sandbox: Sandbox
) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Ask for the balances, and hold the answer back until it is released."""
    arrived, released = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await released.wait()

    sandbox.fault, sandbox.fault_count = hold(wait), 1
    poll = hass.async_create_task(async_update_entity(hass, "sensor.cryptocloud_a"))
    await arrived.wait()

    async def release() -> None:
        released.set()
        await asyncio.wait([poll], timeout=5)

    yield release
    await release()
    await hass.async_block_till_done()


def sums(hass: HomeAssistant) -> tuple[str, str]:
    """Return what was received and withdrawn."""
    return get_value(hass, "received"), get_value(hass, "withdrawn")


async def rename(hass: HomeAssistant, entity_id: str, new: str) -> None:
    """Rename an entity."""
    er.async_get(hass).async_update_entity(entity_id, new_entity_id=new)
    await hass.async_block_till_done()


async def rename_sensor(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Rename a sensor there and back."""
    await rename(hass, "sensor.cryptocloud_a", "sensor.other")
    await rename(hass, "sensor.other", "sensor.cryptocloud_a")


async def rename_event(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Rename the event."""
    await rename(hass, EVENT, "event.renamed")


async def enable_sensor(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Disable a sensor and enable it again."""
    registry = er.async_get(hass)
    for disabled_by in (er.RegistryEntryDisabler.USER, None):
        registry.async_update_entity("sensor.cryptocloud_a", disabled_by=disabled_by)
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()


async def do_nothing(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Leave an account as it was set up."""


type Disturbance = Callable[[HomeAssistant, MockConfigEntry], Coroutine[Any, Any, Any]]


@pytest.mark.parametrize(
    "disturb",
    [do_nothing, reload, restart, rename_sensor, rename_event, enable_sensor],
)
async def test_same_answer(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    heard: list[dict[str, Any]],
    disturb: Disturbance,
) -> None:
    """Test that an automation on a payment reads the balances that it brought."""
    await disturb(hass, account)

    sandbox.rows = [make_row("A", 5000), make_row("B", 5)]
    await poll()

    assert heard == [
        {
            "a": 5000,
            "total_balance": 5005,
            "received": 4900,
            "new_coin": "unknown",
        }
    ]


async def test_same_answer_for_a_new_currency(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    heard: list[dict[str, Any]],
) -> None:
    """Test that the sensor of a currency is there when its first funds are reported."""
    assert sandbox.rows
    sandbox.rows.append(make_row("NEW_COIN", 2000))
    await poll()

    assert heard == [
        {"a": 100, "total_balance": 2105, "received": 2000, "new_coin": 2000}
    ]


async def outage(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let the service be down for two polls."""
    sandbox.fault = Status(503)
    await poll()
    await poll()
    sandbox.fault = None
    await poll()


async def refused_key(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let the key be revoked and replaced."""
    sandbox.revoke(API_KEY)
    await poll()
    await replace_key(hass, entry)
    assert entry.state is ConfigEntryState.LOADED


async def failed_set_up(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let a set-up fail after the first refresh."""
    with patch.object(
        hass.config_entries, "async_forward_entry_setups", side_effect=ValueError
    ):
        await reload(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    await reload(hass, entry)


async def failed_set_up_and_restart(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let a set-up fail after the first refresh, and Home Assistant restart then."""
    with patch.object(
        hass.config_entries, "async_forward_entry_setups", side_effect=ValueError
    ):
        await reload(hass, entry)
    await start(hass, entry)
    await started(hass)


async def stop_before_it_started(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let Home Assistant stop before its start has ended, and start again."""
    await hass.config_entries.async_unload(entry.entry_id)
    await start(hass, entry)
    await restart(hass, entry)


async def parallel_refreshes(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let two refreshes run at a time."""
    async with answer_in_flight(hass, sandbox):
        hass.async_create_task(async_update_entity(hass, "sensor.cryptocloud_b"))
    await poll()


async def in_flight(
    hass: HomeAssistant, entry: MockConfigEntry, sandbox: Sandbox, poll: Poll
) -> None:
    """Let an answer be on its way when the account is unloaded."""
    async with answer_in_flight(hass, sandbox):
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    "disturb",
    [
        outage,
        refused_key,
        failed_set_up,
        failed_set_up_and_restart,
        stop_before_it_started,
        parallel_refreshes,
        in_flight,
    ],
)
async def test_once(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    disturb: Callable[..., Awaitable[None]],
) -> None:
    """Test that a payment is reported exactly once, whatever else happens."""
    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    await disturb(hass, account, sandbox, poll)
    await restart(hass, account)
    await poll()

    assert reports == [("increased", "A", "50", "50")]
    assert sums(hass) == ("50", "0")


async def unload_while_it_is_saved(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Unload an account."""
    await hass.config_entries.async_unload(entry.entry_id)


async def stop_while_it_is_saved(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Stop Home Assistant."""
    hass.set_state(CoreState.stopping)


@pytest.mark.parametrize("end", [unload_while_it_is_saved, stop_while_it_is_saved])
@pytest.mark.parametrize("cancel", [False, True])
async def test_once_if_it_ends_while_it_is_saved(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    reports: Reports,
    end: Disturbance,
    cancel: bool,
) -> None:
    """Test that a change that is saved as reported is reported."""
    writing, may_end = asyncio.Event(), asyncio.Event()
    save = Store.async_save
    writers = 0

    async def save_slowly(store: Store[Any], data: Any) -> None:
        nonlocal writers
        writers += 1
        # The thread that writes does not end with the task that waits for it.
        assert writers == 1
        writing.set()
        await may_end.wait()
        writers -= 1
        await save(store, data)

    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    with patch.object(Store, "async_save", save_slowly):
        poll = hass.async_create_task(async_update_entity(hass, "sensor.cryptocloud_a"))
        await writing.wait()
        if cancel:
            poll.cancel()
        ending = hass.async_create_task(end(hass, account))
        await asyncio.sleep(0)
        may_end.set()
        await ending
        await hass.async_block_till_done()
    assert reports == []

    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    await restart(hass, account)

    assert reports == [("increased", "A", "50", "50")]
    assert sums(hass) == ("50", "0")


@pytest.mark.parametrize("is_unloaded", [True, False])
async def test_once_if_it_arrives_while_entities_are_removed(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    is_unloaded: bool,
) -> None:
    """Test that a change is reported later if nobody can hear of it."""
    unload = hass.config_entries.async_unload_platforms

    async def unload_slowly(*args: Any) -> bool:
        await async_update_entity(hass, "sensor.cryptocloud_a")
        if is_unloaded:
            await unload(*args)
        assert reports == []
        return is_unloaded

    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    with patch.object(hass.config_entries, "async_unload_platforms", unload_slowly):
        await hass.config_entries.async_unload(account.entry_id)
    await hass.async_block_till_done()
    assert bool(reports) is not is_unloaded
    if is_unloaded:
        await restart(hass, account)
    else:
        await account.runtime_data.async_shutdown()

    assert reports == [("increased", "A", "50", "50")]


async def test_saved_before_it_is_reported(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    hass_storage: Storage,
    reports: Reports,
) -> None:
    """Test that a process killed while it reports does not report again."""
    stored: list[Any] = []
    key = f"cryptocloud.{account.entry_id}"
    hass.bus.async_listen(
        EVENT_BALANCE_CHANGE,
        callback(lambda _: stored.append(hass_storage[key]["data"])),
    )
    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    await poll()
    [data] = stored
    reports.clear()

    hass_storage[key] |= {"data": data}
    await restart(hass, account)

    assert reports == []
    assert sums(hass) == ("50", "0")


async def test_change_stored_with_fewer_fields_is_reported(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    hass_storage: Storage,
    reports: Reports,
) -> None:
    """Test a change that a version stored which knew fewer fields of a currency."""
    key = f"cryptocloud.{entry.entry_id}"
    last = {"balance": "150", "rate": "1", "received": "0", "withdrawn": "0"}
    currency = {
        "code": "A",
        "short_code": "A",
        "name": "Name",
        "network": None,
        "network_name": None,
        "icon_base": None,
        "icon_network": None,
        "stablecoin": False,
    }
    hass_storage[key] = {
        "version": 1,
        "minor_version": 1,
        "key": key,
        "data": {
            "received": "50",
            "withdrawn": "0",
            "currencies": {"A": last},
            "unidentified": 0,
            "key_replaced": False,
            "unreported": [
                {"amount": "50", "amount_usd": "50.00", "balance": "150"}
                | {"currency": currency}
            ],
        },
    }
    sandbox.rows = [make_row("A", 150)]
    assert await set_up(hass, entry)

    assert reports == [("increased", "A", "50", "50")]
    assert sums(hass) == ("50", "0")


async def test_heard_after_a_restart(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    heard: list[dict[str, Any]],
    hass_storage: Storage,
) -> None:
    """Test that automations hear what arrived while Home Assistant was down."""
    await hass.config_entries.async_unload(account.entry_id)
    sandbox.rows = [make_row("A", 5000), make_row("B", 5)]
    await start(hass, account)
    assert heard == []

    await started(hass)

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


async def test_heard_by_automations_that_start_with_home_assistant(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    hass_storage: Storage,
) -> None:
    """Test that reports wait until automations have attached their triggers."""
    await hass.config_entries.async_unload(account.entry_id)
    sandbox.rows = [make_row("A", 5000), make_row("B", 5)]
    hass.set_state(CoreState.not_running)
    hass.data.pop("cryptocloud_ledgers")
    await hass.config_entries.async_setup(account.entry_id)
    heard = await hear_payments(hass)

    await hass.async_start()
    await hass.async_block_till_done()

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


async def test_heard_twice_in_one_millisecond(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    heard: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that two changes of one currency run automations twice."""
    await hass.config_entries.async_unload(account.entry_id)
    sandbox.rows = [make_row("A", 5000), make_row("B", 5)]
    await start(hass, account)
    sandbox.rows = [make_row("A", 6000), make_row("B", 5)]
    await async_update_entity(hass, "sensor.cryptocloud_a")
    await started(hass)

    assert len(heard) == 2


async def test_first_answer_after_a_start_lacks_a_currency(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that a currency that is seen again brings only what it changed by."""
    rows = [make_row("A", 100), make_row("B", 7)]
    sandbox.rows = rows[:1]
    await restart(hass, account)
    sandbox.rows = rows
    await poll()

    assert reports == [("increased", "B", "2", "2")]
    assert sums(hass) == ("2", "0")


LAST_KNOWN = {"balance": "7", "rate": "1", "received": "0", "withdrawn": "0"}
STORED = {
    "received": "3",
    "withdrawn": "4",
    "currencies": {"A": LAST_KNOWN},
    "unidentified": 0,
    "key_replaced": False,
    "unreported": [],
}
CHANGE = {"currency": {"code": "A"}, "amount": "1", "amount_usd": "1", "balance": "7"}


def store(**stored: Any) -> dict[str, Any]:
    """Return a file whose data differ from good ones."""
    return {"version": 1, "data": STORED | stored}


def store_last_known(**last_known: Any) -> dict[str, Any]:
    """Return a file in which what is last known of a currency differs."""
    return store(currencies={"A": LAST_KNOWN | last_known})


def store_change(**change: Any) -> dict[str, Any]:
    """Return a file in which an unreported change differs."""
    return store(unreported=[CHANGE | change])


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {"version": 1, "data": {}},
        {"version": 1, "data": [1]},
        {"version": 9, "data": {}},
        store(received="NaN-", withdrawn=[]),
        store(received="NaN"),
        store(received="Infinity"),
        store(received="1E999999"),
        store(received="9" * 400),
        store(received="-1"),
        store(received=True),
        store(withdrawn=None),
        store(unidentified="1"),
        store(key_replaced=None),
        store_last_known(balance="sNaN"),
        store_last_known(balance=7),
        store_last_known(rate="-1"),
        store_last_known(received=None),
        store_last_known(withdrawn="-1"),
        store_change(amount=None),
        store_change(amount_usd="Infinity"),
        store_change(balance="NaN"),
        store_change(currency={"code": 5}),
    ],
)
async def test_lost_record_starts_anew(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    hass_storage: Storage,
    reports: Reports,
    caplog: pytest.LogCaptureFixture,
    stored: Any,
) -> None:
    """Test that a file that is missing or damaged costs one warning and no invented payment."""
    await hass.config_entries.async_unload(account.entry_id)
    key = f"cryptocloud.{account.entry_id}"
    del hass_storage[key]
    if stored:
        hass_storage[key] = {"minor_version": 1, "key": key} | stored
    caplog.clear()
    sandbox.rows = [make_row("A", 100)]
    await start(hass, account)
    await started(hass)
    sandbox.rows = [make_row("A", 101), make_row("B", 5)]
    await poll()

    assert reports == [("increased", "A", "1", "1")]
    assert sums(hass) == ("1", "0")
    assert logged(caplog, logging.WARNING) == [
        (
            "CryptoCloud: the record of balances is missing or cannot be read;"
            " received and withdrawn start at zero"
        )
    ]


async def test_record_of_a_later_version_is_read(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    hass_storage: Storage,
    reports: Reports,
) -> None:
    """Test that what a later version adds to the file is left out."""
    await hass.config_entries.async_unload(account.entry_id)
    hass_storage[f"cryptocloud.{account.entry_id}"] |= store(
        later=1,
        currencies={"A": LAST_KNOWN | {"later": 1}, "B": LAST_KNOWN},
        unreported=[CHANGE | {"currency": {"code": "A", "later": 1}, "later": 1}],
    )
    sandbox.rows = [make_row("A", 7), make_row("B", 8)]
    await start(hass, account)
    await started(hass)

    assert reports == [("increased", "A", "1", "1"), ("increased", "B", "1", "1")]
    assert sums(hass) == ("4", "4")


@pytest.mark.parametrize(
    "unreadable",
    [
        patch.object(Store, "async_load", side_effect=HomeAssistantError),
        patch.object(ledger_module, "STORAGE_VERSION", 0),
    ],
    ids=["the disk fails", "a later version wrote it"],
)
async def test_unreadable_file_is_kept(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    unreadable: Any,
) -> None:
    """Test that a good file that cannot be read now is not overwritten."""
    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    await poll()
    await hass.config_entries.async_unload(account.entry_id)
    with unreadable:
        await start(hass, account)
        await started(hass)
    sandbox.rows = [make_row("A", 151), make_row("B", 5)]
    await poll()
    assert sums(hass) == ("1", "0")

    reports.clear()
    await restart(hass, account)

    assert sums(hass) == ("51", "0")


async def test_new_currency_is_received(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    reports: Reports,
) -> None:
    """Test that a currency listed for the first time brings all it holds."""
    assert sandbox.rows
    sandbox.rows.append(make_row("C", 3))
    await restart(hass, account)

    assert reports == [("increased", "C", "3", "3")]
    assert sums(hass) == ("3", "0")


async def test_new_currency_paid_while_down_is_received(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that a currency listed without funds is known over a restart."""
    assert sandbox.rows
    sandbox.rows.append(make_row("C", 0))
    await poll()
    await hass.config_entries.async_unload(account.entry_id)
    sandbox.rows[-1] = make_row("C", 10)
    await start(hass, account)
    await started(hass)

    assert reports == [("increased", "C", "10", "10")]
    assert sums(hass) == ("10", "0")


async def test_heard_once_the_account_is_available(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    heard: list[dict[str, Any]],
) -> None:
    """Test that a change found at a start waits for the end of an outage."""
    await hass.config_entries.async_unload(account.entry_id)
    sandbox.rows = [make_row("A", 5000), make_row("B", 5)]
    await start(hass, account)
    sandbox.fault = Status(503)
    await poll()
    await started(hass)
    assert heard == []

    sandbox.fault = None
    await poll()

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([make_row("A", 100), make_row("C", 3), make_row(None, 4)], ["C"]),
        ([make_row("A", 100), make_row("C", 4)], []),
    ],
    ids=["another is new", "it says its currency now"],
)
async def test_new_currency_beside_one_that_is_unidentified(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    rows: list[dict[str, Any]],
    expected: list[str],
) -> None:
    """Test that only what may have been there unidentified is no payment."""
    sandbox.rows = [make_row("A", 100), make_row(None, 4)]
    await poll()
    await restart(hass, account)
    sandbox.rows = rows
    await poll()

    assert [currency for _, currency, _, _ in reports] == expected


async def test_key_of_another_account(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that the difference of two accounts is no payment."""
    sandbox.rows = [make_row("A", 150), make_row("B", 0), make_row("C", 9)]
    await replace_key(hass, account)
    assert reports == []
    assert logged(caplog, logging.WARNING) == [
        (
            "CryptoCloud: the new API key belongs to another account; the difference"
            " between the two accounts is not counted"
        )
    ]

    sandbox.rows = [make_row("A", 151), make_row("B", 0), make_row("C", 4)]
    await poll()

    assert reports == [("increased", "A", "1", "1"), ("decreased", "C", "5", "5")]
    assert sums(hass) == ("1", "5")


async def test_late_answer_for_the_old_key(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    reports: Reports,
) -> None:
    """Test that the old account's answer is not taken for the new one's."""
    save = Store.async_save
    async with answer_in_flight(hass, sandbox) as release:

        async def save_late(store: Store[Any], data: Any) -> None:
            if store.key == f"cryptocloud.{account.entry_id}":
                await release()
                sandbox.rows = [make_row("A", 150), make_row("B", 7)]
            await save(store, data)

        with patch.object(Store, "async_save", save_late):
            await replace_key(hass, account)

    assert reports == []
    assert sums(hass) == ("0", "0")


async def test_key_of_another_account_whose_balances_cannot_be_read(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that it takes a balance to tell two accounts apart."""
    sandbox.rows = [make_row("A", "?"), make_row("B", "?")]
    await replace_key(hass, account)
    assert "another account" not in caplog.text

    sandbox.rows = [make_row("A", 150), make_row("B", 7)]
    await poll()

    assert reports == []
    assert "another account" in caplog.text


async def test_new_key_of_an_empty_account(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that balances that are zero before and after are no other account's."""
    sandbox.rows = [make_row("A", 0), make_row("B", 0)]
    await poll()
    await replace_key(hass, account)

    assert "another account" not in caplog.text
    assert sums(hass) == ("0", "105")


async def test_removed_while_a_new_key_is_checked(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    hass_storage: Storage,
) -> None:
    """Test that the file of a removed account does not come back."""
    result = await start_flow(hass, account, "reconfigure")

    async def remove() -> None:
        await hass.config_entries.async_remove(account.entry_id)

    sandbox.fault = hold(remove)
    with suppress(UnknownEntry, UnknownFlow):
        await submit(hass, result, api_key=OTHER_API_KEY)

    assert f"cryptocloud.{account.entry_id}" not in hass_storage


async def test_key_of_another_account_after_a_restart(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that a restart before the first answer does not hide that the key is new."""

    async def fail_next() -> None:
        sandbox.fault = Status(503)

    sandbox.fault = hold(fail_next)
    await replace_key(hass, account)
    assert account.state is ConfigEntryState.SETUP_RETRY
    sandbox.fault = None
    sandbox.rows = [make_row("A", 150)]
    await restart(hass, account)

    assert reports == []


async def test_same_key_again(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    reports: Reports,
) -> None:
    """Test that entering the same key again hides no payment."""
    sandbox.rows = [make_row("A", 150), make_row("B", 6)]
    await replace_key(hass, account, API_KEY)

    assert reports == [("increased", "A", "50", "50"), ("increased", "B", "1", "1")]


async def test_new_key_before_the_first_answer(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that without any known balance there is no talk of another account."""
    sandbox.revoke(API_KEY)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await replace_key(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    assert reports == []
    assert "another account" not in caplog.text


@pytest.mark.parametrize(
    ("answers", "report", "received", "withdrawn"),
    [
        pytest.param(
            [make_row("A", 100, balance_usd=50), make_row("A", 110, balance_usd=22)],
            ("increased", "A", "10", "2"),
            "2",
            "0",
            id="at the rate of the answer",
        ),
        pytest.param(
            [make_row("A", 100, balance_usd=50), make_row("A", 0)],
            ("decreased", "A", "100", "50"),
            "0",
            "50",
            id="a withdrawal of everything",
        ),
        pytest.param(
            [make_row("A", 2, balance_usd=100), make_row("A", 1, balance_usd=None)],
            ("decreased", "A", "1", "50"),
            "0",
            "50",
            id="at the last rate if the answer has none",
        ),
        pytest.param(
            [
                make_row("A", 2, balance_usd=100),
                make_row("A", Decimal("0.00001"), balance_usd=0),
            ],
            ("decreased", "A", "1.99999", "100"),
            "0",
            "99.9995",
            id="what is left is too small for a rate",
        ),
        pytest.param(
            [make_row("A", 2, balance_usd=0), make_row("A", 5, balance_usd=0)],
            ("increased", "A", "3", "0"),
            "0",
            "0",
            id="worthless",
        ),
        pytest.param(
            [make_row("A", 3, balance_usd=1), make_row("A", 1, balance_usd=None)],
            ("decreased", "A", "2", "0.67"),
            "0",
            "0.666666666666666667",
            id="rounded to 18 decimals",
        ),
        pytest.param(
            [
                make_row("A", Decimal("1E-70"), balance_usd=Decimal("1E70")),
                make_row("A", 1, balance_usd=None),
            ],
            ("increased", "A", "0." + "9" * 70, None),
            "0",
            "0",
            id="absurd rate",
        ),
        pytest.param(
            [make_row("A", 1, balance_usd=-1), make_row("A", 2, balance_usd=-2)],
            ("increased", "A", "1", None),
            "0",
            "0",
            id="negative rate",
        ),
    ],
)
async def test_valued(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    reports: Reports,
    answers: list[dict[str, Any]],
    report: Report,
    received: str,
    withdrawn: str,
) -> None:
    """Test what a change is worth in USD."""
    sandbox.rows = answers[:1]
    await set_up(hass, entry)
    sandbox.rows = answers[1:]
    await poll()

    assert reports == [report]
    assert sums(hass) == (received, withdrawn)


async def test_valued_once_there_is_a_rate(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that amounts without a rate are added to the sums once there is one."""
    for balance in (10, 4):
        sandbox.rows = [make_row("C", balance, balance_usd=None)]
        await poll()
    assert reports == [("increased", "C", "10", None), ("decreased", "C", "6", None)]
    assert sums(hass) == ("0", "0")

    await restart(hass, account)
    sandbox.rows = [make_row("C", 4, balance_usd=2)]
    await poll()
    assert sums(hass) == ("5", "3")

    sandbox.rows = [make_row("C", 4, balance_usd=400)]
    await restart(hass, account)
    assert sums(hass) == ("5", "3")
    assert len(reports) == 2


async def test_first_rate_is_remembered(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that a withdrawal of everything while Home Assistant is down has a value."""
    sandbox.rows = [make_row("C", 10, balance_usd=None)]
    await set_up(hass, entry)
    sandbox.rows = [make_row("C", 10, balance_usd=20)]
    await poll()
    await hass.config_entries.async_unload(entry.entry_id)
    sandbox.rows = [make_row("C", 0)]
    await start(hass, entry)
    await started(hass)

    assert reports == [("decreased", "C", "10", "20")]


async def test_unloaded_account_writes_nothing(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    hass_storage: Storage,
) -> None:
    """Test that an answer that comes after the unloading changes no file."""
    key = f"cryptocloud.{account.entry_id}"
    before = hass_storage[key]
    sandbox.rows = [make_row("A", 150)]
    async with answer_in_flight(hass, sandbox):
        await hass.config_entries.async_unload(account.entry_id)

    assert hass_storage[key] == before


async def test_no_answer_removes_sensors(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that a currency that is gone keeps its sensors, units and options."""
    before = set(entity_registry.entities)
    sandbox.rows = [make_row("A", 100)]
    await restart(hass, account)
    assert set(entity_registry.entities) == before
    assert get_value(hass, "b") == STATE_UNAVAILABLE

    row = make_row("B", 5)
    row["currency"]["short_code"] = "OTHER"
    sandbox.rows = [make_row("A", 100), row]
    await restart(hass, account)
    state = hass.states.get("sensor.cryptocloud_b")
    assert state
    assert state.attributes["unit_of_measurement"] == "B"


async def test_written_only_if_a_balance_changed(
    hass: HomeAssistant, sandbox: Sandbox, account: MockConfigEntry, poll: Poll
) -> None:
    """Test that rates that move do not wear out a memory card."""
    with patch.object(Store, "async_save") as save:
        sandbox.rows = [make_row("A", 100, balance_usd=7), make_row("B", 5)]
        await poll()
        await poll()
        assert save.call_count == 0

        sandbox.rows = [make_row("A", 101, balance_usd=7), make_row("B", 6)]
        await poll()
        assert save.call_count == 1


async def test_file_is_private_and_removed_with_the_account(
    hass: HomeAssistant, account: MockConfigEntry, hass_storage: Storage
) -> None:
    """Test that nothing remains of an account, and that others cannot read it."""
    key = f"cryptocloud.{account.entry_id}"
    assert API_KEY not in str(hass_storage[key])
    with patch.object(ledger_module, "Store", wraps=Store) as store:
        async_get_ledger(hass, MockConfigEntry())
    assert store.call_args.kwargs["private"] is True

    await hass.config_entries.async_remove(account.entry_id)
    await hass.async_block_till_done()

    assert key not in hass_storage


async def test_file_of_an_account_that_could_not_be_unloaded(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    hass_storage: Storage,
) -> None:
    """Test that polls that go on do not bring the file back."""
    with patch.object(
        hass.config_entries, "async_unload_platforms", return_value=False
    ):
        await hass.config_entries.async_remove(account.entry_id)
    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    await account.runtime_data.async_refresh()
    await account.runtime_data.async_shutdown()

    assert account.runtime_data.ledger.received == 50
    assert f"cryptocloud.{account.entry_id}" not in hass_storage


async def test_disabled_event_keeps_nothing_for_later(
    hass: HomeAssistant,
    sandbox: Sandbox,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    poll: Poll,
    reports: Reports,
) -> None:
    """Test that changes are counted, and not reported when the event is enabled."""
    entity_registry.async_update_entity(
        EVENT, disabled_by=er.RegistryEntryDisabler.USER
    )
    await reload(hass, account)
    sandbox.rows = [make_row("A", 150), make_row("B", 5)]
    await poll()
    assert sums(hass) == ("50", "0")

    entity_registry.async_update_entity(EVENT, disabled_by=None)
    await reload(hass, account)
    await poll()

    assert reports == []


async def test_sums_are_unavailable_in_an_outage(
    hass: HomeAssistant, sandbox: Sandbox, account: MockConfigEntry, poll: Poll
) -> None:
    """Test that the sums come back with what arrived meanwhile."""
    sandbox.fault = Status(503)
    await poll()
    assert sums(hass) == (STATE_UNAVAILABLE, STATE_UNAVAILABLE)

    sandbox.fault = None
    sandbox.rows = [make_row("A", 99), make_row("B", 7)]
    await poll()
    assert sums(hass) == ("2", "1")


amounts = st.decimals(0, 1000, places=8)


@given(
    answers=st.lists(
        st.dictionaries(st.sampled_from("ABC"), amounts, min_size=1), min_size=1
    ),
    restarts=st.sets(st.integers(0, 50)),
)
async def test_reports_add_up_to_the_difference_of_balances(
    hass: HomeAssistant,
    hass_storage: Storage,
    answers: list[dict[str, Decimal]],
    restarts: set[int],
) -> None:
    """Test any order of answers, with gaps and restarts, at a rate of 2 USD."""
    hass_storage.clear()
    entry = MockConfigEntry()
    ledger = Ledger(hass, entry)
    await ledger.async_load()
    first: dict[str, Decimal] = {}
    last: dict[str, Decimal] = {}
    changes = dict.fromkeys("ABC", Decimal())
    for number, balances in enumerate(answers):
        if number in restarts:
            ledger = Ledger(hass, entry)
            await ledger.async_load()
        for code, balance in balances.items():
            # Listed for the first time by a later answer, it arrives with all it holds.
            first.setdefault(code, Decimal() if number else balance)
        last |= balances
        ledger.async_record(make_account(balances))
        await ledger.async_save(lambda: True)
        for change in ledger.async_take_changes():
            changes[change.currency.code] += change.amount

    assert changes == {
        code: last.get(code, Decimal()) - first.get(code, Decimal()) for code in "ABC"
    }
    assert ledger.received - ledger.withdrawn == 2 * sum(changes.values())


def make_account(balances: dict[str, Decimal]) -> Account:
    """Return an account whose currencies are worth 2 USD each."""
    currency = partial(
        Currency,
        short_code="X",
        name=None,
        network=None,
        network_name=None,
        icon_base=None,
        icon_network=None,
        stablecoin=False,
    )
    return Account(
        balances={
            code: Balance(
                currency=currency(code=code),
                balance=balance,
                balance_usd=2 * balance,
                available=None,
                available_usd=None,
            )
            for code, balance in balances.items()
        },
        total_usd=None,
        total_available_usd=None,
        unidentified=0,
    )
