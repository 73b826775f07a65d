"""Fixtures of the tests of the blueprints."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
import shutil
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.cryptocloud.const import UPDATE_INTERVAL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import Messages, make_row, set_up
from tools.sandbox import Sandbox

from .common import FOLDER, Home, Run, settle


@pytest.fixture
async def run(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Run]:
    """Make an automation from a blueprint."""

    async def run(name: str, **inputs: Any) -> None:
        shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / "cryptocloud")
        monkeypatch.setattr(hass.config, "config_dir", str(tmp_path))
        blueprint = {"path": f"cryptocloud/{name}.yaml", "input": inputs}
        config = {"automation": {"alias": "Test", "use_blueprint": blueprint}}
        assert await async_setup_component(hass, "homeassistant", {})
        assert await async_setup_component(hass, "automation", config)
        await hass.async_block_till_done()
        state = hass.states.get("automation.test")
        assert state
        assert state.state == "on"

    yield run
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


@pytest.fixture
async def home(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    run: Run,
    messages: Messages,
) -> Home:
    """Return a Home Assistant with an account that holds USDT and BTC."""
    usdt = make_row("USDT_TRC20", Decimal("900.5"), balance_usd=Decimal("891.495"))
    usdt["currency"] |= {"name": "Tether", "stablecoin": True}
    sandbox.rows = [usdt, make_row("BTC", 2, balance_usd=100_000)]
    assert await set_up(hass, entry)
    now = dt_util.utcnow()

    async def elapse(after: timedelta = UPDATE_INTERVAL) -> None:
        nonlocal now
        now += after + timedelta(seconds=1)
        async_fire_time_changed(hass, now)
        await asyncio.gather(*entry._background_tasks)
        await settle()

    return Home(hass, sandbox, entry, messages, run, elapse)
