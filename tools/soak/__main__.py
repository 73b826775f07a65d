"""Command line of the soak."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
import gc
import logging
import random
import sys
import time
from unittest.mock import patch

from custom_components.cryptocloud.api import CryptoCloudClient
from homeassistant.const import __version__
from homeassistant.helpers.entity import Entity
from tools.home_assistant import run_home_assistant
from tools.sandbox import Merchant, Sandbox

from .clock import CompressedLoop
from .measures import MEASURES, LogCounter, Sample, growth, measure, tolerance
from .scenario import Scenario, SoakError

POLLS = 20_000
SHORT_POLLS = 1_000
SAMPLES = 40

RULE = """
Samples are taken when all is calm, after everything has happened once and garbage was
collected; the first quarter is left out. Growth is the median of the slopes between
any two samples, times the polls between the first and the last. A little is allowed
for memory (keeping one small object of each of 20,000 polls would be too much) and for
an open connection with its task and timers, and none for anything else.
A log line has a cause if the account became available or unavailable just then, its
config entry changed its state, a currency got sensors, or a row did not say which
currency it is of.
"""


def say(message: str) -> None:
    """Tell the user something."""
    print(message, flush=True)


async def soak(polls: int, seed: int) -> None:
    """Poll until enough is known, or raise a SoakError."""
    random.seed(seed)  # Home Assistant spreads polls at random.
    logs = LogCounter()
    logger = logging.getLogger()
    logger.addHandler(logs)
    logger.setLevel(logging.INFO)
    async with (
        Sandbox(merchant=Merchant(seed)) as sandbox,
        run_home_assistant() as hass,
    ):
        with (
            patch.object(CryptoCloudClient, "base_url", sandbox.url),
            patch.object(Entity, "entity_registry_enabled_default", new=True),
        ):
            scenario = Scenario(hass, sandbox, random.Random(seed))
            start = time.monotonic()
            started = asyncio.get_running_loop().time()
            await scenario.set_up()
            gc.collect()
            gc.freeze()  # What is there now need not be searched again and again.
            causeless = 0
            causeless_line = ""

            async def watch(act: Callable[[], Awaitable[None]]) -> None:
                nonlocal causeless, causeless_line
                before = logs.lines - scenario.causes
                await act()
                if (surplus := logs.lines - scenario.causes - before) > 0:
                    causeless += surplus
                    causeless_line = logs.last

            samples: list[Sample] = []
            first = sandbox.request_count
            for number in range(SAMPLES + 1):
                while (sandbox.request_count - first) * SAMPLES < polls * number:
                    await watch(scenario.go_on)
                await watch(scenario.calm_down)
                sandbox.requests.clear()
                figures = measure(hass) | {"log lines without cause": causeless}
                samples.append(Sample(sandbox.request_count - first, figures))
                if number % 4 == 0:
                    say_sample(samples[-1], logs.lines, is_first=number == 0)
            days = (asyncio.get_running_loop().time() - started) / 86400
            say(
                f"\n{samples[-1].polls} polls in {days:.0f} days, which took"
                f" {time.monotonic() - start:.0f} s; what happened, and how often:"
            )
            say(", ".join(f"{n} {name}" for name, n in scenario.events.most_common()))
            judge(samples[SAMPLES // 4 :], causeless_line)


def say_sample(sample: Sample, lines: int, *, is_first: bool) -> None:
    """Print a row of figures, the first below a header."""
    figures = {"polls": sample.polls} | dict(sample.figures) | {"log lines": lines}
    if is_first:
        say(" | ".join(figures))
    say(" | ".join(f"{value:{len(name)}.0f}" for name, value in figures.items()))


def judge(samples: list[Sample], causeless_line: str) -> None:
    """Print what grew, or raise a SoakError if that is too much."""
    say(RULE)
    say(f"{'':28}{'from':>10}{'to':>10}{'growth':>10}{'allowed':>10}")
    leaks = []
    for item in MEASURES:
        grown, allowed = growth(samples, item.name), tolerance(samples, item)
        first, last = (
            sample.figures[item.name] for sample in (samples[0], samples[-1])
        )
        say(f"{item.name:28}{first:10.0f}{last:10.0f}{grown:+10.1f}{allowed:10.0f}")
        if grown > allowed:
            leaks.append(item.name)
    if leaks:
        hint = f' (the last one: "{causeless_line}")' if causeless_line else ""
        raise SoakError(f"grew with the number of polls: {', '.join(leaks)}{hint}")
    say(f"\nNothing grew in {samples[-1].polls - samples[0].polls} polls.")


def main() -> int:
    """Soak, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="script/soak",
        description="Poll for weeks, with faults, in minutes: nothing may grow.",
        allow_abbrev=False,
    )
    parser.add_argument("--polls", type=int, help=f"how many, instead of {POLLS}")
    parser.add_argument("--seed", type=int, default=1, help="whose luck it is")
    parser.add_argument(
        "--short", action="store_true", help=f"make it {SHORT_POLLS} polls"
    )
    args = parser.parse_args()
    polls = args.polls or (SHORT_POLLS if args.short else POLLS)
    if polls < SAMPLES:
        parser.error(f"--polls: must be {SAMPLES} or more")
    say(f"Home Assistant {__version__}, {polls} polls, seed {args.seed}")
    try:
        with asyncio.Runner(loop_factory=CompressedLoop) as runner:
            runner.run(soak(polls, args.seed))
    except SoakError as err:
        print(f"script/soak: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
