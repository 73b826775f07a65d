"""Config and options flow for CryptoCloud."""

from collections.abc import Mapping
import re
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_API_KEY, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from . import async_run_optional
from .api import CryptoCloudClient, CryptoCloudError
from .const import (
    ACCOUNT_URL,
    CONF_INSTANT_UPDATES,
    CONF_ONLY_FUNDED,
    CONF_SHOW_ICONS,
    DOMAIN,
    LOGGER,
)
from .coordinator import CryptoCloudConfigEntry
from .entity import async_remove_empty
from .ledger import async_get_ledger
from .refusals import async_forget_refusal

# Prefix that is copied along with a key from CryptoCloud's examples
PASTED_PREFIX = re.compile(r"^\s*Token\s", re.IGNORECASE)

API_KEY_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_API_KEY): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        )
    }
)
FIRST_OPTIONS_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_ONLY_FUNDED, default=False): BooleanSelector(),
        vol.Required(CONF_SHOW_ICONS, default=True): BooleanSelector(),
    }
)
OPTIONS_SCHEMA = FIRST_OPTIONS_SCHEMA.extend(
    {vol.Required(CONF_INSTANT_UPDATES, default=False): BooleanSelector()}
)
USER_SCHEMA = API_KEY_SCHEMA.extend(FIRST_OPTIONS_SCHEMA.schema)


class CryptoCloudConfigFlow(ConfigFlow, domain=DOMAIN):
    """Config flow that asks for the API key of an account."""

    MINOR_VERSION = 2

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
        options = dict(user_input or {})
        api_key = options.pop(CONF_API_KEY, None)
        data, errors = await self._async_check(api_key)
        if data:
            return self.async_create_entry(
                title=self._unused_title(), data=data, options=options
            )
        # The key never goes back into a form.
        schema = self.add_suggested_values_to_schema(USER_SCHEMA, options)
        return self._async_show_form("user", schema, errors)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for a new key after the stored one was refused."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a refused key."""
        return await self._async_step_new_key(
            "reauth_confirm", self._get_reauth_entry(), user_input
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a key before it is refused."""
        return await self._async_step_new_key(
            "reconfigure", self._get_reconfigure_entry(), user_input
        )

    async def _async_step_new_key(
        self,
        step_id: str,
        entry: CryptoCloudConfigEntry,
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Give an account another key."""
        data, errors = await self._async_check((user_input or {}).get(CONF_API_KEY))
        if data:
            async_forget_refusal(self.hass, entry.entry_id)
            if data[CONF_API_KEY] != entry.data.get(CONF_API_KEY):
                # First, so that answers for the old key no longer count
                self.hass.config_entries.async_update_entry(
                    entry, data={**entry.data, **data}
                )
                await async_get_ledger(self.hass, entry).async_replace_key()
            return self.async_update_reload_and_abort(entry, data_updates=data)
        return self._async_show_form(step_id, API_KEY_SCHEMA, errors)

    async def _async_check(
        self, api_key: str | None
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the entry's data for a key that works, and the errors for the form.

        Aborts if another account has the key. The API names no account, so only an
        identical key can be recognized.
        """
        if api_key is None:
            return {}, {}
        data = {CONF_API_KEY: PASTED_PREFIX.sub("", api_key).strip()}
        client = CryptoCloudClient(
            session=async_get_clientsession(self.hass), api_key=data[CONF_API_KEY]
        )
        try:
            await client.get_account()
        except CryptoCloudError as err:
            return {}, {"base": err.translation_key}
        except Exception:  # noqa: BLE001 # as Home Assistant asks of flows
            LOGGER.exception("Unexpected error while checking an API key")
            return {}, {"base": "unknown"}
        self._async_abort_entries_match(data)
        return data, {}

    @callback
    def _async_show_form(
        self, step_id: str, schema: vol.Schema, errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Show a form that asks for a key."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            description_placeholders={"account_url": ACCOUNT_URL},
            errors=errors,
        )

    def _unused_title(self) -> str:
        """Return a title that no other account has."""
        titles = {entry.title for entry in self._async_current_entries()}
        title = "CryptoCloud"
        number = 1
        while title in titles:
            number += 1
            title = f"CryptoCloud {number}"
        return title


class CryptoCloudOptionsFlow(OptionsFlowWithReload):
    """Options flow; Home Assistant reloads the entry when an option changes."""

    config_entry: CryptoCloudConfigEntry
    _options: dict[str, Any]
    _address_form: Any = None

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Set the options."""
        if user_input is None:
            self._options = dict(self.config_entry.options)
            return self._async_show_options({})
        self._options = dict(user_input)
        if user_input[CONF_INSTANT_UPDATES]:
            return await self.async_step_instant_updates()
        # An option that is off leaves no trace, as in entries from before it.
        del self._options[CONF_INSTANT_UPDATES]
        return self._async_save()

    async def async_step_instant_updates(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the address that CryptoCloud has to call. Other options need none."""
        if user_input is not None:
            return self._async_save()
        try:
            # Instant updates are optional: the other options need none of it.
            module = await async_import_module(self.hass, f"{__package__}.webhook_form")
            if not self._address_form:
                self._address_form = module.AddressForm(self.hass, self.config_entry)
            placeholders = await self._address_form.async_get_placeholders()
        except Exception:  # noqa: BLE001 # as Home Assistant asks of flows
            LOGGER.exception("Unexpected error while looking for an address")
            return self._async_show_options({"base": "unknown"})
        if placeholders is None:
            options = self.config_entry.options
            if options.get(CONF_INSTANT_UPDATES) and options != self._options:
                return self._async_save()
            return self._async_show_options({"base": "no_address"})
        return self.async_show_form(
            step_id="instant_updates",
            data_schema=vol.Schema({}),
            description_placeholders={"account_url": ACCOUNT_URL, **placeholders},
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Delete what an address that was not saved leaves."""
        if self._address_form:
            self._address_form.async_close()

    @callback
    def _async_save(self) -> ConfigFlowResult:
        """Save the options."""
        hass, entry = self.hass, self.config_entry
        if (
            self._options[CONF_ONLY_FUNDED]
            and not entry.options.get(CONF_ONLY_FUNDED)
            and not async_remove_empty(hass, entry)
        ):
            return self._async_show_options({"base": "no_balances"})
        if CONF_INSTANT_UPDATES in self._options:
            self._address_form.async_save()
        elif CONF_WEBHOOK_ID in entry.data:
            hass.async_create_task(
                async_run_optional(hass, "webhook", entry, function="async_forget")
            )
        return self.async_create_entry(data=self._options)

    @callback
    def _async_show_options(self, errors: dict[str, str]) -> ConfigFlowResult:
        """Show the form with the options."""
        schema = self.add_suggested_values_to_schema(OPTIONS_SCHEMA, self._options)
        return self.async_show_form(step_id="init", data_schema=schema, errors=errors)
