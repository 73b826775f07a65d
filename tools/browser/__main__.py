"""Command line of the tests in the browser."""

import argparse
import asyncio
from functools import partial
from time import monotonic

from tools.demo.demo import Demo
from tools.demo.home_assistant import NEWEST, Installation, find_installation

from .happenings import avoid_first_figures
from .sight import see_situations
from .situations import LANGUAGES
from .steps import DASHBOARD_STEPS, LIFE_STEPS, Step
from .unit import test_strategy
from .user import FAILURES, open_home_assistant

# Longer than the graphs look back, so that there is something to show.
SECONDS = 200


def ignore(_: str) -> None:
    """Ignore what the demo says."""


async def run(demo: Demo, steps: tuple[Step, ...], language: str, update: bool) -> None:
    """Run steps, one after the other, in one language."""
    async with open_home_assistant(demo, language, update_images=update) as user:
        for step in steps:
            start = monotonic()
            await step(user)
            print(f"{language}: {step.__doc__} ({monotonic() - start:.0f} s)")


async def main(installation: Installation, *, update: bool) -> None:
    """Run all steps; on an older version, only look at the dashboard."""
    make_demo = partial(Demo, installation=installation, say=ignore)
    if installation != NEWEST:
        await see_situations(make_demo, LANGUAGES)
        return
    busy_demo = Demo(folder=FAILURES / "demo", say=ignore, speed=6)
    async with busy_demo.run():
        filled = asyncio.create_task(asyncio.sleep(SECONDS))
        await test_strategy()
        for language in LANGUAGES:
            await avoid_first_figures()
            demo = Demo(account=False, say=ignore, speed=0)
            async with demo.run():
                await run(demo, LIFE_STEPS, language, update)
        await filled
        for language in LANGUAGES:
            await run(busy_demo, DASHBOARD_STEPS, language, update)
    await see_situations(make_demo, LANGUAGES, update_images=update)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="script/test-browser", description=__doc__)
    parser.add_argument("--update-screenshots", action="store_true")
    parser.add_argument("--ha", choices=("newest", "oldest"), default="newest")
    arguments = parser.parse_args()
    asyncio.run(
        main(find_installation(arguments.ha), update=arguments.update_screenshots)
    )
