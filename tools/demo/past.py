"""Weeks of receipts and payouts for a demo that starts with none."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from .home_assistant import wait_for

# "Received this month" needs what there was before the month.
PAST = timedelta(weeks=6)
PAYOUT_HOUR = 18
RECEIVED = "sensor.cryptocloud_received"
TOTAL = "sensor.cryptocloud_total_balance"
WITHDRAWN = "sensor.cryptocloud_withdrawn"


async def import_past(
    call: Callable[..., Awaitable[Any]], length: timedelta = PAST, factor: float = 1
) -> None:
    """Give the account a past, with commands of the WebSocket API.

    It receives about a thousand USD a day, times the factor.
    """

    async def read_states() -> list[dict[str, Any]] | None:
        states = [
            state
            for state in await call("get_states")
            if state["entity_id"].startswith("sensor.cryptocloud_")
            and "unit_of_measurement" in state["attributes"]
        ]
        # The account may be reloading.
        is_loaded = all(state["state"] != "unavailable" for state in states)
        return states if is_loaded else None

    for statistics in _make_past(await wait_for(read_states), length, factor):
        await call("recorder/import_statistics", **statistics)


def _make_past(
    states: Iterable[dict[str, Any]], length: timedelta, factor: float
) -> Iterator[dict[str, Any]]:
    """Yield statistics that lead to the states of the account's sensors."""
    received, withdrawn, waiting = [0.0], [0.0], [0.0]
    random = Random(7)
    # The recorder adds the hour that has begun.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = int(length / timedelta(hours=1))
    starts = [end - timedelta(hours=hours - number) for number in range(hours)]
    for start in starts:
        is_open = 7 <= start.hour < 22
        amount = factor * random.lognormvariate(4, 0.7) if is_open else 0.0
        is_payout = start.hour == PAYOUT_HOUR and start.weekday() in (0, 2, 4)
        received.append(received[-1] + amount)
        payout = waiting[-1] + amount if is_payout else 0.0
        withdrawn.append(withdrawn[-1] + payout)
        waiting.append(waiting[-1] + amount - payout)
    sums = {RECEIVED: received, WITHDRAWN: withdrawn}
    balances = [
        state
        for state in states
        if state["entity_id"] not in sums and float(state["state"])
    ]
    [total] = [float(s["state"]) for s in balances if s["entity_id"] == TOTAL]
    for entity_id, values in sums.items():
        yield _make_statistics(entity_id, "USD", starts, values)
    for state in balances:
        # All currencies grow with what waits for the next payout.
        final = float(state["state"])
        values = [final * (1 + (w - waiting[-1]) / total) for w in waiting]
        unit = state["attributes"]["unit_of_measurement"]
        yield _make_statistics(state["entity_id"], unit, starts, values, final)


def _make_statistics(
    entity_id: str,
    unit: str,
    starts: list[datetime],
    values: list[float],
    final: float = 0,
) -> dict[str, Any]:
    """Return statistics of a sum or a balance that ends with a state."""
    return {
        "metadata": {
            "has_sum": True,
            "mean_type": 0,
            "name": None,
            "source": "recorder",
            "statistic_id": entity_id,
            "unit_class": None,
            "unit_of_measurement": unit,
        },
        "stats": [
            {
                "start": start.isoformat(),
                "state": final + value - values[-1],
                # The recorder goes on from a sum of zero.
                "sum": value - values[-1],
            }
            for start, value in zip(starts, values[1:], strict=True)
        ],
    }
