"""Dashboard strategy, for the frontend to load."""

from hashlib import sha256
from pathlib import Path

from homeassistant.components import frontend
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant

from .const import DOMAIN

MODULE = Path(__file__).parent / "frontend" / "dashboard.js"


async def async_setup(hass: HomeAssistant) -> None:
    """Serve the dashboard strategy, where there is a frontend."""
    if frontend.DOMAIN not in hass.config.components:
        return
    content = await hass.async_add_executor_job(MODULE.read_bytes)
    # Browsers keep the file for a month: another content gets another address.
    url = f"/{DOMAIN}/{sha256(content).hexdigest()[:16]}/{MODULE.name}"
    await hass.http.async_register_static_paths([StaticPathConfig(url, str(MODULE))])
    frontend.add_extra_js_url(hass, url)
