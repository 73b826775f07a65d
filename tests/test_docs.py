"""Tests that the pages list what there is, and that their examples work."""

from datetime import timedelta
import json
from pathlib import Path
import re
import shutil
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
import yaml

from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Status

from .common import Messages, Shop, load_rows
from .faults import EXPECTED, TABLE

ROOT = Path(__file__).parents[1]
BLUEPRINTS = ROOT / "blueprints" / "automation" / "cryptocloud"


EVENT = "event.cryptocloud_balance_change"
# What Home Assistant adds
ATTRIBUTES_OF_ALL = {
    "device_class",
    "entity_picture",
    "event_types",
    "friendly_name",
    "state_class",
    "unit_of_measurement",
}
PAGES = {"en": ("README.md", "docs/*.md"), "ru": ("README.ru.md", "docs/ru/*.md")}


def read_section(heading: str) -> str:
    """Return a section of the page about automations."""
    page = (ROOT / "docs" / "automations.md").read_text()
    [section] = re.findall(
        rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    return str(section)


def find_examples(text: str, language: str = "yaml") -> list[Any]:
    """Return the examples in a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


def load_strings(language: str) -> dict[str, Any]:
    """Return the strings of a language."""
    path = ROOT / "custom_components" / DOMAIN / "translations" / f"{language}.json"
    strings: dict[str, Any] = json.loads(path.read_text())
    return strings


def read_tables(language: str) -> list[set[str]]:
    """Return the first column of each table on the pages of a language."""
    pages = [path for pattern in PAGES[language] for path in ROOT.glob(pattern)]
    tables = re.findall(
        r"^\|[-:| ]+\|((?:\n\|.*)+)",
        "\n".join(page.read_text() for page in pages),
        re.MULTILINE,
    )
    columns = [re.findall(r"^\| *(.+?) *\|", table, re.MULTILINE) for table in tables]
    return [
        {name for cell in column for name in re.findall(r"`(.+?)`", cell) or [cell]}
        for column in columns
    ]


def test_blueprints_have_a_button_and_an_example() -> None:
    """Test that each blueprint has a button that leads to it, and an example."""
    buttons = re.findall(
        r"\((https://my[^)]*/blueprint_import/[^)]*)\)", read_section("Blueprints")
    )
    addresses = [parse_qs(urlsplit(url).query)["blueprint_url"][0] for url in buttons]
    sources = [
        re.findall(r"source_url: >-\n +(.*)", path.read_text())[0]
        for path in BLUEPRINTS.iterdir()
    ]
    assert sorted(addresses) == sorted(sources)
    examples = find_examples(read_section("Blueprints"))
    paths = [example["use_blueprint"]["path"] for example in examples]
    assert paths == [f"{url.split('/')[3]}/{Path(url).name}" for url in addresses]


@pytest.mark.usefixtures("loaded_entry")
async def test_examples_of_blueprints_make_automations(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test that automations are made from the examples."""
    shutil.copytree(
        BLUEPRINTS, tmp_path / "blueprints" / "automation" / "hass-cryptocloud"
    )
    monkeypatch.setattr(hass.config, "config_dir", str(tmp_path))
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    examples = find_examples(read_section("Blueprints"))
    config = {"automation": examples}
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()
    states = {state.name: state.state for state in hass.states.async_all("automation")}
    assert states == {example["alias"]: "on" for example in examples}
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


async def test_triggers_do_what_the_page_says(
    hass: HomeAssistant, new_shop: Shop, messages: Messages
) -> None:
    """Test that the triggers and the condition do what the page says."""
    await new_shop.set_up(USDT_TRC20=900)
    sections = read_section("Triggers") + read_section("Condition")
    config = {"automation": find_examples(sections)}
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()
    await new_shop.poll(USDT_TRC20=950)
    first = ("CryptoCloud", "50 USDT_TRC20 arrived")
    assert messages == [first]
    await new_shop.poll(USDT_TRC20=1010)
    assert messages[0] == first
    assert ("CryptoCloud", "60 USDT_TRC20 arrived") in messages
    assert ("CryptoCloud", "1010 USD in total") in messages
    # The condition already sees the balances that the payment led to.
    assert ("CryptoCloud", "Time to withdraw") in messages
    await new_shop.poll(USDT_TRC20=1020)
    assert messages[-1] == ("CryptoCloud", "Time to withdraw")


@pytest.mark.parametrize("language", PAGES)
def test_fields_of_forms_are_explained(language: str) -> None:
    """Test that tables explain all fields of the forms under their labels."""
    strings = load_strings(language)
    for labels in (
        strings["config"]["step"]["user"]["data"],
        strings["options"]["step"]["init"]["data"],
    ):
        assert any(set(labels.values()) <= cells for cells in read_tables(language))


@pytest.mark.parametrize("language", PAGES)
def test_readme_says_how_often_balances_are_read(language: str) -> None:
    """Test that the README says how often the balances are read."""
    minutes = UPDATE_INTERVAL // timedelta(minutes=1)
    readme = (ROOT / PAGES[language][0]).read_text()
    assert re.search(rf"\b{minutes} (minutes|минут)\b", readme)


@pytest.mark.parametrize("language", PAGES)
def test_each_message_has_a_remedy(language: str) -> None:
    """Test that a table says what to do about each message."""
    strings = load_strings(language)
    messages = [
        *strings["config"]["error"].values(),
        *strings["options"]["error"].values(),
        *(error["message"] for error in strings["exceptions"].values()),
        strings["config"]["abort"]["already_configured"],
    ]
    # Placeholders are dots there, and one word alone is no message.
    beginnings = tuple(
        cell.removesuffix(".")
        for cells in read_tables(language)
        for cell in cells
        if " " in cell
    )
    for message in messages:
        assert re.sub(r"\{\w+\}", "…", message).startswith(beginnings)


@pytest.mark.parametrize("language", PAGES)
def test_page_counts_the_faults(language: str) -> None:
    """Test that the page counts the faults, and those of which the rest is used."""
    page = (ROOT / PAGES[language][1]).with_name("reliability.md").read_text()
    rows = re.findall(
        r"^\| `?(\w+)`? \|.*\| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE
    )
    groups = EXPECTED | {rows[-1][0]: TABLE}
    assert [(name, *map(int, counts)) for name, *counts in rows] == [
        (
            name,
            len(faults),
            sum(not fault.error for fault in faults.values()),
            3 * len(faults),
        )
        for name, faults in groups.items()
    ]
    odd = EXPECTED["rows"].values()
    unidentified = sum(fault.unidentified for fault in odd)
    assert re.search(rf"\b{len(odd)}\D+\b{unidentified}\b", page)


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_sensors_and_attributes_are_listed(
    hass: HomeAssistant, new_shop: Shop, language: str
) -> None:
    """Test that tables list all sensors, and all attributes of sensors and events."""
    await new_shop.set_up(USDT_TRC20=1)
    await new_shop.poll(USDT_TRC20=2)
    tables = read_tables(language)
    names = {
        sensor["name"].format(currency="USDT TRC20")
        for sensor in load_strings(language)["entity"]["sensor"].values()
    }
    assert names in tables
    assert set(hass.states.async_entity_ids("sensor")) in tables
    for entity_id in ("sensor.cryptocloud_usdt_trc20", EVENT):
        state = hass.states.get(entity_id)
        assert state
        assert state.attributes.keys() - ATTRIBUTES_OF_ALL in tables


async def test_examples_do_what_they_say(
    hass: HomeAssistant, new_shop: Shop, messages: Messages
) -> None:
    """Test that the automations and the sum do what they say."""
    *automations, config = find_examples(read_section("Examples"))
    await new_shop.set_up(USDT_TRC20=900, USDT_BSC=50)
    assert await async_setup_component(hass, "automation", {"automation": automations})
    assert await async_setup_component(hass, "template", config)
    await hass.async_block_till_done()
    total = "sensor.usdt_on_all_networks"

    await new_shop.poll(USDT_TRC20=1000.5, USDT_BSC=50)

    assert messages == [("CryptoCloud", "Time to withdraw: 1000.5 USDT")]
    assert hass.states.is_state(total, "1050.5")

    messages.clear()
    new_shop.sandbox.fault = Status(503)
    await new_shop.poll()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=36))
    await hass.async_block_till_done(wait_background_tasks=True)

    question = "No balances for half an hour. Does CryptoCloud need a new key?"
    assert messages == [("CryptoCloud", question)]
    assert hass.states.is_state(total, STATE_UNAVAILABLE)


async def test_cards_show_entities_that_exist(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that the cards show entities that there are."""
    await new_shop.set_up(USDT_TRC20=1)
    cards = find_examples((ROOT / "docs" / "dashboard.md").read_text())[1:]
    assert len(cards) == 7
    for card in cards:
        entity_ids = re.findall(r"sensor\.\w+", json.dumps(card))
        assert entity_ids
        assert all(map(hass.states.get, entity_ids))


# The meter's own timer, for the end of the month
@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_meter_counts_what_is_received(
    hass: HomeAssistant, new_shop: Shop
) -> None:
    """Test that the meter counts what is received."""
    await new_shop.set_up(USDT_TRC20=100)
    [config] = find_examples((ROOT / "docs" / "sensors.md").read_text())
    assert await async_setup_component(hass, "utility_meter", config)
    await hass.async_block_till_done()

    await new_shop.poll(USDT_TRC20=130)
    await new_shop.poll(USDT_TRC20=120)

    assert hass.states.is_state("sensor.received_this_month", "30")


async def test_action_answers_as_documented(
    hass: HomeAssistant, new_shop: Shop, messages: Messages
) -> None:
    """Test the response and the scripts."""
    await new_shop.set_up(*load_rows("balance_composed")[:1])
    call, *scripts = find_examples(read_section("Action"))
    (expected,) = find_examples(read_section("Action"), "json")
    domain, service = call["action"].split(".")
    response = await hass.services.async_call(
        domain, service, blocking=True, return_response=True
    )
    assert json.loads(json.dumps(response)) == expected
    config = {"script": {f"example_{i}": script for i, script in enumerate(scripts)}}
    assert await async_setup_component(hass, "script", config)
    for name in config["script"]:
        await hass.services.async_call("script", name, blocking=True)
    assert messages == [
        ("Total: 1250.37 USD", "1250.5 USDT_TRC20"),
        ("CryptoCloud", "1250.5 USDT"),
    ]
