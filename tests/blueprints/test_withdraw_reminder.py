"""Tests of the reminders to withdraw."""

from datetime import timedelta
from decimal import Decimal

import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from tests.common import Messages, Poll, Row, complaints, make_row
from tools.sandbox import Sandbox

from .common import EVIL, HARMLESS, WITH_URL, Run, is_waiting, set_balance


@pytest.mark.parametrize(("balance", "reminders"), [("1600", 2), ("10", 0)])
async def test_reminder_starts_over_below_the_limit(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    balance: str,
    reminders: int,
) -> None:
    """Test a limit not held for long enough, held over an outage, and repeated."""
    set_balance(rows[0], "2000", "2000")
    await elapse()
    await run(
        "withdraw_reminder",
        sensor="sensor.cryptocloud_usdt_trc20",
        limit=1500,
        duration={"hours": 10},
        again=True,
        title_text="{name}",
        message_text="{balance} > {limit}",
        notify=[WITH_URL],
        url="/shop",
    )
    await elapse()
    assert is_waiting(hass)

    set_balance(rows[0], "1500", "1500")
    await elapse()
    assert not is_waiting(hass)

    set_balance(rows[0], "1600", "1600")
    await elapse(timedelta(hours=4))
    await elapse(timedelta(hours=4))
    assert is_waiting(hass)

    sandbox.body = b"no balances"
    await elapse()
    await elapse(timedelta(hours=10))
    assert messages == []

    sandbox.body = None
    set_balance(rows[0], balance, balance)
    await elapse()
    await elapse(timedelta(hours=10))
    reminder = ("CryptoCloud USDT TRC20", "1600.00 USDT > 1500 /shop")
    assert messages == [reminder] * reminders


async def test_names_of_the_service_do_not_format_the_reminder(
    rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test a code and a unit that would be links, and a negative balance."""
    rows[0] = make_row(EVIL, Decimal(-5))
    rows[0]["currency"]["short_code"] = EVIL
    await elapse()
    await run(
        "withdraw_reminder",
        sensor="sensor.cryptocloud_pay_https_www_b_example",
        limit=-10,
        message_text="{balance} {name}",
    )
    await elapse()
    await elapse(timedelta(days=1))

    assert messages == [
        ("Time to withdraw", f"-5.000 {HARMLESS} CryptoCloud # {HARMLESS}")
    ]


@pytest.mark.parametrize("limit", [100, 1000])
async def test_deleted_sensor_is_no_error(
    hass: HomeAssistant,
    run: Run,
    messages: Messages,
    elapse: Poll,
    caplog: pytest.LogCaptureFixture,
    entity_registry: er.EntityRegistry,
    rows: list[Row],
    limit: float,
) -> None:
    """Test that nothing is logged about a sensor that is gone."""
    entity_id = "sensor.cryptocloud_usdt_trc20"
    await elapse()
    await run("withdraw_reminder", sensor=entity_id, limit=limit)
    await elapse()
    assert is_waiting(hass) is (limit == 100)

    entity_registry.async_remove(entity_id)
    await elapse()
    assert hass.states.get(entity_id) is None

    caplog.clear()
    for _ in range(3):
        await elapse(timedelta(days=1))
    assert messages == []
    assert complaints(caplog) == []
