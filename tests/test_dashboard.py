"""Test the dashboard strategy, how the frontend gets it, and what it asks for."""

from hashlib import sha256
from http import HTTPStatus
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.cryptocloud.const import DOMAIN
from custom_components.cryptocloud.dashboard import FOLDER, MODULE
from homeassistant.components.frontend import UrlManager
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox, Status

from .common import API_KEY, OTHER_API_KEY, Shop, make_entry, make_row, set_up

FILES = {file.name: file.read_text() for file in FOLDER.iterdir()}


@pytest.fixture
async def urls(
    hass: HomeAssistant, socket_enabled: None, frontend_urls: UrlManager
) -> UrlManager:
    """Return what the frontend loads, over HTTP."""
    assert await async_setup_component(hass, "http", {})
    return frontend_urls


async def test_accounts_share_one_module(
    hass: HomeAssistant,
    urls: UrlManager,
    hass_client_no_auth: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test that all accounts share one module, whose URL follows the content."""
    other = make_entry(OTHER_API_KEY, title="Other")
    assert await set_up(hass, other)
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)

    [url] = urls.urls
    content = "".join(text for _, text in sorted(FILES.items()))
    folder = f"/{DOMAIN}/{sha256(content.encode()).hexdigest()[:16]}"
    assert url == f"{folder}/{MODULE}"

    client = await hass_client_no_auth()
    for name, text in FILES.items():
        response = await client.get(f"{folder}/{name}")
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/javascript"
        assert "max-age" in response.headers["Cache-Control"]
        assert await response.text() == text


async def test_account_needs_no_frontend(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that nothing else needs the frontend."""
    assert "frontend" not in hass.config.components
    assert "http" not in hass.config.components
    assert loaded_entry.state is ConfigEntryState.LOADED


def test_module_loads_nothing_from_elsewhere() -> None:
    """Test that the module loads its words only, and those nothing."""
    for name, text in FILES.items():
        assert "//" not in text.replace("// ", "")
        loaded = re.findall(r"\bimport\b(?!\(\"\./words\.js\"\)\.Words)(.*)", text)
        words = [' { getWords } from "./words.js";']
        assert loaded == (words if name == MODULE else [])


def test_module_is_small() -> None:
    """Test that the code stays small, and that the words have a file of their own."""
    assert set(FILES) == {MODULE, "words.js"}
    assert len(FILES[MODULE].splitlines()) <= 500
    assert "innerHTML" not in FILES[MODULE]


@pytest.fixture
async def client(
    hass: HomeAssistant,
    urls: UrlManager,
    shop: Shop,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> MockHAClientWebSocket:
    """Return the connection of a user who is no administrator."""
    return await hass_ws_client(hass, hass_read_only_access_token)


async def get_last_known(client: MockHAClientWebSocket) -> Any:
    """Return what the dashboard asks for."""
    await client.send_json_auto_id({"type": f"{DOMAIN}/last_known"})
    response = await client.receive_json()
    assert response["success"]
    return response["result"]


async def test_last_known_values_outlast_an_outage(
    client: MockHAClientWebSocket, entity_registry: er.EntityRegistry, shop: Shop
) -> None:
    """Test that the last known values are there in an outage, and after a reload in it."""
    btc = make_row("BTC", 2, balance_usd=100_000)
    await shop.poll(btc, make_row("TON", 3, balance_usd=None), ETH=0)
    entry_id = shop.entry.entry_id
    values = {f"{entry_id}_BTC:balance": 100_000, f"{entry_id}_TON:balance": None}
    shop.sandbox.fault = Status(503)
    await shop.poll()
    for _ in range(2):
        result = await get_last_known(client)
        assert values.items() <= result["values"].items()
        assert f"{entry_id}_ETH:balance" not in result["values"]
        assert result["rejected"] == []
        for unique_id in values:
            assert entity_registry.async_get_entity_id("sensor", DOMAIN, unique_id)
        await shop.reload()


async def test_rejected_key_is_told_apart(
    client: MockHAClientWebSocket, shop: Shop
) -> None:
    """Test that the account whose key is rejected is named, with others beside it."""
    assert await set_up(shop.hass, make_entry(OTHER_API_KEY, title="Other"))
    assert (await get_last_known(client))["rejected"] == []

    shop.sandbox.revoke(API_KEY)
    await shop.poll()

    assert (await get_last_known(client))["rejected"] == [shop.entry.entry_id]
