"""Fixtures of the tests."""

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import timedelta
import os
from typing import Any
from unittest.mock import patch

from aiohttp import web
from hypothesis import HealthCheck, Phase, settings
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.cryptocloud import api
from custom_components.cryptocloud.const import UPDATE_INTERVAL
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, UrlManager
from homeassistant.components.persistent_notification import (
    Notification,
    UpdateType,
    async_register_callback,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Fault, Sandbox

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Messages,
    Poll,
    Shop,
    load_rows,
    make_entry,
    set_up,
)

for profile, examples in (("default", 500), ("long", 10_000)):
    settings.register_profile(
        profile,
        database=None,
        deadline=None,
        derandomize=profile == "default",
        max_examples=examples,
        phases=set(Phase) - {Phase.explain},
        print_blob=True,
        # Home Assistant is the same for all examples, and each of them clears up.
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def use_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load the integration."""
    if "recorder_mock" in request.fixturenames:
        # It wants to be there before Home Assistant is.
        request.getfixturevalue("recorder_mock")
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return Home Assistant's kind of snapshots, whichever plugin comes first."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def sandbox(
    socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Sandbox]:
    """Run the sandbox instead of CryptoCloud."""
    async with Sandbox(
        rows=load_rows("balance_composed"), keys=(API_KEY, OTHER_API_KEY)
    ) as sandbox:
        monkeypatch.setattr(api.CryptoCloudClient, "base_url", sandbox.url)
        yield sandbox


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return an account that is not set up yet."""
    entry = make_entry()
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def loaded_entry(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return an account that is set up."""
    assert await set_up(hass, entry)
    return entry


@pytest.fixture
def outlast(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Fault], Fault]:
    """Return what lets a fault last longer than the client waits, in no time.

    The event loop's clock jumps once the request has arrived.
    """
    clock = hass.loop.time
    skipped = 0.0
    monkeypatch.setattr(hass.loop, "time", lambda: clock() + skipped)

    def skip() -> None:
        nonlocal skipped
        assert api.TIMEOUT.total
        # aiohttp rounds up to whole seconds.
        skipped += api.TIMEOUT.total + 1

    def outlast(fault: Fault) -> Fault:
        async def outlasting(request: web.Request) -> web.StreamResponse:
            hass.loop.call_soon(skip)
            return await fault(request)

        return outlasting

    return outlast


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Enable the sensors that are disabled by default, too."""
    with patch.object(Entity, "entity_registry_enabled_default", True):
        yield


@pytest.fixture
def poll(hass: HomeAssistant) -> Poll:
    """Let time pass until the next poll has been answered."""

    async def poll(after: timedelta = UPDATE_INTERVAL) -> None:
        async_fire_time_changed(hass, dt_util.utcnow() + after + timedelta(seconds=1))
        await hass.async_block_till_done(wait_background_tasks=True)

    return poll


@pytest.fixture
def new_shop(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    poll: Poll,
) -> Shop:
    """Return a shop whose account is not set up yet."""
    return Shop(hass, sandbox, entry, hass_storage, poll)


@pytest.fixture
async def shop(new_shop: Shop) -> Shop:
    """Return a shop that holds 100 A and 5 B, each worth 1 USD."""
    await new_shop.set_up(A=100, B=5)
    return new_shop


@pytest.fixture
def frontend_urls(hass: HomeAssistant) -> UrlManager:
    """Return what the frontend loads, whose own files not every environment has."""
    hass.config.components.add("frontend")
    urls = hass.data[DATA_EXTRA_MODULE_URL] = UrlManager(lambda *_: None, [])
    return urls


@pytest.fixture
async def messages(hass: HomeAssistant) -> Messages:
    """Return the notifications there were, as titles and messages."""
    assert await async_setup_component(hass, "persistent_notification", {})
    messages: Messages = []

    @callback
    def add(update: UpdateType, notifications: dict[str, Notification]) -> None:
        messages.extend(
            (notification["title"] or "", notification["message"])
            for notification in notifications.values()
            if update is UpdateType.ADDED
        )

    async_register_callback(hass, add)
    return messages
