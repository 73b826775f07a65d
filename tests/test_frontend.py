"""Test the dashboard strategy and how the frontend gets it."""

from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
import yaml

from custom_components.cryptocloud.const import DOMAIN
from custom_components.cryptocloud.dashboard import MODULE
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, UrlManager
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox

from .common import OTHER_API_KEY, make_entry, set_up

DASHBOARD = Path(__file__).parents[1] / "docs" / "dashboard.yaml"


@pytest.fixture
async def urls(hass: HomeAssistant, socket_enabled: None) -> UrlManager:
    """Return what the frontend loads."""
    assert await async_setup_component(hass, "http", {})
    # Not every environment of the tests has the frontend's own files.
    hass.config.components.add("frontend")
    urls = UrlManager(lambda *_: None, [])
    hass.data[DATA_EXTRA_MODULE_URL] = urls
    return urls


async def test_accounts_share_one_module(
    hass: HomeAssistant,
    urls: UrlManager,
    hass_client_no_auth: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test that all accounts share one module, whose address follows its content."""
    other = make_entry(OTHER_API_KEY, title="Other")
    assert await set_up(hass, other)
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)

    [url] = urls.urls
    content = MODULE.read_bytes()
    assert url == f"/{DOMAIN}/{sha256(content).hexdigest()[:16]}/dashboard.js"

    response = await (await hass_client_no_auth()).get(url)
    assert response.status == HTTPStatus.OK
    assert response.content_type == "text/javascript"
    assert "max-age" in response.headers["Cache-Control"]
    assert await response.read() == content


async def test_account_needs_no_frontend(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test that nothing else needs the frontend."""
    assert "frontend" not in hass.config.components
    assert "http" not in hass.config.components
    assert loaded_entry.state is ConfigEntryState.LOADED


def test_module_loads_nothing_from_elsewhere() -> None:
    """Test that the module loads nothing from elsewhere."""
    content = MODULE.read_text()

    assert "//" not in content.replace("// ", "")
    assert "import" not in content


def list_entities(config: Any) -> set[str]:
    """Return the entities that a dashboard's configuration names."""
    if isinstance(config, list):
        return set().union(*map(list_entities, config))
    if not isinstance(config, dict):
        return set()
    named = {config[key] for key in ("entity", "entity_id") if key in config}
    return named.union(*map(list_entities, config.values()))


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_plain_dashboard_names_existing_entities(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that the plain dashboard shows entities as they are named."""
    sandbox.rows = None
    assert await set_up(hass, entry)

    named = list_entities(yaml.safe_load(DASHBOARD.read_text()))
    assert len(named) > 5
    assert named <= set(hass.states.async_entity_ids())
