"""The sandbox in a process of its own, so that its work is not counted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
import json
import sys
from typing import Any

from tools.sandbox import GOOD_KEY, Sandbox


class Server:
    """The sandbox as seen from the benchmark's process."""

    def __init__(
        self, to: asyncio.StreamWriter, from_: asyncio.StreamReader, url: str
    ) -> None:
        """Initialize the server."""
        self.url = url
        self._to = to
        self._from = from_
        self._versions: dict[int, list[int]] = {}

    async def answer(self, currencies: int, *, changing: int) -> None:
        """Answer from now on with so many currencies, the first of which changed."""
        versions = self._versions.setdefault(currencies, [0] * currencies)
        for index in range(changing):
            versions[index] += 1
        self._to.write(json.dumps(versions).encode() + b"\n")
        await self._to.drain()
        if not await self._from.readline():
            raise RuntimeError("the server ended")


@asynccontextmanager
async def run_server() -> AsyncGenerator[Server]:
    """Run the sandbox."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if not process.stdin or not process.stdout:
        raise RuntimeError("the server has no pipes")
    try:
        url = (await process.stdout.readline()).decode().strip()
        yield Server(process.stdin, process.stdout, url)
    finally:
        process.stdin.close()
        await process.wait()


def make_code(index: int) -> str:
    """Return a currency's code."""
    return f"C{index}_ERC20"


def make_row(index: int, version: int) -> dict[str, Any]:
    """Return a row as the API documents it; amounts differ from version to version."""
    ticker = f"C{index}"
    cdn = "https://cdn.cryptocloud.plus/img"
    balance = Decimal(f"{index + 1}.00012345") + version
    available = balance - Decimal("0.5")
    rate = Decimal("1.37")
    return {
        "currency": {
            "id": index,
            "code": make_code(index),
            "short_code": ticker,
            "name": f"Currency {index}",
            "is_email_required": False,
            "stablecoin": False,
            "icon_base": f"{cdn}/currency/{ticker}.svg",
            "icon_network": f"{cdn}/currency_network/{ticker}_ERC.svg",
            "icon_qr": f"{cdn}/stroke/{ticker}_STROKE.svg",
            "order": index,
            "obj_network": {
                "code": "ERC20",
                "id": 1,
                "icon": f"{cdn}/network/ERC20.svg",
                "fullname": "Ethereum",
            },
            "enable": True,
        },
        "balance_crypto": float(balance),
        "balance_usd": float(round(balance * rate, 2)),
        "available_balance": float(available),
        "available_balance_usd": float(round(available * rate, 2)),
    }


async def _serve() -> None:
    async with Sandbox(keys=(GOOD_KEY,)) as sandbox:
        print(sandbox.url, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            rows = [make_row(*item) for item in enumerate(json.loads(line))]
            sandbox.body = json.dumps({"status": "success", "result": rows}).encode()
            print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
