"""Tests that secrets are found in the entry's own store and nowhere else."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import timedelta
import json
import logging
import math
from typing import Any

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    flush_store,
    get_system_health_info,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.components.diagnostics import DOMAIN as DIAGNOSTICS_DOMAIN
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Fault, Sandbox

from .common import Poll, make_entry, make_row, set_up, turn_on
from .faults import FAULTS

# No two characters of it follow each other anywhere else.
pytestmark = pytest.mark.heavy

BUYER = "7Kx2Vq9Zj4Xw8Qz3"
KEY = "qZ7xJ0vK9wQ3.Xj8Yq4Wz6Vk1Jx5Qv2Kz.0Zq9Jw7Xv3Yk6Qj8Vz4Wx"
# Home Assistant logs the paths of requests, ids included.
LOGS_OF_REQUESTS = {
    ("aiohttp.access", logging.INFO),
    ("homeassistant.components.webhook", logging.DEBUG),
    ("homeassistant.helpers.http", logging.DEBUG),
}

type Collect = Callable[[str], Awaitable[None]]


def echo(status: int, content_type: str) -> Fault:
    """Return a fault that sends back the key wherever an answer has room for it."""

    async def fault(request: web.Request) -> web.StreamResponse:
        header = request.headers["Authorization"]
        return web.Response(
            status=status,
            reason=header,
            text=json.dumps({header: header, "result": {header: header}}),
            content_type=content_type,
            headers={"Location": f"/{KEY}", "Retry-After": header, "X-Key": header},
        )

    return fault


async def garbage(request: web.Request) -> web.StreamResponse:
    """Answer with something that is no HTTP, which aiohttp tells with all headers."""
    assert request.transport
    request.transport.write(b"garbage\r\n\r\n")
    request.transport.close()
    return web.Response()


ALL_FAULTS: dict[str, tuple[Fault, str | None]] = {
    **FAULTS,
    **{
        f"echo with {status}": (echo(status, content_type), None)
        for content_type, statuses in (
            ("application/json", (200, 400, 403, 429)),
            ("text/html", (302, 401, 500)),
        )
        for status in statuses
    },
    "garbage": (garbage, None),
}


def chain(error: BaseException | None) -> Iterator[str]:
    """Return everything that an exception and those behind it say."""
    while error:
        yield f"{error} {error!r} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


def find(places: dict[str, Any], secret: str = KEY) -> list[str]:
    """Return the places where a secret or a piece of it is found."""
    pieces = [secret[start : start + 8] for start in range(len(secret) - 7)]
    return [
        place
        for place, content in places.items()
        if any(piece in str(content) for piece in pieces)
    ]


def records(
    caplog: pytest.LogCaptureFixture, without: Collection[tuple[str, int]] = ()
) -> list[Any]:
    """Return what was logged, with what it was made of, but for levels of loggers."""
    return [
        (record.getMessage(), record.args, *chain((record.exc_info or (None, None))[1]))
        for record in caplog.records
        if (record.name, record.levelno) not in without
    ]


@pytest.fixture
def places() -> dict[str, Any]:
    """Return what there is to search."""
    return {}


@pytest.fixture
def collect(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, places: dict[str, Any]
) -> Collect:
    """Return what notes what all places hold at the moment."""

    async def collect(moment: str) -> None:
        await hass.async_block_till_done(wait_background_tasks=True)
        [entry] = hass.config_entries.async_entries(DOMAIN)
        devices, coordinator = dr.async_get(hass), entry.runtime_data
        found = {
            "diagnostics": await get_diagnostics_for_config_entry(
                hass, hass_client, entry
            ),
            "states": [state.as_dict() for state in hass.states.async_all()],
            "entities": list(er.async_get(hass).entities.values()),
            "devices": dr.async_entries_for_config_entry(devices, entry.entry_id),
            "repairs": list(ir.async_get(hass).issues.values()),
            "flows": hass.config_entries.flow.async_progress(),
            "reason": (entry.reason, entry.title, entry.options),
            "error": list(chain(coordinator.last_exception)),
            "client's error": list(chain(coordinator.last_error)),
        }
        places.update({f"{name} {moment}": held for name, held in found.items()})

    return collect


@pytest.fixture(autouse=True)
async def log_everything(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    """Log what can be logged, and serve what is asked for below."""
    caplog.set_level(logging.DEBUG)
    for name in ("aiohttp", "aiohttp.client", "homeassistant", "custom_components"):
        caplog.set_level(logging.DEBUG, name)
    # asyncio would log what takes long, together with what the sandbox echoes.
    hass.loop.slow_callback_duration = math.inf
    for domain in ("http", "config", DIAGNOSTICS_DOMAIN, "system_health"):
        assert await async_setup_component(hass, domain, {})


@pytest.mark.parametrize(("fault", "error"), ALL_FAULTS.values(), ids=ALL_FAULTS)
async def test_key_stays_secret(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    sandbox: Sandbox,
    poll: Poll,
    outlast: Callable[[Fault], Fault],
    caplog: pytest.LogCaptureFixture,
    places: dict[str, Any],
    collect: Collect,
    fault: Fault,
    error: str | None,
) -> None:
    """Test every place that a fault of a flow, a start or a poll could reach."""
    sandbox.valid_keys.add(KEY)
    if error == "timeout_connect":
        fault = outlast(fault)
    client = await hass_client()

    async def submit(path: str, data: dict[str, Any]) -> Any:
        response = await client.post(
            f"/api/config/config_entries/flow{path}", json=data
        )
        result = await response.json()
        places[f"flow result {len(places)}"] = result
        return result

    # A flow in which the fault strikes, then one that works
    user_input = {"api_key": KEY, "only_funded": False, "show_icons": True}
    flow = await submit("", {"handler": DOMAIN})
    sandbox.fault = fault
    result = await submit(f"/{flow['flow_id']}", user_input)
    assert result["type"] == "form"

    sandbox.fault = None
    result = await submit(f"/{flow['flow_id']}", user_input)
    assert result["type"] == "create_entry"

    # A poll
    [entry] = hass.config_entries.async_entries(DOMAIN)
    await collect("before")
    sandbox.fault = fault
    await poll()
    assert not entry.runtime_data.last_update_success

    await collect("after a poll")

    # A start
    await hass.config_entries.async_reload(entry.entry_id)
    assert hass.config_entries.async_loaded_entries(DOMAIN) == []

    await collect("after a start")
    info = await get_system_health_info(hass, DOMAIN)
    places["system health"] = {key: await value for key, value in info.items()}

    # The key entered once more
    flow = await submit("", {"handler": DOMAIN, "entry_id": entry.entry_id})
    result = await submit(f"/{flow['flow_id']}", {"api_key": KEY})
    assert result["type"] == "form"

    sandbox.fault = None
    result = await submit(f"/{flow['flow_id']}", {"api_key": KEY})
    assert result["reason"] == "reconfigure_successful"

    await collect("after the key was entered")
    assert hass.config_entries.async_loaded_entries(DOMAIN) == [entry]

    places["log"] = caplog.text
    places["records"] = records(caplog)
    assert find(places) == []

    await flush_store(hass.config_entries._store)
    assert find(hass_storage) == ["core.config_entries"]
    stored = hass_storage["core.config_entries"]["data"]["entries"]
    [entry_data] = [item for item in stored if item["domain"] == DOMAIN]
    assert entry_data.pop("data") == {"api_key": KEY}
    assert find(entry_data) == []


async def test_webhook_stays_secret(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    sandbox: Sandbox,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
    places: dict[str, Any],
    collect: Collect,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Test that the id of the webhook and what a call brings are kept nowhere else."""
    sandbox.valid_keys.add(KEY)
    sandbox.rows = [make_row("A", 1)]
    entry = make_entry(KEY)
    assert await set_up(hass, entry)
    await hass.config.async_update(external_url="https://shop.example")
    path = URL(await turn_on(hass, entry)).path
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    assert webhook_id in path

    client = await hass_client_no_auth()
    for method in ("GET", "HEAD", "POST", "PUT"):
        await client.request(method, path, json={"order_id": BUYER})
    await collect("after calls")
    sandbox.fault = echo(500, "text/html")
    await poll()
    await client.post(path, data={"order_id": BUYER})
    await collect("during an outage")
    sandbox.fault = None
    now = dt_util.utcnow()
    for amount in range(2, 8):
        freezer.tick(timedelta(hours=7))
        sandbox.rows = [make_row("A", amount)]
        await poll()
    assert any(domain == DOMAIN for domain, _ in ir.async_get(hass).issues)
    # The client's session has not expired then.
    freezer.move_to(now)
    await collect("with a repair")
    await hass.config_entries.async_reload(entry.entry_id)
    await collect("after a start")

    places["log"] = records(caplog, without=LOGS_OF_REQUESTS)
    for store in list(hass_storage.values()):
        assert BUYER not in json.dumps(store)
    await flush_store(hass.config_entries._store)
    for secret in (KEY, webhook_id):
        assert find(places, secret) == []
        assert find(hass_storage, secret) == ["core.config_entries"]
    assert find(places, BUYER) == []

    await hass.config_entries.async_remove(entry.entry_id)
    await flush_store(hass.config_entries._store)
    assert find(hass_storage, webhook_id) == []


async def test_search_finds_pieces_of_the_key() -> None:
    """Test that the search above would find what it looks for."""
    error = TypeError("No key here")

    error.__cause__ = ValueError(KEY)
    assert find(
        {
            "whole": [{"a": KEY}],
            "piece": f"...{KEY[20:28]}...",
            "chain": list(chain(error)),
            "too short": KEY[20:27],
            "nothing": "header",
        }
    ) == ["whole", "piece", "chain"]
