"""Tests of the daily summary."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
    async_wait_recording_done,
)

from custom_components.cryptocloud import sensor
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import OTHER_API_KEY, Messages, make_entry, make_row, set_up
from tools.sandbox import Sandbox

from .common import EVIL, HARMLESS, WITH_URL, Run, is_waiting, settle


@pytest.fixture
async def other_entry(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> MockConfigEntry:
    """Return another account, named like the integration."""
    entry = make_entry(OTHER_API_KEY, title="cryptocloud")
    assert await set_up(hass, entry)
    return entry


async def record_yesterday(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    *,
    compiled: bool = True,
) -> datetime:
    """Let balances change yesterday, and return when today began."""
    assert await async_setup_component(hass, "sensor", {})
    today = dt_util.start_of_local_day()
    freezer.move_to(today - timedelta(hours=11, minutes=4))
    for usdt, btc in (("100", "100"), ("199.50000001", "99.9")):
        sandbox.rows = [
            make_row("USDT_TRC20", Decimal(usdt)),
            make_row("BTC", Decimal(btc)),
            make_row("TON", Decimal(5)),
        ]
        await entry.runtime_data.async_refresh()
        await async_wait_recording_done(hass)
    if compiled:
        await compile_yesterday(hass, today)
    return today


async def compile_yesterday(hass: HomeAssistant, today: datetime) -> None:
    """Let the recorder compile the statistics of yesterday, and say so."""
    start = dt_util.as_utc(today - timedelta(hours=11, minutes=5))
    get_instance(hass).queue_task(StatisticsTask(start, fire_events=True))
    await async_recorder_block_till_done(hass)


async def move_to(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: datetime
) -> None:
    """Turn the clock, which stands still otherwise."""
    await settle()
    freezer.move_to(time)
    async_fire_time_changed(hass)
    await settle()


@pytest.mark.parametrize(
    ("inputs", "title", "message"),
    [
        (
            {},
            "CryptoCloud on {date}",
            (
                "CryptoCloud Received: 99.50 USD\n"
                "CryptoCloud Withdrawn: 0.10 USD\n"
                "CryptoCloud BTC: -0.100 BTC\n"
                "CryptoCloud USDT TRC20: +99.50 USDT"
            ),
        ),
        (
            {
                "sensors": ["sensor.cryptocloud_btc"],
                "sums": [],
                "title_text": "Summary",
                "line_text": "{change} ({name})",
                "notify": [WITH_URL],
            },
            "Summary",
            "-0.1 BTC (CryptoCloud BTC) /dashboard-cryptocloud",
        ),
        (
            {
                "sensors": ["sensor.cryptocloud_ton", "sensor.none"],
                "sums": [],
                "nothing_text": "Quiet {date}",
                "date_format": "%d.%m.%Y",
            },
            "CryptoCloud on {date:%d.%m.%Y}",
            "Quiet {date:%d.%m.%Y}",
        ),
        (
            {"sensors": ["sensor.cryptocloud_ton"], "sums": [], "silent": True},
            None,
            None,
        ),
    ],
    ids=["all", "one", "nothing", "silent"],
)
async def test_summary_lists_changes_of_yesterday(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    inputs: dict[str, Any],
    title: str | None,
    message: str,
) -> None:
    """Test what each currency received yesterday, as the recorder knows it."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary", **inputs)
    # During an outage the summary waits.
    sandbox.body = b"no balances"
    await loaded_entry.runtime_data.async_refresh()
    await move_to(hass, freezer, today + timedelta(hours=9, seconds=1))
    assert is_waiting(hass) or "sensors" in inputs

    for minute in range(2):
        await move_to(hass, freezer, today + timedelta(hours=20, minutes=minute))
        assert is_waiting(hass) or "sensors" in inputs
    sandbox.body = None
    await loaded_entry.runtime_data.async_refresh()
    await move_to(hass, freezer, today + timedelta(hours=20, minutes=2))
    await hass.async_block_till_done()
    expected = [(title, message)] if title else []
    date = (today - timedelta(days=1)).date()
    assert messages == [
        tuple(text.format(date=date) for text in texts) for texts in expected
    ]


CHANGES = (
    "CryptoCloud Received: 99.50 USD\n"
    "CryptoCloud Withdrawn: 0.10 USD\n"
    "CryptoCloud BTC: -0.100 BTC\n"
    "CryptoCloud USDT TRC20: +99.50 USDT"
)


async def test_summary_waits_for_an_account_that_is_not_set_up(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test that the summary waits for an account that is not set up yet."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary")
    sandbox.body = b"no balances"
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    assert loaded_entry.state is ConfigEntryState.SETUP_RETRY

    await move_to(hass, freezer, today + timedelta(hours=9, seconds=1))
    assert is_waiting(hass)

    async def set_up_late(*args: Any) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await original(*args)

    original = sensor.async_setup_entry
    monkeypatch.setattr(sensor, "async_setup_entry", set_up_late)
    sandbox.body = None
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await move_to(hass, freezer, today + timedelta(hours=9, minutes=1))
    await hass.async_block_till_done()
    # The new sensor is not one of a stablecoin, and has more decimals.
    changes = CHANGES.replace("+99.50 USDT", "+99.500 USDT")
    assert [message for _, message in messages] == [changes]


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "disabled"])
async def test_account_that_stays_away_holds_up_no_summary(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    other_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    refused: bool,
) -> None:
    """Test that an account that stays away does not keep back the others."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary")
    if refused:
        sandbox.revoke(OTHER_API_KEY)
        await other_entry.runtime_data.async_refresh()
    else:
        assert await hass.config_entries.async_set_disabled_by(
            other_entry.entry_id, ConfigEntryDisabler.USER
        )
    nine = today + timedelta(hours=9, seconds=1)
    await move_to(hass, freezer, nine)
    await move_to(hass, freezer, nine + timedelta(minutes=14))
    if refused:
        assert is_waiting(hass)
        await move_to(hass, freezer, nine + timedelta(minutes=16))
        await move_to(hass, freezer, nine + timedelta(minutes=17))
    await hass.async_block_till_done()

    assert [message for _, message in messages] == [CHANGES]


async def test_names_of_the_service_do_not_format_the_summary(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test a unit and a name that would be links."""
    [row] = sandbox.rows = [make_row("BTC", Decimal(1))]
    row["currency"]["short_code"] = EVIL
    await loaded_entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    entity_registry.async_update_entity("sensor.cryptocloud_btc", name=EVIL)
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary", sensors=["sensor.cryptocloud_btc"], sums=[])
    await move_to(hass, freezer, today + timedelta(hours=9, seconds=1))
    await hass.async_block_till_done()

    expected = f"{HARMLESS}: -0.100 {HARMLESS}"
    # Home Assistant 2026.6 leaves out the account before a name of the user.
    [(_, message)] = messages
    assert message.removeprefix("CryptoCloud # ") == expected


@pytest.mark.parametrize(("hour", "is_due"), [(8, False), (10, True)])
async def test_summary_that_was_missed_is_sent_after_a_start(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hour: int,
    is_due: bool,
) -> None:
    """Test starts before and after the time of the summary, and a second start.

    The recorder compiles what it missed once Home Assistant has started.
    """
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer, compiled=False)
    freezer.move_to(today + timedelta(hours=hour))
    hass.set_state(CoreState.not_running)
    await run("daily_summary", sensors=["sensor.cryptocloud_btc"])
    await hass.async_start()
    await settle()
    assert is_waiting(hass) is is_due

    await move_to(hass, freezer, today + timedelta(hours=hour, minutes=4))
    assert is_waiting(hass) is is_due

    await compile_yesterday(hass, today)
    await move_to(hass, freezer, today + timedelta(hours=hour, minutes=5))
    await hass.async_block_till_done()
    changes = CHANGES.rpartition("\n")[0]
    assert [message for _, message in messages] == [changes] * is_due

    freezer.move_to(today + timedelta(hours=hour, minutes=6))
    hass.set_state(CoreState.not_running)
    for service in ("turn_off", "turn_on"):
        await hass.services.async_call(
            "automation", service, {"entity_id": "automation.test"}, blocking=True
        )
    await hass.async_start()
    await hass.async_block_till_done()
    assert len(messages) == is_due
