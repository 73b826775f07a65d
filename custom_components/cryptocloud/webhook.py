"""Instant updates: CryptoCloud calls when a payment arrives, and the balances are read.

Nothing in a call is read, believed or kept. It is only a reason to ask for the balances.
"""

from decimal import Decimal
from http import HTTPStatus
from typing import Any

from aiohttp.hdrs import METH_GET, METH_POST, METH_PUT
from aiohttp.web import Request, Response, json_response

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_call_later
from homeassistant.setup import async_setup_component

from .const import DOMAIN, LOGGER
from .coordinator import REQUEST_COOLDOWN, CryptoCloudConfigEntry
from .webhook_calls import Calls, async_get_calls, async_remove_calls
from .webhook_url import (
    async_delete_cloudhook,
    async_forget_webhook,
    async_get_address,
    async_save_cloudhook,
    async_save_webhook,
    get_cloud,
)

# The balance may lag behind the call: seconds until it is read again.
FOLLOW_UPS = (20, 60)


async def async_setup(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> None:
    """Let CryptoCloud call until the account is unloaded."""
    # Home Assistant's default configuration has it.
    await async_setup_component(hass, webhook.DOMAIN, {})
    # Only a damaged entry has none.
    async_save_webhook(hass, entry, webhook.async_generate_id())
    updates = InstantUpdates(hass, entry, await async_get_calls(hass, entry))
    updates.async_start()


async def async_remove(
    hass: HomeAssistant, entry: ConfigEntry, webhook_id: str
) -> None:
    """Remove what an account has outside of its entry."""
    deletion = hass.async_create_task(async_delete_cloudhook(hass, webhook_id))
    # First, as a cloud that does not answer must not delay it
    await async_remove_calls(hass, entry)
    await deletion


async def async_forget(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove what an account has, inside of its entry too."""
    webhook_id = async_forget_webhook(hass, entry)
    await async_remove(hass, entry, webhook_id)


async def async_get_diagnostics(
    hass: HomeAssistant, entry: ConfigEntry
) -> dict[str, object]:
    """Return by which way CryptoCloud can call, and when it last did."""
    address = await async_get_address(hass, entry, entry.data[CONF_WEBHOOK_ID])
    calls = await async_get_calls(hass, entry)
    return {"way": address and address.way, "last_call": calls.last}


class InstantUpdates:
    """Reads the balances of an account whenever CryptoCloud calls."""

    def __init__(
        self, hass: HomeAssistant, entry: CryptoCloudConfigEntry, calls: Calls
    ) -> None:
        """Initialize instant updates."""
        self._hass = hass
        self._entry = entry
        self._calls = calls
        self._coordinator = entry.runtime_data
        self._webhook_id: str = entry.data[CONF_WEBHOOK_ID]
        self._issue_id = f"no_notifications_{entry.entry_id}"
        # A scheduled poll ends the cooldown of the coordinator's debouncer, not of this.
        self._debouncer = Debouncer(
            hass,
            LOGGER,
            cooldown=REQUEST_COOLDOWN,
            immediate=True,
            function=self._async_poll,
            background=True,
        )
        # As CryptoCloud last called, and as last seen
        self._balances = self._known = self._read_balances()
        self._follow_ups: list[CALLBACK_TYPE] = []
        self._polls_before = self._coordinator.poll_count

    @callback
    def async_start(self) -> None:
        """Listen until the account is unloaded."""
        hass, entry = self._hass, self._entry
        webhook.async_register(
            hass,
            DOMAIN,
            entry.title,
            self._webhook_id,
            self._async_handle,
            # Home Assistant writes the id to the log for a method that is not allowed.
            allowed_methods=[METH_GET, METH_POST, METH_PUT],
        )
        entry.async_on_unload(self._async_stop)
        entry.async_on_unload(lambda: webhook.async_unregister(hass, self._webhook_id))
        listen = self._coordinator.async_add_listener
        entry.async_on_unload(listen(self._async_note_payments))
        if cloud := get_cloud():
            entry.async_on_unload(
                cloud.async_listen_connection_change(hass, self._async_follow_cloud)
            )
            entry.async_on_unload(
                cloud.async_listen_cloudhook_change(
                    hass, self._webhook_id, self._async_note_cloudhook
                )
            )
        self._async_follow_cloud()
        self._async_check()

    @callback
    def _async_stop(self) -> None:
        """Do nothing more."""
        self._debouncer.async_shutdown()
        self._async_cancel_follow_ups()
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)

    async def _async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Answer a call without looking at it, and ask for the balances."""
        if request.method != METH_POST:
            return Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        self._calls.async_note_call()
        ir.async_delete_issue(hass, DOMAIN, self._issue_id)
        self._balances = self._read_balances()
        self._async_cancel_follow_ups()
        self._follow_ups = [
            async_call_later(
                hass, delay, HassJob(self._async_follow_up, cancel_on_shutdown=True)
            )
            for delay in FOLLOW_UPS
        ]
        self._async_refresh()
        return json_response({"message": "Postback received"})

    @callback
    def _async_follow_up(self, _: object) -> None:
        """Ask once more if nothing has changed since the last call."""
        if self._read_balances() == self._balances:
            self._async_refresh()

    @callback
    def _async_cancel_follow_ups(self) -> None:
        """Cancel the polls that follow the last call."""
        for cancel in self._follow_ups:
            cancel()
        self._follow_ups = []

    def _read_balances(self) -> dict[str, Decimal]:
        """Return the balances as last known, without their value."""
        return {
            code: balance.balance
            for code, balance in self._coordinator.data.balances.items()
            if balance.balance is not None
        }

    @callback
    def _async_refresh(self) -> None:
        """Ask for the balances, now or when the cooldown ends."""
        self._polls_before = self._coordinator.poll_count
        self._async_call_debouncer()

    @callback
    def _async_call_debouncer(self) -> None:
        """Poll, now or when the cooldown ends."""
        self._entry.async_create_background_task(
            self._hass, self._debouncer.async_call(), f"{self._entry.title} - call"
        )

    async def _async_poll(self) -> None:
        """Ask for the balances, unless the key was rejected or a pause was asked for."""
        coordinator = self._coordinator
        if coordinator.may_poll and coordinator.poll_count == self._polls_before:
            await coordinator.async_request_refresh()
            # Debouncers drop calls during a slow poll, which began before this call.
            if coordinator.poll_count == self._polls_before:
                self._async_call_debouncer()

    @callback
    def _async_follow_cloud(self, _: object = None) -> None:
        """Have a hook in the cloud as soon as there is a subscription."""
        # A cloud that does not answer must not delay the unloading of the account.
        self._hass.async_create_task(
            async_get_address(self._hass, self._entry, self._webhook_id)
        )

    @callback
    def _async_note_cloudhook(self, hook: dict[str, Any] | None) -> None:
        """Note that the hook in the cloud was made, replaced or deleted."""
        url = hook["cloudhook_url"] if hook else None
        async_save_cloudhook(self._hass, self._entry, self._webhook_id, url)

    @callback
    def _async_note_payments(self) -> None:
        """Note that a poll noticed payments."""
        before, now = self._known, self._read_balances()
        self._known = before | now
        changes = [balance - before.get(code, 0) for code, balance in now.items()]
        # If one fell, it was probably converted; CryptoCloud does not report that.
        if any(changes) and min(changes) >= 0:
            self._calls.async_note_payment()
            self._async_check()

    @callback
    def _async_check(self) -> None:
        """Ask the user to check the address if CryptoCloud does not call."""
        if self._calls.are_missing:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                self._issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key="no_notifications",
                translation_placeholders={"account": self._entry.title},
            )
