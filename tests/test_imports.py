"""Tests that the integration uses only Home Assistant's public API."""

import ast
from collections.abc import Iterator
from importlib import import_module
import inspect
from pathlib import Path
import re
import sys
from types import ModuleType

import pytest

from homeassistant.const import MINOR_VERSION
from homeassistant.core import State
from homeassistant.helpers.condition import EntityNumericalConditionBase

INTEGRATION = Path(__file__).parents[1] / "custom_components" / "cryptocloud"
COMPONENTS = "homeassistant.components"
MODULES = sorted(INTEGRATION.glob("*.py"))

# There this test cannot know what is public; newer versions, on which it runs too, do.
WITHOUT_ALL_IN_2026_6 = {
    "frontend",
    "homeassistant",
    "http",
    "logbook",
    "system_health",
    "webhook",
    "websocket_api",
}

# 2026.10 has them, too, but does not export them yet; 2026.11 holds this test to it.
EXPORTED_LATER = {"sensor.async_rounded_state"} if MINOR_VERSION < 11 else set()

# Each of them imports only those before it.
ORDER = (
    "const",
    "models",
    "storage",
    "answer_fields",
    "answer",
    "api",
    "ledger",
    "refusals",
    "coordinator",
    "entity",
)
# What fails in one of them must not reach the others.
OPTIONAL = {
    "assist",
    "condition",
    "dashboard",
    "diagnostics",
    "logbook",
    "system_health",
    "trigger",
    "webhook",
}

LIBRARIES = {
    "aiohttp": "Home Assistant's HTTP client",
    "hassil": "reads sentences for Assist, which loads it",
    "voluptuous": "Home Assistant's validation",
}

DOCUMENTED = "documented for developers of integrations"
AS_IN_CORE = "the triggers and conditions of core's own integrations use it, too"
ALLOWED = {
    "_async_abort_entries_match": DOCUMENTED,
    "_async_check": AS_IN_CORE,
    "_async_current_entries": DOCUMENTED,
    "_async_update_data": DOCUMENTED,
    "_domain_specs": AS_IN_CORE,
    "_get_reauth_entry": DOCUMENTED,
    "_get_reconfigure_entry": DOCUMENTED,
    "_handle_coordinator_update": DOCUMENTED,
    "_hass": AS_IN_CORE,
    "_options": AS_IN_CORE,
    "_schema": AS_IN_CORE,
    "_should_include": AS_IN_CORE,
    "_trigger_event": DOCUMENTED,
    "_unrecorded_attributes": DOCUMENTED,
    "_valid_unit": AS_IN_CORE,
}


def list_imports(source: str) -> Iterator[tuple[str, str]]:
    """Yield the names that a module takes from Home Assistant, with their modules."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.module, alias.name
                name = f"{node.module}.{alias.name}"
                if isinstance(resolve(name), ModuleType):
                    modules[alias.asname or alias.name] = name
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if name in modules:
                    yield modules[name], attribute


def resolve(name: str) -> object:
    """Return a module, or what a module has by a name."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        module, _, name = name.rpartition(".")
        return getattr(import_module(module), name)


def find_private(source: str) -> set[str]:
    """Return what a module uses of Home Assistant's that is not public."""
    private = set()
    for module, name in list_imports(source):
        match [*module.split("."), name]:
            case ["homeassistant", *_, ""]:
                # Without "from" in front of it, its names are not seen here.
                private.add(module)
            case ["homeassistant", "components", component, name]:
                exported = getattr(import_module(module), "__all__", None)
                if exported is None and component in WITHOUT_ALL_IN_2026_6:
                    exported = [name]
                if not exported or name not in exported:
                    private.add(f"{component}.{name}")
            case ["homeassistant", "components", component, *submodules, name]:
                private.add(".".join([component, *submodules, name]))
            case ["homeassistant", *_, name] if re.match("_[^_]", name):
                private.add(f"{module}.{name}")
    return private


def find_private_of_bases(cls: type) -> set[str]:
    """Return the private names of Home Assistant's that a class defines or uses."""
    ours = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(cls)))
        for name in (
            getattr(node, "attr", None),  # self._name
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name,
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id,
        )
        if name and re.match("_(?!_|attr_)", name)
    }
    bases = [
        base for base in cls.__mro__ if base.__module__.startswith("homeassistant")
    ]
    theirs = re.findall(r"\b_\w+", "\n".join(map(inspect.getsource, bases)))
    return ours & set(theirs)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_public_imports(path: Path) -> None:
    """Test that a module imports only what Home Assistant exports."""
    assert find_private(path.read_text()) <= EXPORTED_LATER


def test_libraries_are_home_assistants_own() -> None:
    """Test that the integration needs no library that Home Assistant may lack."""
    imported = {
        module.partition(".")[0]
        for path in MODULES
        for module, _ in list_imports(path.read_text())
    }
    assert imported - sys.stdlib_module_names == {"homeassistant", *LIBRARIES}


def test_public_base_classes() -> None:
    """Test that classes use no more of their bases than the list allows."""
    private = set()
    for path in MODULES:
        module = import_module(f"custom_components.cryptocloud.{path.stem}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__:
                private |= find_private_of_bases(cls)
    assert private == ALLOWED.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_point_one_way(path: Path) -> None:
    """Test that a module imports none above it, and none that is optional."""
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
        for name in ([node.module] if node.module else [a.name for a in node.names])
    }
    assert imported.isdisjoint(OPTIONAL)
    if path.stem in ORDER:
        assert imported <= set(ORDER[: ORDER.index(path.stem)])


@pytest.mark.parametrize(
    ("source", "private"),
    [
        (
            "from {}.logbook.const import LOGBOOK_ENTRY_STATE",
            {"logbook.const.LOGBOOK_ENTRY_STATE"},
        ),
        ("from {}.sensor import const", {"sensor.const"}),
        ("from {} import sensor\nsensor.const.DOMAIN", {"sensor.const"}),
        ("import {}.sensor", {f"{COMPONENTS}.sensor"}),
        ("def f():\n from {}.sensor import callback", {"sensor.callback"}),
        ("from {}.sensor import SensorEntity", set()),
        (
            "from homeassistant.helpers.trigger import _trigger_action_wrapper",
            {"homeassistant.helpers.trigger._trigger_action_wrapper"},
        ),
        (
            "from homeassistant.helpers import entity_registry as er\ner._x",
            {"homeassistant.helpers.entity_registry._x"},
        ),
        ("from homeassistant.const import __version__", set()),
    ],
)
def test_private_imports_are_found(source: str, private: set[str]) -> None:
    """Test that the rules find what they are for."""
    assert find_private(source.format(COMPONENTS)) == private


class PrivateCondition(EntityNumericalConditionBase):
    """A condition that uses what core may change at any time."""

    _own = 1

    def _check_all_match_state(self, states: list[State]) -> bool:
        return bool(self._duration) and bool(self._own)


def test_private_names_of_bases_are_found() -> None:
    """Test that overridden methods and used attributes are found."""
    private = {"_check_all_match_state", "_duration"}
    assert find_private_of_bases(PrivateCondition) == private
