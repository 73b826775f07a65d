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
# Deleted ids, for which the cloud may still be creating a hook
_DELETED: HassKey[set[str]] = HassKey(f"{DOMAIN}_webhook_url_deleted")


class Address(NamedTuple):
    """An address, and whether calls come through the cloud or directly."""

    way: str
    url: str


def get_cloud() -> ModuleType | None:
    """Return Home Assistant Cloud's integration if Home Assistant has loaded it."""
    # An import would load all that it needs, and fail where that is not installed.
    return sys.modules.get("homeassistant.components.cloud")


async def async_get_address(
    hass: HomeAssistant, entry: ConfigEntry, webhook_id: str
) -> Address | None:
    """Return the address as it is now, None if the internet cannot reach any."""
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
    except Exception:  # noqa: BLE001 # for example, if it is not connected
        return known
    if webhook_id in hass.data.get(_DELETED, ()):
        await async_delete_cloudhook(hass, webhook_id)
        return None
    async_save_cloudhook(hass, entry, webhook_id, url)
    return url


@callback
def async_save_cloudhook(
    hass: HomeAssistant, entry: ConfigEntry, webhook_id: str, url: str | None
) -> None:
    """Remember the address of a hook, for when the cloud is not connected."""
    if entry.data.get(CONF_WEBHOOK_ID) == webhook_id:
        data = {**entry.data, CONF_CLOUDHOOK_URL: url}
        hass.config_entries.async_update_entry(entry, data=data)


async def async_delete_cloudhook(hass: HomeAssistant, webhook_id: str) -> None:
    """Delete the cloud's hook for good if there is or will be one."""
    hass.data.setdefault(_DELETED, set()).add(webhook_id)
    if cloud := get_cloud():
        # For example, if there is none
        with suppress(Exception):
            await cloud.async_delete_cloudhook(hass, webhook_id)


@callback
def async_save_webhook(
    hass: HomeAssistant, entry: ConfigEntry, webhook_id: str
) -> None:
    """Give an account the id of its webhook, unless it has one."""
    data = {CONF_WEBHOOK_ID: webhook_id, **entry.data}
    hass.config_entries.async_update_entry(entry, data=data)


@callback
def async_forget_webhook(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Forget the address of an account's webhook, and return its id."""
    data = dict(entry.data)
    webhook_id: str = data.pop(CONF_WEBHOOK_ID)
    data.pop(CONF_CLOUDHOOK_URL, None)
    hass.config_entries.async_update_entry(entry, data=data)
    return webhook_id
