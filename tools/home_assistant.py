"""Home Assistant in this process, without the integrations it brings along."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from unittest.mock import patch

from aiohttp import ThreadedResolver

from homeassistant import bootstrap, loader
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import HomeAssistant
from homeassistant.helpers import aiohttp_client
from homeassistant.setup import async_setup_component


class _Resolver(ThreadedResolver):
    """A resolver that Home Assistant can close for good."""

    async def real_close(self) -> None:
        """Close."""
        await self.close()


@asynccontextmanager
async def run_home_assistant() -> AsyncGenerator[HomeAssistant]:
    """Run a new Home Assistant in a folder of its own."""
    with (
        TemporaryDirectory() as folder,
        # Home Assistant's own would talk to other machines, though all names are known.
        patch.object(aiohttp_client, "_async_make_resolver", lambda _: _Resolver()),
    ):
        hass = HomeAssistant(folder)
        hass.config.skip_pip = True
        loader.async_setup(hass)
        hass.config_entries = ConfigEntries(hass, {})
        await bootstrap.async_load_base_functionality(hass)
        for domain in (*sorted(bootstrap.CORE_INTEGRATIONS), "network", "sensor"):
            if not await async_setup_component(hass, domain, {}):
                raise RuntimeError(f"{domain} could not be set up")
        await hass.async_start()
        await hass.async_block_till_done()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)
