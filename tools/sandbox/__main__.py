"""Runs the sandbox alone: python -m tools.sandbox."""

import asyncio
import signal

from . import BAD_KEY, EXPIRING_KEY, GOOD_KEY, Sandbox


async def main() -> None:
    """Run until Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox() as sandbox:
        print(f"API:           {sandbox.url}")
        print(f"Control:       {sandbox.control_url}")
        print(f"Good key:      {GOOD_KEY}")
        print(f"Bad key:       {BAD_KEY}")
        print(f"Expiring key:  {EXPIRING_KEY}\n")
        print(sandbox.commands, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
