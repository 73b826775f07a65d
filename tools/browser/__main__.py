"""Command line of the tests in the browser."""

import argparse
import asyncio
from collections.abc import Coroutine
from functools import partial
from time import monotonic
from typing import Any

from tools.demo.demo import Demo
from tools.demo.home_assistant import NEWEST, Installation, find_installation

from .happenings import avoid_first_figures
from .sight import see_situations
from .situations import DEMOS, LANGUAGES
from .steps import DASHBOARD_STEPS, LIFE_STEPS, Step
from .unit import test_strategy
from .user import FAILURES, open_home_assistant

# Longer than the graphs look back, so that there is something to show.
SECONDS = 200
# Home Assistants, each with its Chromium, that keep two cores busy
AT_ONCE = 5


def make_demo(name: str, *, speed: float = 0, **options: Any) -> Demo:
    """Return a demo with a folder of its own, so that others can run beside it."""
    return Demo(folder=FAILURES / name, say=lambda _: None, speed=speed, **options)


async def run(demo: Demo, steps: tuple[Step, ...], language: str, update: bool) -> None:
    """Run steps, one after the other, in one language."""
    async with open_home_assistant(demo, language, update_images=update) as user:
        for step in steps:
            start = monotonic()
            await step(user)
            print(f"{language}: {step.__doc__} ({monotonic() - start:.0f} s)")


async def see_busy_account(language: str, *, update: bool) -> None:
    """See a dashboard whose graphs are full."""
    demo = make_demo(f"busy-{language}", speed=6)
    async with demo.run():
        await asyncio.sleep(SECONDS)
        await run(demo, DASHBOARD_STEPS, language, update)


async def live(language: str, *, update: bool) -> None:
    """Add, use and remove the integration."""
    await avoid_first_figures()
    demo = make_demo(f"life-{language}", account=False)
    async with demo.run():
        await run(demo, LIFE_STEPS, language, update)


async def see(
    installation: Installation, name: str, language: str, *, update: bool
) -> None:
    """See the dashboard of an account in all its situations."""
    options, situations = DEMOS[name]
    if not options["past"]:
        await avoid_first_figures()
    demo = make_demo(f"{name}-{language}", installation=installation, **options)
    async with (
        demo.run(),
        open_home_assistant(demo, language, update_images=update) as user,
    ):
        # Of an older version, the docs have no pictures.
        await see_situations(user, situations, take_pictures=installation == NEWEST)


async def main(installation: Installation, *, update: bool) -> None:
    """Run everything, some of it at once; of an older version, only see the dashboard."""
    jobs = [partial(see, installation, n, lang) for n in DEMOS for lang in LANGUAGES]
    if installation == NEWEST:
        await test_strategy()
        # What mostly waits begins.
        jobs = [partial(see_busy_account, language) for language in LANGUAGES] + jobs
        jobs += [partial(live, language) for language in LANGUAGES]
    limit = asyncio.Semaphore(AT_ONCE)

    async def start(job: partial[Coroutine[None, None, None]]) -> None:
        async with limit:
            await job(update=update)

    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(start(job))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="script/test-browser", description=__doc__)
    parser.add_argument("--update-screenshots", action="store_true")
    parser.add_argument("--ha", choices=("newest", "oldest"), default="newest")
    arguments = parser.parse_args()
    asyncio.run(
        main(find_installation(arguments.ha), update=arguments.update_screenshots)
    )
