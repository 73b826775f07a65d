"""Tests of the daily summary."""

import asyncio
from datetime import timedelta
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
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import CoreState
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import OTHER_API_KEY, make_entry, make_row, set_up

from .common import EVIL, HARMLESS, WITH_URL, Home, settle

pytestmark = pytest.mark.usefixtures("recorder_mock")

CHANGES = (
    "CryptoCloud Received: 99.50 USD\n"
    "CryptoCloud Withdrawn: 0.10 USD\n"
    "CryptoCloud BTC: -0.100 BTC\n"
    "CryptoCloud USDT TRC20: +99.50 USDT"
)
AT_NINE = {"hours": 9, "seconds": 1}


class Day:
    """A day, whose clock stands still until it is turned, and the day before it."""

    def __init__(self, home: Home, freezer: FrozenDateTimeFactory) -> None:
        """Begin the day."""
        self._home = home
        self._freezer = freezer
        self._midnight = dt_util.start_of_local_day()
        self.yesterday = (self._midnight - timedelta(days=1)).date()

    async def record_yesterday(
        self, coin: str = "BTC", *, compiled: bool = True
    ) -> None:
        """Let balances of USDT and a coin change yesterday."""
        hass = self._home.hass
        assert await async_setup_component(hass, "sensor", {})
        self._freezer.move_to(self._midnight - timedelta(hours=11, minutes=4))
        for usdt, amount in (("100", "100"), ("199.50000001", "99.9")):
            self._home.sandbox.rows = [
                make_row("USDT_TRC20", Decimal(usdt)),
                make_row(coin, Decimal(amount)),
                make_row("TON", Decimal(5)),
            ]
            await self._home.entry.runtime_data.async_refresh()
            await async_wait_recording_done(hass)
        if compiled:
            await self.compile_yesterday()

    async def compile_yesterday(self) -> None:
        """Let the recorder compile the statistics of yesterday, and say so."""
        hass = self._home.hass
        start = dt_util.as_utc(self._midnight - timedelta(hours=11, minutes=5))
        get_instance(hass).queue_task(StatisticsTask(start, fire_events=True))
        await async_recorder_block_till_done(hass)

    def turn_clock(self, **time: float) -> None:
        """Turn the clock to a time of the day."""
        self._freezer.move_to(self._midnight + timedelta(**time))

    async def move_to(self, **time: float) -> None:
        """Turn the clock, and let happen what is due."""
        await settle()
        self.turn_clock(**time)
        async_fire_time_changed(self._home.hass)
        await settle()


@pytest.fixture
def day(home: Home, freezer: FrozenDateTimeFactory) -> Day:
    """Return a day."""
    return Day(home, freezer)


@pytest.fixture
async def other_entry(home: Home) -> MockConfigEntry:
    """Return another account, named like the integration."""
    entry = make_entry(OTHER_API_KEY, title="cryptocloud")
    assert await set_up(home.hass, entry)
    return entry


@pytest.mark.parametrize(
    ("inputs", "title", "message"),
    [
        ({}, "CryptoCloud on {date}", CHANGES),
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
    home: Home, day: Day, inputs: dict[str, Any], title: str | None, message: str
) -> None:
    """Test what each currency received yesterday, as the recorder knows it."""
    refresh = home.entry.runtime_data.async_refresh
    await day.record_yesterday()
    await home.run("daily_summary", **inputs)
    # During an outage the summary waits.
    home.sandbox.body = b"no balances"
    await refresh()
    await day.move_to(**AT_NINE)
    assert home.is_waiting or "sensors" in inputs

    for minute in range(2):
        await day.move_to(hours=20, minutes=minute)
        assert home.is_waiting or "sensors" in inputs
    home.sandbox.body = None
    await refresh()
    await day.move_to(hours=20, minutes=2)
    await home.hass.async_block_till_done()
    expected = [(title, message)] if title else []
    assert home.messages == [
        tuple(text.format(date=day.yesterday) for text in texts) for texts in expected
    ]


async def test_summary_waits_for_an_account_that_is_not_set_up(
    home: Home, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test that the summary waits for an account that is not set up yet."""
    entries = home.hass.config_entries
    await day.record_yesterday()
    await home.run("daily_summary")
    home.sandbox.body = b"no balances"
    await entries.async_reload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_RETRY

    await day.move_to(**AT_NINE)
    assert home.is_waiting

    async def set_up_late(*args: Any) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await original(*args)

    original = sensor.async_setup_entry
    monkeypatch.setattr(sensor, "async_setup_entry", set_up_late)
    home.sandbox.body = None
    await entries.async_reload(home.entry.entry_id)
    await day.move_to(hours=9, minutes=1)
    await home.hass.async_block_till_done()
    # The new sensor is not one of a stablecoin, and has more decimals.
    changes = CHANGES.replace("+99.50 USDT", "+99.500 USDT")
    assert [message for _, message in home.messages] == [changes]


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "disabled"])
async def test_account_that_stays_away_holds_up_no_summary(
    home: Home, other_entry: MockConfigEntry, day: Day, refused: bool
) -> None:
    """Test that an account that stays away does not keep back the others."""
    await day.record_yesterday()
    await home.run("daily_summary")
    if refused:
        home.sandbox.revoke(OTHER_API_KEY)
        await other_entry.runtime_data.async_refresh()
    else:
        assert await home.hass.config_entries.async_set_disabled_by(
            other_entry.entry_id, ConfigEntryDisabler.USER
        )
    await day.move_to(**AT_NINE)
    await day.move_to(**AT_NINE, minutes=14)
    if refused:
        assert home.is_waiting
        await day.move_to(**AT_NINE, minutes=16)
        await day.move_to(**AT_NINE, minutes=17)
    await home.hass.async_block_till_done()

    assert [message for _, message in home.messages] == [CHANGES]


async def test_names_of_the_service_do_not_format_the_summary(
    home: Home, day: Day, entity_registry: er.EntityRegistry
) -> None:
    """Test a unit and a name that would be links."""
    pay = "sensor.cryptocloud_pay"
    [row] = home.sandbox.rows = [make_row("PAY", Decimal(1))]
    row["currency"]["short_code"] = EVIL
    await home.entry.runtime_data.async_refresh()
    await home.hass.async_block_till_done()
    entity_registry.async_update_entity(pay, name=EVIL)
    await day.record_yesterday("PAY")
    await home.run("daily_summary", sensors=[pay], sums=[])
    await day.move_to(**AT_NINE)
    await home.hass.async_block_till_done()

    # Home Assistant 2026.6 leaves out the account before a name of the user.
    [(_, message)] = home.messages
    assert message.removeprefix("CryptoCloud # ") == f"{HARMLESS}: -0.100 {HARMLESS}"


@pytest.mark.parametrize(("hour", "is_due"), [(8, False), (10, True)])
async def test_summary_that_was_missed_is_sent_after_a_start(
    home: Home, day: Day, hour: int, is_due: bool
) -> None:
    """Test starts before and after the time of the summary, and a second start.

    The recorder compiles what it missed once Home Assistant has started.
    """
    hass = home.hass
    await day.record_yesterday(compiled=False)
    day.turn_clock(hours=hour)
    hass.set_state(CoreState.not_running)
    await home.run("daily_summary", sensors=["sensor.cryptocloud_btc"])
    await hass.async_start()
    await settle()
    assert home.is_waiting is is_due

    await day.move_to(hours=hour, minutes=4)
    assert home.is_waiting is is_due

    # The recorder says so before they are in the database.
    hass.bus.async_fire("recorder_5min_statistics_generated")
    await settle()
    assert home.is_waiting is is_due
    await day.compile_yesterday()
    await day.move_to(hours=hour, minutes=5)
    await hass.async_block_till_done()
    changes = CHANGES.rpartition("\n")[0]
    assert [message for _, message in home.messages] == [changes] * is_due

    day.turn_clock(hours=hour, minutes=6)
    hass.set_state(CoreState.not_running)
    for service in ("turn_off", "turn_on"):
        await hass.services.async_call(
            "automation", service, {"entity_id": "automation.test"}, blocking=True
        )
    await hass.async_start()
    await hass.async_block_till_done()
    assert len(home.messages) == is_due
