"""What the tests of the blueprints have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from tests.common import Messages, Poll, Row
from tools.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "blueprints" / "automation" / "cryptocloud"
EVENT = "event.cryptocloud_balance_change"
# Shows in the message what a tap on a phone would open
WITH_URL = {
    "action": "persistent_notification.create",
    "data": {"title": "{{ title }}", "message": "{{ message }} {{ url }}"},
}
# What the service might call a coin, and what a message may say of it
EVIL = "# _[PAY](https://www.b.example)_"
HARMLESS = "PAY (https b.example)"

type Run = Callable[..., Awaitable[None]]


@dataclass
class Home:
    """A Home Assistant with an account, and an automation made from a blueprint."""

    hass: HomeAssistant
    sandbox: Sandbox
    entry: MockConfigEntry
    messages: Messages
    run: Run
    """Makes the automation."""
    elapse: Poll
    """Lets time pass until a poll has been answered, but not for what still waits."""

    @property
    def rows(self) -> list[Row]:
        """Return the rows that the service answers with."""
        assert self.sandbox.rows
        return self.sandbox.rows

    @property
    def is_waiting(self) -> bool:
        """Return whether the automation is in the middle of its actions."""
        state = self.hass.states.get("automation.test")
        assert state
        return bool(state.attributes["current"])

    def hold(self, balance: str, usd: str, row: int = 0) -> None:
        """Change a balance."""
        self.rows[row] |= dict.fromkeys(
            ("balance_crypto", "available_balance"), Decimal(balance)
        ) | dict.fromkeys(("balance_usd", "available_balance_usd"), Decimal(usd))

    async def fail(self) -> None:
        """Begin an outage."""
        self.sandbox.body = b"no balances"
        await self.elapse()

    async def recover(self) -> None:
        """End an outage."""
        self.sandbox.body = None
        await self.elapse()


async def settle() -> None:
    """Let everything happen that need not wait.

    Home Assistant's own way would also wait for what the automation waits for.
    """
    for _ in range(100):
        await asyncio.sleep(0)
