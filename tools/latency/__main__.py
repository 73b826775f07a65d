"""Command line: measures how long after a payment its state and an automation follow.

A real Home Assistant has several accounts, which take turns: each of them reads its
balances at most once in ten seconds, and the sandbox calls the one whose turn it is. An
automation of that Home Assistant calls this process as soon as it is triggered.
"""

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path
import re
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import monotonic

from aiohttp import ClientSession

from homeassistant.const import __version__
from tools import performance
from tools.demo.demo import reserve_port
from tools.demo.home_assistant import (
    HomeAssistant,
    run_home_assistant,
    wait_for,
    write_configuration,
)
from tools.hearing import hear, say
from tools.performance import make_table
from tools.sandbox import Notifications, Sandbox, make_row

ACCOUNTS = 10
PAYMENTS = 100
# Seconds between two payments; each account then has more than its ten seconds.
PAUSE = 1.25
TARGET = 2.0
TIMEOUT = 60


@dataclass
class Waits:
    """Seconds from each payment to what followed it."""

    state: list[float] = field(default_factory=list)
    action: list[float] = field(default_factory=list)


class Shop:
    """What has been paid, and what Home Assistant made of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Initialize the shop."""
        self._sandbox = sandbox
        self._total = Decimal(0)
        [self._currency] = [
            row["currency"]
            for row in sandbox.merchant.rows()
            if row["currency"]["code"] == "USDT_TRC20"
        ]
        self.seen: dict[str, float] = {}
        self.heard: dict[str, float] = {}
        self.news = asyncio.Event()
        self._set_total()

    def _set_total(self) -> None:
        self._total += 1
        self._sandbox.rows = [make_row(self._currency, self._total)]

    def pay(self, address: str) -> str:
        """Receive a payment, let CryptoCloud call, and return the new balance."""
        self._set_total()
        self._sandbox.notify(Notifications(url=address, repeats=0))
        self._sandbox.merchant.payment("USDT_TRC20", Decimal(1))
        return f"{self._total:f}"

    def see(self, state: str) -> None:
        """Note a new state."""
        self.seen.setdefault(state, monotonic())
        self.news.set()

    def hear(self, said: dict[str, str]) -> None:
        """Note that the automation acts."""
        self.heard.setdefault(said["balance"], monotonic())
        self.news.set()


ACCOUNT_NAMES = ["cryptocloud", *(f"cryptocloud_{n}" for n in range(2, ACCOUNTS + 1))]
# Says which balance a payment led to
AUTOMATION = {
    "mode": "parallel",
    "triggers": {
        "trigger": "cryptocloud.balance_increased",
        "target": {
            "entity_id": [f"event.{name}_balance_change" for name in ACCOUNT_NAMES]
        },
    },
    "actions": say(balance="{{ trigger.to_state.attributes.balance }}"),
}


async def measure(payments: int) -> Waits:
    """Measure payments."""
    keys = [f"latency.key-{number}.not-a-secret" for number in range(ACCOUNTS)]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        sandbox = await stack.enter_async_context(Sandbox(keys=keys, speed=0))
        shop = Shop(sandbox)
        port = stack.enter_context(reserve_port())
        write_configuration(folder, port)
        await stack.enter_async_context(hear(folder, AUTOMATION, shop.hear))
        session = await stack.enter_async_context(ClientSession())
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        running = tasks.create_task(run_home_assistant(folder, sandbox.url))
        try:
            url = f"http://127.0.0.1:{port}"
            home_assistant = HomeAssistant(session, url)
            addresses = await _set_up(home_assistant, url, keys)
            watching = tasks.create_task(_watch(home_assistant, shop))
            # Home Assistant is busy right after its start.
            await asyncio.sleep(15)
            waits = Waits()
            for number in range(payments):
                start = monotonic()
                balance = shop.pay(addresses[number % ACCOUNTS])
                async with asyncio.timeout(TIMEOUT):
                    while balance not in shop.seen or balance not in shop.heard:
                        shop.news.clear()
                        await shop.news.wait()
                waits.state.append(shop.seen[balance] - start)
                waits.action.append(shop.heard[balance] - start)
                await asyncio.sleep(max(0, start + PAUSE - monotonic()))
            watching.cancel()
            return waits
        finally:
            running.cancel()


async def _set_up(
    home_assistant: HomeAssistant, url: str, keys: list[str]
) -> list[str]:
    """Set up the accounts, and return the addresses that CryptoCloud calls."""
    await home_assistant.create_owner()
    async with home_assistant.connect() as connection:
        await wait_for(connection.is_running)
        await connection.call("config/core/update", external_url=url)
    addresses = []
    for key in keys:
        entry_id = await home_assistant.set_up_integration(
            {"api_key": key, "only_funded": False, "show_icons": False}
        )
        addresses.append(await home_assistant.turn_on_instant_updates(entry_id))
    return addresses


async def _watch(home_assistant: HomeAssistant, shop: Shop) -> None:
    """Note the states as Home Assistant sends them to a browser."""
    async with home_assistant.connect() as connection:
        async for event in connection.subscribe("subscribe_events"):
            state = event["data"].get("new_state")
            if state and re.fullmatch(
                r"sensor\.cryptocloud\w*_usdt_trc20", state["entity_id"]
            ):
                shop.see(state["state"])


def make_section(waits: Waits) -> str:
    """Return the section of the report."""
    rows = [
        [name, *(f"{s:.3f}" for s in (median(seconds), get_p95(seconds), max(seconds)))]
        for name, seconds in (
            ("new state", waits.state),
            ("automation's action", waits.action),
        )
    ]
    return "\n\n".join(
        [
            "## Instant updates",
            (
                f"Written by `./script/latency`: seconds from a payment to what follows it, over"
                f" {len(waits.state)} payments in a Home Assistant {__version__} process of its"
                " own. CryptoCloud's simulator calls at the moment of the payment; the network"
                f" is that of one machine. {ACCOUNTS} accounts take turns, as each asks at most"
                " once in ten seconds: a payment sooner after another waits for that."
            ),
            make_table(
                ["from the payment to the", "median", "95th percentile", "longest"],
                rows,
            ),
            f"Target: the 95th percentile is below {TARGET:g} s.",
        ]
    )


def get_p95(seconds: list[float]) -> float:
    """Return the 95th percentile: of 100, the sixth longest is still above it."""
    return sorted(seconds)[ceil(0.95 * len(seconds)) - 1]


def main() -> int:
    """Measure, print and write the section; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="script/latency",
        description="Measure how soon a payment is in Home Assistant.",
    )
    parser.add_argument(
        "--short", action="store_true", help="a quick look that writes nothing"
    )
    is_short = parser.parse_args().short
    waits = asyncio.run(measure(ACCOUNTS if is_short else PAYMENTS))
    section = make_section(waits)
    print(section)
    if not is_short:
        performance.write(section)
    slow = any(get_p95(seconds) >= TARGET for seconds in (waits.state, waits.action))
    if slow:
        print("latency: target not met", file=sys.stderr)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
