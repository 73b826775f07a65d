"""Diagnostics of an account: what can be told without key, amounts and ids."""

from collections import defaultdict
from typing import Any

from homeassistant.core import HomeAssistant

from .api import AMOUNTS, Account
from .const import CONF_ONLY_FUNDED, CONF_SHOW_ICONS
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> dict[str, Any]:
    """Return diagnostics, also of an account that is not set up."""
    options = {
        option: entry.options.get(option)
        for option in (CONF_ONLY_FUNDED, CONF_SHOW_ICONS)
    }
    coordinator: CryptoCloudCoordinator | None = getattr(entry, "runtime_data", None)
    if coordinator is None:
        return {"options": options}
    error = coordinator.last_error
    return {
        "options": options,
        "last_update_success": coordinator.last_update_success,
        "last_error": None
        if error is None
        else {"type": type(error).__name__, "time": coordinator.last_error_at},
        "account": None
        if coordinator.data is None
        else _account_diagnostics(coordinator.data),
    }


def _account_diagnostics(account: Account) -> dict[str, Any]:
    """Return what the last good answer consisted of."""
    balances = account.balances.values()
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for name, json_type in sorted(account.fields):
        fields[name].append(json_type)
    return {
        "currencies": len(balances),
        "funded_currencies": sum(balance.is_funded for balance in balances),
        "unidentified_rows": account.unidentified,
        "unknown_amounts": {
            name: sum(getattr(balance, name) is None for balance in balances)
            for name in AMOUNTS
        },
        "total_is_known": account.total_usd is not None,
        "available_total_is_known": account.total_available_usd is not None,
        "fields": fields,
    }
