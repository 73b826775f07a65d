"""Command line of the tests in the browser."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from tools.demo.demo import Demo
from tools.demo.home_assistant import REPOSITORY

from .steps import DASHBOARD_STEPS, LIFE_STEPS, Stage
from .unit import test_strategy
from .user import open_browser

FAILURES = REPOSITORY / ".browser"
LANGUAGES = ("en", "ru")
# Longer than the graphs look back, so that the start is out of sight.
MINUTES = 16


def say(message: str) -> None:
    """Print what happens."""
    print(message, flush=True)


def ignore(_: str) -> None:
    """Leave out what the demo says."""


async def run(
    demo: Demo,
    language: str,
    steps: tuple[Callable[[Stage], Awaitable[None]], ...],
    *,
    update: bool,
) -> None:
    """Run steps, one after the other, in one language."""
    async with open_browser(
        demo.url, failures=FAILURES, language=language, update_images=update
    ) as user:
        stage = Stage(demo=demo, user=user)
        await user.open()
        await user.choose_language()
        for step in steps:
            start = monotonic()
            await step(stage)
            say(f"{language}: {step.__doc__} ({monotonic() - start:.0f} s)")


async def main(*, update: bool) -> None:
    """Run all steps."""
    await test_strategy(say)
    demo = Demo(say=ignore, speed=6)
    async with demo.run():
        if update:
            say(f"Waiting {MINUTES} minutes for something to show")
            await asyncio.sleep(MINUTES * 60)
        for language in LANGUAGES:
            await run(demo, language, DASHBOARD_STEPS, update=update)
    for language in LANGUAGES:
        demo = Demo(account=False, say=ignore, speed=0)
        async with demo.run():
            await run(demo, language, LIFE_STEPS, update=update)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="script/test-browser", description=__doc__)
    parser.add_argument("--update-screenshots", action="store_true")
    asyncio.run(main(update=parser.parse_args().update_screenshots))
