"""What the tests of the blueprints have in common."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from tests.common import Row

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

type Run = Callable[..., Any]


def set_balance(row: Row, balance: str, usd: str) -> None:
    """Change a balance."""
    row["balance_crypto"] = row["available_balance"] = Decimal(balance)
    row["balance_usd"] = row["available_balance_usd"] = Decimal(usd)


async def settle() -> None:
    """Let everything happen that need not wait.

    Home Assistant's own way would also wait for what the automation waits for.
    """
    for _ in range(100):
        await asyncio.sleep(0)


def is_waiting(hass: HomeAssistant) -> bool:
    """Return whether the automation is in the middle of its actions."""
    state = hass.states.get("automation.test")
    assert state
    return bool(state.attributes["current"])
