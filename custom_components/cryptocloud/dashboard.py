"""Dashboard strategy, for the frontend to load, and what it asks for."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import voluptuous as vol

from homeassistant.components import frontend, websocket_api
from homeassistant.components.http import StaticPathConfig
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .entity import currency_unique_id
from .ledger import async_get_ledger

FOLDER = Path(__file__).parent / "frontend"
MODULE = "dashboard.js"


async def async_setup(hass: HomeAssistant) -> None:
    """Serve the dashboard strategy, where there is a frontend."""
    if frontend.DOMAIN not in hass.config.components:
        return
    digest = await hass.async_add_executor_job(_hash_files)
    # Browsers keep the files for a month: new content gets a new URL.
    url = f"/{DOMAIN}/{digest}"
    await hass.http.async_register_static_paths([StaticPathConfig(url, str(FOLDER))])
    frontend.add_extra_js_url(hass, f"{url}/{MODULE}")
    websocket_api.async_register_command(hass, async_send_last_known)


def _hash_files() -> str:
    """Return a hash of the module and of what it imports."""
    files = sorted(FOLDER.glob("*.js"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/last_known"})
@websocket_api.async_response
async def async_send_last_known(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Send what states do not say in an outage.

    `values` are the last known values in USD, by unique id of the balance, without the
    currencies that were empty. `rejected` are the accounts that need a new API key.
    """
    values: dict[str, float | None] = {}
    rejected: list[str] = []
    for entry in hass.config_entries.async_entries(DOMAIN):
        ledger = async_get_ledger(hass, entry)
        await ledger.async_load()
        for code, value in ledger.last_known_values().items():
            unique_id = f"{entry.entry_id}_{currency_unique_id(code, 'balance')}"
            values[unique_id] = None if value is None else float(value)
        if any(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
            rejected.append(entry.entry_id)
    connection.send_result(msg["id"], {"values": values, "rejected": rejected})
