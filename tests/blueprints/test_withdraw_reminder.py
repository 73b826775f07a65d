"""Tests of the reminders to withdraw."""

from datetime import timedelta
from decimal import Decimal

import pytest

from homeassistant.helpers import entity_registry as er
from tests.common import complaints, make_row

from .common import EVIL, HARMLESS, WITH_URL, Home

SENSOR = "sensor.cryptocloud_usdt_trc20"


@pytest.mark.parametrize(("balance", "reminders"), [("1600", 2), ("10", 0)])
async def test_reminder_starts_over_below_the_limit(
    home: Home, balance: str, reminders: int
) -> None:
    """Test a limit not held for long enough, held over an outage, and repeated."""
    home.hold("2000", "2000")
    await home.elapse()
    await home.run(
        "withdraw_reminder",
        sensor=SENSOR,
        limit=1500,
        duration={"hours": 10},
        again=True,
        title_text="{name}",
        message_text="{balance} > {limit}",
        notify=[WITH_URL],
        url="/shop",
    )
    await home.elapse()
    assert home.is_waiting

    home.hold("1500", "1500")
    await home.elapse()
    assert not home.is_waiting

    home.hold("1600", "1600")
    await home.elapse(timedelta(hours=4))
    await home.elapse(timedelta(hours=4))
    assert home.is_waiting

    await home.fail()
    await home.elapse(timedelta(hours=10))
    assert home.messages == []

    home.hold(balance, balance)
    await home.recover()
    await home.elapse(timedelta(hours=10))
    reminder = ("CryptoCloud USDT TRC20", "1600.00 USDT > 1500 /shop")
    assert home.messages == [reminder] * reminders


async def test_names_of_the_service_do_not_format_the_reminder(home: Home) -> None:
    """Test a code and a unit that would be links, and a negative balance."""
    home.rows[0] = make_row(EVIL, Decimal(-5))
    home.rows[0]["currency"]["short_code"] = EVIL
    await home.elapse()
    sensor = "sensor.cryptocloud_pay_https_www_b_example"
    text = "{balance} {name}"
    await home.run("withdraw_reminder", sensor=sensor, limit=-10, message_text=text)
    await home.elapse()
    await home.elapse(timedelta(days=1))

    message = f"-5.000 {HARMLESS} CryptoCloud # {HARMLESS}"
    assert home.messages == [("Time to withdraw", message)]


@pytest.mark.parametrize("limit", [100, 1000])
async def test_deleted_sensor_is_no_error(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    entity_registry: er.EntityRegistry,
    limit: float,
) -> None:
    """Test that nothing is logged about a sensor that is gone."""
    await home.run("withdraw_reminder", sensor=SENSOR, limit=limit)
    await home.elapse()
    assert home.is_waiting is (limit == 100)

    entity_registry.async_remove(SENSOR)
    await home.elapse()
    assert home.hass.states.get(SENSOR) is None

    caplog.clear()
    for _ in range(3):
        await home.elapse(timedelta(days=1))
    assert home.messages == []
    assert complaints(caplog) == []
