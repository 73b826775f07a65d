"""Home Assistant's core, as it starts, without the integrations it brings along."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from unittest.mock import patch

from aiohttp import ThreadedResolver

from homeassistant import auth, bootstrap, loader
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import HomeAssistant
from homeassistant.helpers import aiohttp_client
from homeassistant.setup import async_setup_component


class _Resolver(ThreadedResolver):
    """A resolver that can be closed for good."""

    async def real_close(self) -> None:
        """Close as Home Assistant wants it."""
        await self.close()


@asynccontextmanager
async def home_assistant() -> AsyncGenerator[HomeAssistant]:
    """Run Home Assistant in a folder of its own."""
    with (
        TemporaryDirectory() as folder,
        # Home Assistant's own would talk to other machines, where none is named.
        patch.object(aiohttp_client, "_async_make_resolver", lambda _: _Resolver()),
    ):
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        loader.async_setup(hass)
        hass.config_entries = ConfigEntries(hass, {})
        await bootstrap.async_load_base_functionality(hass)
        hass.auth = await auth.auth_manager_from_config(hass, [], [])
        for domain in bootstrap.CORE_INTEGRATIONS:
            if not await async_setup_component(hass, domain, {}):
                raise RuntimeError(f"{domain} could not be set up")
        await hass.async_start()
        try:
            yield hass
        finally:
            await hass.async_stop()
