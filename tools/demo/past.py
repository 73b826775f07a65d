"""Weeks of receipts and payouts for a demo that starts with none."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

# "Received this month" needs what there was before the month.
WEEKS = 6
PAYOUT_HOUR = 18


def make_past(entity_id: str) -> Iterator[dict[str, Any]]:
    """Yield the statistics of what was received and withdrawn, to be imported.

    `entity_id` is the sensor of what was received.
    """
    withdrawn_id = entity_id.replace("received", "withdrawn")
    received, withdrawn = [], []
    waiting = 0.0
    random = Random(7)
    # The recorder adds the hour that has begun.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(weeks=WEEKS)
    while start < end:
        hourly = random.lognormvariate(4, 0.7) if 7 <= start.hour < 22 else 0.0
        waiting += hourly
        received.append((start, hourly))
        is_payout = start.hour == PAYOUT_HOUR and start.weekday() in (0, 2, 4)
        withdrawn.append((start, waiting if is_payout else 0.0))
        waiting = 0.0 if is_payout else waiting
        start += timedelta(hours=1)
    yield _make_statistics(entity_id, received)
    yield _make_statistics(withdrawn_id, withdrawn)


def _make_statistics(
    entity_id: str, hours: list[tuple[datetime, float]]
) -> dict[str, Any]:
    """Return the statistics of a sum in USD."""
    # The recorder goes on from a sum of zero.
    total = -sum(amount for _, amount in hours)
    stats = []
    for start, amount in hours:
        total += amount
        stats.append({"start": start.isoformat(), "state": total, "sum": total})
    return {
        "metadata": {
            "has_sum": True,
            "mean_type": 0,
            "name": None,
            "source": "recorder",
            "statistic_id": entity_id,
            "unit_class": None,
            "unit_of_measurement": "USD",
        },
        "stats": stats,
    }
