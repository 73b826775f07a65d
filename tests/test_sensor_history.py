"""Tests of what the recorder keeps of sensors."""

from datetime import timedelta
from decimal import Decimal

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
from tools.sandbox import Sandbox

from .common import Poll, complaints, set_up


async def test_statistics_sum_receipts_in_the_currency(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Test that a real recorder compiles receipts in the currency's own unit."""
    statistic_id = "sensor.cryptocloud_usdt_trc20"
    assert await async_setup_component(hass, "sensor", {})
    assert await set_up(hass, entry)
    await async_wait_recording_done(hass)
    assert sandbox.rows
    sandbox.rows[0]["balance_crypto"] += Decimal("99.5")
    await poll()
    await async_wait_recording_done(hass)
    start = dt_util.utcnow().replace(second=0, microsecond=0)
    start -= timedelta(minutes=start.minute % 5)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)

    client = await hass_ws_client()
    await client.send_json_auto_id({"type": "recorder/list_statistic_ids"})
    statistics = {
        item["statistic_id"]: item for item in (await client.receive_json())["result"]
    }
    assert statistics[statistic_id]["statistics_unit_of_measurement"] == "USDT"
    assert statistics[statistic_id]["has_sum"] is True
    assert (
        statistics["sensor.cryptocloud_total_balance"]["statistics_unit_of_measurement"]
        == "USD"
    )

    await client.send_json_auto_id(
        {
            "type": "recorder/statistics_during_period",
            "start_time": start.isoformat(),
            "period": "5minute",
            "statistic_ids": [statistic_id],
            "types": ["state", "sum"],
        }
    )
    [row] = (await client.receive_json())["result"][statistic_id]
    assert (row["state"], row["sum"]) == (1350.0, 99.5)
    assert complaints(caplog) == []

    await client.send_json_auto_id({"type": "recorder/validate_statistics"})
    assert (await client.receive_json())["result"] == {}


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
