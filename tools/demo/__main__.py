"""Command line of the demo."""

import argparse
import asyncio
import os
import signal
import sys

from tools.sandbox import BAD_KEY, EXPIRING_KEY, SECOND_KEY

from .demo import PORT, Demo
from .home_assistant import DemoError

API_KEY = "CRYPTOCLOUD_API_KEY"
# A payment every forty seconds or so; more would have to wait for each other.
SPEED = 3

SANDBOX_KEYS = f"""\
API keys to try there, at Settings > Devices & services > Add integration:
  {SECOND_KEY}
      good: sets up a second account
  {BAD_KEY}
      bad: refused in the form
  {EXPIRING_KEY}
      good for a minute; then Home Assistant asks for another: give it the good one
"""


INSTANT_UPDATES = """
Instant updates are on: a payment is shown within two seconds, or within ten if another
one came just before."""


def say(message: str) -> None:
    """Tell the user something."""
    print(message, flush=True)


def get_arguments() -> argparse.Namespace:
    """Return the arguments; an API key stays out of the list of processes."""
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="See CryptoCloud balances in a real Home Assistant.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--api-key",
        help=f"use the real service, with this API key; {API_KEY} does the same",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="show the first hour of a new account, without a past",
    )
    parser.add_argument(
        "--port",
        type=int,
        help=f"port for the browser, instead of {PORT} or, if taken, a free one",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=SPEED,
        help="speed of the sandbox's time (default: %(default)s)",
    )
    args = parser.parse_args()
    if args.port is not None and not 0 < args.port < 2**16:
        parser.error("--port: must be from 1 to 65535")
    if not 0 <= args.speed <= 3600:
        parser.error("--speed: must be from 0 to 3600")
    if args.api_key is not None:
        os.environ[API_KEY] = args.api_key
        command = [sys.executable, "-m", "tools.demo", f"--speed={args.speed}"]
        if args.fresh:
            command.append("--fresh")
        if args.port is not None:
            command.append(f"--port={args.port}")
        os.execv(command[0], command)  # noqa: S606
    args.api_key = os.environ.pop(API_KEY, None)
    if args.api_key == "":
        parser.error("the API key is empty")
    return args


async def main(args: argparse.Namespace) -> int:
    """Run the demo until it is stopped."""
    task = asyncio.create_task(run(args))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    exit_code = 0
    try:
        await task
    except* DemoError as errors:
        for error in errors.exceptions:
            print(f"script/demo: {error}", file=sys.stderr)
        exit_code = 1
    except* asyncio.CancelledError:
        pass
    return exit_code


async def run(args: argparse.Namespace) -> None:
    """Run the demo."""
    demo = Demo(
        api_key=args.api_key,
        past=not args.fresh,
        port=args.port,
        say=say,
        speed=args.speed,
    )
    async with demo.run():
        if not args.api_key:
            say(INSTANT_UPDATES)
        say(f"\nThe balances are at {demo.url} in a browser on this machine.\n")
        if not args.api_key:
            say(SANDBOX_KEYS)
            say(demo.sandbox.commands)
        say("Ctrl-C stops the demo.")
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(get_arguments())))
