"""Config and options flow for CryptoCloud."""

from collections.abc import Mapping
from hashlib import sha256
import re
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_API_KEY
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .api import CryptoCloudClient, CryptoCloudError
from .const import CABINET_URL, CONF_ONLY_FUNDED, CONF_SHOW_ICONS, DOMAIN, LOGGER
from .coordinator import CryptoCloudConfigEntry, CryptoCloudCoordinator

# What comes along when a key is copied from an example in CryptoCloud's documentation
PASTED_PREFIX = re.compile(r"^\s*Token\s", re.IGNORECASE)

API_KEY_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_API_KEY): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        )
    }
)
OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_ONLY_FUNDED, default=False): BooleanSelector(),
        vol.Required(CONF_SHOW_ICONS, default=True): BooleanSelector(),
    }
)
USER_SCHEMA = API_KEY_SCHEMA.extend(OPTIONS_SCHEMA.schema)


class CryptoCloudConfigFlow(ConfigFlow, domain=DOMAIN):
    """Config flow that asks for the API key of an account."""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(
        config_entry: CryptoCloudConfigEntry,
    ) -> CryptoCloudOptionsFlow:
        """Return the options flow."""
        return CryptoCloudOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add an account."""
        return await self._async_step_api_key("user", user_input)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for a new key after the stored one was refused."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a refused key."""
        return await self._async_step_api_key(
            "reauth_confirm", user_input, self._get_reauth_entry()
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a key before it is refused."""
        return await self._async_step_api_key(
            "reconfigure", user_input, self._get_reconfigure_entry()
        )

    async def _async_step_api_key(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        entry: CryptoCloudConfigEntry | None = None,
    ) -> ConfigFlowResult:
        """Check a key, then add an account with it or give it to an entry."""
        errors: dict[str, str] = {}
        if user_input is not None:
            options = dict(user_input)
            api_key = PASTED_PREFIX.sub("", options.pop(CONF_API_KEY)).strip()
            unique_id = sha256(api_key.encode(errors="surrogatepass")).hexdigest()
            if not (errors := await self._async_check(api_key)):
                # The API names no account, so that only the same key is known again.
                owner = self.hass.config_entries.async_entry_for_domain_unique_id(
                    DOMAIN, unique_id
                )
                if owner not in (None, entry):
                    return self.async_abort(reason="already_configured")
                data = {CONF_API_KEY: api_key}
                if entry is not None:
                    return self.async_update_reload_and_abort(
                        entry, unique_id=unique_id, data_updates=data
                    )
                await self.async_set_unique_id(unique_id, raise_on_progress=False)
                return self.async_create_entry(
                    title=self._unused_title(), data=data, options=options
                )
            # The key never goes back into a form.
            user_input = options
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                API_KEY_SCHEMA if entry else USER_SCHEMA, user_input
            ),
            description_placeholders={"cabinet_url": CABINET_URL},
            errors=errors,
        )

    async def _async_check(self, api_key: str) -> dict[str, str]:
        """Try a key and return the errors for the form."""
        client = CryptoCloudClient(
            session=async_get_clientsession(self.hass), api_key=api_key
        )
        try:
            await client.get_account()
        except CryptoCloudError as err:
            return {"base": err.translation_key}
        except Exception:  # noqa: BLE001 # as Home Assistant asks of flows
            LOGGER.exception("Unexpected error while checking an API key")
            return {"base": "unknown"}
        return {}

    def _unused_title(self) -> str:
        """Return a title that tells the account apart from those already there."""
        titles = {entry.title for entry in self._async_current_entries()}
        title = "CryptoCloud"
        number = 1
        while title in titles:
            number += 1
            title = f"CryptoCloud {number}"
        return title


class CryptoCloudOptionsFlow(OptionsFlowWithReload):
    """Options flow; Home Assistant reloads the entry when something changed."""

    config_entry: CryptoCloudConfigEntry

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Set the options."""
        errors: dict[str, str] = {}
        options = self.config_entry.options
        if user_input is not None:
            if user_input[CONF_ONLY_FUNDED] and not options.get(CONF_ONLY_FUNDED):
                errors = self._remove_unfunded()
            if not errors:
                return self.async_create_entry(data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                OPTIONS_SCHEMA, user_input or options
            ),
            errors=errors,
        )

    def _remove_unfunded(self) -> dict[str, str]:
        """Remove the sensors of currencies that hold nothing, if that is known."""
        coordinator: CryptoCloudCoordinator | None = getattr(
            self.config_entry, "runtime_data", None
        )
        if coordinator is None or not coordinator.knows_balances:
            return {"base": "no_balances"}
        coordinator.async_remove_sensors(
            code
            for code, balance in coordinator.data.balances.items()
            if balance.is_empty
        )
        return {}
