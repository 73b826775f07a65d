"""The sandbox in a process of its own, so that its work is not counted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
import sys
from typing import Any

from aiohttp import ClientSession

from tools.sandbox import make_row
from tools.sandbox.currencies import Currency
from tools.sandbox.exact import to_json


class Server:
    """The sandbox as seen from the benchmark's process."""

    def __init__(self, session: ClientSession, url: str, control_url: str) -> None:
        """Initialize the server."""
        self.url = url
        self._session = session
        self._answer_url = f"{control_url}/control/answer"
        # What was received, and how often the rate moved, by number of currencies
        self._paid: dict[int, list[int]] = {}
        self._moved: dict[int, list[int]] = {}

    async def answer(
        self,
        currencies: int,
        *,
        paid: int = 0,
        moved: int = 0,
        funded: int | None = None,
    ) -> None:
        """Answer from now on with so many currencies.

        Since the last answer, the first `paid` of them received something, and the rates
        of the first `moved` moved. Only the first `funded` hold anything.
        """
        all_paid = self._paid.setdefault(currencies, [0] * currencies)
        all_moved = self._moved.setdefault(currencies, [0] * currencies)
        for index in range(paid):
            all_paid[index] += 1
        for index in range(moved):
            all_moved[index] += 1
        rows = [
            _make_row(index, all_paid[index], all_moved[index])
            if funded is None or index < funded
            else make_row(_make_currency(index), 0)
            for index in range(currencies)
        ]
        answer = to_json({"status": "success", "result": rows})
        async with self._session.post(
            self._answer_url, data=answer.encode(), raise_for_status=True
        ):
            pass


@asynccontextmanager
async def run_server() -> AsyncGenerator[Server]:
    """Run the sandbox."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tools.sandbox", stdout=asyncio.subprocess.PIPE
    )
    if not process.stdout:
        raise RuntimeError("the sandbox has no output")
    try:
        urls = [(await process.stdout.readline()).split()[-1].decode() for _ in "12"]
        async with ClientSession() as session:
            yield Server(session, *urls)
    finally:
        process.terminate()
        await process.wait()


def make_code(index: int) -> str:
    """Return a currency's code."""
    return f"C{index}_ERC20"


def _make_currency(index: int) -> dict[str, Any]:
    """Return what a row says of its currency."""
    network = ("ERC20", "Ethereum")
    currency = Currency(index, make_code(index), f"Currency {index}", "1.37", network)
    return currency.as_dict(index)


def _make_row(index: int, paid: int, moved: int) -> dict[str, Any]:
    """Return the row of a currency that holds something."""
    balance = Decimal(f"{index + 1}.00012345") + paid
    available = balance - Decimal("0.5")
    rate = Decimal("1.37") + Decimal("0.01") * (moved % 10)
    return make_row(
        _make_currency(index),
        balance_crypto=balance,
        balance_usd=round(balance * rate, 2),
        available_balance=available,
        available_balance_usd=round(available * rate, 2),
    )
