"""Actions of CryptoCloud."""

from typing import cast

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN
from .coordinator import CryptoCloudConfigEntry
from .entity import currency_attributes
from .models import format_plain

SERVICE_GET_BALANCES = "get_balances"
SERVICE_GET_BALANCES_SCHEMA = vol.Schema(
    {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_BALANCES,
        _async_get_balances,
        schema=SERVICE_GET_BALANCES_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_get_balances(call: ServiceCall) -> ServiceResponse:
    """Return all fields of an account's balances from the last answer.

    Amounts are strings in plain notation with all their digits, or None if unknown.
    """
    entry = _get_entry(call)
    coordinator = entry.runtime_data
    if not coordinator.last_update_success:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="balances_unavailable",
            translation_placeholders={"account": entry.title},
        )
    account = coordinator.data
    return {
        "currencies": [
            {
                **currency_attributes(currency := balance.currency),
                "id": currency.id,
                "short_code": currency.short_code,
                "stablecoin": currency.stablecoin,
                "is_email_required": currency.is_email_required,
                "enable": currency.enable,
                "order": currency.order,
                "icon_base": currency.icon_base,
                "icon_network": currency.icon_network,
                "icon_qr": currency.icon_qr,
                "network_id": currency.network_id,
                "network_icon": currency.network_icon,
                "balance": format_plain(balance.balance),
                "balance_usd": format_plain(balance.balance_usd),
                "available_balance": format_plain(balance.available),
                "available_balance_usd": format_plain(balance.available_usd),
                "on_hold": format_plain(balance.on_hold),
            }
            for _, balance in sorted(account.balances.items())
        ],
        "total_balance": format_plain(account.total_usd),
        "total_available_balance": format_plain(account.total_available_usd),
        "total_on_hold": format_plain(account.total_on_hold_usd),
        "received": format_plain(coordinator.ledger.received),
        "withdrawn": format_plain(coordinator.ledger.withdrawn),
    }


def _get_entry(call: ServiceCall) -> CryptoCloudConfigEntry:
    """Return the named account, or the only one if none is named."""
    if entry_id := call.data.get(ATTR_CONFIG_ENTRY_ID):
        named = call.hass.config_entries.async_get_entry(entry_id)
        entries = [named] if named and named.domain == DOMAIN else []
    else:
        entries = call.hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    if len(entries) > 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="account_required"
        )
    if not entries:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="account_not_found"
        )
    [entry] = entries
    if entry.state is not ConfigEntryState.LOADED:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="account_not_loaded",
            translation_placeholders={"account": entry.title},
        )
    return cast(CryptoCloudConfigEntry, entry)
