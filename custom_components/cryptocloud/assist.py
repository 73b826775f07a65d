"""Questions about balances that Assist answers; assist_phrases.py has the words."""

import asyncio
from contextlib import ExitStack
from typing import Any

from homeassistant.const import EVENT_COMPONENT_LOADED, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_device_registry_updated_event
from homeassistant.helpers.script import ScriptRunResult
from homeassistant.helpers.trigger import (
    async_initialize_triggers,
    async_validate_trigger_config,
)
from homeassistant.helpers.typing import ConfigType
from homeassistant.setup import EventComponentLoaded

from .assist_answers import answer_question, find_names
from .assist_phrases import make_triggers
from .const import DOMAIN, LOGGER
from .coordinator import CryptoCloudConfigEntry

EVENT_AUTOMATION_TRIGGERED = "automation_triggered"


async def async_setup(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> None:
    """Let Assist answer questions about an account until it is unloaded."""
    questions = AccountQuestions(hass, entry)
    listen = hass.bus.async_listen
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    for unload in (
        questions.async_unload,
        listen(EVENT_AUTOMATION_TRIGGERED, questions.async_note_automation),
        listen(EVENT_COMPONENT_LOADED, questions.async_follow, _is_conversation),
        listen(
            er.EVENT_ENTITY_REGISTRY_UPDATED,
            questions.async_follow,
            questions.is_own_entity,
        ),
        async_track_device_registry_updated_event(
            hass, [device.id for device in devices], questions.async_follow
        ),
    ):
        entry.async_on_unload(unload)
    await questions.async_update()


@callback
def _is_conversation(data: EventComponentLoaded) -> bool:
    """Return whether Assist has been set up."""
    return data["component"] == Platform.CONVERSATION


class AccountQuestions:
    """The questions about one account that are registered with Assist."""

    def __init__(self, hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> None:
        """Initialize the questions."""
        self._hass = hass
        self._entry = entry
        self._triggers: list[ConfigType] = []
        self._registered = ExitStack()
        self._lock = asyncio.Lock()
        self._is_unloaded = False
        self._is_update_due = False
        self._has_automation_started = False

    @callback
    def async_unload(self) -> None:
        """Make Assist forget the questions."""
        self._is_unloaded = True
        self._registered.close()

    @callback
    def is_own_entity(self, data: er.EventEntityRegistryUpdatedData) -> bool:
        """Return whether an entity belongs to the account, or may have."""
        entity = er.async_get(self._hass).async_get(data["entity_id"])
        return entity is None or entity.config_entry_id == self._entry.entry_id

    @callback
    def async_follow(self, _: Event[Any]) -> None:
        """Update the questions after something changed, once for all that changes."""
        if not self._is_update_due:
            self._is_update_due = True
            self._entry.async_create_task(self._hass, self._async_try_update())

    async def _async_try_update(self) -> None:
        """Update the questions, or keep them as they are."""
        try:
            await self.async_update()
        except Exception:  # noqa: BLE001 # whatever Assist does not accept
            LOGGER.warning("Assist could not be updated", exc_info=True)

    async def async_update(self) -> None:
        """Register the questions with the current names, if Assist is set up."""
        async with self._lock:
            self._is_update_due = False
            if Platform.CONVERSATION not in self._hass.config.components:
                return
            names = find_names(self._hass, self._entry)
            triggers = make_triggers(names.sensors, names.with_state)
            if triggers == self._triggers:
                return
            validated: list[ConfigType] = []
            for trigger in triggers:
                validated += await async_validate_trigger_config(self._hass, [trigger])
                # Reading a sentence takes time where there are many currencies.
                await asyncio.sleep(0)
            unregister = await async_initialize_triggers(
                self._hass,
                validated,
                self._async_answer,
                DOMAIN,
                self._entry.title,
                lambda _, message, **kwargs: LOGGER.debug(message, **kwargs),
            )
            if unregister is None:
                raise HomeAssistantError("Assist accepted none of the questions")
            self._registered.close()
            self._registered.callback(unregister)
            self._triggers = triggers
            if self._is_unloaded:
                self._registered.close()

    @callback
    def async_note_automation(self, event: Event[Any]) -> None:
        """Note, until the event loop's next turn, that a sentence starts an automation.

        It is the only kind of trigger that the event does not describe.
        """
        if "source" not in event.data:
            self._has_automation_started = True
            self._hass.loop.call_soon(self._forget_automation)

    @callback
    def _forget_automation(self) -> None:
        """Forget that an automation was started."""
        self._has_automation_started = False

    async def _async_answer(
        self, run_variables: dict[str, Any], context: Any = None
    ) -> ScriptRunResult:
        """Answer a question, or leave that to an automation with the same sentence.

        Assist starts both in the same turn, in any order, and uses the first answer.
        """
        has_automation_started = self._has_automation_started
        await asyncio.sleep(0)
        if has_automation_started or self._has_automation_started:
            return ScriptRunResult(None, None, {})
        trigger = run_variables["trigger"]
        language = trigger["user_input"]["language"]
        answer = answer_question(
            self._hass, trigger["alias"], trigger["sentence"], language
        )
        return ScriptRunResult(answer, None, {})
