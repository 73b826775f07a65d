"""Tests that hold the quality scale's ledger true."""

import ast
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from inspect import signature
import json
from pathlib import Path
import re
import struct
import tomllib
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.cryptocloud import config_flow, diagnostics
from custom_components.cryptocloud.api import (
    CryptoCloudAuthError,
    CryptoCloudClient,
    CryptoCloudError,
)
from custom_components.cryptocloud.const import DOMAIN, PLATFORMS, UPDATE_INTERVAL
from custom_components.cryptocloud.coordinator import CryptoCloudCoordinator
from custom_components.cryptocloud.entity import CryptoCloudEntity
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_USER, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox

from .common import API_KEY, OTHER_API_KEY, Poll, make_row

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "custom_components" / DOMAIN

RULES = (
    # Bronze
    "action-setup",
    "appropriate-polling",
    "brands",
    "common-modules",
    "config-flow",
    "config-flow-test-coverage",
    "dependency-transparency",
    "docs-actions",
    "docs-conditions",
    "docs-high-level-description",
    "docs-installation-instructions",
    "docs-removal-instructions",
    "docs-triggers",
    "entity-event-setup",
    "entity-unique-id",
    "has-entity-name",
    "runtime-data",
    "test-before-configure",
    "test-before-setup",
    "unique-config-entry",
    # Silver
    "action-exceptions",
    "config-entry-unloading",
    "docs-configuration-parameters",
    "docs-installation-parameters",
    "entity-unavailable",
    "integration-owner",
    "log-when-unavailable",
    "parallel-updates",
    "reauthentication-flow",
    "test-coverage",
    # Gold
    "devices",
    "diagnostics",
    "discovery",
    "discovery-update-info",
    "docs-data-update",
    "docs-examples",
    "docs-known-limitations",
    "docs-supported-devices",
    "docs-supported-functions",
    "docs-troubleshooting",
    "docs-use-cases",
    "dynamic-devices",
    "entity-category",
    "entity-device-class",
    "entity-disabled-by-default",
    "entity-translations",
    "exception-translations",
    "icon-translations",
    "reconfiguration-flow",
    "repair-issues",
    "stale-devices",
    # Platinum
    "async-dependency",
    "inject-websession",
    "strict-typing",
)
# The heading in the README under which a documentation rule is met
HEADINGS = {
    "docs-actions": "## Actions",
    "docs-conditions": "## Events, triggers and conditions",
    "docs-triggers": "## Events, triggers and conditions",
    "docs-high-level-description": "# CryptoCloud for Home Assistant",
    "docs-installation-instructions": "## Installation",
    "docs-removal-instructions": "## Removal",
    "docs-configuration-parameters": "## Options",
    "docs-installation-parameters": "## Setting it up",
    "docs-data-update": "## Data updates",
    "docs-examples": "## Examples",
    "docs-known-limitations": "## Known limits",
    "docs-supported-devices": "## What is supported",
    "docs-supported-functions": "## Sensors",
    "docs-troubleshooting": "## Troubleshooting",
    "docs-use-cases": "## What it is good for",
}
# What the code or the files have if an exemption is no longer true
EXEMPTIONS = {
    "discovery": r'"(bluetooth|dhcp|homekit|mqtt|ssdp|usb|zeroconf)":',
    "discovery-update-info": r"async_step_(bluetooth|dhcp|homekit|mqtt|ssdp|usb|zero)",
    "dynamic-devices": r"via_device",
    "repair-issues": r"issue_registry|async_create_issue",
    "stale-devices": r"via_device",
}

LEDGER: dict[str, Any] = yaml.safe_load(
    (INTEGRATION / "quality_scale.yaml").read_text()
)
MANIFEST = json.loads((INTEGRATION / "manifest.json").read_text())
ICONS = json.loads((INTEGRATION / "icons.json").read_text())
ENGLISH = json.loads((INTEGRATION / "translations" / "en.json").read_text())
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
EXAMPLES = (ROOT / "docs" / "examples.md").read_text()
MODULES = {path.stem: path.read_text() for path in INTEGRATION.glob("*.py")}
SOURCE = "\n".join(MODULES.values())


def status(rule: str) -> str:
    """Return the status of a rule."""
    entry = LEDGER["rules"][rule]
    return str(entry["status"] if isinstance(entry, dict) else entry)


def section(heading: str) -> str:
    """Return what the README says under a heading, up to the next "##"."""
    _, found, rest = f"\n{README}".partition(f"\n{heading}\n")
    assert found, f"the README has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def calls(*names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions or classes in the integration."""
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    if name in names:
                        yield node


def yaml_blocks() -> list[Any]:
    """Return the examples of the documentation."""
    blocks = re.findall(r"```yaml\n(.*?)```", README + EXAMPLES, re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


def test_every_rule_is_listed_once() -> None:
    """Test that the ledger has all rules, each with a status and no more."""
    text = (INTEGRATION / "quality_scale.yaml").read_text()
    listed = re.findall(r"^  ([a-z-]+):", text, re.MULTILINE)
    assert len(RULES) == 54
    assert sorted(listed) == sorted(RULES)
    assert LEDGER.keys() == {"rules"}
    for rule in RULES:
        assert status(rule) in ("done", "exempt"), rule
        entry = LEDGER["rules"][rule]
        if isinstance(entry, dict):
            assert entry.keys() == {"status", "comment"}, rule
            assert entry["comment"].strip(), rule
        else:
            assert entry == "done", f"{rule} needs a reason"


@pytest.mark.parametrize("rule", RULES)
def test_exemption(rule: str) -> None:
    """Test that a rule is exempt exactly while there is nothing it is about."""
    files = "\n".join(path.name for path in INTEGRATION.iterdir())
    manifest = (INTEGRATION / "manifest.json").read_text()
    assert (status(rule) == "exempt") == (rule in EXEMPTIONS)
    if rule in EXEMPTIONS:
        found = re.search(EXEMPTIONS[rule], f"{files}\n{manifest}\n{SOURCE}")
        assert found is None


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.startswith("docs-")])
def test_documentation(rule: str) -> None:
    """Test that the README has what a rule asks for."""
    assert (rule in HEADINGS) == (status(rule) == "done")
    if rule in HEADINGS:
        assert len(section(HEADINGS[rule]).split()) > 20


@pytest.mark.parametrize(
    ("readme", "language"), [("README", "en"), ("README.ru", "ru")]
)
def test_documentation_of_settings(readme: str, language: str) -> None:
    """Test that every field of the forms is explained under its label."""
    text = (ROOT / f"{readme}.md").read_text()
    translations = INTEGRATION / "translations" / f"{language}.json"
    strings = json.loads(translations.read_text())
    fields = strings["config"]["step"]["user"]["data"]
    options = strings["options"]["step"]["init"]["data"]
    for key, label in (fields | options).items():
        # An option is in two tables.
        assert text.count(f"\n| {label} |") == (key in fields) + (key in options)


def test_documentation_of_messages() -> None:
    """Test that every error message is listed with a remedy."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    messages = [
        *ENGLISH["config"]["error"].values(),
        *ENGLISH["options"]["error"].values(),
        *(error["message"] for error in ENGLISH["exceptions"].values()),
        ENGLISH["config"]["abort"]["already_configured"],
    ]
    starts = Counter(
        re.split(r"\. | \(|, |\.$", re.sub(r"\{\w+\}", "…", message))[0]
        for message in messages
    )
    for start, count in starts.items():
        assert text.count(f"| {start}") == count, start


def test_documentation_of_updates() -> None:
    """Test that the documented interval is the real one, and a calm one."""
    minutes = UPDATE_INTERVAL // timedelta(minutes=1)
    assert 1 <= minutes <= 60
    assert f"every {minutes} minutes" in section("## Data updates")
    assert MANIFEST["iot_class"] == "cloud_polling"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_documentation_of_sensors(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that the documentation names the sensors and attributes there are."""
    sandbox.rows = [make_row("USDT_TRC20"), make_row("USDT_BSC")]
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    listed = re.findall(r"^\| `(sensor\.\w+)` \|", section("## Sensors"), re.MULTILINE)
    entity_ids = hass.states.async_entity_ids("sensor")
    assert sorted(listed) == sorted(name for name in entity_ids if "bsc" not in name)
    named = set(re.findall(r"sensor\.cryptocloud_\w*[a-z]\b", README + EXAMPLES))
    assert named <= set(entity_ids)
    state = hass.states.get("sensor.cryptocloud_usdt_trc20")
    assert state
    attributes = ENGLISH["entity"]["sensor"]["balance"]["state_attributes"]
    assert attributes.keys() <= state.attributes.keys()
    for attribute in attributes:
        assert f"`{attribute}`" in section("## Sensors")


async def test_documented_examples(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry, poll: Poll
) -> None:
    """Test that the examples for automations and templates work."""
    blocks = yaml_blocks()
    automations = [block for block in blocks if "triggers" in block]
    template = next(block for block in blocks if "template" in block)
    sandbox.rows = [make_row("USDT_TRC20", 900), make_row("USDT_BSC", 25)]
    assert await hass.config_entries.async_setup(entry.entry_id)
    for domain, config in (
        ("homeassistant", {}),
        ("persistent_notification", {}),
        ("automation", {"automation": automations}),
        ("template", template),
    ):
        assert await async_setup_component(hass, domain, config)
    await hass.async_block_till_done()
    for action in (block for block in blocks if "action" in block):
        domain, service = action["action"].split(".")
        await hass.services.async_call(domain, service, action["data"], blocking=True)

    def fired() -> set[str]:
        return {
            state.name
            for state in hass.states.async_all("automation")
            if state.attributes["last_triggered"]
        }

    assert len(hass.states.async_all("automation")) == len(automations)
    assert fired() == set()
    sandbox.rows = [make_row("USDT_TRC20", 1000.5), make_row("USDT_BSC", 25)]
    await poll()
    total = hass.states.get("sensor.usdt_on_all_networks")
    assert total
    assert total.state == "1025.5"
    expected = {block["alias"] for block in automations} - {"CryptoCloud is silent"}
    assert fired() == expected
    sandbox.body = b"no balances"
    await poll()
    assert fired() == expected
    await poll(timedelta(minutes=30))
    assert fired() == expected | {"CryptoCloud is silent"}


async def test_lifecycle(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test what rules ask of an account from its set-up to its end."""
    # test-before-setup
    sandbox.body = b"no balances"
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    sandbox.body = None
    # runtime-data
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert isinstance(entry.runtime_data, CryptoCloudCoordinator)
    assert "hass.data" not in SOURCE
    # entity-unavailable and log-when-unavailable
    sandbox.body = b"no balances"
    caplog.clear()
    for _ in range(3):
        await poll()
    states = hass.states.async_all("sensor")
    assert {state.state for state in states} == {STATE_UNAVAILABLE}
    assert caplog.text.count("Error fetching CryptoCloud data") == 1
    sandbox.body = None
    await poll()
    assert caplog.text.count("Fetching CryptoCloud data recovered") == 1
    # reauthentication-flow
    sandbox.revoke(API_KEY)
    await poll()
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == SOURCE_REAUTH
    # config-entry-unloading
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED


@pytest.mark.usefixtures("loaded_entry")
async def test_config_flow(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test that a key is tried, and taken once."""

    async def add(api_key: str) -> Any:
        return await hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_USER},
            data={"api_key": api_key, "only_funded": False, "show_icons": True},
        )

    # unique-config-entry
    result = await add(API_KEY)
    assert result["type"] is FlowResultType.ABORT
    # test-before-configure
    sandbox.revoke(OTHER_API_KEY)
    result = await add(OTHER_API_KEY)
    assert result["errors"]


def test_config_flow_form() -> None:
    """Test that the flow has its steps, and every field a label and a description."""
    assert MANIFEST["config_flow"] is True
    for step in ("user", "reauth", "reauth_confirm", "reconfigure"):
        assert hasattr(config_flow.CryptoCloudConfigFlow, f"async_step_{step}")
    assert (ROOT / "tests" / "test_config_flow.py").is_file()
    steps = ENGLISH["config"]["step"] | ENGLISH["options"]["step"]
    assert steps.keys() == {"user", "reauth_confirm", "reconfigure", "init"}
    for step in steps.values():
        assert step["data"]
        assert step["data"].keys() == step["data_description"].keys()


async def test_entities(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test what rules ask of entities and their device."""
    entities = er.async_entries_for_config_entry(entity_registry, loaded_entry.entry_id)
    (device,) = dr.async_entries_for_config_entry(
        device_registry, loaded_entry.entry_id
    )
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    for platform in PLATFORMS:
        names = ENGLISH["entity"][platform]
        icons = ICONS["entity"][platform]
        keys = {
            entity.translation_key for entity in entities if entity.domain == platform
        }
        assert keys == names.keys() == icons.keys()
        assert all(icon["default"].startswith("mdi:") for icon in icons.values())
    assert len({entity.unique_id for entity in entities}) == len(entities)
    for entity in entities:
        assert entity.unique_id.startswith(loaded_entry.entry_id)
        assert entity.device_id == device.id
        assert entity.has_entity_name
        assert entity.original_icon is None
        assert entity.entity_category is None
        is_monetary = entity.original_device_class is SensorDeviceClass.MONETARY
        assert is_monetary == (entity.unit_of_measurement == "USD")
    enabled = {entity.translation_key for entity in entities if not entity.disabled_by}
    assert enabled == {
        "balance",
        "balance_change",
        "total_available_balance",
        "total_balance",
    }


def test_exception_translations() -> None:
    """Test that every exception that users meet is translated."""
    raised = list(
        calls(
            "ConfigEntryAuthFailed",
            "ConfigEntryNotReady",
            "HomeAssistantError",
            "ServiceValidationError",
            "UpdateFailed",
        )
    )
    assert len(raised) == 6
    for call in raised:
        keywords = {keyword.arg for keyword in call.keywords}
        assert {"translation_domain", "translation_key"} <= keywords
    errors = CryptoCloudError.__subclasses__()
    assert CryptoCloudAuthError in errors
    keys = {error.translation_key for error in errors}
    assert keys <= ENGLISH["exceptions"].keys()
    assert keys <= ENGLISH["config"]["error"].keys()


def test_action_setup() -> None:
    """Test that actions are registered where no account is needed for it."""
    [call] = calls("async_setup_services")
    setup = MODULES["__init__"].partition("async def async_setup(")[2]
    assert "async_setup_services(hass)" in setup.partition("async def ")[0]
    assert call


def test_modules() -> None:
    """Test that the modules are where Home Assistant's readers look for them."""
    # entity-event-setup
    assert issubclass(CryptoCloudEntity, CoordinatorEntity)
    tracked = {
        ast.unparse(call)
        for call in calls(*re.findall(r"\b(async_track_\w+)\(", SOURCE))
    }
    assert tracked <= {ast.unparse(call.args[0]) for call in calls("async_on_remove")}
    assert SOURCE.count("async def async_added_to_hass") == SOURCE.count(
        "await super().async_added_to_hass()"
    )
    assert callable(diagnostics.async_get_config_entry_diagnostics)
    # Entries of the logbook are the one thing without icon translations.
    assert [name for name, source in MODULES.items() if "mdi:" in source] == ["logbook"]
    assert "_attr_icon" not in SOURCE
    for platform in PLATFORMS:
        module = import_module(f"custom_components.{DOMAIN}.{platform}")
        assert isinstance(module.PARALLEL_UPDATES, int)


def test_dependencies() -> None:
    """Test that the client is asynchronous and uses Home Assistant's session."""
    assert MANIFEST["requirements"] == []
    imported = {
        name.partition(".")[0]
        for name in re.findall(r"^(?:from|import) ([a-z_.]+)", SOURCE, re.MULTILINE)
    }
    assert "aiohttp" in imported
    assert not imported & {"httpx", "requests", "socket", "urllib"}
    assert "session" in signature(CryptoCloudClient).parameters
    assert not list(calls("ClientSession", "async_create_clientsession"))
    assert len(list(calls("async_get_clientsession"))) == len(
        list(calls("CryptoCloudClient"))
    )


def test_owner() -> None:
    """Test that the integration has an owner."""
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])
    assert MANIFEST["codeowners"]


@pytest.mark.parametrize(("name", "size"), [("icon", 256), ("icon@2x", 512)])
def test_brands(name: str, size: int) -> None:
    """Test that the pictures have the sizes that Home Assistant asks for."""
    picture = (INTEGRATION / "brand" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (size, size)


def test_gates() -> None:
    """Test that full coverage and strict types are asked for."""
    tool = PYPROJECT["tool"]
    assert tool["coverage"]["report"]["fail_under"] == 100
    assert tool["coverage"]["run"]["branch"] is True
    assert tool["coverage"]["run"]["source"] == [f"custom_components/{DOMAIN}"]
    assert "omit" not in tool["coverage"]["run"]
    assert "--cov" in (ROOT / "script" / "test").read_text()
    assert tool["mypy"]["strict"] is True
    assert f"custom_components.{DOMAIN}" in tool["mypy"]["packages"]
    assert not re.search(r"type: ignore(?!\[[a-z-]+\] #)", SOURCE)
