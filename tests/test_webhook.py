"""Tests of instant updates: CryptoCloud calls, and the balances are read at once."""

import ast
import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
import gc
from inspect import iscoroutine
import logging
from pathlib import Path
import re
import sys
import time
import tracemalloc
from typing import Any
from unittest.mock import DEFAULT, AsyncMock

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from aiohttp.web import Request, Response, StreamResponse
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.cryptocloud.const import DOMAIN
from homeassistant import components
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    CONF_WEBHOOK_ID,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_STATE_CHANGED,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.importlib import DATA_IMPORT_CACHE
from homeassistant.setup import async_setup_component
from homeassistant.util.aiohttp import MockRequest
from homeassistant.util.async_ import get_scheduled_timer_handles
from tools.sandbox import Status
from tools.sandbox.faults import ANSWER

from .cloud import Cloud
from .common import (
    API_KEY,
    ON,
    OTHER_API_KEY,
    Shop,
    complaints,
    get_value,
    hold,
    logged,
    make_entry,
    make_row,
    open_address,
    read,
    set_options,
    set_up,
    start_flow,
    submit,
    turn_on,
)

EXTERNAL_URL = "https://shop.example:8123"
OFF = ON | {"instant_updates": False}
OPTIONS_WHEN_OFF = {"only_funded": False, "show_icons": True}
NEW_YEAR = "2026-01-01T00:00:00+00:00"
FAULTS = {
    "works": None,
    "401": Status(401),
    "429": Status(429, headers={"Retry-After": "400"}),
    "503": Status(503),
    "refused": Status(401, {"detail": "Signature verification failed"}),
}


@dataclass
class Address:
    """The address of a shop's account, and those who call it."""

    shop: Shop
    url: str
    client: TestClient[Any, Any]
    freezer: FrozenDateTimeFactory

    async def call(self, method: str = "POST", **request: Any) -> ClientResponse:
        """Call, and wait until what that causes is done."""
        response = await self.client.request(method, URL(self.url).path, **request)
        await settle(self.shop)
        return response

    async def wait(self, seconds: float) -> None:
        """Let seconds pass."""
        self.freezer.tick(seconds)
        async_fire_time_changed(self.shop.hass)
        await settle(self.shop)


async def settle(shop: Shop) -> None:
    """Wait until nothing is going on."""
    await shop.hass.async_block_till_done(wait_background_tasks=True)


async def call_directly(shop: Shop, url: str) -> Response:
    """Call as the cloud passes a call on, without waiting for what that causes."""
    request = MockRequest(b"{}", "cloud", method="POST", headers={"Content-Type": "x"})
    return await webhook.async_handle_webhook(shop.hass, URL(url).name, request)


async def read_last_call(shop: Shop) -> str:
    """Return what the step says about the last call."""
    result = await open_address(shop.hass, shop.entry)
    shop.hass.config_entries.options.async_abort(result["flow_id"])
    return read(result, "last_call")


def get_issues(shop: Shop) -> list[str | None]:
    """Return the keys of the integration's repairs."""
    issues = ir.async_get(shop.hass).issues.values()
    return [issue.translation_key for issue in issues if issue.domain == DOMAIN]


def get_records(shop: Shop) -> list[Any]:
    """Return what is stored about calls."""
    return [shop.storage[name]["data"] for name in shop.storage if "webhook" in name]


@pytest.fixture(autouse=True)
async def external_url(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Have an external address and no cloud, and stop the clocks."""
    # It cannot format a time that stands still.
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    monkeypatch.delitem(sys.modules, "homeassistant.components.cloud", raising=False)
    await hass.config.async_update(external_url=EXTERNAL_URL)


@pytest.fixture
async def address(
    shop: Shop,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
) -> Address:
    """Turn instant updates on, and return the address."""
    await async_setup_component(shop.hass, "homeassistant", {})
    url = await turn_on(shop.hass, shop.entry)
    shop.sandbox.request_count = 0
    return Address(shop, url, await hass_client_no_auth(), freezer)


async def test_off_by_default(shop: Shop) -> None:
    """Test that without the option nothing is registered, stored or asked for."""
    await set_options(shop.hass, shop.entry, **OFF)
    assert shop.entry.options == OPTIONS_WHEN_OFF
    assert shop.entry.data == {"api_key": API_KEY}
    assert webhook.DOMAIN not in shop.hass.config.components


async def test_address(shop: Shop, address: Address) -> None:
    """Test that the address is external, stays, and can be looked up at any time."""
    hass, entry = shop.hass, shop.entry
    assert address.url == f"{EXTERNAL_URL}/api/webhook/{entry.data[CONF_WEBHOOK_ID]}"
    assert entry.options == ON
    await shop.reload()
    result = await start_flow(hass, entry, "reconfigure")
    await submit(hass, result, api_key=OTHER_API_KEY)
    assert await turn_on(hass, entry) == address.url

    url = "https://other.example"
    await hass.config.async_update(external_url=url)
    assert await turn_on(hass, entry) == address.url.replace(EXTERNAL_URL, url)

    # Without an address, polling goes on.
    await hass.config.async_update(external_url=None, internal_url=EXTERNAL_URL)
    result = await set_options(hass, entry, **ON)
    assert (result["step_id"], result["errors"]) == ("init", {"base": "no_address"})
    await shop.reload()
    await shop.poll(A=5)
    assert get_value(hass, "a") == "5"
    await hass.config.async_update(external_url=EXTERNAL_URL)
    result = await hass.config_entries.options.async_configure(result["flow_id"], ON)
    assert read(result, "webhook_url") == address.url


async def test_other_options_need_no_address(shop: Shop, address: Address) -> None:
    """Test that other options are saved while there is no address, which is kept."""
    hass, entry = shop.hass, shop.entry
    options = ON | {"show_icons": False}
    await hass.config.async_update(external_url=None)
    result = await set_options(hass, entry, **options)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == options
    await hass.config.async_update(external_url=EXTERNAL_URL)
    assert await turn_on(hass, entry) == address.url
    shop.set(A=2)
    await address.call()
    assert get_value(hass, "a") == "2"


async def test_turning_it_on_needs_an_address(shop: Shop) -> None:
    """Test that nothing is saved where CryptoCloud cannot call."""
    await shop.hass.config.async_update(external_url=None)
    result = await set_options(shop.hass, shop.entry, **ON | {"show_icons": False})
    assert result["errors"] == {"base": "no_address"}
    assert shop.entry.data == {"api_key": API_KEY}
    assert shop.entry.options == OPTIONS_WHEN_OFF


@pytest.mark.parametrize("fault", [FAULTS["works"], FAULTS["503"]])
async def test_form_that_is_open_for_long(new_shop: Shop, fault: Status | None) -> None:
    """Test that the address that was copied is the one that is saved."""
    hass, entry = new_shop.hass, new_shop.entry
    new_shop.sandbox.fault = fault
    await set_up(hass, entry)
    result = await open_address(hass, entry)
    assert entry.data == {"api_key": API_KEY}
    new_shop.sandbox.fault = None
    await new_shop.reload()
    await hass.config_entries.options.async_configure(result["flow_id"], {})
    await settle(new_shop)
    url = read(result, "webhook_url")
    assert await turn_on(hass, entry) == url
    new_shop.set(A=2)
    await call_directly(new_shop, url)
    await settle(new_shop)
    assert get_value(hass, "a") == "2"


async def test_option_without_an_address(new_shop: Shop) -> None:
    """Test that a damaged entry gets an address that works."""
    hass, entry = new_shop.hass, new_shop.entry
    hass.config_entries.async_update_entry(entry, options=ON)
    await new_shop.set_up(A=1)
    result = await open_address(hass, entry)
    new_shop.set(A=2)
    await call_directly(new_shop, read(result, "webhook_url"))
    await settle(new_shop)
    assert get_value(hass, "a") == "2"


async def test_other_option_that_fails_is_named(shop: Shop) -> None:
    """Test that sensors are removed only when the options are saved."""
    await shop.poll(A=0)
    configure = shop.hass.config_entries.options.async_configure
    only_funded = ON | {"only_funded": True}
    result = await set_options(shop.hass, shop.entry, **only_funded)
    assert result["step_id"] == "instant_updates"
    assert shop.hass.states.get("sensor.cryptocloud_a")
    await shop.fail()
    result = await configure(result["flow_id"], {})
    assert (result["step_id"], result["errors"]) == ("init", {"base": "no_balances"})
    await shop.poll()
    result = await configure(result["flow_id"], only_funded)
    await configure(result["flow_id"], {})
    await settle(shop)
    assert not shop.hass.states.get("sensor.cryptocloud_a")


# What happens, or the seconds that pass, and how often CryptoCloud was asked by then
STORIES = {
    "payment at once": "pay 0, call 1, paid 1, 21 1, 40 1",
    "payment after a second": "call 1, pay 1, 21 2, paid 2, 40 2",
    "payment after 30 s": "call 1, 30 2, pay 2, 31 3, paid 3",
    "no payment": "call 1, 19 1, 2 2, 38 2, 2 3, 140 3",
    "another rate": "rate 0, call 1, 21 2",
    "payment before": "pay 0, refresh 1, 11 1, call 2, 21 3",
    "calls start over": "call 1, 15 1, call 2, 6 2, 15 3, 25 3, 15 4, 124 4",
    "calls share a poll": "call 1, call 1, call 1, 9 1, 2 2",
    "other polls let no more through": "call 1, poll 2, call 2",
    "outage": "503 0, call 1, works 1, pay 1, 21 2, paid 2",
    "pause": "429 0, call 1, works 1, 11 1, call 1, 380 1, call 1, pay 1, 15 2, paid 2",
    "pause without polls": "no polls 0, 429 0, call 1, works 1, 11 1, call 1, 380 1, "
    "pay 1, 10 2, paid 2",
    "possible refusal without polls": "no polls 0, 401 0, call 1, works 1, pay 1, "
    "40 1, call 1, 22 2, paid 2",
    "another error in a pause": "429 0, call 1, 503 1, 11 1, refresh 2, works 2, "
    "11 2, call 2",
    "balances in a pause": "429 0, call 1, works 1, 11 1, refresh 2, 11 3",
    # Only a user uses a key once it was rejected.
    "rejected key": "refused 0, call 1, call 1, 11 1, 10 1, 40 1, call 1, 7200 1, "
    "call 1, 11 1, pay 1, works 1, refresh 2, paid 2, 11 2, call 3, 301 4",
    "rejection meanwhile": "held 0, knock 0, asked 1, revoked 1, knock 1, goes on 1, "
    "11 1, 11 1, 40 1, call 1",
    "call during set-up": "unload 0, held 0, set up 0, asked 1, knock 1, goes on 1, "
    "11 1, 70 1, call 2",
    "call during unload": "held 0, knock 0, asked 1, knock 1, unload 1, knock 1, "
    "goes on 1, 11 1, 70 1, call 1",
    "call before the sensors": "unload 0, pay early 0, set up 2, paid 2",
    "set-up that fails": "unload 0, fail once 0, set up 1, call 1, unload 1, set up 2, "
    "pay 2, call 3, paid 3",
    **{
        f"rejected key and {error}": f"refused 0, call 1, {error} 1, 11 1, refresh 2, "
        "works 2, 11 2, call 2, 7200 2, call 2, 11 2, pay 2, new key 4, paid 4, 11 4, "
        "call 5, 301 6"
        for error in ("503", "401", "429")
    },
}


@pytest.fixture
def actions(
    shop: Shop, address: Address, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Callable[[], object]]:
    """Return what can happen."""
    hass, entry, config_entries = shop.hass, shop.entry, shop.hass.config_entries
    set_fault = partial(setattr, shop.sandbox, "fault")
    asked, goes_on = asyncio.Event(), asyncio.Event()
    forward = AsyncMock(
        wraps=config_entries.async_forward_entry_setups,
        side_effect=[ConfigEntryNotReady, DEFAULT],
    )

    async def until_it_goes_on() -> None:
        asked.set()
        await goes_on.wait()

    def go_on() -> None:
        shop.sandbox.fault = None
        goes_on.set()

    async def enter_key() -> None:
        [flow] = config_entries.flow.async_progress_by_handler(DOMAIN)
        key = {"api_key": OTHER_API_KEY}
        await config_entries.flow.async_configure(flow["flow_id"], key)

    async def refresh() -> None:
        target = {"entity_id": "sensor.cryptocloud_total_balance"}
        update = hass.services.async_call
        await update("homeassistant", "update_entity", target, blocking=True)

    @callback
    def pay_early(_: Event[Any]) -> None:
        shop.set(A=101, C=1)
        hass.async_create_task(call_directly(shop, address.url))

    def check_states() -> None:
        balances = {row["currency"]["code"]: row["balance_crypto"] for row in shop.rows}
        for code, balance in balances.items():
            assert get_value(hass, code.lower()) == str(balance)

    return {
        **{name: partial(set_fault, fault) for name, fault in FAULTS.items()},
        "asked": asked.wait,
        "call": address.call,
        "fail once": lambda: monkeypatch.setattr(
            config_entries, "async_forward_entry_setups", forward
        ),
        "goes on": go_on,
        "held": lambda: set_fault(hold(until_it_goes_on)),
        "knock": lambda: call_directly(shop, address.url),
        "new key": enter_key,
        "no polls": lambda: config_entries.async_update_entry(
            entry, pref_disable_polling=True
        ),
        "paid": check_states,
        "pay": lambda: shop.set(A=101, B=5),
        "pay early": lambda: hass.bus.async_listen_once(EVENT_STATE_CHANGED, pay_early),
        "poll": entry.runtime_data.async_refresh,
        "rate": lambda: shop.set(make_row("A", 100, balance_usd=2), B=5),
        "refresh": refresh,
        "revoked": lambda: shop.sandbox.revoke(API_KEY),
        "set up": lambda: config_entries.async_setup(entry.entry_id),
        "unload": shop.unload,
    }


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_polls(
    shop: Shop,
    address: Address,
    actions: dict[str, Callable[[], object]],
    caplog: pytest.LogCaptureFixture,
    story: str,
) -> None:
    """Test when CryptoCloud is asked for the balances."""
    is_held = False
    for step in story.split(", "):
        action, polls = step.rsplit(" ", 1)
        if action not in actions:
            await address.wait(int(action))
        elif iscoroutine(done := actions[action]()):
            task = shop.hass.async_create_task(done)
        is_held = (is_held or action == "held") and action != "goes on"
        if action == "asked":
            await task
        elif not is_held:
            await settle(shop)
        assert (step, shop.sandbox.request_count) == (step, int(polls))
    assert [text for text in complaints(caplog) if "Cloud data" not in text] == []


@pytest.mark.parametrize("reason", ["call", "schedule"])
@pytest.mark.parametrize(("before", "after"), [(0, 2), (0, 12), (1, 24), (11, 1)])
async def test_call_during_a_poll(
    shop: Shop, address: Address, reason: str, before: int, after: int
) -> None:
    """Test that a call leads to a poll that begins after it, even during a slow one."""
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def fault(request: Request) -> StreamResponse:
        # As it was when CryptoCloud was asked
        response = await request.app[ANSWER](request)
        asked.set()
        await goes_on.wait()
        return response

    async def wait(seconds: int) -> None:
        address.freezer.tick(seconds)
        async_fire_time_changed(shop.hass)
        for _ in range(20):
            await asyncio.sleep(0)

    shop.set(A=101, B=5)
    shop.sandbox.fault, shop.sandbox.fault_count = fault, 1
    if reason == "call":
        await call_directly(shop, address.url)
    else:
        shop.hass.async_create_task(shop.entry.runtime_data.async_refresh())
    await asked.wait()
    await wait(before)
    shop.set(A=101, B=6)
    await call_directly(shop, address.url)
    await wait(after)
    goes_on.set()
    await settle(shop)
    assert get_value(shop.hass, "a") == "101"
    await address.wait(11)
    assert get_value(shop.hass, "b") == "6"
    assert shop.sandbox.request_count == 2
    await address.wait(100)
    assert shop.sandbox.request_count == 2


# Attacks


async def endless() -> AsyncGenerator[bytes]:
    """Send without an end."""
    while True:
        yield bytes(2**16)
        await asyncio.sleep(0)


async def chunked() -> AsyncGenerator[bytes]:
    """Send in parts."""
    for _ in range(10):
        yield b"part"


BODIES: dict[str, dict[str, Any]] = {
    "none": {},
    "empty": {"data": b""},
    "16 MiB": {"data": b"\0" * 2**24},
    "chunked": {"data": chunked()},
    "endless": {"data": endless()},
    "JSON": {"json": {"status": "success", "amount_crypto": 1, "currency": "BTC"}},
    "form": {"data": {"status": "success", "token": "a.b.c"}},
    "broken JSON": {"data": b"{", "headers": {"Content-Type": "application/json"}},
    "charset": {"data": b"\xff", "headers": {"Content-Type": "text/plain; charset=x"}},
    "multipart": {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    "encoding": {"data": b"x", "headers": {"Content-Encoding": "gzip"}},
    "query": {"params": {"a": "b" * 4000}},
}


@pytest.mark.parametrize("body", BODIES)
async def test_any_body(
    shop: Shop, address: Address, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    """Test that a call is answered before its body has arrived, whatever it is."""
    shop.set(A=4)
    response = await address.call(**BODIES[body])
    assert response.status == 200
    assert await response.json() == {"message": "Postback received"}
    response.close()
    assert get_value(shop.hass, "a") == "4"
    assert shop.sandbox.request_count == 1
    assert complaints(caplog) == []


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 405), ("PUT", 405), ("HEAD", 200), ("PATCH", 405)]
)
async def test_other_methods(
    address: Address, method: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that only POST leads to a poll, and that no log contains the address."""
    assert (await address.call(method)).status == status
    assert address.shop.sandbox.request_count == 0
    assert complaints(caplog) == []


@pytest.mark.heavy
async def test_thousand_calls(
    shop: Shop, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test that calls from ten connections neither add up nor hold the event loop."""
    longest = 0.0
    run = asyncio.Handle._run

    def measure(handle: asyncio.Handle) -> None:
        nonlocal longest
        start = time.thread_time()
        run(handle)
        longest = max(longest, time.thread_time() - start)

    def count_timers() -> int:
        timers = get_scheduled_timer_handles(shop.hass.loop)
        return sum(not timer.cancelled() for timer in timers)

    async def knock() -> None:
        path = URL(address.url).path
        for _ in range(100):
            async with address.client.post(path, json={"status": "success"}) as answer:
                assert answer.status == 200

    await address.call()
    tasks, timers = len(asyncio.all_tasks()), count_timers()
    with monkeypatch.context() as patch:
        # The garbage is that of all tests.
        gc.disable()
        patch.setattr(asyncio.Handle, "_run", measure)
        await asyncio.gather(*(knock() for _ in range(10)))
        await settle(shop)
        gc.enable()
    assert shop.sandbox.request_count == 1
    assert longest < 0.05
    assert len(asyncio.all_tasks()) <= tasks + 20  # Connections of the client
    assert count_timers() <= timers + 40
    await address.wait(11)
    assert shop.sandbox.request_count == 2


@pytest.mark.heavy
async def test_thousand_calls_leave_memory_flat(shop: Shop, address: Address) -> None:
    """Test that calls leave nothing, without what a client and the log keep of them."""

    async def knock() -> int:
        for _ in range(1000):
            await call_directly(shop, address.url)
        await settle(shop)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    logging.disable()
    tracemalloc.start()
    try:
        await knock()
        before = await knock()
        after = await knock()
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)

    assert after - before < 1000 * 10


async def test_two_accounts(shop: Shop, address: Address) -> None:
    """Test that a call is for one account only, and that both have their ten seconds."""
    hass, other = shop.hass, make_entry(OTHER_API_KEY, title="Second")
    assert await set_up(hass, other)
    other_url = await turn_on(hass, other)
    assert other_url != address.url
    shop.set(A=9)
    await address.call()
    assert get_value(hass, "a") == "9"
    assert hass.states.is_state("sensor.second_a", "100")
    await hass.config_entries.async_remove(shop.entry.entry_id)
    await call_directly(shop, other_url)
    await settle(shop)
    assert hass.states.is_state("sensor.second_a", "9")


async def test_example_that_passes_the_call_on(shop: Shop, address: Address) -> None:
    """Test that a shop's server calls with the line that the page shows."""
    page = Path(__file__).parents[1] / "docs" / "instant-updates.md"
    [example] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    url = str(address.client.make_url(URL(address.url).path))
    code = f"import urllib.request\n{example.replace('ADDRESS', url)}"
    shop.set(A=3)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0
    await settle(shop)
    assert get_value(shop.hass, "a") == "3"


# The cloud


def test_stand_in_is_like_the_cloud() -> None:
    """Test that Home Assistant has the same functions, and exports them."""
    source = Path(components.__path__[0], "cloud", "__init__.py").read_text()
    functions = {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    ours = {name for name in vars(Cloud) if name.startswith("async_")}
    for name in ours:
        code = vars(Cloud)[name].__code__
        assert [*code.co_varnames[1 : code.co_argcount]] == functions[name]
    # 2026.6 has no list of what it exports.
    _, _, exported = source.partition("__all__ = ")
    assert not exported or all(f'"{name}",' in exported for name in ours)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, external_url: None) -> Cloud:
    """Stand in for the cloud, which not every test environment can import."""
    cloud = Cloud()
    monkeypatch.setitem(sys.modules, "homeassistant.components.cloud", cloud)
    return cloud


async def end(shop: Shop, how: str) -> None:
    """Remove an account, turn instant updates off, or only reload."""
    config_entries, entry = shop.hass.config_entries, shop.entry
    if how == "turn off":
        result = await config_entries.options.async_init(entry.entry_id)
        await config_entries.options.async_configure(result["flow_id"], OFF)
        assert entry.data == {"api_key": API_KEY}
        assert entry.options == OPTIONS_WHEN_OFF
    elif how == "remove":
        await config_entries.async_remove(entry.entry_id)
    else:
        assert await config_entries.async_reload(entry.entry_id)


@pytest.mark.parametrize("how", ["remove", "turn off"])
@pytest.mark.parametrize("state", ["loaded", "in an outage", "not loaded"])
async def test_life_of_the_address(
    cloud: Cloud,
    shop: Shop,
    address: Address,
    caplog: pytest.LogCaptureFixture,
    state: str,
    how: str,
) -> None:
    """Test that the address, its hook and the record end with account or option."""
    hass, entry = shop.hass, shop.entry
    assert address.url == "https://hooks.example/0"
    await shop.reload()
    assert await turn_on(hass, entry) == address.url
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    assert cloud.hooks == {webhook_id: address.url}
    assert len(cloud.listeners) == 1
    address.url = f"{EXTERNAL_URL}/api/webhook/{webhook_id}"
    await address.call()
    await address.wait(11)
    assert len(get_records(shop)) == 1
    if state == "not loaded":
        await shop.unload()
    elif state == "in an outage":
        shop.sandbox.fault = FAULTS["503"]
        await shop.reload()

    @callback
    def call_late(_: Event[Any]) -> None:
        hass.async_create_task(call_directly(shop, address.url))

    # The sensors change while the account is unloaded.
    hass.bus.async_listen_once(EVENT_STATE_CHANGED, call_late)
    await end(shop, how)
    await settle(shop)
    assert cloud.hooks == {}
    assert cloud.listeners == []
    shop.sandbox.request_count = 0
    assert (await address.call()).status == 200
    await address.wait(100)
    assert shop.sandbox.request_count <= (how == "turn off" and state == "in an outage")
    assert get_records(shop) == []
    assert complaints(caplog) == [] or state == "in an outage"
    if how == "turn off":
        assert await turn_on(hass, entry) == "https://hooks.example/1"
        assert [*cloud.hooks] == [entry.data[CONF_WEBHOOK_ID]] != [webhook_id]
        assert await read_last_call(shop) == "never"


@pytest.mark.parametrize("how", ["close", "save", "remove"])
async def test_form_that_is_not_saved(cloud: Cloud, shop: Shop, how: str) -> None:
    """Test that an address that was only shown leaves nothing."""
    options = shop.hass.config_entries.options
    forms = [await open_address(shop.hass, shop.entry) for _ in range(2)]
    assert len(cloud.hooks) == 2
    assert shop.entry.data == {"api_key": API_KEY}
    if how == "remove":
        await end(shop, how)
        forms = []
    if how == "save":
        await options.async_configure(forms.pop()["flow_id"], {})
    for form in forms:
        options.async_abort(form["flow_id"])
    await settle(shop)
    ids = [shop.entry.data[CONF_WEBHOOK_ID]] if how == "save" else []
    assert [*cloud.hooks] == ids
    assert options.async_progress() == []
    # What would be written soon is written at the end.
    shop.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await settle(shop)
    assert get_records(shop) == []


@pytest.mark.parametrize(
    ("waits", "how"),
    [
        *[("form", "close"), ("form", "remove")],
        *[("account", "reload"), ("account", "remove"), ("account", "turn off")],
    ],
)
async def test_cloud_that_answers_late(
    cloud: Cloud, shop: Shop, caplog: pytest.LogCaptureFixture, waits: str, how: str
) -> None:
    """Test that a hook is deleted if nobody needs it by the time it is made."""
    if waits == "account":
        cloud.connected = False
        assert (await turn_on(shop.hass, shop.entry)).startswith(EXTERNAL_URL)
    cloud.answers.clear()
    if waits == "account":
        cloud.connect(connected=True)
    else:
        form = asyncio.create_task(open_address(shop.hass, shop.entry))
    await cloud.asked.wait()
    if how == "close":
        [flow] = shop.hass.config_entries.options.async_progress()
        shop.hass.config_entries.options.async_abort(flow["flow_id"])
    else:
        await end(shop, how)
    cloud.answers.set()
    if waits == "form":
        with pytest.raises(UnknownFlow):
            await form
    await settle(shop)
    assert [*cloud.hooks.values()] == ["https://hooks.example/0"] * (how == "reload")
    assert complaints(caplog) == []


async def test_address_follows_the_cloud(
    cloud: Cloud, shop: Shop, address: Address
) -> None:
    """Test that the address is the cloud's while there is a subscription."""
    hass, entry = shop.hass, shop.entry
    cloud.connect(connected=False)
    assert await turn_on(hass, entry) == address.url == "https://hooks.example/0"
    cloud.subscription = False
    cloud.connect(connected=False)
    assert (await turn_on(hass, entry)).startswith(EXTERNAL_URL)
    await hass.config.async_update(external_url=None)
    result = await set_options(hass, entry, **ON)
    assert result["errors"] == {"base": "no_address"}

    cloud.hooks = {}
    cloud.subscription = True
    cloud.connect(connected=True)
    await settle(shop)
    assert cloud.hooks == {entry.data[CONF_WEBHOOK_ID]: "https://hooks.example/1"}
    cloud.connect(connected=False)
    assert await turn_on(hass, entry) == "https://hooks.example/1"


async def test_hook_that_the_cloud_changes(
    cloud: Cloud, shop: Shop, address: Address
) -> None:
    """Test that a hook that is replaced or deleted is shown no more, even offline."""
    hass, entry = shop.hass, shop.entry
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    url = "https://hooks.example/other"
    cloud.change(webhook_id, url)
    cloud.change("of another integration", "https://hooks.example/more")
    cloud.connect(connected=False)
    assert await turn_on(hass, entry) == url
    cloud.change(webhook_id, None)
    assert await turn_on(hass, entry) == f"{EXTERNAL_URL}/api/webhook/{webhook_id}"
    cloud.connect(connected=True)
    await settle(shop)
    assert await turn_on(hass, entry) == cloud.hooks[webhook_id] != url
    await end(shop, "turn off")
    await settle(shop)
    assert cloud.hook_listeners == []


# The last call, and calls that do not come


async def test_last_call(shop: Shop, address: Address) -> None:
    """Test that the step says when CryptoCloud last called, also after a restart."""
    await shop.hass.config.async_set_time_zone("Asia/Tokyo")
    assert await read_last_call(shop) == "never"
    address.freezer.move_to("2026-11-25 20:15:01+00:00")
    await address.call()
    await address.wait(100)
    [record] = get_records(shop)
    assert record["last"] == "2026-11-25T20:15:01+00:00"
    await shop.reload()
    assert await read_last_call(shop) == "2026-11-26 05:15:01"


@pytest.mark.parametrize(
    ("stored", "last_call", "issues"),
    [
        ({"payments": 5}, "never", ["no_notifications"]),
        ({"payments": 4}, "never", []),
        ({"last": NEW_YEAR}, "2026-01-01 00:00:00", []),
        ({"last": 7, "payments": 9}, "never", []),
        ({"last": NEW_YEAR, "payments": "x"}, "never", []),
        ({"payments": 9, "first_payment": 7}, "never", []),
        ({"payments": 9, "first_payment": None}, "never", []),
    ],
)
async def test_stored_call(
    new_shop: Shop, stored: dict[str, Any], last_call: str, issues: list[str]
) -> None:
    """Test that the record outlives a restart, and a damaged one does no harm."""
    await new_shop.hass.config.async_set_time_zone("UTC")
    key = f"{DOMAIN}.{new_shop.entry.entry_id}.webhook"
    data = {"last": None, "payments": 0, "first_payment": NEW_YEAR} | stored
    new_shop.storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await new_shop.set_up(A=1)
    await turn_on(new_shop.hass, new_shop.entry)
    assert await read_last_call(new_shop) == last_call
    assert get_issues(new_shop) == issues


async def test_call_that_an_older_version_stored(
    new_shop: Shop, freezer: FrozenDateTimeFactory
) -> None:
    """Test that a record without the first payment is read, and goes on."""
    key = f"{DOMAIN}.{new_shop.entry.entry_id}.webhook"
    data = {"last": None, "payments": 5, "turned_on": NEW_YEAR}
    new_shop.storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    await new_shop.set_up(A=1)
    await turn_on(new_shop.hass, new_shop.entry)
    for amount in (2, 3):
        freezer.tick(timedelta(hours=25))
        assert get_issues(new_shop) == []
        await new_shop.poll(A=amount)
    assert get_issues(new_shop) == ["no_notifications"]


async def notice(
    address: Address, hours: float, *balances: dict[str, int], restarts: bool = False
) -> None:
    """Let polls notice balances, some hours apart, or set-ups."""
    for amounts in balances:
        address.freezer.tick(timedelta(hours=hours))
        if restarts:
            await address.shop.unload()
            await address.shop.reload(**amounts)
            await address.shop.poll(A=1)
        else:
            await address.shop.poll(**amounts)


async def test_calls_that_do_not_come(shop: Shop, address: Address) -> None:
    """Test that five payments in a row over a day, noticed by polling, are a repair."""
    await notice(address, 7, {"A": 101}, {"A": 102, "B": 6}, {"C": 1}, {"B": 7})
    assert get_issues(shop) == []
    await notice(address, 7, {"A": 103})
    assert get_issues(shop) == ["no_notifications"]
    issue_id = f"no_notifications_{shop.entry.entry_id}"
    issue = ir.async_get(shop.hass).async_get_issue(DOMAIN, issue_id)
    assert issue
    assert issue.translation_placeholders == {"account": "CryptoCloud"}
    assert not issue.is_fixable

    await shop.unload()
    assert get_issues(shop) == []
    await shop.reload()
    assert get_issues(shop) == ["no_notifications"]
    await address.call()
    for amount in range(104, 109):
        assert get_issues(shop) == []
        await notice(address, 7, {"A": amount})
    assert get_issues(shop) == ["no_notifications"]
    await set_options(shop.hass, shop.entry, **OFF)
    assert get_issues(shop) == []


PAYMENTS = [{"A": amount} for amount in range(101, 109)]


@pytest.mark.parametrize(
    ("hours", "balances", "restarts"),
    [
        pytest.param(0.1, PAYMENTS, False, id="within an hour"),
        pytest.param(48, PAYMENTS[:1], False, id="a single one"),
        pytest.param(7, PAYMENTS, True, id="while Home Assistant was off"),
        pytest.param(7, [{"A": 99 - n} for n in range(8)], False, id="withdrawals"),
        pytest.param(
            7, [{"A": 99 - n, "B": 6 + n} for n in range(8)], False, id="conversions"
        ),
        pytest.param(7, [{"A": 1}, {"A": 1, "B": 5}] * 6, False, id="gap in the list"),
        pytest.param(
            30, [dict.fromkeys("ABCDEF", 200)], False, id="one payment in six"
        ),
    ],
)
async def test_no_repair(
    shop: Shop,
    address: Address,
    hours: float,
    balances: list[dict[str, int]],
    restarts: bool,
) -> None:
    """Test that there is no repair without a reason."""
    await notice(address, hours, *balances, restarts=restarts)
    assert get_issues(shop) == []


async def test_burst_after_quiet_days(shop: Shop, address: Address) -> None:
    """Test that five payments are a repair only if they span a day."""
    await address.call()
    address.freezer.tick(timedelta(days=2))
    await notice(address, 0.1, *PAYMENTS[:5])
    assert get_issues(shop) == []
    await notice(address, 24, PAYMENTS[5])
    assert get_issues(shop) == ["no_notifications"]


async def test_payments_that_lag_behind_a_call(shop: Shop, address: Address) -> None:
    """Test that a payment is announced although a later poll notices it."""
    await address.call()
    await notice(address, 0.02, *PAYMENTS)
    address.freezer.tick(timedelta(days=2))
    await shop.reload()
    assert get_issues(shop) == []


# What is missing


@pytest.mark.no_fail_on_log_exception
async def test_without_webhooks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that the account loads and is polled where Home Assistant has no webhooks."""
    await turn_on(shop.hass, shop.entry)
    monkeypatch.setitem(sys.modules, webhook.__name__, None)
    monkeypatch.delattr(components, "webhook")
    for name in [*sys.modules]:
        if name.startswith(f"custom_components.{DOMAIN}.webhook"):
            monkeypatch.delitem(sys.modules, name)
    # Home Assistant keeps what it imported.
    shop.hass.data.pop(DATA_IMPORT_CACHE)
    await shop.reload()
    assert shop.entry.state is ConfigEntryState.LOADED
    assert logged(caplog, logging.WARNING) == ["Webhook could not be set up"]
    result = await set_options(shop.hass, shop.entry, **ON)
    assert result["errors"] == {"base": "unknown"}
    await shop.poll(A=7)
    assert get_value(shop.hass, "a") == "7"
    await set_options(shop.hass, shop.entry, **OFF)
    assert shop.entry.options == OPTIONS_WHEN_OFF
    assert await shop.hass.config_entries.async_remove(shop.entry.entry_id)
