"""Tests of setting up, unloading and removing an account."""

from datetime import timedelta
import logging
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.config_entries import (
    RELOAD_AFTER_UPDATE_DELAY,
    SOURCE_REAUTH,
    ConfigEntryState,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from tools.sandbox import Sandbox

from .common import (
    API_KEY,
    Shop,
    complaints,
    get_state,
    get_value,
    load_json,
    set_up,
    submit,
    tracebacks,
)


async def test_unloaded_account_sends_no_requests(shop: Shop) -> None:
    """Test that an unloaded account asks for nothing, and the way back."""
    await shop.unload()
    assert shop.entry.state is ConfigEntryState.NOT_LOADED
    assert get_value(shop.hass, "a") == STATE_UNAVAILABLE

    await shop.poll()
    assert shop.sandbox.request_count == 1

    assert await set_up(shop.hass, shop.entry)
    assert get_value(shop.hass, "a") == "100"


async def test_removed_account_leaves_nothing(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Test that a removed account leaves nothing."""
    await hass.config_entries.async_remove(loaded_entry.entry_id)
    await hass.async_block_till_done()

    assert hass.states.async_all("sensor") == []
    assert not entity_registry.entities
    assert not device_registry.devices


async def test_options_have_defaults(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test that the options have defaults."""
    hass.config_entries.async_update_entry(entry, options={})
    assert await set_up(hass, entry)

    assert get_value(hass, "bnb") == "0"
    assert "entity_picture" in get_state(hass, "usdt_trc20").attributes


@pytest.mark.parametrize("data", [{}, {"api_key": None}])
async def test_damaged_account_asks_for_its_key(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    data: dict[str, Any],
) -> None:
    """Test that an account that lost its data and options says so, and the way back."""
    hass.config_entries.async_update_entry(entry, data=data, options={})

    assert not await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.reason
    assert entry.reason.startswith("The API key of this account is missing")
    assert complaints(caplog, logging.ERROR) == []
    assert tracebacks(caplog) == []
    assert sandbox.request_count == 0
    [flow] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH

    result = await submit(hass, flow, api_key=API_KEY)
    assert result["reason"] == "reauth_successful"
    assert get_value(hass, "usdt_trc20") == "1250.5"


async def test_set_up_writes_each_state_once(new_shop: Shop) -> None:
    """Test that entities are notified after a set-up only if there are changes."""
    await new_shop.set_up(BTC=1)

    states = new_shop.hass.states.async_all(("event", "sensor"))
    assert len(states) == 7
    for state in states:
        assert state.last_reported == state.last_updated


async def test_unique_id_from_the_key_is_dropped(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test that an account of version 1.1 loses the unique id made from its key."""
    entry = MockConfigEntry(
        domain=DOMAIN, data={"api_key": API_KEY}, unique_id="a hash", minor_version=1
    )
    assert await set_up(hass, entry)

    assert entry.unique_id is None
    assert (entry.version, entry.minor_version) == (1, 2)


@pytest.mark.parametrize("load_registries", [False])
async def test_account_of_version_1_1_keeps_entities_and_options(
    hass: HomeAssistant, hass_storage: dict[str, Any], sandbox: Sandbox
) -> None:
    """Test an update with a copy of what 2026.6 stored before version 1.2."""
    hass_storage |= load_json("storage_1.1")
    await async_load_base_functionality(hass)
    registry = er.async_get(hass)
    [entry] = hass.config_entries.async_entries(DOMAIN)
    before = {name: entity.unique_id for name, entity in registry.entities.items()}
    options = dict(entry.options)

    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    assert (entry.unique_id, entry.minor_version) == (None, 2)
    assert entry.options == options == {"only_funded": True, "show_icons": False}
    after = {name: entity.unique_id for name, entity in registry.entities.items()}
    added = {"sensor.cryptocloud_received", "sensor.cryptocloud_withdrawn"}
    assert after.keys() - before.keys() == added
    assert before.items() <= after.items()
    state = hass.states.get("sensor.tether")
    assert state
    assert (state.name, state.state) == ("Shop money", "1250.5")
    assert get_value(hass, "usdt_trc20_usd_value") == "1250.37"
    assert "entity_picture" not in state.attributes


@pytest.mark.parametrize(
    ("disabled_by", "new_ones_are_disabled", "expected"),
    [
        (er.RegistryEntryDisabler.INTEGRATION, False, None),
        (er.RegistryEntryDisabler.INTEGRATION, True, "integration"),
        (er.RegistryEntryDisabler.USER, False, "user"),
        (None, False, None),
    ],
)
async def test_values_of_an_earlier_version_are_enabled(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    new_shop: Shop,
    disabled_by: er.RegistryEntryDisabler | None,
    new_ones_are_disabled: bool,
    expected: str | None,
) -> None:
    """Test that sensors are enabled as in a new account, except by the user's wish."""
    entry = new_shop.entry
    hass.config_entries.async_update_entry(
        entry, pref_disable_new_entities=new_ones_are_disabled
    )
    for key in ("balance", "usd_value", "available"):
        entity_registry.async_get_or_create(
            "sensor",
            DOMAIN,
            f"{entry.entry_id}_ETH:{key}",
            config_entry=entry,
            disabled_by=disabled_by,
            suggested_object_id=f"cryptocloud_eth_{key}",
        )
    await new_shop.set_up(ETH=1)

    def get_disabled_by(key: str) -> str | None:
        entity = entity_registry.async_get(f"sensor.cryptocloud_eth_{key}")
        assert entity
        return entity.disabled_by

    assert get_disabled_by("usd_value") == expected
    assert get_disabled_by("balance") == get_disabled_by("available") == disabled_by
    state = hass.states.get("sensor.cryptocloud_eth_usd_value")
    assert (state and state.state) == (None if expected else "1")

    # Home Assistant reloads an account whose sensors are enabled while it is loaded.
    await new_shop.poll_again(timedelta(seconds=RELOAD_AFTER_UPDATE_DELAY))
    assert new_shop.sandbox.request_count == 1
