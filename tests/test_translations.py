"""Tests of the translations: each language, and what the code uses of them."""

import ast
from collections.abc import Iterator
from decimal import Decimal
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components import cryptocloud
from custom_components.cryptocloud.const import DOMAIN, PLATFORMS
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import async_get_platforms
from homeassistant.helpers.selector import SelectSelector
from homeassistant.helpers.translation import async_get_translations
from tools.sandbox import Sandbox

from .common import Poll, open_address, start_flow

LANGUAGES = ("de", "en", "es", "fr", "pt-BR", "ru", "tr", "uk", "zh-Hans")
OTHER_LANGUAGES = tuple(language for language in LANGUAGES if language != "en")
# What may read as in English, the language (None: all) and why
SAME_AS_ENGLISH = {
    (None, "entity.sensor.balance.name"),  # nothing but the currency
    ("fr", "options.step.init.title"),  # the French word, too
}
# What a step may have or not
OPTIONAL_STEP_KEYS = {"description", "title"}
# Fields that have a name only, as in Home Assistant's own triggers and conditions
FIELDS_WITHOUT_DESCRIPTION = {"behavior", "for", "threshold"}
# The step that hands over to one with a form
FORMLESS_STEPS = {"config.step.reauth"}

# What has an icon
NAMED = re.compile(
    r"(entity\.\w+|services|triggers|conditions)\.\w+\.name|entity\..+\.state\.\w+"
)

PACKAGE = Path(cryptocloud.__file__).parent
TREES = {path.stem: ast.parse(path.read_text()) for path in PACKAGE.glob("*.py")}
NODES = [node for tree in TREES.values() for node in ast.walk(tree)]


def _flatten(content: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings of a translation with their dotted keys."""
    for key, value in content.items():
        if isinstance(value, dict):
            assert value, f"{prefix}{key} is empty"
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _load(language: str) -> dict[str, str]:
    """Return the strings of a language by dotted key."""
    path = PACKAGE / "translations" / f"{language}.json"
    return dict(_flatten(json.loads(path.read_text(encoding="utf-8"))))


def _placeholders(text: str) -> set[str]:
    """Return the names of the placeholders in a string."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_all_languages_are_there() -> None:
    """All languages are there, and no other."""
    assert {path.name for path in (PACKAGE / "translations").iterdir()} == {
        f"{language}.json" for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_file_is_sorted_and_readable(language: str) -> None:
    """A file is sorted, indented by two and readable as it is."""
    text = (PACKAGE / "translations" / f"{language}.json").read_text(encoding="utf-8")
    assert text == (
        json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True)
        + "\n"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_strings_can_be_shown(language: str) -> None:
    """No string holds what Home Assistant refuses or cannot show."""
    for key, text in _load(language).items():
        assert text == text.strip() != "", key
        assert "  " not in text, key
        assert "\\" not in text, key
        assert not re.search(r"\w+://|\bwww\.", text), f"{key} holds an address"
        assert not re.search(r"<[a-z/!]", text, re.IGNORECASE), f"{key} holds HTML"
        # An apostrophe there makes the frontend show the placeholder's name.
        assert "'{" not in text, f"{key} quotes a placeholder"


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_language_is_complete(language: str) -> None:
    """A language says all that English says, with the same placeholders."""
    english = _load("en")
    translation = _load(language)
    assert translation.keys() == english.keys()
    assert {key: _placeholders(text) for key, text in translation.items()} == {
        key: _placeholders(text) for key, text in english.items()
    }


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    """Nothing is left in English, and no exception is out of date."""
    translation = _load(language)
    assert {key for key, text in _load("en").items() if translation[key] == text} == {
        key for owner, key in SAME_AS_ENGLISH if owner in (None, language)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_can_be_spoken_and_told_apart(language: str) -> None:
    """The names of entities can be spoken, and told apart."""
    names = [
        text
        for key, text in _load(language).items()
        if re.fullmatch(r"entity\.\w+\.\w+\.name", key)
    ]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[\w ]+", name.replace("{currency}", "BTC")), name


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_keys_are_those_in_use(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, poll: Poll
) -> None:
    """Each key that the code uses is there, and none that it does not use."""
    # The event has no attributes before there was one.
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] += Decimal(1)
    await poll()
    forms = await _get_forms(hass, loaded_entry)
    used = {
        *_form_keys(forms),
        *_flow_keys(),
        *await _entity_keys(hass),
        *_raised_keys(),
        *_system_health_keys(),
        *_automation_keys(),
        *_common_keys(),
    }
    optional = {f"{form}.{key}" for form in _steps(forms) for key in OPTIONAL_STEP_KEYS}
    english = _load("en").keys()
    assert used - english == set(), "missing"
    assert english - used - optional == set(), "not used"


async def test_forms_give_what_their_texts_want(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Each step's form is looked at, and gives what its description wants."""
    forms = await _get_forms(hass, entry)
    assert (
        _steps(forms).keys()
        == {
            f"{section}.step.{function.name.removeprefix('async_step_')}"
            for section, flow in _flows()
            for function in flow.body
            if isinstance(function, ast.AsyncFunctionDef)
            and function.name.startswith("async_step_")
        }
        - FORMLESS_STEPS
    )
    english = _load("en")
    for step, form in _steps(forms).items():
        given = (form["description_placeholders"] or {}).keys()
        for key in OPTIONAL_STEP_KEYS:
            assert _placeholders(english.get(f"{step}.{key}", "")) <= given, step


def test_everything_has_an_icon() -> None:
    """All entities, actions, triggers and conditions have an icon, and nothing else."""
    icons = json.loads((PACKAGE / "icons.json").read_text())
    entities = icons.pop("entity")
    assert {
        *(
            f"entity.{re.sub(r'\bdefault$', 'name', key)}"
            for key, _ in _flatten(entities)
        ),
        *(f"{section}.{key}.name" for section, keys in icons.items() for key in keys),
    } == {key for key in _load("en") if NAMED.fullmatch(key)}


type Forms = list[tuple[str, ConfigFlowResult]]


async def _get_forms(hass: HomeAssistant, entry: MockConfigEntry) -> Forms:
    """Return the first form of every flow, with the section of its texts."""
    forms = [
        ("config", await start_flow(hass, entry, source))
        for source in ("user", "reauth", "reconfigure")
    ]
    options = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config.async_update(external_url="https://shop.example")
    address = await open_address(hass, entry)
    return [*forms, ("options", options), ("options", address)]


def _steps(forms: Forms) -> dict[str, ConfigFlowResult]:
    """Return the forms by the key of their step."""
    return {f"{section}.step.{form['step_id']}": form for section, form in forms}


def _form_keys(forms: Forms) -> Iterator[str]:
    """Yield the keys that the fields of forms use."""
    for step, form in _steps(forms).items():
        assert form["data_schema"] is not None
        for field, selector in form["data_schema"].schema.items():
            yield f"{step}.data.{field}"
            yield f"{step}.data_description.{field}"
            if isinstance(selector, SelectSelector):
                yield from _selector_keys(selector.config)


def _selector_keys(config: Any) -> Iterator[str]:
    """Yield the keys that a select selector uses."""
    if key := config.get("translation_key"):
        for option in config["options"]:
            yield f"selector.{key}.options.{option}"


def _flows() -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the flows with the section of their texts."""
    for node in TREES["config_flow"].body:
        if isinstance(node, ast.ClassDef):
            base = ast.unparse(node.bases[0])
            yield ("options" if base.startswith("OptionsFlow") else "config"), node


def _flow_keys() -> Iterator[str]:
    """Yield the keys that the errors and aborts of flows use."""
    for section, flow in _flows():
        steps = {node.name for node in flow.body if hasattr(node, "name")}
        for node in ast.walk(flow):
            match node:
                case ast.Call():
                    reasons = set(_abort_reasons(node, steps))
                    yield from (f"{section}.abort.{reason}" for reason in reasons)
                case (
                    ast.Dict(keys=[ast.Constant("base")], values=values)
                    | ast.keyword(arg="errors", value=ast.Dict(values=values))
                    | ast.Assign([ast.Name("errors")], ast.Dict(values=values))
                ):
                    for value in values:
                        yield from (f"{section}.error.{key}" for key in _keys(value))
                case ast.Assign([ast.Subscript(ast.Name("errors"))], value):
                    yield from (f"{section}.error.{key}" for key in _keys(value))


def _abort_reasons(call: ast.Call, steps: set[str]) -> Iterator[str]:
    """Yield the reasons that a call in a flow can abort with."""
    name = _called(call)
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    if name == "_async_abort_entries_match":
        yield "already_configured"
    elif name in ("async_abort", "AbortFlow"):
        yield from _keys(arguments.get("reason") or call.args[0])
    elif name == "async_update_reload_and_abort":
        if "reason" in arguments:
            yield from _keys(arguments["reason"])
            return
        for source in ("reauth", "reconfigure"):
            if f"async_step_{source}" in steps:
                yield f"{source}_successful"


def _called(call: ast.Call) -> str:
    """Return the name of what is called, without its owner and its types."""
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    return ast.unparse(function).rpartition(".")[2]


def _keys(node: ast.expr) -> set[str]:
    """Return the keys that an expression can stand for."""
    match node:
        case ast.Constant(str(key)):
            return {key}
        case ast.IfExp():
            return _keys(node.body) | _keys(node.orelse)
        case ast.Attribute(attr="translation_key"):
            return set(_error_keys())
    raise AssertionError(f"No telling which keys this is: {ast.unparse(node)}")


def _error_keys() -> Iterator[str]:
    """Yield the keys that classes of errors bear."""
    for node in NODES:
        match node:
            case ast.Assign([ast.Name("translation_key")], value):
                yield from _keys(value)


def _raised_keys() -> Iterator[str]:
    """Yield the keys that exceptions and repairs use."""
    for node in NODES:
        if not isinstance(node, ast.Call):
            continue
        arguments = {keyword.arg: keyword.value for keyword in node.keywords}
        name = _called(node)
        # Those of entities and of forms are seen at work.
        if "translation_key" not in arguments or name.endswith(
            ("Description", "SelectSelectorConfig")
        ):
            continue
        is_issue = name.endswith("create_issue")
        assert is_issue or "translation_domain" in arguments, ast.unparse(node)
        for key in _keys(arguments["translation_key"]):
            if is_issue:
                yield f"issues.{key}.title"
                yield f"issues.{key}.description"
            else:
                yield f"exceptions.{key}.message"


async def _entity_keys(hass: HomeAssistant) -> set[str]:
    """Return the keys that the entities of all platforms use."""
    platforms = async_get_platforms(hass, DOMAIN)
    assert {item.domain for item in platforms if item.entities} == set(PLATFORMS)
    # What Home Assistant itself names, as all entities of a platform have it
    named = await async_get_translations(hass, "en", "entity_component", PLATFORMS)
    keys = set()
    for platform in platforms:
        common = f"component.{platform.domain}.entity_component._.state_attributes"
        for entity in platform.entities.values():
            key = f"entity.{platform.domain}.{entity.translation_key}"
            keys |= {f"{key}.name", *_state_keys(key, entity)}
            keys |= {
                f"{key}.state_attributes.{attribute}.name"
                for attribute in {
                    *(entity.state_attributes or {}),
                    *(entity.extra_state_attributes or {}),
                }
                if f"{common}.{attribute}.name" not in named
            }
    return keys


def _state_keys(key: str, entity: Entity) -> Iterator[str]:
    """Yield the keys that an entity uses for its states."""
    capabilities = entity.capability_attributes or {}
    for option in capabilities.get("options") or ():
        yield f"{key}.state.{option}"
    for event_type in capabilities.get("event_types") or ():
        yield f"{key}.state_attributes.event_type.state.{event_type}"


def _system_health_keys() -> Iterator[str]:
    """Yield the keys that system health uses."""
    for node in ast.walk(TREES["system_health"]):
        if isinstance(node, ast.Dict):
            for key in node.keys:
                assert isinstance(key, ast.Constant)
                assert isinstance(key.value, str)
                yield f"system_health.info.{key.value}"


def _common_keys() -> Iterator[str]:
    """Yield the keys that the code looks up by itself."""
    for node in NODES:
        if isinstance(node, ast.JoinedStr):
            yield from re.findall(r"\bcommon\.\w+", ast.unparse(node))


def _automation_keys() -> Iterator[str]:
    """Yield the keys that the services, triggers and conditions use, if there are."""
    for section in ("services", "triggers", "conditions"):
        path = PACKAGE / f"{section}.yaml"
        items = yaml.safe_load(path.read_text()) if path.exists() else {}
        for name, item in items.items():
            # Names that begin with a dot are anchors for YAML itself.
            if name.startswith("."):
                continue
            yield f"{section}.{name}.name"
            yield f"{section}.{name}.description"
            yield from _field_keys(f"{section}.{name}", (item or {}).get("fields", {}))


def _field_keys(owner: str, fields: dict[str, Any]) -> Iterator[str]:
    """Yield the keys that fields use, and those in sections of them."""
    for name, field in fields.items():
        if "fields" in (field or {}):
            yield f"{owner}.sections.{name}.name"
            yield from _field_keys(owner, field["fields"])
            continue
        yield f"{owner}.fields.{name}.name"
        if name not in FIELDS_WITHOUT_DESCRIPTION:
            yield f"{owner}.fields.{name}.description"
        yield from _selector_keys((field or {}).get("selector", {}).get("select") or {})
