"""Tests of the diagnostics."""

from collections.abc import Awaitable, Callable
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
from tools.sandbox import Status

from .common import API_KEY, Shop, make_row, set_up, turn_on

type Get = Callable[[], Awaitable[dict[str, Any]]]

# What every account without instant updates says of its settings
SETTINGS = {
    "options": {"only_funded": False, "show_icons": True},
    "instant_updates": {"on": False},
}


@pytest.fixture
async def get(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> Get:
    """Return what downloads the diagnostics, with the types of a field on one line."""
    assert await async_setup_component(hass, DIAGNOSTICS_DOMAIN, {})

    async def get() -> dict[str, Any]:
        diagnostics: dict[str, Any] = await get_diagnostics_for_config_entry(
            hass, hass_client, entry
        )
        if account := diagnostics.get("account"):
            fields = account["fields"].items()
            account["fields"] = {name: " ".join(types) for name, types in fields}
        return diagnostics

    return get


@pytest.mark.usefixtures("loaded_entry")
async def test_diagnostics(get: Get, snapshot: SnapshotAssertion) -> None:
    """Test the diagnostics of an account."""
    assert await get() == snapshot


async def test_diagnostics_of_odd_answers(
    get: Get, new_shop: Shop, snapshot: SnapshotAssertion
) -> None:
    """Test that diagnostics tell what is wrong with the data, and nothing of it."""
    rows: list[Any] = [
        make_row("SECRET_CODE", None, balance_usd=123456789),
        make_row(None, "x"),
        make_row("B", 0, **{API_KEY: API_KEY, "new_field": {}}),
        {"currency": []},
        7,
    ]
    await new_shop.set_up(*rows)
    await new_shop.fail()

    diagnostics = await get()
    assert diagnostics == snapshot(exclude=props("time"))
    assert diagnostics["last_error"]["time"].endswith("+00:00")
    text = json.dumps(diagnostics)
    for secret in (API_KEY, "SECRET", "123456789", new_shop.entry.entry_id):
        assert secret
        assert secret not in text


@pytest.mark.parametrize("is_known", [True, False])
async def test_diagnostics_of_an_unknown_total(
    get: Get, new_shop: Shop, is_known: bool
) -> None:
    """Test that diagnostics say which of the totals is known."""
    totals = {"balance_usd": "1", "available_balance_usd": "?"}
    if not is_known:
        totals = dict(zip(totals, reversed(totals.values()), strict=True))
    await new_shop.set_up(make_row("A", 1, **totals), B=0)

    account = (await get())["account"]
    assert (account["currencies"], account["funded_currencies"]) == (2, 1)
    assert account["total_is_known"] is is_known
    assert account["available_total_is_known"] is not is_known


async def test_diagnostics_without_an_answer(get: Get, new_shop: Shop) -> None:
    """Test the diagnostics of an account that could not be set up."""
    new_shop.sandbox.fault = Status(503)
    await set_up(new_shop.hass, new_shop.entry)

    diagnostics = await get()
    assert diagnostics["last_error"].pop("time")
    assert diagnostics == SETTINGS | {
        "account": None,
        "last_error": {"type": "CryptoCloudHTTPError"},
        "last_update_success": False,
        "ledger": {"known_currencies": 0, "loaded": True},
    }


async def test_diagnostics_tell_of_a_damaged_record(get: Get, new_shop: Shop) -> None:
    """Test that a file that could not be read is not called loaded."""
    name = f"cryptocloud.{new_shop.entry.entry_id}"
    new_shop.storage[name] = {"version": 1, "key": name, "data": {"received": []}}
    await new_shop.set_up(A=1)

    assert (await get())["ledger"] == {"known_currencies": 1, "loaded": False}


async def test_diagnostics_of_an_account_that_is_not_loaded(
    get: Get, shop: Shop
) -> None:
    """Test that an account that was unloaded has diagnostics, too."""
    await shop.unload()

    assert await get() == SETTINGS


async def test_diagnostics_of_instant_updates(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    get: Get,
    loaded_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test that diagnostics say how CryptoCloud calls, without the address."""

    async def get_calls() -> Any:
        diagnostics = await get()
        assert loaded_entry.data["webhook_id"] not in json.dumps(diagnostics)
        return diagnostics["instant_updates"]

    await hass.config.async_update(external_url="https://shop.example")
    url = await turn_on(hass, loaded_entry)
    assert await get_calls() == {"on": True, "way": "external", "last_call": None}
    before = dt_util.utcnow().isoformat()
    await (await hass_client_no_auth()).post(URL(url).path)
    instant_updates = await get_calls()
    assert before <= instant_updates.pop("last_call") <= dt_util.utcnow().isoformat()
    assert instant_updates == {"on": True, "way": "external"}
    await hass.config.async_update(external_url=None)
    assert (await get_calls())["way"] is None

    # Of what an optional part does, only this suffers.
    monkeypatch.setattr(
        "custom_components.cryptocloud.webhook.async_get_diagnostics",
        Mock(side_effect=TypeError),
    )
    assert await get_calls() == {"on": True, "error": "TypeError"}
