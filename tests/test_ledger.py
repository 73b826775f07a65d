"""Tests of the rules of money in and money out, as automations see them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
import logging
from typing import Any
from unittest.mock import patch

from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud import ledger as ledger_module
from custom_components.cryptocloud.answer import parse_answer
from custom_components.cryptocloud.const import EVENT_BALANCE_CHANGE
from custom_components.cryptocloud.ledger import Ledger, async_get_ledger
from custom_components.cryptocloud.models import Account
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntryState,
    UnknownEntry,
)
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STARTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_component import async_update_entity
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from tools.sandbox import Status
from tools.sandbox.exact import to_json

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Row,
    Shop,
    get_state,
    get_value,
    hold,
    logged,
    make_row,
    set_options,
    start_flow,
    submit,
)

EVENT = "event.cryptocloud_balance_change"
SENSOR = "sensor.cryptocloud_a"
# What is reported when 100 A become 150
PAID = [("increased", "A", "50", "50")]
OTHER_ACCOUNT = (
    "CryptoCloud: the new API key belongs to another account; the difference between"
    " the two accounts is not counted"
)

type Disturbance = Callable[[Shop], Awaitable[object]]
type Heard = list[dict[str, Any]]


@pytest.fixture
async def heard(hass: HomeAssistant) -> Heard:
    """Return what an automation on payments over 1 USD reads when it runs."""
    return await hear_payments(hass)


async def hear_payments(hass: HomeAssistant) -> Heard:
    """Set up an automation on payments over 1 USD; return what it reads when it runs."""
    heard: Heard = []

    async def hear(call: Any) -> None:
        heard.append(dict(call.data))

    hass.services.async_register("test", "hear", hear)
    sensors = ("a", "total_balance", "received", "new_coin")
    automation = {
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
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    return heard


async def start(shop: Shop) -> None:
    """Set up an account while Home Assistant starts, as a new process does."""
    shop.hass.set_state(CoreState.starting)
    shop.hass.data.pop("cryptocloud_ledgers")
    await shop.reload()


async def end_start(shop: Shop) -> None:
    """Let Home Assistant end its start."""
    shop.hass.set_state(CoreState.running)
    shop.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await shop.hass.async_block_till_done()


async def restart(shop: Shop, **balances: Any) -> None:
    """Restart the integration, optionally with other balances afterwards."""
    await shop.unload()
    if balances:
        shop.set(**balances)
    await start(shop)
    await end_start(shop)


async def replace_key(shop: Shop, api_key: str = OTHER_API_KEY) -> None:
    """Give an account another key."""
    result = await start_flow(shop.hass, shop.entry, "reconfigure")
    result = await submit(shop.hass, result, api_key=api_key)
    assert result["reason"] == "reconfigure_successful"


@asynccontextmanager
async def answer_in_flight(shop: Shop) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Ask for the balances, and hold the answer back until it is released."""
    arrived, released = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await released.wait()

    shop.sandbox.fault, shop.sandbox.fault_count = hold(wait), 1
    poll = shop.hass.async_create_task(async_update_entity(shop.hass, SENSOR))
    await arrived.wait()

    async def release() -> None:
        released.set()
        await asyncio.wait([poll], timeout=5)

    yield release
    await release()
    await shop.hass.async_block_till_done()


def sums(shop: Shop) -> tuple[str, str]:
    """Return what was received and withdrawn."""
    return get_value(shop.hass, "received"), get_value(shop.hass, "withdrawn")


def key(shop: Shop) -> str:
    """Return the name of an account's file."""
    return f"cryptocloud.{shop.entry.entry_id}"


async def rename(shop: Shop, entity_id: str, new: str) -> None:
    """Rename an entity."""
    er.async_get(shop.hass).async_update_entity(entity_id, new_entity_id=new)
    await shop.hass.async_block_till_done()


async def rename_sensor(shop: Shop) -> None:
    """Rename a sensor there and back."""
    await rename(shop, SENSOR, "sensor.other")
    await rename(shop, "sensor.other", SENSOR)


async def rename_event(shop: Shop) -> None:
    """Rename the event."""
    await rename(shop, EVENT, "event.renamed")


async def disable(shop: Shop, entity_id: str, *, disabled: bool = True) -> None:
    """Disable an entity, or enable it."""
    er.async_get(shop.hass).async_update_entity(
        entity_id, disabled_by=er.RegistryEntryDisabler.USER if disabled else None
    )
    await shop.reload()


async def enable_sensor(shop: Shop) -> None:
    """Disable a sensor and enable it again."""
    for disabled in (True, False):
        await disable(shop, SENSOR, disabled=disabled)


async def do_nothing(shop: Shop) -> None:
    """Leave an account as it was set up."""


@pytest.mark.parametrize(
    "disturb",
    [do_nothing, Shop.reload, restart, rename_sensor, rename_event, enable_sensor],
)
async def test_same_answer(shop: Shop, heard: Heard, disturb: Disturbance) -> None:
    """Test that an automation on a payment reads the balances that it brought."""
    await disturb(shop)

    await shop.poll(A=5000, B=5)

    assert heard == [
        {"a": 5000, "total_balance": 5005, "received": 4900, "new_coin": "unknown"}
    ]


async def test_same_answer_for_a_new_currency(shop: Shop, heard: Heard) -> None:
    """Test that the sensor of a currency is there when its first funds are reported."""
    await shop.poll(A=100, B=5, NEW_COIN=2000)

    assert heard == [
        {"a": 100, "total_balance": 2105, "received": 2000, "new_coin": 2000}
    ]


async def outage(shop: Shop) -> None:
    """Let the service be down for two polls."""
    await shop.fail()
    await shop.fail()
    await shop.poll()


async def refused_key(shop: Shop) -> None:
    """Let the key be revoked and replaced."""
    shop.sandbox.revoke(API_KEY)
    await shop.poll()
    await replace_key(shop)
    assert shop.entry.state is ConfigEntryState.LOADED


async def fail_set_up(shop: Shop) -> None:
    """Let a set-up fail after the first refresh."""
    with patch.object(
        shop.hass.config_entries, "async_forward_entry_setups", side_effect=ValueError
    ):
        await shop.reload()
    assert shop.entry.state is ConfigEntryState.SETUP_ERROR


async def failed_set_up(shop: Shop) -> None:
    """Let a set-up fail, and the next one succeed."""
    await fail_set_up(shop)
    await shop.reload()


async def failed_set_up_and_restart(shop: Shop) -> None:
    """Let a set-up fail, and Home Assistant restart then."""
    await fail_set_up(shop)
    await start(shop)
    await end_start(shop)


async def stop_before_it_started(shop: Shop) -> None:
    """Let Home Assistant stop before its start has ended, and start again."""
    await shop.unload()
    await start(shop)
    await restart(shop)


async def parallel_refreshes(shop: Shop) -> None:
    """Let two refreshes run at a time."""
    async with answer_in_flight(shop):
        shop.hass.async_create_task(
            async_update_entity(shop.hass, "sensor.cryptocloud_b")
        )
    await shop.poll()


async def in_flight(shop: Shop) -> None:
    """Let an answer be on its way when the account is unloaded."""
    async with answer_in_flight(shop):
        await shop.unload()
    await shop.reload()


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
async def test_once(shop: Shop, disturb: Disturbance) -> None:
    """Test that a payment is reported exactly once, whatever else happens."""
    shop.set(A=150, B=5)
    await disturb(shop)
    await restart(shop)
    await shop.poll()

    assert shop.reports == PAID
    assert sums(shop) == ("50", "0")


async def stop(shop: Shop) -> None:
    """Stop Home Assistant."""
    shop.hass.set_state(CoreState.stopping)


@asynccontextmanager
async def slow_disk(hass: HomeAssistant) -> AsyncGenerator[asyncio.Event]:
    """Let no write end before the block does; the event says that one has begun."""
    writing, may_end = asyncio.Event(), asyncio.Event()
    save = Store.async_save
    writers = most = 0

    async def write(store: Store[Any], data: Any) -> None:
        nonlocal writers, most
        writers += 1
        most = max(most, writers)
        writing.set()
        await may_end.wait()
        await save(store, data)
        writers -= 1

    async def save_slowly(store: Store[Any], data: Any) -> None:
        # The thread that writes does not end with the task that waits for it.
        await asyncio.shield(hass.async_create_task(write(store, data)))

    with patch.object(Store, "async_save", save_slowly):
        yield writing
        may_end.set()
        await hass.async_block_till_done()
    assert most == 1, "a write could be overtaken"


async def turn_loop() -> None:
    """Let tasks get as far as they can without a disk."""
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.mark.parametrize("end", [Shop.unload, stop])
@pytest.mark.parametrize("cancel", [False, True])
async def test_once_if_it_ends_while_it_is_saved(
    shop: Shop, end: Callable[[Shop], Any], cancel: bool
) -> None:
    """Test that a change that is saved as reported is reported."""
    hass = shop.hass
    shop.set(A=150, B=5)
    async with slow_disk(hass) as writing:
        poll = hass.async_create_task(async_update_entity(hass, SENSOR))
        await writing.wait()
        if cancel:
            poll.cancel()
        ending = hass.async_create_task(end(shop))
        await turn_loop()
        assert ending.done() is (end is stop)
    assert shop.reports == []

    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    await restart(shop)

    assert shop.reports == PAID
    assert sums(shop) == ("50", "0")


async def test_once_if_the_key_is_replaced_while_it_is_saved(shop: Shop) -> None:
    """Test that a file is not written while it is being written."""
    hass = shop.hass
    shop.set(A=150, B=5)
    async with slow_disk(hass) as writing:
        hass.async_create_task(async_update_entity(hass, SENSOR))
        await writing.wait()
        is_replaced = asyncio.Event()
        async_dispatcher_connect(
            hass,
            SIGNAL_CONFIG_ENTRY_CHANGED,
            callback(lambda *_: is_replaced.set()),
        )
        replacing = hass.async_create_task(replace_key(shop))
        await is_replaced.wait()
        await turn_loop()
    await replacing
    await restart(shop)

    assert shop.reports == PAID
    assert sums(shop) == ("50", "0")


@pytest.mark.parametrize("is_unloaded", [True, False])
async def test_once_if_it_arrives_while_entities_are_removed(
    shop: Shop, is_unloaded: bool
) -> None:
    """Test that a change is reported later if nobody can hear of it."""
    entries = shop.hass.config_entries
    unload = entries.async_unload_platforms

    async def unload_slowly(*args: Any) -> bool:
        await async_update_entity(shop.hass, SENSOR)
        if is_unloaded:
            await unload(*args)
        assert shop.reports == []
        return is_unloaded

    shop.set(A=150, B=5)
    with patch.object(entries, "async_unload_platforms", unload_slowly):
        await shop.unload()
    await shop.hass.async_block_till_done()
    assert bool(shop.reports) is not is_unloaded
    if is_unloaded:
        await restart(shop)
    else:
        await shop.entry.runtime_data.async_shutdown()

    assert shop.reports == PAID


async def test_saved_before_it_is_reported(shop: Shop) -> None:
    """Test that a process killed while it reports does not report again."""
    stored: list[Any] = []
    shop.hass.bus.async_listen(
        EVENT_BALANCE_CHANGE,
        callback(lambda _: stored.append(shop.storage[key(shop)]["data"])),
    )
    await shop.poll(A=150, B=5)
    [data] = stored
    shop.reports.clear()

    shop.storage[key(shop)] |= {"data": data}
    await restart(shop)

    assert shop.reports == []
    assert sums(shop) == ("50", "0")


@pytest.mark.usefixtures("freezer")
async def test_heard_twice_in_one_millisecond(shop: Shop, heard: Heard) -> None:
    """Test that two changes of one currency run automations twice."""
    await shop.unload()
    shop.set(A=5000, B=5)
    await start(shop)
    shop.set(A=6000, B=5)
    await async_update_entity(shop.hass, SENSOR)
    await end_start(shop)

    assert len(heard) == 2


async def test_heard_after_a_restart(shop: Shop, heard: Heard) -> None:
    """Test that automations hear what arrived while Home Assistant was down."""
    await shop.unload()
    shop.set(A=5000, B=5)
    await start(shop)
    assert heard == []

    await end_start(shop)

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


async def test_heard_once_the_account_is_available(shop: Shop, heard: Heard) -> None:
    """Test that a change found at a start waits for the end of an outage."""
    await shop.unload()
    shop.set(A=5000, B=5)
    await start(shop)
    saved = shop.storage[key(shop)]
    await shop.fail()
    await end_start(shop)
    assert heard == []
    assert shop.storage[key(shop)] == saved

    await shop.poll()

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


@pytest.mark.parametrize("fault", [Status(503), None])
async def test_heard_before_the_next_answer_at_the_start(
    shop: Shop, heard: Heard, fault: Status | None
) -> None:
    """Test that nothing is asked while a change is saved as reported at the start."""
    await shop.unload()
    shop.set(A=5000, B=5)
    await start(shop)
    async with slow_disk(shop.hass) as writing:
        starting = shop.hass.async_create_task(end_start(shop))
        await writing.wait()
        shop.sandbox.fault, shop.sandbox.fault_count = fault, 1
        shop.set(A=6000, B=5)
        poll = shop.hass.async_create_task(async_update_entity(shop.hass, SENSOR))
        await turn_loop()
    await starting
    await poll

    await shop.poll()
    await shop.poll()

    assert [(call["a"], call["received"]) for call in heard] == [
        (5000, 4900),
        (6000, 5900),
    ]


async def test_heard_by_automations_that_start_with_home_assistant(shop: Shop) -> None:
    """Test that reports wait until automations have attached their triggers."""
    await shop.unload()
    shop.set(A=5000, B=5)
    shop.hass.set_state(CoreState.not_running)
    shop.hass.data.pop("cryptocloud_ledgers")
    await shop.hass.config_entries.async_setup(shop.entry.entry_id)
    heard = await hear_payments(shop.hass)

    await shop.hass.async_start()
    await shop.hass.async_block_till_done()

    assert [(call["a"], call["received"]) for call in heard] == [(5000, 4900)]


async def test_first_answer_after_a_start_lacks_a_currency(shop: Shop) -> None:
    """Test that a currency that is seen again brings only what it changed by."""
    await restart(shop, A=100)
    await shop.poll(A=100, B=7)

    assert shop.reports == [("increased", "B", "2", "2")]
    assert sums(shop) == ("2", "0")


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
    shop: Shop, caplog: pytest.LogCaptureFixture, stored: Any
) -> None:
    """Test that a file that is missing or damaged costs one warning and no invented payment."""
    await shop.unload()
    del shop.storage[key(shop)]
    if stored:
        shop.storage[key(shop)] = {"minor_version": 1, "key": key(shop)} | stored
    caplog.clear()
    await restart(shop, A=100)
    await shop.poll(A=101, B=5)

    assert shop.reports == [("increased", "A", "1", "1")]
    assert sums(shop) == ("1", "0")
    [warning] = logged(caplog, logging.WARNING)
    assert warning == (
        "CryptoCloud: the record of balances is missing or cannot be read; received and"
        " withdrawn start at zero"
    )


async def test_lost_record_of_an_account_without_sensors(
    new_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test the warning that sums start at zero where all sensors were removed."""
    await new_shop.set_up(A=100)
    await new_shop.poll(A=0)
    await set_options(new_shop.hass, new_shop.entry, only_funded=True, show_icons=True)
    await new_shop.unload()
    new_shop.storage[key(new_shop)]["data"] = {"received": []}
    caplog.clear()

    await restart(new_shop)
    await new_shop.reload()

    [warning] = logged(caplog, logging.WARNING)
    assert "the record of balances is missing or cannot be read" in warning


async def test_record_of_a_later_version_is_read(shop: Shop) -> None:
    """Test that what a later version adds to the file is left out."""
    await shop.unload()
    shop.storage[key(shop)] |= store(
        later=1,
        currencies={"A": LAST_KNOWN | {"later": 1}, "B": LAST_KNOWN},
        unreported=[CHANGE | {"currency": {"code": "A", "later": 1}, "later": 1}],
    )
    await restart(shop, A=7, B=8)

    assert shop.reports == [("increased", "A", "1", "1"), ("increased", "B", "1", "1")]
    assert sums(shop) == ("4", "4")


async def test_change_stored_with_fewer_fields_is_reported(new_shop: Shop) -> None:
    """Test a change that a version stored which knew fewer fields of a currency."""
    texts = ("network", "network_name", "icon_base", "icon_network")
    currency = {"code": "A", "short_code": "A", "name": "Name", "stablecoin": False}
    change = {"amount": "50", "amount_usd": "50.00", "balance": "150"}
    new_shop.storage[key(new_shop)] = {
        "minor_version": 1,
        "key": key(new_shop),
    } | store(
        received="50",
        withdrawn="0",
        currencies={"A": LAST_KNOWN | {"balance": "150"}},
        unreported=[change | {"currency": currency | dict.fromkeys(texts)}],
    )
    await new_shop.set_up(A=150)

    assert new_shop.reports == PAID
    assert sums(new_shop) == ("50", "0")


@pytest.mark.parametrize(
    "unreadable",
    [
        patch.object(Store, "async_load", side_effect=HomeAssistantError),
        patch.object(ledger_module, "STORAGE_VERSION", 0),
    ],
    ids=["the disk fails", "a later version wrote it"],
)
async def test_unreadable_file_is_kept(shop: Shop, unreadable: Any) -> None:
    """Test that a good file that cannot be read now is not overwritten."""
    await shop.poll(A=150, B=5)
    with unreadable:
        await restart(shop)
    await shop.poll(A=151, B=5)
    assert sums(shop) == ("1", "0")

    await restart(shop)

    assert sums(shop) == ("51", "0")


async def test_new_currency_is_received(shop: Shop) -> None:
    """Test that a currency listed for the first time brings all it holds."""
    await restart(shop, A=100, B=5, C=3)

    assert shop.reports == [("increased", "C", "3", "3")]
    assert sums(shop) == ("3", "0")


async def test_new_currency_paid_while_down_is_received(shop: Shop) -> None:
    """Test that a currency listed without funds is known over a restart."""
    await shop.poll(A=100, B=5, C=0)
    await restart(shop, A=100, B=5, C=10)

    assert shop.reports == [("increased", "C", "10", "10")]
    assert sums(shop) == ("10", "0")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([make_row("A", 100), make_row("C", 3), make_row(None, 4)], ["C"]),
        ([make_row("A", 100), make_row("C", 4)], []),
    ],
    ids=["another is new", "it says its currency now"],
)
async def test_new_currency_beside_one_that_is_unidentified(
    shop: Shop, rows: list[Row], expected: list[str]
) -> None:
    """Test that only what may have been there unidentified is no payment."""
    await shop.poll(make_row("A", 100), make_row(None, 4))
    shop.set(*rows)
    await restart(shop)

    assert [currency for _, currency, _, _ in shop.reports] == expected


async def test_key_of_another_account(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that the difference of two accounts is no payment, though both lack a coin."""
    await shop.poll(A=100, B=5, EMPTY=0)
    shop.set(A=150, B=0, C=9, EMPTY=0)
    await replace_key(shop)
    assert shop.reports == []
    assert logged(caplog, logging.WARNING) == [OTHER_ACCOUNT]

    await shop.poll(A=151, B=0, C=4, EMPTY=0)

    assert shop.reports == [("increased", "A", "1", "1"), ("decreased", "C", "5", "5")]
    assert sums(shop) == ("1", "5")


async def test_late_answer_for_the_old_key(shop: Shop) -> None:
    """Test that the old account's answer is not taken for the new one's."""
    save = Store.async_save
    shop.set(A=100, B=6)
    async with answer_in_flight(shop) as release:

        async def save_late(store: Store[Any], data: Any) -> None:
            if store.key == key(shop):
                await release()
                shop.set(A=150, B=7)
            await save(store, data)

        with patch.object(Store, "async_save", save_late):
            await replace_key(shop)

    assert shop.reports == []
    assert sums(shop) == ("0", "0")


async def test_key_of_another_account_whose_balances_cannot_be_read(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that it takes a balance to tell two accounts apart."""
    shop.set(A="?", B="?")
    await replace_key(shop)
    assert "another account" not in caplog.text

    await shop.poll(A=150, B=7)

    assert shop.reports == []
    assert "another account" in caplog.text


async def test_key_of_another_account_that_lists_what_is_empty_first(
    shop: Shop,
) -> None:
    """Test that empty currencies do not tell two accounts apart."""
    await shop.poll(A=100, B=5, EMPTY=0)
    shop.set(EMPTY=0)
    await replace_key(shop)

    await shop.poll(A=7, B=3, EMPTY=0)

    assert shop.reports == []
    assert sums(shop) == ("0", "0")


async def test_first_payment_after_a_new_key_for_an_empty_account(shop: Shop) -> None:
    """Test that an account that is paid out daily stays the same with a new key."""
    await shop.poll(A=0, B=0)
    await replace_key(shop)

    await shop.poll(A=7, B=0)

    assert shop.reports[-1] == ("increased", "A", "7", "7")


async def test_new_key_of_an_empty_account(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that balances that are zero before and after are no other account's."""
    await shop.poll(A=0, B=0)
    await replace_key(shop)

    assert "another account" not in caplog.text
    assert sums(shop) == ("0", "105")


async def test_removed_while_a_new_key_is_checked(shop: Shop) -> None:
    """Test that the file of a removed account does not come back."""
    result = await start_flow(shop.hass, shop.entry, "reconfigure")

    async def remove() -> None:
        await shop.hass.config_entries.async_remove(shop.entry.entry_id)

    shop.sandbox.fault = hold(remove)
    with suppress(UnknownEntry, UnknownFlow):
        await submit(shop.hass, result, api_key=OTHER_API_KEY)

    assert key(shop) not in shop.storage


async def test_key_of_another_account_after_a_restart(shop: Shop) -> None:
    """Test that a restart before the first answer does not hide that the key is new."""

    async def fail_next() -> None:
        shop.sandbox.fault = Status(503)

    shop.sandbox.fault = hold(fail_next)
    await replace_key(shop)
    assert shop.entry.state is ConfigEntryState.SETUP_RETRY
    shop.sandbox.fault = None
    await restart(shop, A=150)

    assert shop.reports == []


async def test_new_key_is_remembered_before_it_is_used(shop: Shop) -> None:
    """Test that a kill after the new key was stored does not hide that it is new."""
    shop.sandbox.fault = Status(503)
    await shop.reload()
    remembered: list[bool] = []

    async def note() -> None:
        remembered.append(shop.storage[key(shop)]["data"]["key_replaced"])

    shop.sandbox.fault = hold(note)
    await replace_key(shop)

    assert remembered == [False, True]


async def test_new_key_is_new_once(shop: Shop) -> None:
    """Test that a restart does not doubt an account that was recognized."""
    await replace_key(shop)
    await restart(shop, A=150, B=6)

    assert shop.reports == [*PAID, ("increased", "B", "1", "1")]


async def test_new_key_before_the_set_up(shop: Shop) -> None:
    """Test that a key replaced before the file was read loses no sums."""
    await shop.poll(A=150, B=5)
    await shop.unload()
    shop.hass.data.pop("cryptocloud_ledgers")
    await replace_key(shop)

    assert sums(shop) == ("50", "0")


async def test_same_key_again(shop: Shop) -> None:
    """Test that entering the same key again hides no payment."""
    shop.set(A=150, B=6)
    await replace_key(shop, API_KEY)

    assert shop.reports == [*PAID, ("increased", "B", "1", "1")]


async def test_new_key_before_the_first_answer(
    new_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that without any known balance there is no talk of another account."""
    new_shop.sandbox.revoke(API_KEY)
    await new_shop.reload()
    await replace_key(new_shop)

    assert new_shop.entry.state is ConfigEntryState.LOADED
    assert new_shop.reports == []
    assert "another account" not in caplog.text


@pytest.mark.parametrize(
    ("first", "then", "event_type", "amount", "amount_usd", "added"),
    [
        # At the rate of the answer
        ((100, 50), (110, 22), "increased", "10", "2", "2"),
        # A withdrawal of everything
        ((100, 50), (0, 0), "decreased", "100", "50", "50"),
        # At the last rate if the answer has none
        ((2, 100), (1, None), "decreased", "1", "50", "50"),
        # What is left is too small for a rate
        ((2, 100), (Decimal("0.00001"), 0), "decreased", "1.99999", "100", "99.9995"),
        # Worthless
        ((2, 0), (5, 0), "increased", "3", "0", "0"),
        # Rounded to 18 decimals
        ((3, 1), (1, None), "decreased", "2", "0.67", "0.666666666666666667"),
        # Absurd and negative rates
        (
            (Decimal("1E-70"), 10**70),
            (1, None),
            "increased",
            f"0.{'9' * 70}",
            None,
            "0",
        ),
        ((1, -1), (2, -2), "increased", "1", None, "0"),
    ],
)
async def test_valued(
    new_shop: Shop,
    first: tuple[Any, Any],
    then: tuple[Any, Any],
    event_type: str,
    amount: str,
    amount_usd: str | None,
    added: str,
) -> None:
    """Test what a change is worth in USD, from balances and their values."""
    before, after = (make_row("A", row[0], balance_usd=row[1]) for row in (first, then))
    await new_shop.set_up(before)
    await new_shop.poll(after)

    assert new_shop.reports == [(event_type, "A", amount, amount_usd)]
    expected = {"increased": "0", "decreased": "0"} | {event_type: added}
    assert sums(new_shop) == (expected["increased"], expected["decreased"])


async def test_valued_once_there_is_a_rate(shop: Shop) -> None:
    """Test that amounts without a rate are added to the sums once there is one."""
    for balance in (10, 4):
        await shop.poll(make_row("C", balance, balance_usd=None))
    reports = [("increased", "C", "10", None), ("decreased", "C", "6", None)]
    assert shop.reports == reports
    assert sums(shop) == ("0", "0")

    await restart(shop)
    await shop.poll(make_row("C", 4, balance_usd=2))
    assert sums(shop) == ("5", "3")

    shop.set(make_row("C", 4, balance_usd=400))
    await restart(shop)
    assert sums(shop) == ("5", "3")
    assert shop.reports == reports


async def test_first_rate_is_remembered(new_shop: Shop) -> None:
    """Test that a withdrawal of everything while Home Assistant is down has a value."""
    await new_shop.set_up(make_row("C", 10, balance_usd=None))
    await new_shop.poll(make_row("C", 10, balance_usd=20))
    await restart(new_shop, C=0)

    assert new_shop.reports == [("decreased", "C", "10", "20")]


async def test_unloaded_account_writes_nothing(shop: Shop) -> None:
    """Test that an answer that comes after the unloading changes no file."""
    before = shop.storage[key(shop)]
    shop.set(A=150)
    async with answer_in_flight(shop):
        await shop.unload()

    assert shop.storage[key(shop)] == before


async def test_no_answer_removes_sensors(
    shop: Shop, entity_registry: er.EntityRegistry
) -> None:
    """Test that a currency that is gone keeps its sensors, units and options."""
    before = set(entity_registry.entities)
    await restart(shop, A=100)
    assert set(entity_registry.entities) == before
    assert get_value(shop.hass, "b") == STATE_UNAVAILABLE

    row = make_row("B", 5)
    row["currency"]["short_code"] = "OTHER"
    shop.set(row, A=100)
    await restart(shop)
    assert get_state(shop.hass, "b").attributes["unit_of_measurement"] == "B"


async def test_written_only_if_a_balance_changed(shop: Shop) -> None:
    """Test that rates that move do not wear out a memory card."""
    row = make_row("B", 5, balance_usd=7)
    with patch.object(Store, "async_save") as save:
        await shop.poll(row, A=100)
        await shop.poll()
        await shop.reload()
        assert save.call_count == 0

        await shop.poll(A=101, B=6)
        assert save.call_count == 1


async def test_unidentified_row_that_comes_and_goes_is_written_once(shop: Shop) -> None:
    """Test that only what a restart must know is written without a balance's change."""
    save = Store.async_save
    written = []

    async def count(store: Store[Any], data: Any) -> None:
        written.append(data["unidentified"])
        await save(store, data)

    with patch.object(Store, "async_save", count):
        for _ in range(2):
            await shop.poll(make_row(None, 4), A=100, B=5)
            await shop.poll(A=100, B=5)
    assert written == [1]

    await restart(shop)
    await shop.poll(make_row(None, 4), A=100, B=5)
    with patch.object(Store, "async_save", count):
        await shop.poll(A=100, B=5)
    assert written == [1]


async def test_file_is_private_and_removed_with_the_account(shop: Shop) -> None:
    """Test that nothing remains of an account, and that others cannot read it."""
    assert API_KEY not in str(shop.storage[key(shop)])
    with patch.object(ledger_module, "Store", wraps=Store) as store:
        async_get_ledger(shop.hass, MockConfigEntry())
    assert store.call_args.kwargs["private"] is True

    await shop.hass.config_entries.async_remove(shop.entry.entry_id)
    await shop.hass.async_block_till_done()

    assert key(shop) not in shop.storage


async def test_file_of_an_account_that_could_not_be_unloaded(shop: Shop) -> None:
    """Test that polls that go on do not bring the file back."""
    entries, coordinator = shop.hass.config_entries, shop.entry.runtime_data
    with patch.object(entries, "async_unload_platforms", return_value=False):
        await entries.async_remove(shop.entry.entry_id)
    shop.set(A=150, B=5)
    await coordinator.async_refresh()
    await coordinator.async_shutdown()

    assert coordinator.ledger.received == 50
    assert key(shop) not in shop.storage


async def test_disabled_event_keeps_nothing_for_later(shop: Shop) -> None:
    """Test that changes are counted, and not reported when the event is enabled."""
    await disable(shop, EVENT)
    await shop.poll(A=150, B=5)
    assert sums(shop) == ("50", "0")

    await disable(shop, EVENT, disabled=False)
    await shop.poll()

    assert shop.reports == []


async def test_sums_are_unavailable_in_an_outage(shop: Shop) -> None:
    """Test that the sums come back with what arrived during the outage."""
    await shop.fail()
    assert sums(shop) == (STATE_UNAVAILABLE, STATE_UNAVAILABLE)

    await shop.poll(A=99, B=7)
    assert sums(shop) == ("2", "1")


amounts = st.decimals(0, 1000, places=8)


@given(
    answers=st.lists(
        st.dictionaries(st.sampled_from("ABC"), amounts, min_size=1), min_size=1
    ),
    restarts=st.sets(st.integers(0, 50)),
)
async def test_reports_add_up_to_the_difference_of_balances(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
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
    rows = [
        make_row(code, balance, balance_usd=2 * balance)
        for code, balance in balances.items()
    ]
    body = to_json({"status": "success", "result": rows}).encode()
    account = parse_answer(200, body, {})
    assert isinstance(account, Account)
    return account
