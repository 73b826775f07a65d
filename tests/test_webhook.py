"""Tests of instant updates: CryptoCloud calls, and the balances are read at once."""

import ast
import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
import gc
import logging
from pathlib import Path
import re
import sys
import time
from types import ModuleType
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant import components
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.importlib import DATA_IMPORT_CACHE
from homeassistant.util import dt as dt_util
from homeassistant.util.aiohttp import MockRequest
from homeassistant.util.async_ import get_scheduled_timer_handles
from tools.sandbox import Sandbox, Status

from .common import (
    API_KEY,
    ON,
    OTHER_API_KEY,
    Poll,
    complaints,
    get_value,
    hold,
    logged,
    make_entry,
    make_row,
    open_address,
    read,
    reload,
    set_options,
    set_up,
    start_flow,
    submit,
    turn_on,
)

EXTERNAL_URL = "https://shop.example:8123"
OFF = ON | {"instant_updates": False}
ANSWER = {"message": "Postback received"}

type Call = Callable[..., Awaitable[ClientResponse]]
type Wait = Callable[[float], Awaitable[None]]


async def read_last_call(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return what the step says about the last call."""
    result = await open_address(hass, entry)
    hass.config_entries.options.async_abort(result["flow_id"])
    return read(result, "last_call")


def get_issues(hass: HomeAssistant) -> list[str | None]:
    """Return the keys of the integration's repairs."""
    issues = ir.async_get(hass).issues
    return [
        issue.translation_key
        for (domain, _), issue in issues.items()
        if domain == DOMAIN
    ]


def pay(sandbox: Sandbox, amount: int) -> None:
    """Let the account hold another amount."""
    sandbox.rows = [make_row("A", amount)]


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
async def url(hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry) -> str:
    """Return the address of an account that has instant updates on."""
    pay(sandbox, 1)
    assert await set_up(hass, entry)
    url = await turn_on(hass, entry)
    sandbox.request_count = 0
    return url


@pytest.fixture
async def client(
    url: str, hass_client_no_auth: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return a client that knows nothing but the address."""
    return await hass_client_no_auth()


@pytest.fixture
def call(hass: HomeAssistant, client: TestClient[Any, Any], url: str) -> Call:
    """Call the address, and wait until what that causes is done."""

    async def call(method: str = "POST", **request: Any) -> ClientResponse:
        response = await client.request(method, URL(url).path, **request)
        await hass.async_block_till_done(wait_background_tasks=True)
        return response

    return call


@pytest.fixture
def wait(hass: HomeAssistant) -> Wait:
    """Let seconds pass, counted from the start of the test."""
    start = dt_util.utcnow()

    async def wait(seconds: float) -> None:
        async_fire_time_changed(hass, start + timedelta(seconds=seconds))
        await hass.async_block_till_done(wait_background_tasks=True)

    return wait


async def test_call_brings_the_balances(
    hass: HomeAssistant, sandbox: Sandbox, call: Call
) -> None:
    """Test that a call is answered as CryptoCloud expects, and leads to one poll."""
    pay(sandbox, 3)
    response = await call()
    assert response.status == 200
    assert await response.json() == ANSWER
    assert get_value(hass, "a") == "3"
    assert sandbox.request_count == 1


async def test_off_by_default(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that without the option nothing is registered, stored or asked for."""
    assert webhook.DOMAIN not in hass.config.components
    assert loaded_entry.data == {"api_key": API_KEY}
    await set_options(hass, loaded_entry, **OFF)
    assert loaded_entry.options == {"only_funded": False, "show_icons": True}
    assert loaded_entry.data == {"api_key": API_KEY}
    assert webhook.DOMAIN not in hass.config.components


async def test_address(hass: HomeAssistant, url: str, entry: MockConfigEntry) -> None:
    """Test that the address is external, stays, and can be looked up at any time."""
    assert URL(url).origin() == URL(EXTERNAL_URL)
    assert URL(url).path == f"/api/webhook/{entry.data[CONF_WEBHOOK_ID]}"
    assert entry.options == ON
    assert await turn_on(hass, entry) == url
    await reload(hass, entry)
    assert await turn_on(hass, entry) == url

    await hass.config.async_update(external_url="https://other.example")
    assert await turn_on(hass, entry) == url.replace(
        EXTERNAL_URL, "https://other.example"
    )


async def test_no_address(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, url: str, poll: Poll
) -> None:
    """Test that the form says what is missing, and that polling goes on."""
    await hass.config.async_update(external_url=None)
    result = await set_options(hass, entry, **ON)
    assert result["step_id"] == "init"
    assert result["errors"] == {"base": "no_address"}
    await reload(hass, entry)
    pay(sandbox, 5)
    await poll()
    assert get_value(hass, "a") == "5"

    await hass.config.async_update(external_url=EXTERNAL_URL)
    result = await hass.config_entries.options.async_configure(result["flow_id"], ON)
    assert read(result, "webhook_url") == url


async def test_turning_off_leaves_nothing(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sandbox: Sandbox,
    entry: MockConfigEntry,
    url: str,
    call: Call,
) -> None:
    """Test that the address ends with the option, and another one follows."""
    await call()
    sandbox.request_count = 0
    await set_options(hass, entry, **OFF)
    assert entry.data == {"api_key": API_KEY}
    assert entry.options == {"only_funded": False, "show_icons": True}
    assert [name for name in hass_storage if "webhook" in name] == []
    sandbox.request_count = 0
    await call()
    assert sandbox.request_count == 0
    assert await turn_on(hass, entry) != url
    assert await read_last_call(hass, entry) == "never"


async def test_other_option_that_fails_is_named(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that sensors are removed only when the options are saved."""
    sandbox.rows = [make_row("A", 0)]
    assert await set_up(hass, entry)
    result = await set_options(hass, entry, **ON | {"only_funded": True})
    assert result["step_id"] == "instant_updates"
    assert hass.states.get("sensor.cryptocloud_a")
    sandbox.fault = Status(503)
    await poll()
    configure = hass.config_entries.options.async_configure
    result = await configure(result["flow_id"], {})
    assert result["step_id"] == "init"
    assert result["errors"] == {"base": "no_balances"}
    sandbox.fault = None
    await poll()
    result = await configure(result["flow_id"], ON | {"only_funded": True})
    await configure(result["flow_id"], {})
    await hass.async_block_till_done()
    assert not hass.states.get("sensor.cryptocloud_a")


# When nothing has changed, and how often CryptoCloud is asked


@pytest.mark.parametrize(
    ("paid_after", "polls"),
    [(0, [1, 1, 1]), (1, [1, 2, 2]), (2, [1, 2, 3]), (None, [1, 2, 3])],
)
async def test_balance_that_lags(
    sandbox: Sandbox, call: Call, wait: Wait, paid_after: int | None, polls: list[int]
) -> None:
    """Test that the balances are read after 20 and 60 seconds until they change."""
    counts = []
    for number, seconds in enumerate([0, 21, 61]):
        if number == paid_after:
            pay(sandbox, 2)
        await (wait(seconds) if seconds else call())
        counts.append(sandbox.request_count)
    await wait(200)
    assert counts == polls
    assert sandbox.request_count == polls[-1]


async def test_value_alone_is_no_change(
    sandbox: Sandbox, call: Call, wait: Wait
) -> None:
    """Test that another exchange rate does not count as the payment."""
    sandbox.rows = [make_row("A", 1, balance_usd=2)]
    await call()
    await wait(21)
    assert sandbox.request_count == 2


async def test_further_calls_start_over(
    hass: HomeAssistant,
    sandbox: Sandbox,
    call: Call,
    wait: Wait,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that calls meanwhile move the follow-ups, and add none."""
    await call()
    freezer.tick(15)
    await call()
    await wait(16)
    assert sandbox.request_count == 2
    # 20 seconds after the first call
    await wait(21)
    assert sandbox.request_count == 2
    await wait(36)
    assert sandbox.request_count == 3
    await wait(61)
    assert sandbox.request_count == 3
    await wait(76)
    assert sandbox.request_count == 4
    await wait(200)
    assert sandbox.request_count == 4


async def test_one_poll_in_ten_seconds(
    sandbox: Sandbox, call: Call, wait: Wait, poll: Poll
) -> None:
    """Test that calls share a poll, also after one that was scheduled."""
    for _ in range(5):
        await call()
    assert sandbox.request_count == 1
    await wait(9)
    assert sandbox.request_count == 1
    await wait(11)
    assert sandbox.request_count == 2


async def test_scheduled_poll_does_not_let_more_through(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, call: Call
) -> None:
    """Test that a poll of another kind does not end the ten seconds."""
    await call()
    await entry.runtime_data.async_refresh()
    assert sandbox.request_count == 2
    await call()
    assert sandbox.request_count == 2


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


@pytest.mark.parametrize(
    "request_options",
    [
        {},
        {"data": b""},
        {"data": b"\0" * 2**24},
        {"data": chunked()},
        {"data": endless()},
        {"json": {"status": "success", "amount_crypto": 1, "currency": "BTC"}},
        {"data": {"status": "success", "token": "a.b.c"}},
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"data": b"\xff", "headers": {"Content-Type": "text/plain; charset=nothing"}},
        {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": b"x", "headers": {"Content-Encoding": "gzip"}},
        {"params": {"a": "b" * 4000}},
    ],
    ids=[
        "none",
        "empty",
        "16 MiB",
        "chunked",
        "endless",
        "JSON",
        "form",
        "broken JSON",
        "charset",
        "multipart",
        "encoding",
        "query",
    ],
)
async def test_any_body(
    hass: HomeAssistant,
    sandbox: Sandbox,
    call: Call,
    caplog: pytest.LogCaptureFixture,
    request_options: dict[str, Any],
) -> None:
    """Test that a call is answered before its body has arrived, whatever it is."""
    pay(sandbox, 4)
    response = await call(**request_options)
    assert response.status == 200
    assert await response.json() == ANSWER
    response.close()
    assert get_value(hass, "a") == "4"
    assert sandbox.request_count == 1
    assert complaints(caplog) == []


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 405), ("PUT", 405), ("HEAD", 200), ("PATCH", 405)]
)
async def test_other_methods(
    sandbox: Sandbox,
    call: Call,
    method: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that only POST leads to a poll, and that no log tells the address."""
    assert (await call(method)).status == status
    assert sandbox.request_count == 0
    assert complaints(caplog) == []


@pytest.mark.heavy
async def test_thousand_calls(
    hass: HomeAssistant,
    sandbox: Sandbox,
    client: TestClient[Any, Any],
    url: str,
    wait: Wait,
    monkeypatch: pytest.MonkeyPatch,
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
        return sum(
            not timer.cancelled() for timer in get_scheduled_timer_handles(hass.loop)
        )

    async def knock() -> None:
        for _ in range(100):
            async with client.post(URL(url).path, json={"status": "success"}) as answer:
                assert answer.status == 200

    async def knock_from_ten() -> None:
        await asyncio.gather(*(knock() for _ in range(10)))
        await hass.async_block_till_done(wait_background_tasks=True)

    await client.post(URL(url).path)
    await hass.async_block_till_done(wait_background_tasks=True)
    tasks = len(asyncio.all_tasks())
    timers = count_timers()
    with monkeypatch.context() as patch:
        # The garbage is that of all tests.
        gc.disable()
        patch.setattr(asyncio.Handle, "_run", measure)
        await knock_from_ten()
        gc.enable()
    assert sandbox.request_count == 1
    assert longest < 0.05
    assert len(asyncio.all_tasks()) <= tasks + 20  # Connections of the client
    assert count_timers() <= timers + 40
    await wait(11)
    assert sandbox.request_count == 2


async def test_call_for_an_account_that_was_removed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sandbox: Sandbox,
    entry: MockConfigEntry,
    call: Call,
    wait: Wait,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that the address and what was pending end with the account."""
    await call()
    await wait(11)
    await hass.config_entries.async_remove(entry.entry_id)
    assert (await call()).status == 200
    await wait(100)
    assert sandbox.request_count == 1
    assert [name for name in hass_storage if name.startswith(DOMAIN)] == []
    assert complaints(caplog) == []


@pytest.mark.parametrize("moment", ["set-up", "unload"])
async def test_call_during(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    url: str,
    caplog: pytest.LogCaptureFixture,
    moment: str,
) -> None:
    """Test a call while the account comes and goes."""
    asked, called = asyncio.Event(), asyncio.Event()

    async def until_called() -> None:
        asked.set()
        await called.wait()

    sandbox.fault = hold(until_called)
    if moment == "set-up":
        await hass.config_entries.async_unload(entry.entry_id)
        change = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
        await asked.wait()
        assert (await client.post(URL(url).path)).status == 200
        called.set()
        assert await change
        assert entry.state is ConfigEntryState.LOADED
        assert get_value(hass, "a") == "1"
    else:
        # The poll that the first call leads to is not over.
        assert (await client.post(URL(url).path)).status == 200
        await asked.wait()
        change = hass.async_create_task(
            hass.config_entries.async_unload(entry.entry_id)
        )
        assert (await client.post(URL(url).path)).status == 200
        assert await change
        called.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert sandbox.request_count == 1
    assert complaints(caplog) == []


async def test_no_poll_with_a_rejected_key(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    call: Call,
    wait: Wait,
    poll: Poll,
) -> None:
    """Test that calls use a key no more once it was rejected."""
    sandbox.revoke(API_KEY)
    await call()
    await call()
    await wait(11)
    await wait(21)
    await wait(61)
    assert (await call()).status == 200
    assert sandbox.request_count == 1

    # With another key, calls count again.
    [flow] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"api_key": OTHER_API_KEY}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    pay(sandbox, 6)
    await call()
    assert get_value(hass, "a") == "6"


async def test_key_rejected_while_called(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    url: str,
    wait: Wait,
) -> None:
    """Test a call during the poll in which the key is rejected."""
    asked, called = asyncio.Event(), asyncio.Event()

    async def until_called() -> None:
        asked.set()
        await called.wait()

    sandbox.revoke(API_KEY)
    sandbox.fault = hold(until_called)
    refresh = hass.async_create_task(entry.runtime_data.async_refresh())
    await asked.wait()
    await client.post(URL(url).path)
    called.set()
    await refresh
    for seconds in (11, 22, 61, 120):
        await wait(seconds)
    assert sandbox.request_count == 1


async def test_call_during_an_outage(
    hass: HomeAssistant, sandbox: Sandbox, call: Call, wait: Wait
) -> None:
    """Test that a call finds out that the service is back."""
    sandbox.fault = Status(503)
    await call()
    assert get_value(hass, "a") == "unavailable"
    sandbox.fault = None
    pay(sandbox, 8)
    await wait(21)
    assert get_value(hass, "a") == "8"


async def test_call_during_a_pause(
    hass: HomeAssistant, sandbox: Sandbox, call: Call, wait: Wait, poll: Poll
) -> None:
    """Test that no call ends a pause that CryptoCloud asked for."""
    sandbox.fault = Status(429, headers={"Retry-After": "400"})
    await call()
    sandbox.fault = None
    await wait(11)
    await call()
    await wait(61)
    assert sandbox.request_count == 1
    await poll(timedelta(seconds=401))
    assert get_value(hass, "a") == "1"


async def test_two_accounts(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, url: str, call: Call
) -> None:
    """Test that a call is for one account only, and that both have their ten seconds."""
    other = make_entry(OTHER_API_KEY, title="Second")
    assert await set_up(hass, other)
    other_url = await turn_on(hass, other)
    assert other_url != url
    sandbox.request_count = 0
    pay(sandbox, 9)
    await call()
    state = hass.states.get("sensor.second_a")
    assert state
    assert (get_value(hass, "a"), state.state) == ("9", "1")
    await hass.config_entries.async_remove(entry.entry_id)
    request = MockRequest(b"", "test", method="POST")
    await webhook.async_handle_webhook(hass, URL(other_url).name, request)
    await hass.async_block_till_done(wait_background_tasks=True)
    state = hass.states.get("sensor.second_a")
    assert state
    assert state.state == "9"


async def test_call_through_the_cloud(
    hass: HomeAssistant, sandbox: Sandbox, url: str
) -> None:
    """Test the kind of request that the cloud passes on."""
    pay(sandbox, 2)
    request = MockRequest(
        b'{"status": "success"}', "cloud", method="POST", headers={"Content-Type": "x"}
    )
    response = await webhook.async_handle_webhook(hass, URL(url).name, request)
    assert response.status == 200
    assert response.body == b'{"message": "Postback received"}'
    await hass.async_block_till_done(wait_background_tasks=True)
    assert get_value(hass, "a") == "2"


async def test_example_that_passes_the_call_on(
    hass: HomeAssistant,
    sandbox: Sandbox,
    client: TestClient[Any, Any],
    url: str,
) -> None:
    """Test that a shop's server calls with the line that the page shows."""
    page = Path(__file__).parents[1] / "docs" / "instant-updates.md"
    [example] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    address = str(client.make_url(URL(url).path))
    pay(sandbox, 3)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import urllib.request\n{example.replace('ADDRESS', address)}",
    )
    assert await process.wait() == 0
    await hass.async_block_till_done(wait_background_tasks=True)
    assert get_value(hass, "a") == "3"


# The cloud


class Cloud(ModuleType):
    """A stand-in for the public functions of Home Assistant Cloud's integration."""

    class CloudNotAvailable(Exception):  # noqa: N818 # as there
        """Raised when there is no cloud."""

    def __init__(self) -> None:
        """Initialize a cloud with a subscription."""
        super().__init__("cloud")
        self.subscription = True
        self.connected = True
        self.hooks: dict[str, str] = {}
        self.listeners: list[Callable[[object], None]] = []

    def async_active_subscription(self, hass: HomeAssistant) -> bool:
        """Return whether there is a subscription."""
        return self.subscription

    async def async_get_or_create_cloudhook(
        self, hass: HomeAssistant, webhook_id: str
    ) -> str:
        """Return the address of a hook."""
        if not self.connected:
            raise self.CloudNotAvailable
        await asyncio.sleep(0)
        return self.hooks.setdefault(
            webhook_id, f"https://hooks.example/{len(self.hooks)}"
        )

    async def async_delete_cloudhook(
        self, hass: HomeAssistant, webhook_id: str
    ) -> None:
        """Delete a hook."""
        if webhook_id not in self.hooks:
            raise ValueError("Hook is not enabled for the cloud.")
        del self.hooks[webhook_id]

    def async_listen_connection_change(
        self, hass: HomeAssistant, target: Callable[[object], None]
    ) -> Callable[[], None]:
        """Call a listener when the connection changes."""
        self.listeners.append(target)
        return lambda: self.listeners.remove(target)

    def connect(self, connected: bool) -> None:
        """Change the connection."""
        self.connected = connected
        for listener in self.listeners:
            listener(object())


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


@pytest.mark.parametrize("end", ["remove", "turn off"])
async def test_life_of_the_cloud_hook(
    hass: HomeAssistant,
    cloud: Cloud,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    end: str,
) -> None:
    """Test that there is one hook, which ends with the account or the option."""
    assert cloud.hooks == {}
    assert await turn_on(hass, loaded_entry) == "https://hooks.example/0"
    await reload(hass, loaded_entry)
    assert await turn_on(hass, loaded_entry) == "https://hooks.example/0"
    assert [*cloud.hooks] == [loaded_entry.data[CONF_WEBHOOK_ID]]
    assert len(cloud.listeners) == 1
    if end == "remove":
        await hass.config_entries.async_remove(loaded_entry.entry_id)
    else:
        sandbox.fault = Status(503)
        await set_options(hass, loaded_entry, **OFF)
        assert loaded_entry.data == {"api_key": API_KEY}
    assert cloud.hooks == {}
    assert cloud.listeners == []


async def test_address_follows_the_cloud(
    hass: HomeAssistant, cloud: Cloud, url: str, entry: MockConfigEntry
) -> None:
    """Test that the address is the cloud's while there is a subscription."""
    assert url == "https://hooks.example/0"
    cloud.connect(connected=False)
    assert await turn_on(hass, entry) == url
    cloud.subscription = False
    cloud.connect(connected=False)
    assert (await turn_on(hass, entry)).startswith(EXTERNAL_URL)
    await hass.config.async_update(external_url=None)
    result = await set_options(hass, entry, **ON)
    assert result["errors"] == {"base": "no_address"}

    cloud.hooks = {}
    cloud.subscription = True
    cloud.connect(connected=True)
    await hass.async_block_till_done()
    assert [*cloud.hooks] == [entry.data[CONF_WEBHOOK_ID]]
    assert await turn_on(hass, entry) == url


async def test_cloud_that_was_never_connected(
    hass: HomeAssistant, cloud: Cloud, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that the external address stands in."""
    cloud.connected = False
    assert (await turn_on(hass, loaded_entry)).startswith(EXTERNAL_URL)


async def test_hook_that_cannot_be_deleted(
    hass: HomeAssistant, cloud: Cloud, url: str, entry: MockConfigEntry
) -> None:
    """Test that nothing the cloud raises keeps the account."""
    cloud.hooks = {}
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert hass.config_entries.async_entries(DOMAIN) == []


# The last call, and calls that do not come


async def test_last_call(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    call: Call,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that the step says when CryptoCloud last called, also after a restart."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    assert await read_last_call(hass, entry) == "never"
    freezer.move_to("2026-11-25 20:15:01+00:00")
    await call()
    assert await read_last_call(hass, entry) == "2026-11-26 05:15:01"
    freezer.tick(100)
    await reload(hass, entry)
    assert await read_last_call(hass, entry) == "2026-11-26 05:15:01"


@pytest.mark.parametrize(
    ("stored", "last_call"),
    [
        (
            {"last": None, "payments": 0, "turned_on": "2026-01-01T00:00:00+00:00"},
            "never",
        ),
        (
            {
                "last": "2026-01-02T00:00:00+00:00",
                "payments": 0,
                "turned_on": "2026-01-01T00:00:00+00:00",
            },
            "2026-01-02 00:00:00",
        ),
        ({"last": "2026-01-02T00:00:00+00:00"}, "never"),
        ({"last": 7, "payments": "x", "turned_on": None}, "never"),
    ],
)
async def test_stored_call(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    stored: dict[str, Any],
    last_call: str,
) -> None:
    """Test that the record outlives a restart, and a damaged one does no harm."""
    await hass.config.async_set_time_zone("UTC")
    key = f"{DOMAIN}.{loaded_entry.entry_id}.webhook"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}
    assert await read_last_call(hass, loaded_entry) == last_call


@pytest.fixture
def notice(
    hass: HomeAssistant,
    sandbox: Sandbox,
    url: str,
    poll: Poll,
    freezer: FrozenDateTimeFactory,
) -> Callable[..., Awaitable[None]]:
    """Let polls notice payments, some hours apart."""
    amount = 1

    async def notice(payments: int, hours: float) -> None:
        nonlocal amount
        for _ in range(payments):
            freezer.tick(timedelta(hours=hours))
            amount += 1
            pay(sandbox, amount)
            await poll()

    return notice


async def test_calls_that_do_not_come(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    call: Call,
    notice: Callable[..., Awaitable[None]],
) -> None:
    """Test that five payments in a row over a day, noticed by polling, are a repair."""
    await notice(4, hours=7)
    assert get_issues(hass) == []
    await notice(1, hours=7)
    assert get_issues(hass) == ["no_notifications"]
    issue = ir.async_get(hass).async_get_issue(
        DOMAIN, f"no_notifications_{entry.entry_id}"
    )
    assert issue
    assert issue.translation_placeholders == {"account": "CryptoCloud"}
    assert not issue.is_fixable

    await reload(hass, entry)
    assert get_issues(hass) == ["no_notifications"]
    await hass.config_entries.async_unload(entry.entry_id)
    assert get_issues(hass) == []
    await hass.config_entries.async_setup(entry.entry_id)
    assert get_issues(hass) == ["no_notifications"]
    await call()
    assert get_issues(hass) == []
    await notice(4, hours=7)
    assert get_issues(hass) == []
    await notice(1, hours=7)
    assert get_issues(hass) == ["no_notifications"]
    await set_options(hass, entry, **OFF)
    assert get_issues(hass) == []


async def test_many_payments_in_an_hour_are_no_repair(
    hass: HomeAssistant, notice: Callable[..., Awaitable[None]]
) -> None:
    """Test that a short disturbance is not reported."""
    await notice(8, hours=0.1)
    assert get_issues(hass) == []


async def test_withdrawals_are_no_repair(
    hass: HomeAssistant,
    sandbox: Sandbox,
    url: str,
    poll: Poll,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that nobody expects a call for a balance that decreases."""
    pay(sandbox, 100)
    await poll()
    for amount in range(20, 10, -1):
        freezer.tick(timedelta(hours=7))
        pay(sandbox, amount)
        await poll()
    assert get_issues(hass) == []


async def test_payments_that_lag_behind_a_call_are_no_repair(
    hass: HomeAssistant,
    sandbox: Sandbox,
    call: Call,
    poll: Poll,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that a payment is announced although a later poll notices it."""
    for amount in range(2, 12):
        freezer.tick(timedelta(hours=7))
        await call()
        freezer.tick(UPDATE_INTERVAL)
        pay(sandbox, amount)
        await poll()
    assert get_value(hass, "a") == "11"
    assert get_issues(hass) == []


# What is missing


@pytest.mark.no_fail_on_log_exception
async def test_without_webhooks(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that the account loads and is polled where Home Assistant has no webhooks."""
    await turn_on(hass, loaded_entry)
    monkeypatch.setitem(sys.modules, webhook.__name__, None)
    monkeypatch.delattr(components, "webhook")
    for name in ("webhook", "webhook_calls", "webhook_url"):
        monkeypatch.delitem(sys.modules, f"custom_components.{DOMAIN}.{name}")
    # Home Assistant keeps what it imported.
    hass.data.pop(DATA_IMPORT_CACHE)
    await reload(hass, loaded_entry)
    assert loaded_entry.state is ConfigEntryState.LOADED
    assert logged(caplog, logging.WARNING) == ["Webhook could not be set up"]
    result = await set_options(hass, loaded_entry, **ON)
    assert result["errors"] == {"base": "unknown"}
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] = 7
    await poll()
    assert get_value(hass, "usdt_trc20") == "7"
    assert await hass.config_entries.async_remove(loaded_entry.entry_id)


async def test_new_key_keeps_the_address(
    hass: HomeAssistant, entry: MockConfigEntry, url: str
) -> None:
    """Test that the address at CryptoCloud stays right with another key."""
    result = await start_flow(hass, entry, "reconfigure")
    result = await submit(hass, result, api_key=OTHER_API_KEY)
    assert result["reason"] == "reconfigure_successful"
    assert await turn_on(hass, entry) == url
