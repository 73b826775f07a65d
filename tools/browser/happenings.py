"""What happens to an account, for the dashboard to show."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from playwright.async_api import Route

from tools.demo.past import TOTAL, import_past
from tools.sandbox import GOOD_KEY, Status, make_row

from .user import PICTURES, User

CHANGE = "event.cryptocloud_balance_change"


async def avoid_first_figures() -> None:
    """Wait for the next hour if it is near: it brings the first figures."""
    now = datetime.now(UTC)
    left = timedelta(hours=1) - timedelta(minutes=now.minute, seconds=now.second)
    if left < timedelta(minutes=6):
        print(f"Waiting {left} for the next hour")
        await asyncio.sleep(left.total_seconds())


async def change_nothing(user: User) -> None:
    """Leave the demo as it is."""


async def pay(user: User) -> None:
    """Receive the first payment, after the outage."""
    user.demo.sandbox.fault = None
    user.demo.sandbox.merchant.payment("LTC", Decimal("1.25"))
    await poll(user)


async def have_past(user: User, length: timedelta, factor: float = 1) -> None:
    """Have a past that is longer than before, and wait until it is in the database."""
    await import_past(user.call, length, factor)
    count = length // timedelta(hours=1)
    await user.wait_for(
        f"""hass.callWS({{
          type: "recorder/statistics_during_period", period: "hour",
          start_time: new Date(0).toISOString(), statistic_ids: ["{TOTAL}"],
        }}).then((statistics) => statistics["{TOTAL}"]?.length >= {count})""",
        timeout=120_000,
    )


async def hold(user: User, amounts: dict[str, Any]) -> None:
    """Hold amounts of currencies that are worth a dollar each."""
    sandbox = user.demo.sandbox
    rows = sandbox.merchant.rows()
    others = {row["currency"]["code"]: row["currency"] for row in rows}
    coin = rows[0]["currency"]
    sandbox.rows = [
        make_row(others.get(code, coin | {"code": code}), amounts.get(code, 0))
        for code in others | amounts
    ]
    await poll(user)
    total = sum(map(Decimal, amounts.values()))
    await user.wait_for(
        f"""Number(hass.states["{TOTAL}"].state) === {total:f}
          && Object.values(hass.states).filter((state) => Number(state.state) > 0
            && "balance_usd" in state.attributes).length === {len(amounts)}""",
        timeout=120_000,
    )


async def have_millions(user: User, amounts: dict[str, Any]) -> None:
    """Hold large amounts, and receive millions a day."""
    await hold(user, amounts)
    await have_past(user, timedelta(weeks=4), factor=10_000)


async def pay_out(user: User) -> None:
    """Pay out everything, after the outage."""
    sandbox = user.demo.sandbox
    sandbox.fault = None
    sandbox.rows = [make_row(row["currency"], 0) for row in sandbox.merchant.rows()]
    await poll(user)
    await user.wait_for(f"Number(hass.states['{TOTAL}'].state) === 0")


async def lose_connection(user: User) -> None:
    """Fall into an outage, with a change in the log."""
    await user.wait_for(f"hass.states['{CHANGE}'].state !== 'unknown'")
    await start_badly(user)


async def start_badly(user: User) -> None:
    """Fall into an outage before anything has happened."""
    user.demo.sandbox.fault = Status(503)
    await poll(user)
    await user.wait_for(f"hass.states['{TOTAL}'].state === 'unavailable'")


async def lose_key(user: User) -> None:
    """Use a key that was revoked."""
    user.demo.sandbox.revoke(GOOD_KEY)
    await poll(user)
    await user.wait_for(f"hass.states['{TOTAL}'].state === 'unavailable'")


async def lose_pictures(user: User) -> None:
    """Let no picture load."""

    async def refuse(route: Route) -> None:
        await route.abort()

    # What is said of the missing pictures
    user.known_errors.update(
        f"Failed to load resource: net::ERR_FAILED ({url})"
        for url in user.requests
        if "/local/" in url
    )
    await user.page.route(PICTURES, refuse)


async def poll(user: User) -> None:
    """Poll now."""
    await user.call(
        "call_service",
        domain="homeassistant",
        service="update_entity",
        service_data={"entity_id": [TOTAL]},
    )
