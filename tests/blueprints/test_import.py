"""Tests of importing the blueprints."""

import json

import pytest
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker
import voluptuous as vol

from homeassistant.components.blueprint.importer import fetch_blueprint_from_github_url
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector

from .common import FOLDER, ROOT

BLUEPRINTS = sorted(path.stem for path in FOLDER.iterdir())
MANIFEST = ROOT / "custom_components" / "cryptocloud" / "manifest.json"
REPOSITORY = json.loads(MANIFEST.read_text())["documentation"]


@pytest.mark.parametrize("name", BLUEPRINTS)
async def test_blueprint_is_imported_by_its_address(
    hass: HomeAssistant, aioclient_mock: AiohttpClientMocker, name: str
) -> None:
    """Test that Home Assistant imports the blueprint by its address."""
    path = f"blueprints/automation/cryptocloud/{name}.yaml"
    text = (ROOT / path).read_text()
    url = f"{REPOSITORY}/blob/main/{path}"
    aioclient_mock.get(
        url.replace("github.com", "raw.githubusercontent.com").replace("/blob/", "/"),
        text=text,
    )
    imported = await fetch_blueprint_from_github_url(hass, url)

    owner = REPOSITORY.split("/")[-2]
    assert imported.suggested_filename == f"{owner}/{name}"
    blueprint = imported.blueprint
    assert blueprint.metadata["source_url"] == url
    assert blueprint.metadata["homeassistant"] == {"min_version": "2026.6.0"}
    assert blueprint.validate() is None

    for key, field in blueprint.inputs.items():
        assert field["name"], key
        check = vol.Schema(selector.selector(field["selector"]))
        if "default" in field and "action" not in field["selector"]:
            assert check(field["default"]) == field["default"]
