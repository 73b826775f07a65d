"""Tests of the sensors."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads
from tools.sandbox import Sandbox

from .common import get_state, make_row, set_up


@pytest.mark.usefixtures("entity_registry_enabled_by_default", "loaded_entry")
async def test_sensors(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    loaded_entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    """Test every sensor of every currency and of the account."""
    sensors = {
        entity.entity_id: {
            "unique_id": entity.unique_id.replace(loaded_entry.entry_id, "<entry>"),
            "options": {domain: dict(o) for domain, o in entity.options.items()},
            "state": (state := hass.states.get(entity.entity_id)) and state.state,
            "attributes": state and dict(state.attributes),
        }
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
        if entity.domain == "sensor"
    }

    assert len(sensors) == 5 + 3 * 5
    # As JSON, since what Home Assistant makes of it differs between versions.
    assert json_loads(json_dumps(sensors)) == snapshot


async def test_details_are_disabled_by_default(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test which sensors are enabled by default."""
    disabled = {
        entity.entity_id.removeprefix("sensor.cryptocloud_")
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
        if entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    }

    assert disabled == {
        "total_on_hold",
        *(
            f"{currency}_{key}"
            for currency in ("bnb", "eth", "usdt_trc20")
            for key in ("usd_value", "available", "available_usd_value", "on_hold")
        ),
    }
    assert len(hass.states.async_all("sensor")) == 5 + 2


@pytest.mark.parametrize(
    ("name", "usd_precision", "crypto_precision"),
    [("usdt_trc20", 2, 2), ("eth", 2, 8)],
)
@pytest.mark.usefixtures("loaded_entry")
async def test_coins_show_more_decimals_than_money(
    entity_registry: er.EntityRegistry,
    name: str,
    usd_precision: int,
    crypto_precision: int,
) -> None:
    """Test the number of decimals shown."""

    def precision(key: str) -> int:
        entity = entity_registry.async_get(f"sensor.cryptocloud_{key}")
        assert entity
        decimals: int = entity.options["sensor"]["suggested_display_precision"]
        return decimals

    assert precision(name) == crypto_precision
    assert precision("total_balance") == usd_precision


@pytest.mark.parametrize(
    ("code", "name", "object_id"),
    [
        ("BTC", "BTC", "cryptocloud_btc"),
        ("USDT_TRC20", "USDT TRC20", "cryptocloud_usdt_trc20"),
        ("X" * 100, "X" * 100, "cryptocloud_" + "x" * 100),
        ("{currency}", "{currency}", "cryptocloud_currency"),
        ("БТК", "БТК", "cryptocloud_btk"),
    ],
)
async def test_currency_is_named_after_its_code(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    code: str,
    name: str,
    object_id: str,
) -> None:
    """Test that a currency is named after its code, whatever that is."""
    sandbox.rows = [make_row(code)]
    assert await set_up(hass, entry)

    state = hass.states.get(f"sensor.{object_id}")
    assert state
    assert state.state == "1"
    assert state.name == f"CryptoCloud {name}"


@pytest.mark.parametrize(
    ("icon_network", "icon_base", "picture"),
    [
        ("https://a.example/n.svg", "https://a.example/b.svg", "n"),
        ("None", "https://a.example/b.svg", "b"),
        ("", "https://a.example/b.svg", "b"),
        (None, "https://a.example/b.svg", "b"),
        ("//a.example/n.svg", "https://a.example/b.svg", "b"),
        ("https:///n.svg", "https://a.example/b.svg", "b"),
        ("https://[]h@", "https://a.example/b.svg", "b"),
        ("https://user:password@a.example/n.svg", "https://a.example/b.svg", "b"),
        ('https://a.example/"n.svg', "https://a.example/b.svg", "b"),
        ("https://a.example/<n>.svg", "https://a.example/b.svg", "b"),
        ("https://a.example\x00/n.svg", "https://a.example/b.svg", "b"),
        ("https://a.example/" + "n" * 2000, "https://a.example/b.svg", "b"),
        (None, "ftp://a.example/b.svg", None),
    ],
)
async def test_best_picture_with_a_good_address_is_shown(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    icon_network: Any,
    icon_base: Any,
    picture: str | None,
) -> None:
    """Test that a dashboard gets the best picture with a good address."""
    row = make_row("BTC")
    row["currency"] |= {"icon_network": icon_network, "icon_base": icon_base}
    sandbox.rows = [row]
    assert await set_up(hass, entry)

    expected = picture and f"https://a.example/{picture}.svg"
    assert get_state(hass, "btc").attributes.get("entity_picture") == expected


@pytest.mark.parametrize(
    ("language", "entity_ids"),
    [
        ("ru", {"cryptocloud_eth", "cryptocloud_total_balance"}),
        ("de", {"cryptocloud_eth"}),
    ],
)
async def test_entity_ids_of_currencies_are_the_same_in_all_languages(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    language: str,
    entity_ids: set[str],
) -> None:
    """Test that the ids of the currencies do not depend on the language."""
    hass.config.language = language
    assert await set_up(hass, entry)

    assert {f"sensor.{name}" for name in entity_ids} <= set(
        hass.states.async_entity_ids()
    )
