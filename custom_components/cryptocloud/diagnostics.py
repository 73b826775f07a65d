"""Diagnostics of an account, without its key, amounts and ids."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.importlib import async_import_module

from .answer import AMOUNT_KEYS, describe_fields
from .const import CONF_INSTANT_UPDATES, CONF_ONLY_FUNDED, CONF_SHOW_ICONS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator
from .models import Account


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> dict[str, Any]:
    """Return diagnostics, also of an account that is not set up."""
    options = {
        option: entry.options.get(option)
        for option in (CONF_ONLY_FUNDED, CONF_SHOW_ICONS)
    }
    instant_updates = await _async_instant_updates(hass, entry)
    coordinator: CryptoCloudCoordinator | None = getattr(entry, "runtime_data", None)
    if coordinator is None:
        return {"options": options, "instant_updates": instant_updates}
    error = coordinator.last_error
    fields = await hass.async_add_executor_job(
        describe_fields, coordinator.client.last_body or b""
    )
    return {
        "options": options,
        "instant_updates": instant_updates,
        "last_update_success": coordinator.last_update_success,
        "last_error": None
        if error is None
        else {"type": type(error).__name__, "time": coordinator.last_error_at},
        "ledger": {
            "loaded": coordinator.ledger.loaded,
            "known_currencies": coordinator.ledger.known_currencies,
        },
        "account": None
        if coordinator.data is None
        else _account_diagnostics(coordinator.data) | {"fields": fields},
    }


async def _async_instant_updates(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> dict[str, Any]:
    """Return whether CryptoCloud can call, by which way, and when it last did."""
    if not entry.options.get(CONF_INSTANT_UPDATES):
        return {"on": False}
    try:
        module = await async_import_module(hass, f"{__package__}.webhook")
        return {"on": True, **await module.async_get_diagnostics(hass, entry)}
    except Exception as err:  # noqa: BLE001 # the rest is needed all the more
        return {"on": True, "error": type(err).__name__}


def _account_diagnostics(account: Account) -> dict[str, Any]:
    """Return what the last good answer consisted of."""
    balances = account.balances.values()
    return {
        "currencies": len(balances),
        "funded_currencies": sum(balance.is_funded for balance in balances),
        "unidentified_rows": account.unidentified,
        "unknown_amounts": {
            name: sum(getattr(balance, name) is None for balance in balances)
            for name in AMOUNT_KEYS
        },
        "total_is_known": account.total_usd is not None,
        "available_total_is_known": account.total_available_usd is not None,
    }
