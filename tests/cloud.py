"""A stand-in for Home Assistant Cloud."""

import asyncio
from collections.abc import Callable
from types import ModuleType

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
            self.hooks[webhook_id] = f"https://hooks.example/{self._created}"
            self._created += 1
        return self.hooks[webhook_id]

    async def async_delete_cloudhook(
        self, hass: HomeAssistant, webhook_id: str
    ) -> None:
        """Delete a hook, or raise if there is none."""
        del self.hooks[webhook_id]

    def async_listen_connection_change(
        self, hass: HomeAssistant, target: Callable[[object], None]
    ) -> Callable[[], None]:
        """Call a listener when the connection changes."""
        self.listeners.append(target)
        return lambda: self.listeners.remove(target)

    def connect(self, connected: bool) -> None:
        """Change the connection."""
        self.connected = connected
        for listener in self.listeners:
            listener(object())
