"""Tests of the actions; tests/test_docs.py compares a whole response."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox

from .common import OTHER_API_KEY, Shop, make_entry, make_row, set_up


async def get_balances(hass: HomeAssistant, **data: str) -> dict[str, Any]:
    """Call the action."""
    response = await hass.services.async_call(
        DOMAIN, "get_balances", data, blocking=True, return_response=True
    )
    assert response
    return dict(response)


@pytest.mark.parametrize(
    ("value", "integer", "boolean"),
    [
        (Decimal(7), 7, None),
        (Decimal("7.0"), 7, None),
        (Decimal(-7), -7, None),
        (Decimal(0), 0, None),
        (Decimal(999999999999999), 999999999999999, None),
        (Decimal("1E+15"), None, None),
        (Decimal("1E+999999"), None, None),
        (Decimal("7.5"), None, None),
        (Decimal("1E-999999"), None, None),
        ("7", None, None),
        ("None", None, None),
        (None, None, None),
        (True, None, True),
        (False, None, False),
        ([], None, None),
    ],
)
async def test_odd_fields_are_none(
    new_shop: Shop, value: Any, integer: int | None, boolean: bool | None
) -> None:
    """Test fields that are of another type than documented."""
    row = make_row("A")
    row["currency"] |= dict.fromkeys(
        ("id", "order", "enable", "is_email_required", "icon_qr"), value
    )
    row["currency"]["obj_network"] |= {"id": value, "icon": value}
    await new_shop.set_up(row)

    [currency] = (await get_balances(new_shop.hass))["currencies"]
    for name in ("id", "order", "network_id"):
        assert currency[name] == integer
    for name in ("enable", "is_email_required"):
        assert currency[name] is boolean
    assert currency["icon_qr"] is currency["network_icon"] is None
    assert currency["balance"] == "1"


async def test_numbers_of_a_currency_and_its_network(new_shop: Shop) -> None:
    """Test that each number comes from its own field."""
    row = make_row("A")
    row["currency"] |= {"id": 1, "order": 2}
    row["currency"]["obj_network"]["id"] = 3
    await new_shop.set_up(row)

    [currency] = (await get_balances(new_shop.hass))["currencies"]
    assert [currency[key] for key in ("id", "order", "network_id")] == [1, 2, 3]


async def test_get_balances_is_exact(new_shop: Shop) -> None:
    """Test that amounts keep their digits and unknown ones are none."""
    await new_shop.set_up(
        make_row("B", Decimal("1234567890.123456789012345678")),
        make_row("A", Decimal("1E-8"), available_balance_usd="?"),
    )
    response = await get_balances(new_shop.hass)

    assert response["total_balance"] == "1234567890.123456799012345678"
    assert response["total_available_balance"] is None
    assert response["total_on_hold"] is None
    first, second = response["currencies"]
    assert first["currency"] == "A"
    assert first["balance"] == "0.00000001"
    assert first["available_balance_usd"] is None
    assert first["on_hold"] == "0"
    assert second["balance"] == "1234567890.123456789012345678"


async def test_account_is_named_where_there_are_two(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry
) -> None:
    """Test naming the account, which is needed where there are two."""
    response = await get_balances(hass)
    assert await get_balances(hass, config_entry_id=loaded_entry.entry_id) == response

    sandbox.rows = [make_row("A", 5)]
    entry = make_entry(OTHER_API_KEY, title="Tea shop")
    assert await set_up(hass, entry)
    assert await get_balances(hass, config_entry_id=loaded_entry.entry_id) == response

    other = await get_balances(hass, config_entry_id=entry.entry_id)
    assert other["total_balance"] == "5"
    with pytest.raises(
        ServiceValidationError, match="more than one CryptoCloud account"
    ):
        await get_balances(hass)

    await hass.config_entries.async_set_disabled_by(
        loaded_entry.entry_id, ConfigEntryDisabler.USER
    )
    assert await get_balances(hass) == other
    with pytest.raises(ServiceValidationError, match="CryptoCloud is not loaded"):
        await get_balances(hass, config_entry_id=loaded_entry.entry_id)


async def test_unknown_account_is_refused(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Test an account that is not there, in three ways."""
    with pytest.raises(ServiceValidationError, match="CryptoCloud account not found"):
        await get_balances(hass, config_entry_id="unknown")

    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)

    with pytest.raises(ServiceValidationError, match="CryptoCloud account not found"):
        await get_balances(hass, config_entry_id=other.entry_id)
    with pytest.raises(vol.Invalid):
        await get_balances(hass, account="CryptoCloud")


async def test_action_exists_before_any_account(hass: HomeAssistant) -> None:
    """Test that the action is there before any account is, and says so."""
    assert await async_setup_component(hass, DOMAIN, {})

    with pytest.raises(ServiceValidationError, match="CryptoCloud account not found"):
        await get_balances(hass)


async def test_account_that_is_not_loaded_is_refused(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Test an account that is not running."""
    await hass.config_entries.async_unload(loaded_entry.entry_id)

    with pytest.raises(ServiceValidationError, match="CryptoCloud is not loaded"):
        await get_balances(hass)


async def test_old_balances_are_not_returned(shop: Shop) -> None:
    """Test that no old value is passed off as new."""
    await shop.fail()
    with pytest.raises(HomeAssistantError, match="update failed"):
        await get_balances(shop.hass)

    await shop.poll()
    assert (await get_balances(shop.hass))["total_balance"] == "105"
