"""The sandbox by itself."""

import argparse
import asyncio
import signal

from . import BAD_KEY, EXPIRING_KEY, GOOD_KEY, Merchant, Sandbox
from .server import MAX_SPEED


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox(
        host=arguments.host,
        port=arguments.port,
        merchant=Merchant(arguments.seed),
        speed=arguments.speed,
    ) as sandbox:
        print(f"Listening on {sandbox.url}, until Ctrl-C")
        print(f"  good key:      {GOOD_KEY}")
        print(f"  bad key:       {BAD_KEY}")
        print(f"  expiring key:  {EXPIRING_KEY}")
        print(f"  control:       curl {sandbox.control_url}/control", flush=True)
        await stop.wait()


def _speed(text: str) -> float:
    if not 0 <= (speed := float(text)) <= MAX_SPEED:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_SPEED}")
    return speed


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox",
        description="Answer as the CryptoCloud API does.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--seed", type=int, default=7, help="whose life it is")
    parser.add_argument("--speed", type=_speed, default=1, help="of the merchant")
    try:
        asyncio.run(_run(parser.parse_args()))
    except (OSError, OverflowError) as err:  # The port is in use, or none.
        parser.error(str(err))


if __name__ == "__main__":
    main()
