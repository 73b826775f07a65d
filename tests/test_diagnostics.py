"""Tests of the diagnostics."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props
from yarl import URL

from homeassistant.components.diagnostics import DOMAIN as DIAGNOSTICS_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Sandbox, Status

from .common import API_KEY, Poll, make_row, set_up, turn_on


@pytest.fixture(autouse=True)
async def set_up_diagnostics(hass: HomeAssistant) -> None:
    """Set up the diagnostics integration."""
    assert await async_setup_component(hass, DIAGNOSTICS_DOMAIN, {})


async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    """Test the diagnostics of an account."""
    diagnostics = await get_diagnostics_for_config_entry(
        hass, hass_client, loaded_entry
    )

    assert diagnostics == snapshot


async def test_diagnostics_of_odd_answers(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    snapshot: SnapshotAssertion,
) -> None:
    """Test that diagnostics tell what is wrong with the data, and nothing of it."""
    rows: list[Any] = [
        make_row("SECRET_CODE", None, balance_usd=123456789),
        make_row(None, "x"),
        make_row("B", 0, **{API_KEY: API_KEY, "new_field": {}}),
        {"currency": []},
        7,
    ]
    sandbox.rows = rows
    assert await set_up(hass, entry)
    sandbox.fault = Status(503)
    await poll()

    diagnostics: dict[str, Any] = await get_diagnostics_for_config_entry(
        hass, hass_client, entry
    )
    assert diagnostics == snapshot(exclude=props("time"))
    assert diagnostics["last_error"]["time"].endswith("+00:00")
    text = json.dumps(diagnostics)
    for secret in (API_KEY, "SECRET", "123456789", entry.entry_id):
        assert secret
        assert secret not in text


async def test_diagnostics_without_an_answer(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    """Test the diagnostics of an account that could not be set up."""
    sandbox.fault = Status(503)
    await set_up(hass, entry)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert diagnostics == snapshot(exclude=props("time"))


async def test_diagnostics_of_an_account_that_is_not_loaded(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test that an account that was unloaded has diagnostics, too."""
    assert await hass.config_entries.async_unload(loaded_entry.entry_id)

    diagnostics = await get_diagnostics_for_config_entry(
        hass, hass_client, loaded_entry
    )
    assert diagnostics == {
        "options": {"only_funded": False, "show_icons": True},
        "instant_updates": {"on": False},
    }


async def test_diagnostics_of_instant_updates(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    loaded_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test that diagnostics say how CryptoCloud calls, without the address."""

    async def get() -> Any:
        diagnostics = await get_diagnostics_for_config_entry(
            hass, hass_client, loaded_entry
        )
        assert loaded_entry.data["webhook_id"] not in json.dumps(diagnostics)
        return diagnostics["instant_updates"]

    await hass.config.async_update(external_url="https://shop.example")
    url = await turn_on(hass, loaded_entry)
    assert await get() == {"on": True, "way": "external", "last_call": None}
    before = dt_util.utcnow().isoformat()
    await (await hass_client_no_auth()).post(URL(url).path)
    instant_updates = await get()
    assert before <= instant_updates.pop("last_call") <= dt_util.utcnow().isoformat()
    assert instant_updates == {"on": True, "way": "external"}
    await hass.config.async_update(external_url=None)
    assert (await get())["way"] is None

    # Of what an optional part does, only this suffers.
    monkeypatch.setattr(
        "custom_components.cryptocloud.webhook.async_get_diagnostics",
        Mock(side_effect=TypeError),
    )
    assert await get() == {"on": True, "error": "TypeError"}
