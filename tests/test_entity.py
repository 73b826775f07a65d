"""Tests of the device that the entities belong to."""

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.const import DOMAIN
from custom_components.cryptocloud.entity import NOT_MEANT_BY_DEVICE
from custom_components.cryptocloud.sensor_types import CURRENCY_SENSORS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from tools.sandbox import Sandbox

from .common import make_entry, reload, set_up


async def test_account_is_one_service_device(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test the one device of an account."""
    [device] = dr.async_entries_for_config_entry(device_registry, loaded_entry.entry_id)

    assert device.identifiers == {(DOMAIN, loaded_entry.entry_id)}
    assert device.name == "CryptoCloud"
    assert device.manufacturer == "CryptoCloud"
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.configuration_url == "https://app.cryptocloud.plus"
    assert {
        entity.device_id
        for entity in er.async_entries_for_config_entry(
            entity_registry, loaded_entry.entry_id
        )
    } == {device.id}


def test_device_does_not_mean_values_of_single_currencies() -> None:
    """Test that triggers and conditions for an account only use its totals."""
    values = {sensor.key for sensor in CURRENCY_SENSORS if sensor.device_class}
    assert values
    assert values < set(NOT_MEANT_BY_DEVICE)


async def test_device_has_the_name_of_the_entry(
    hass: HomeAssistant, sandbox: Sandbox, device_registry: dr.DeviceRegistry
) -> None:
    """Test that the name a user gives to the account reaches its sensors."""
    entry = make_entry(title="Coffee shop")
    assert await set_up(hass, entry)
    state = hass.states.get("sensor.coffee_shop_usdt_trc20")
    assert state
    assert state.name == "Coffee shop USDT TRC20"

    hass.config_entries.async_update_entry(entry, title="Tea shop")
    await reload(hass, entry)
    state = hass.states.get("sensor.coffee_shop_usdt_trc20")
    assert state
    assert state.name == "Tea shop USDT TRC20"
