"""Home Assistant without its user interface."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory

from homeassistant.bootstrap import CORE_INTEGRATIONS, async_load_base_functionality
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_custom_components, async_setup
from homeassistant.setup import async_setup_component


@asynccontextmanager
async def run_home_assistant(*integrations: str) -> AsyncGenerator[HomeAssistant]:
    """Run a new Home Assistant in a folder of its own."""
    with TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        async_setup(hass)
        hass.config.skip_pip = True
        hass.config_entries = ConfigEntries(hass, {})
        await async_get_custom_components(hass)
        await async_load_base_functionality(hass)
        for domain in (*sorted(CORE_INTEGRATIONS), "network", "sensor", *integrations):
            if not await async_setup_component(hass, domain, {}):
                raise RuntimeError(f"{domain} could not be set up")
        await hass.async_start()
        await hass.async_block_till_done()
        try:
            yield hass
        finally:
            await hass.async_stop(force=True)
