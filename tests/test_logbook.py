"""Tests of balance changes in the logbook."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import Shop, make_row

EVENT = "event.cryptocloud_balance_change"


@pytest.mark.usefixtures("recorder_mock", "frontend_urls")
async def test_logbook_shows_each_balance_change(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    new_shop: Shop,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that each change of one poll is described, with its amount and value."""
    rows = {code: make_row(code, 10) for code in ("A_NET", "B", "C", "D", "E", "F")}
    rows["F"]["balance_usd"] = None
    for code in ("C", "E"):
        rows[code]["currency"]["stablecoin"] = True
    await new_shop.set_up(*rows.values())
    assert await async_setup_component(hass, "logbook", {})
    start = dt_util.utcnow()
    await new_shop.poll(
        make_row("A_NET", Decimal("10.00000001"), balance_usd=25),
        make_row("B", 4, balance_usd=2),
        make_row("C", Decimal("2510.5"), balance_usd=None),
        make_row("D", 10, balance_usd=99),
        make_row("E", Decimal("10.001")),
        make_row("F", Decimal("10.5"), balance_usd=None),
    )
    await async_wait_recording_done(hass)

    client = await hass_ws_client()

    async def get_entries() -> list[dict[str, Any]]:
        command = {"type": "logbook/get_events", "start_time": start.isoformat()}
        await client.send_json_auto_id(command | {"entity_ids": [EVENT]})
        entries: list[dict[str, Any]] = (await client.receive_json())["result"]
        return entries

    entries = await get_entries()
    told = [
        (entry["name"], entry["message"], entry["state"], entry["icon"])
        for entry in entries
        if "message" in entry
    ]
    account = "CryptoCloud"
    assert told == [
        (account, "+0.00000001 A NET · 0.00 USD", "increased", "mdi:cash-plus"),
        (account, "−6.000 B · 3.00 USD", "decreased", "mdi:cash-minus"),
        (account, "+2500.50 C · 2500.50 USD", "increased", "mdi:cash-plus"),
        (account, "+0.001 E · 0.00 USD", "increased", "mdi:cash-plus"),
        (account, "+0.50000000 F", "increased", "mdi:cash-plus"),
    ]
    # Left out where only "increased" and "decreased" are asked for
    states = {entry["state"] for entry in entries if "message" not in entry}
    assert states
    assert states.isdisjoint({"increased", "decreased"})

    entity_registry.async_remove("sensor.cryptocloud_b")
    messages = [entry["message"] for entry in await get_entries() if "message" in entry]
    assert messages[1] == "−6 B · 3.00 USD"
