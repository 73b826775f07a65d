"""Tests of the triggers, as automations use them."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component

from .common import Shop

EVENT = "event.cryptocloud_balance_change"
TOTAL = "sensor.cryptocloud_total_balance"
SAY = (
    "{% set change = trigger.to_state.attributes %}"
    "{{ change.currency | default('crossed') }} {{ change.amount | default }}"
)


@pytest.fixture
def calls(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what the automations do."""
    return async_mock_service(hass, "test", "notify")


@pytest.fixture
async def shop(new_shop: Shop) -> Shop:
    """Return a shop with little in its account."""
    await new_shop.set_up(A=5, B=5)
    return new_shop


async def automate(
    hass: HomeAssistant,
    trigger: str,
    target: dict[str, Any],
    options: dict[str, Any] | None = None,
) -> None:
    """Set up an automation that says what its trigger brings."""
    automation = {
        "triggers": {
            "trigger": f"cryptocloud.{trigger}",
            "target": target,
            "options": options or {},
        },
        "actions": {"action": "test.notify", "data": {"say": SAY}},
        "mode": "queued",
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()


@pytest.fixture
async def increases(shop: Shop) -> None:
    """Set up an automation on each increase."""
    await automate(shop.hass, "balance_increased", {"entity_id": EVENT})


def get_device_id(shop: Shop) -> str:
    """Return the device of an account."""
    devices = dr.async_get(shop.hass)
    [device] = dr.async_entries_for_config_entry(devices, shop.entry.entry_id)
    return device.id


def said(calls: list[ServiceCall]) -> list[str]:
    """Return what was said, and forget it."""
    messages = [call.data["say"] for call in calls]
    calls.clear()
    return messages


@pytest.mark.parametrize(
    ("trigger", "options", "expected"),
    [
        ("balance_increased", {}, ["A 2", "B 1.5", "USDT_TRC20 1"]),
        ("balance_increased", {"currencies": ["B"]}, ["B 1.5"]),
        ("balance_increased", {"currencies": "A"}, ["A 2"]),
        ("balance_increased", {"currencies": ["B", "A"]}, ["A 2", "B 1.5"]),
        ("balance_increased", {"currencies": ["C"]}, []),
        ("balance_increased", {"currencies": ["  b "]}, ["B 1.5"]),
        ("balance_increased", {"currencies": ["usdt trc20"]}, ["USDT_TRC20 1"]),
        ("balance_increased", {"currencies": ["Usdt_Trc20"]}, ["USDT_TRC20 1"]),
        ("balance_increased", {"minimum_usd": 1.75}, ["A 2"]),
        ("balance_increased", {"minimum_usd": 2}, ["A 2"]),
        ("balance_increased", {"minimum_usd": 2.01}, []),
        ("balance_increased", {"minimum_usd": 1, "currencies": ["B"]}, ["B 1.5"]),
        ("balance_decreased", {}, ["C 4"]),
        ("balance_decreased", {"minimum_usd": 4}, ["C 4"]),
        ("balance_decreased", {"minimum_usd": 4.01}, []),
        ("balance_decreased", {"currencies": ["A", "B"]}, []),
    ],
)
async def test_options_choose_the_changes(
    shop: Shop,
    calls: list[ServiceCall],
    trigger: str,
    options: dict[str, Any],
    expected: list[str],
) -> None:
    """Test each change of an answer against the options."""
    await shop.poll(A=5, B=5, C=4, USDT_TRC20=2)
    await automate(shop.hass, trigger, {"entity_id": EVENT}, options)

    await shop.poll(A=7, B=Decimal("6.5"), C=0, USDT_TRC20=3)

    assert said(calls) == expected


@pytest.mark.usefixtures("increases")
async def test_payment_in_an_outage_is_reported_once(
    shop: Shop, calls: list[ServiceCall]
) -> None:
    """Test that a payment during an outage is reported once, afterwards."""
    await shop.poll(A=6, B=5)
    assert said(calls) == ["A 1"]

    await shop.fail(A=8, B=5)
    assert said(calls) == []

    await shop.poll()
    assert said(calls) == ["A 2"]

    # Back from an outage without a payment
    await shop.poll()
    await shop.fail()
    await shop.poll()
    assert said(calls) == []


async def test_account_is_meant_by_its_device(
    shop: Shop, calls: list[ServiceCall]
) -> None:
    """Test that an account can be meant by its device."""
    target = {"device_id": get_device_id(shop)}
    await automate(shop.hass, "balance_increased", target)

    await shop.poll(A=6, B=5)

    assert said(calls) == ["A 1"]


@pytest.mark.usefixtures("increases")
async def test_name_is_no_event(
    shop: Shop,
    calls: list[ServiceCall],
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that other names and icons do not report the last payment again."""
    hass = shop.hass
    # Home Assistant 2026.6 tells triggers of such changes only beside another listener.
    async_track_state_change_event(hass, EVENT, lambda event: None)
    await shop.poll(A=7, B=5)
    assert said(calls) == ["A 2"]

    device_registry.async_update_device(get_device_id(shop), name_by_user="Tea shop")
    await hass.async_block_till_done()
    entity_registry.async_update_entity(EVENT, name="Payments")
    await hass.async_block_till_done()
    entity_registry.async_update_entity(EVENT, icon="mdi:cash")
    await hass.async_block_till_done()
    assert said(calls) == []

    await shop.poll(A=8, B=5)
    assert said(calls) == ["A 1"]


@pytest.mark.usefixtures("increases")
async def test_payment_before_a_reload_is_reported_once(
    shop: Shop, calls: list[ServiceCall]
) -> None:
    """Test that what arrived before a reload starts an automation once."""
    for amount, expected in ((7, ["A 2", "B 2"]), (10, ["A 3", "B 3"])):
        await shop.reload(A=amount, B=amount)
        assert said(calls) == expected

        await shop.poll()
        assert said(calls) == []


@pytest.mark.usefixtures("shop")
async def test_events_of_others_are_not_money(
    hass: HomeAssistant, calls: list[ServiceCall]
) -> None:
    """Test that an event of something else is not taken for money."""
    target = {"entity_id": ["event.doorbell", "sensor.cryptocloud_a"]}
    await automate(hass, "balance_increased", target)
    for number in ("0", "1"):
        hass.states.async_set("event.doorbell", number, {"event_type": "increased"})
        await hass.async_block_till_done()

    assert said(calls) == []


@pytest.mark.parametrize(
    "options",
    [{"minimum_usd": -1}, {"minimum_usd": "much"}, {"currencies": [{}]}, {"coin": "A"}],
)
@pytest.mark.usefixtures("shop")
async def test_bad_options_are_refused_by_name(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    """Test that an automation with bad options is refused with their name."""
    await automate(hass, "balance_increased", {"entity_id": EVENT}, options)

    assert "failed to setup triggers and has been disabled" in caplog.text
    assert next(iter(options)) in caplog.text


def above(limit: float | str) -> dict[str, Any]:
    """Return a threshold: a number, or a sensor."""
    kind = "entity" if isinstance(limit, str) else "number"
    return {"threshold": {"type": "above", "value": {kind: limit}}}


BELOW = {"type": "below", "value": {"number": 9}}
BETWEEN = {"value_min": {"number": 10.5}, "value_max": {"number": 12}}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (above(12), [True, False, False]),
        ({"threshold": BELOW}, [False, True, False]),
        ({"threshold": {"type": "between"} | BETWEEN}, [False, False, True]),
    ],
)
async def test_total_crosses_a_threshold_each_time(
    shop: Shop, calls: list[ServiceCall], options: dict[str, Any], expected: list[bool]
) -> None:
    """Test a total that goes up, down and up again."""
    other = {"device_class": "monetary", "unit_of_measurement": "USD"}
    target = {"entity_id": [TOTAL, "sensor.other"]}
    await automate(shop.hass, "total_crossed_threshold", target, options)
    crossed = []
    for amount in (10, 2, 6):
        shop.hass.states.async_set("sensor.other", str(amount), other)
        await shop.poll(A=amount, B=5)
        crossed.append(bool(said(calls)))

    assert crossed == expected


@pytest.mark.parametrize(
    ("target", "unit", "expected"),
    [
        (TOTAL, "USD", ["crossed"]),
        (TOTAL, "EUR", []),
        ("sensor.cryptocloud_a", "USD", []),
    ],
)
async def test_only_usd_is_compared(
    shop: Shop, calls: list[ServiceCall], target: str, unit: str, expected: list[str]
) -> None:
    """Test that only amounts in USD are compared, and with nothing else."""
    shop.hass.states.async_set("sensor.limit", "6", {"unit_of_measurement": unit})
    options = above("sensor.limit")
    await automate(shop.hass, "total_crossed_threshold", {"entity_id": target}, options)
    for amount in (1, 20):
        await shop.poll(A=amount)

    assert said(calls) == expected


async def test_other_units_do_not_keep_totals_from_crossing(
    shop: Shop, calls: list[ServiceCall]
) -> None:
    """Test that balances in other units do not keep all totals from crossing."""
    target = {"device_id": get_device_id(shop)}
    options = above(12) | {"behavior": "all"}
    await automate(shop.hass, "total_crossed_threshold", target, options)

    await shop.poll(A=20, B=5)

    # Home Assistant 2026.6 says so for each of the totals.
    assert set(said(calls)) == {"crossed"}


async def test_received_crosses_a_threshold_if_it_is_named(
    shop: Shop, calls: list[ServiceCall]
) -> None:
    """Test that a goal can be set for what is received."""
    target = {"entity_id": "sensor.cryptocloud_received"}
    await automate(shop.hass, "total_crossed_threshold", target, above(12))

    await shop.poll(A=20, B=5)

    assert said(calls) == ["crossed"]
