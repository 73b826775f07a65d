"""The address that CryptoCloud calls: Home Assistant Cloud's, else the external one."""

import asyncio
from contextlib import suppress
import sys
from types import ModuleType
from typing import NamedTuple

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

CONF_CLOUDHOOK_URL = "cloudhook_url"

_LOCK: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_webhook_url")


class Address(NamedTuple):
    """An address, and whether calls come through the cloud or directly."""

    way: str
    url: str


def get_cloud() -> ModuleType | None:
    """Return Home Assistant Cloud's integration if Home Assistant has loaded it."""
    # An import would load all that it needs, and fail where that is not installed.
    return sys.modules.get("homeassistant.components.cloud")


@callback
def async_get_webhook_id(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the id of an account's webhook, which is a secret."""
    if CONF_WEBHOOK_ID not in entry.data:
        data = {**entry.data, CONF_WEBHOOK_ID: webhook.async_generate_id()}
        hass.config_entries.async_update_entry(entry, data=data)
    webhook_id: str = entry.data[CONF_WEBHOOK_ID]
    return webhook_id


async def async_get_address(hass: HomeAssistant, entry: ConfigEntry) -> Address | None:
    """Return the address as it is now, None if the internet cannot reach any."""
    webhook_id = async_get_webhook_id(hass, entry)
    async with hass.data.setdefault(_LOCK, asyncio.Lock()):
        url = await _async_get_cloudhook(hass, entry, webhook_id)
    if url:
        return Address("cloud", url)
    try:
        url = webhook.async_generate_url(hass, webhook_id, allow_internal=False)
    except NoURLAvailableError:
        return None
    return Address("external", url)


async def _async_get_cloudhook(
    hass: HomeAssistant, entry: ConfigEntry, webhook_id: str
) -> str | None:
    """Return the address of the cloud's hook if there is a subscription."""
    cloud = get_cloud()
    if not cloud or not cloud.async_active_subscription(hass):
        return None
    known: str | None = entry.data.get(CONF_CLOUDHOOK_URL)
    try:
        url: str = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
    except Exception:  # noqa: BLE001 # such as not being connected now
        return known
    if url != known:
        data = {**entry.data, CONF_CLOUDHOOK_URL: url}
        hass.config_entries.async_update_entry(entry, data=data)
    return url


async def async_delete_cloudhook(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the cloud's hook if there is one."""
    if CONF_CLOUDHOOK_URL in entry.data and (cloud := get_cloud()):
        # Whatever it raises, the account does not need the hook any more.
        with suppress(Exception):
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])


@callback
def async_forget_webhook(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget the id and the address of an account's webhook."""
    data = dict(entry.data)
    for key in (CONF_WEBHOOK_ID, CONF_CLOUDHOOK_URL):
        data.pop(key, None)
    hass.config_entries.async_update_entry(entry, data=data)
