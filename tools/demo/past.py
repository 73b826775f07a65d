"""Two weeks of receipts for a demo that starts with none."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

# The dashboard's charts look back two weeks and an hour.
DAYS = 15


def make_statistics(state: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return statistics that lead to a balance, to be imported."""
    random = Random(seed)
    start = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    final = balance = float(state["state"])
    stats = []
    for _ in range(DAYS):
        start -= timedelta(days=1)
        # The recorder goes on from a sum of zero.
        stats.append(
            {"start": start.isoformat(), "state": balance, "sum": balance - final}
        )
        balance -= final * random.triangular(0.005, 0.12, 0.03)
    stats.append(
        {
            "start": (start - timedelta(days=1)).isoformat(),
            "state": balance,
            "sum": balance - final,
        }
    )
    return {
        "metadata": {
            "has_sum": True,
            "mean_type": 0,
            "name": None,
            "source": "recorder",
            "statistic_id": state["entity_id"],
            "unit_class": None,
            "unit_of_measurement": state["attributes"]["unit_of_measurement"],
        },
        "stats": stats[::-1],
    }
