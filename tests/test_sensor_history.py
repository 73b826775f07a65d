"""Tests of what the recorder keeps of sensors."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.core import HomeAssistant, State
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import Shop, complaints


@pytest.mark.usefixtures("recorder_mock")
async def test_statistics_sum_receipts_in_the_currency(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    new_shop: Shop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that a real recorder compiles receipts in the currency's own unit."""
    statistic_id = "sensor.cryptocloud_usdt_trc20"
    assert await async_setup_component(hass, "sensor", {})
    await new_shop.set_up(USDT_TRC20=Decimal("1250.5"))
    await async_wait_recording_done(hass)
    await new_shop.poll(USDT_TRC20=1350)
    await async_wait_recording_done(hass)
    start = dt_util.utcnow().replace(second=0, microsecond=0)
    start -= timedelta(minutes=start.minute % 5)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)
    client = await hass_ws_client()

    async def ask(command: str, **data: Any) -> Any:
        await client.send_json_auto_id({"type": f"recorder/{command}", **data})
        return (await client.receive_json())["result"]

    ids = await ask("list_statistic_ids")
    found = {item["statistic_id"]: item for item in ids}
    total = found["sensor.cryptocloud_total_balance"]
    assert total["statistics_unit_of_measurement"] == "USD"
    assert found[statistic_id]["statistics_unit_of_measurement"] == "USDT"
    assert found[statistic_id]["has_sum"] is True

    statistics = await ask(
        "statistics_during_period",
        start_time=start.isoformat(),
        period="5minute",
        statistic_ids=[statistic_id],
        types=["state", "sum"],
    )
    [row] = statistics[statistic_id]
    assert (row["state"], row["sum"]) == (1350.0, 99.5)
    assert complaints(caplog) == []
    assert await ask("validate_statistics") == {}


async def test_attributes_are_not_recorded(
    recorder_mock: Recorder, hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Test that the database keeps no attributes that repeat what is known."""
    await async_wait_recording_done(hass)
    states = await recorder_mock.async_add_executor_job(
        get_significant_states,
        hass,
        dt_util.utcnow() - timedelta(minutes=1),
        None,
        ["sensor.cryptocloud_usdt_trc20"],
    )

    [state] = states["sensor.cryptocloud_usdt_trc20"]
    assert isinstance(state, State)
    assert state.state == "1250.5"
    assert state.attributes == {
        "friendly_name": "CryptoCloud USDT TRC20",
        "state_class": "total",
        "unit_of_measurement": "USDT",
    }
