"""Sensors that Assist can be asked for."""

import asyncio
from contextlib import ExitStack
import re
from typing import Any, cast, override

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.event import async_track_device_registry_updated_event
from homeassistant.helpers.template import Template

from .const import DOMAIN
from .coordinator import CryptoCloudCoordinator
from .entity import CryptoCloudEntity

# Home Assistant looks through all of them, whatever language Assist is set to.
QUESTIONS = (
    "how (much|many) {name} [do (we|I) have|(is|are) there]",
    "сколько [у (нас|меня)] {name}",
    "скільки [у (нас|мене)] {name}",
    "wie viel[e] {name} [haben wir|habe ich]",
    "cuánto[s] {name} [tenemos|tengo|hay]",
    "combien (de |d'){name} [avons-nous|ai-je]",
    "quanto[s] {name} [temos|tenho|há]",
    "ne kadar {name} [var]",
    "[我们]有多少[ ]{name}",
)
ANSWER = "{{ states(sensor, with_unit=has_value(sensor)) }}"


class CryptoCloudVoiceSensor(CryptoCloudEntity, SensorEntity):
    """A sensor that Assist knows by a short name and tells the amount of."""

    def __init__(self, coordinator: CryptoCloudCoordinator, unique_id: str) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator)
        self._attr_unique_id = unique_id
        registry = er.async_get(coordinator.hass)
        key = (Platform.SENSOR, DOMAIN, unique_id)
        self._is_new = not (
            registry.async_get_entity_id(*key) or key in registry.deleted_entities
        )
        self._questions = ExitStack()

    @override
    async def async_added_to_hass(self) -> None:
        """Let Assist know the sensor."""
        await super().async_added_to_hass()
        if self._is_new:
            # Once only: from then on its names are the user's.
            self._is_new = False
            self._add_short_name()
        self._update_questions()
        self.async_on_remove(self._questions.close)
        device = cast(DeviceEntry, self.device_entry)
        self.async_on_remove(
            async_track_device_registry_updated_event(
                self.hass, device.id, self._update_questions
            )
        )

    @callback
    @override
    def async_registry_entry_updated(self) -> None:
        """Follow the names, and whether the sensor is exposed."""
        super().async_registry_entry_updated()
        self._update_questions()

    @callback
    def _add_short_name(self) -> None:
        """Add the name without the account's, unless another account has it."""
        registry = er.async_get(self.hass)
        entity = registry.entities[self.entity_id]
        key = entity.unique_id.removeprefix(self.coordinator.config_entry.entry_id)
        others = (
            registry.async_get_entity_id(
                Platform.SENSOR, DOMAIN, f"{entry.entry_id}{key}"
            )
            for entry in self.hass.config_entries.async_entries(DOMAIN)
        )
        if (name := entity.original_name) and not any(
            other and name in registry.entities[other].aliases for other in others
        ):
            aliases = [*entity.aliases, name]
            registry.async_update_entity(self.entity_id, aliases=aliases)

    @callback
    def _update_questions(self, *_: Any) -> None:
        """Have Assist answer the questions for the sensor, if it is exposed."""
        self._questions.close()
        if Platform.CONVERSATION not in self.hass.config.components or not (
            async_should_expose(self.hass, Platform.CONVERSATION, self.entity_id)
        ):
            return
        # Not for those who do without Assist: these load a hundred modules.
        from hassil.util import remove_punctuation  # noqa: PLC0415

        from homeassistant.components.conversation.agent_manager import (  # noqa: PLC0415
            get_agent_manager,
        )

        entity = er.async_get(self.hass).entities[self.entity_id]
        names = "|".join(
            # Nothing in a name has the meaning it has in a sentence template.
            re.sub(r"([^\w\s])", r"\\\1", remove_punctuation(name).strip())
            for name in er.async_get_entity_aliases(self.hass, entity)
        )
        if names:
            unregister = get_agent_manager(self.hass).register_trigger(
                [question.replace("{name}", f"({names})") for question in QUESTIONS],
                self._async_answer,
            )
            self._questions.callback(unregister)

    async def _async_answer(self, *_: Any) -> str:
        """Return the amount as Home Assistant shows it."""
        # The first answer is told: let an automation with the same question be it.
        await asyncio.sleep(0)
        answer = Template(ANSWER, self.hass)
        return str(answer.async_render({"sensor": self.entity_id}, parse_result=False))
