"""Command line: stops, kills and starts a real Home Assistant around payments.

An automation of that Home Assistant posts what it hears to this process. Afterwards each
payment was reported once, or, if the kill came between saving and reporting, not at all;
and the sums are right in every case.
"""

import argparse
import asyncio
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
import signal
import sys
from tempfile import TemporaryDirectory

from aiohttp import ClientError, ClientSession, web

from tools.demo.demo import reserve_port
from tools.demo.home_assistant import (
    HomeAssistant,
    Installation,
    find_installation,
    wait_for,
    write_configuration,
)
from tools.hearing import hear, say
from tools.sandbox import Delay, Sandbox, make_row

from .process import USER_INPUT, run_process
from .refusals import run_refusals

# When the process is killed, in seconds after the answer was sent; None: before it
MOMENTS = (None, 0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.1, 0.5)
EVENT = "event.cryptocloud_balance_change"
SENSOR = "sensor.cryptocloud_usdt_trc20"


# Reports the payment, and the balance that it reads at that time
AUTOMATION = {
    "mode": "queued",
    "triggers": [
        {"trigger": f"cryptocloud.balance_{change}", "target": {"entity_id": EVENT}}
        for change in ("increased", "decreased")
    ],
    "actions": say(
        amount="{{ trigger.to_state.attributes.amount }}",
        balance=f"{{{{ states('{SENSOR}') }}}}",
    ),
}


class Shop:
    """A shop's account, and what automations heard of its payments."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, installation: Installation
    ) -> None:
        """Initialize the shop."""
        self.folder = folder
        self.sandbox = sandbox
        self.start = partial(run_process, folder, sandbox.url, installation)
        self.heard: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.total = Decimal(0)
        [self.currency] = [
            row["currency"]
            for row in sandbox.merchant.rows()
            if row["currency"]["code"] == "USDT_TRC20"
        ]
        sandbox.fault = self.answer
        self.pay(Decimal(1000))

    def pay(self, amount: Decimal) -> None:
        """Receive a payment."""
        self.total += amount
        self.sandbox.rows = [make_row(self.currency, self.total)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as usual, and note when."""
        self.asked.set()
        return await Delay(0)(request)

    async def expect(self, name: str, paid: Decimal, wanted: set[int]) -> bool:
        """Print what was reported of a payment and what the sums say."""
        with suppress(TimeoutError):
            async with asyncio.timeout(5 if 0 in wanted else 60):
                await wait_for(self._has_heard)
        await asyncio.sleep(1)
        heard = self.heard.copy()
        self.heard.clear()
        reports = [report["amount"] for report in heard]
        balances = {report["balance"] for report in heard}
        good = (
            len(reports) in wanted
            and set(reports) <= {f"{paid:f}"}
            and balances <= {f"{self.total:f}"}
        )
        print(f"{name:46} paid {paid:f}, reported {reports}", end="")
        return good

    async def _has_heard(self) -> bool:
        return bool(self.heard)


async def read(home_assistant: HomeAssistant, entity_id: str) -> str | None:
    """Return a state once it is there."""
    with suppress(ClientError):
        async with home_assistant.connect() as connection:
            if await connection.is_running():
                for state in await connection.call("get_states"):
                    if state["entity_id"] == entity_id:
                        value: str = state["state"]
                        return None if value == "unavailable" else value
    return None


async def run(installation: Installation, moments: tuple[float | None, ...]) -> bool:
    """Try everything; return whether all of it was right."""
    with TemporaryDirectory() as name, reserve_port() as port:
        async with Sandbox() as sandbox, ClientSession() as session:
            shop = Shop(sandbox, Path(name), installation)
            home_assistant = HomeAssistant(session, f"http://127.0.0.1:{port}")
            write_configuration(shop.folder, port, installation=installation)
            async with hear(shop.folder, AUTOMATION, shop.heard.append):
                return await _try_all(shop, home_assistant, moments)


async def _try_all(
    shop: Shop, home_assistant: HomeAssistant, moments: tuple[float | None, ...]
) -> bool:
    """Add the account, then pay while Home Assistant runs, is stopped and is killed."""
    results = []
    received = Decimal(0)

    async def check(name: str, paid: int, wanted: set[int]) -> None:
        nonlocal received
        received += paid
        good = await shop.expect(name, Decimal(paid), wanted)
        state = await read(home_assistant, "sensor.cryptocloud_received")
        print(f", received in all {state} of {received:f}", end="")
        results.append(good and state == f"{received:f}")
        print("" if results[-1] else "  <-- wrong", flush=True)

    async with shop.start() as process:
        await home_assistant.create_owner()
        await home_assistant.set_up_integration(USER_INPUT)
        await wait_for(lambda: read(home_assistant, SENSOR))
        shop.pay(Decimal(1))
        await _refresh(home_assistant)
        await check("while it runs", 1, {1})
        process.send_signal(signal.SIGTERM)
        await process.wait()
    shop.pay(Decimal(2))
    async with shop.start():
        await wait_for(lambda: read(home_assistant, SENSOR))
        await check("while it is stopped", 2, {1})
    for number, moment in enumerate(moments, 3):
        async with shop.start():
            await wait_for(lambda: read(home_assistant, SENSOR))
            shop.heard.clear()
            shop.pay(Decimal(number))
            when = "killed before the answer"
            if moment is not None:
                shop.asked.clear()
                refreshing = asyncio.create_task(_refresh(home_assistant))
                await shop.asked.wait()
                await asyncio.sleep(moment)
                refreshing.cancel()
                when = f"killed {1000 * moment:g} ms after the request arrived"
        async with shop.start():
            await wait_for(lambda: read(home_assistant, SENSOR))
            wanted = {1} if moment is None else {0, 1}
            await check(when, number, wanted)
    return all(results)


async def _refresh(home_assistant: HomeAssistant) -> None:
    """Poll now."""
    with suppress(ClientError):
        async with home_assistant.connect() as connection:
            await connection.call(
                "call_service",
                domain="homeassistant",
                service="update_entity",
                service_data={"entity_id": [SENSOR]},
            )


def main() -> int:
    """Run, and fail if a payment was reported twice or a sum is wrong."""
    parser = argparse.ArgumentParser(
        prog="script/restarts",
        description="Stop, kill and start Home Assistant around payments.",
    )
    parser.add_argument(
        "--moments", type=int, default=len(MOMENTS), help="how many kills"
    )
    parser.add_argument(
        "--refusals",
        type=int,
        metavar="SEED",
        help="instead, start it ten times while the service answers badly at random",
    )
    parser.add_argument("--ha", choices=("newest", "oldest"), default="newest")
    arguments = parser.parse_args()
    if arguments.refusals is not None:
        good = asyncio.run(run_refusals(arguments.refusals))
        print(
            "A key was asked for when it should be." if good else "Something is wrong."
        )
    else:
        good = asyncio.run(
            run(find_installation(arguments.ha), MOMENTS[: arguments.moments])
        )
        print("Nothing was reported twice." if good else "Something is wrong.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
