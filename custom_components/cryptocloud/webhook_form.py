"""The form that shows the address which CryptoCloud has to call."""

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .webhook_calls import async_get_calls
from .webhook_url import async_delete_cloudhook, async_get_address, async_save_webhook


class AddressForm:
    """An address that becomes the account's when the form is saved."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Initialize a form with the account's id, or a new one."""
        self._hass = hass
        self._entry = entry
        self._webhook_id: str = (
            entry.data.get(CONF_WEBHOOK_ID) or webhook.async_generate_id()
        )

    async def async_get_placeholders(self) -> dict[str, str] | None:
        """Return what the form says, None if there is no address."""
        hass, entry = self._hass, self._entry
        await async_setup_component(hass, webhook.DOMAIN, {})
        address = await async_get_address(hass, entry, self._webhook_id)
        if not address:
            return None
        last = None
        if CONF_WEBHOOK_ID in entry.data:
            last = (await async_get_calls(hass, entry)).last
        integration = await async_get_integration(hass, DOMAIN)
        texts = await async_get_translations(
            hass, hass.config.language, "common", [DOMAIN]
        )
        return {
            "docs_url": f"{integration.documentation}#instant-updates",
            "last_call": f"{dt_util.as_local(last):%Y-%m-%d %H:%M:%S}"
            if last
            else texts[f"component.{DOMAIN}.common.never"],
            "webhook_url": address.url,
        }

    @callback
    def async_save(self) -> None:
        """Give the address to the account, unless it has one by now."""
        async_save_webhook(self._hass, self._entry, self._webhook_id)

    @callback
    def async_close(self) -> None:
        """Delete the cloud's hook if the address was not saved."""
        if self._entry.data.get(CONF_WEBHOOK_ID) != self._webhook_id:
            self._hass.async_create_task(
                async_delete_cloudhook(self._hass, self._webhook_id)
            )
