"""A stand-in for Home Assistant Cloud."""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError


class Cloud(ModuleType):
    """A stand-in for the public functions of Home Assistant Cloud's integration."""

    def __init__(self) -> None:
        """Initialize a cloud with a subscription."""
        super().__init__("cloud")
        self.subscription = self.connected = True
        self.hooks: dict[str, str] = {}
        self.listeners: list[Callable[[object], None]] = []
        self.hook_listeners: list[Callable[[], None]] = []
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()
        self._created = 0

    def async_active_subscription(self, hass: HomeAssistant) -> bool:
        """Return whether there is a subscription."""
        return self.subscription

    async def async_get_or_create_cloudhook(
        self, hass: HomeAssistant, webhook_id: str
    ) -> str:
        """Return the address of a hook; another one each time it is made."""
        if not self.connected:
            raise HomeAssistantError
        if webhook_id not in self.hooks:
            self.asked.set()
            await asyncio.sleep(0)
            await self.answers.wait()
            self.change(webhook_id, url := f"https://hooks.example/{self._created}")
            self._created += 1
            return url
        return self.hooks[webhook_id]

    async def async_delete_cloudhook(
        self, hass: HomeAssistant, webhook_id: str
    ) -> None:
        """Delete a hook, or raise if there is none."""
        if webhook_id not in self.hooks:
            raise ValueError
        self.change(webhook_id, None)

    def async_listen_connection_change(
        self, hass: HomeAssistant, target: Callable[[object], None]
    ) -> Callable[[], None]:
        """Call a listener when the connection changes."""
        self.listeners.append(target)
        return lambda: self.listeners.remove(target)

    def async_listen_cloudhook_change(
        self,
        hass: HomeAssistant,
        webhook_id: str,
        on_change: Callable[[dict[str, Any] | None], None],
    ) -> Callable[[], None]:
        """Call a listener when any hook changes."""

        def listen() -> None:
            url = self.hooks.get(webhook_id)
            on_change({"webhook_id": webhook_id, "cloudhook_url": url} if url else None)

        self.hook_listeners.append(listen)
        return lambda: self.hook_listeners.remove(listen)

    def change(self, webhook_id: str, url: str | None) -> None:
        """Make, replace or delete a hook."""
        self.hooks.pop(webhook_id, None)
        if url:
            self.hooks[webhook_id] = url
        for listener in self.hook_listeners:
            listener()

    def connect(self, connected: bool) -> None:
        """Change the connection."""
        self.connected = connected
        for listener in self.listeners:
            listener(object())
