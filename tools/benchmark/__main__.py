"""Command line of the benchmark."""

import argparse
import asyncio
import json
import logging
import sys
from typing import Any

import aiohttp_fast_zlib

from homeassistant.runner import create_event_loop
from tools import performance

from .measure import (
    Sides,
    measure_memory,
    measure_polls,
    measure_restart,
    measure_set_up,
)
from .report import Results, get_targets, make_report
from .server import run_server
from .sides import Floor, Integration, Minimal, Rest

SIDES: Sides = {
    "ours": Integration,
    "minimal": Minimal,
    "rest": Rest,
    "floor": Floor,
}
# One each five minutes
POLLS_A_DAY = 288
# Each of its sensors reads the whole answer: many seconds of CPU a poll beyond that.
MOST_OF_REST = 40
# Rounds of polls and of set-ups, by number of currencies
ROUNDS = {1: (20, 5), 40: (40, 5), 400: (5, 3), 4000: (5, 1)}
SHORT_ROUNDS = {1: (5, 1), 40: (5, 7)}


async def run(*, short: bool) -> Results:
    """Measure everything."""
    results = Results(
        is_short=short,
        rounds={},
        polls={},
        set_up={},
        restart={},
        held={},
        grown={},
        memory_polls=3 if short else 10,
        day={},
        day_polls=12 if short else POLLS_A_DAY,
        modules=await _run("imports"),
    )
    async with run_server() as server:
        for n, (rounds, set_ups) in (SHORT_ROUNDS if short else ROUNDS).items():
            sides = {
                name: kind
                for name, kind in SIDES.items()
                if kind is not Rest or n <= MOST_OF_REST
            }
            _say(f"{n} currencies: polls")
            results.rounds[n] = rounds
            results.polls[n] = await measure_polls(server, sides, n, rounds)
            _say(f"{n} currencies: set-up")
            results.set_up[n] = await measure_set_up(server, sides, n, set_ups)
            results.restart[n] = await measure_restart(server, sides, n, set_ups)
            # Tracing makes rest's many objects last minutes.
            if n <= 40:
                _say(f"{n} currencies: memory")
                results.held[n], results.grown[n] = await measure_memory(
                    server, sides, n, results.memory_polls
                )
    _say("recorder")
    empty = await _run("day", "empty", "0")
    for name in ("ours", "rest"):
        day = await _run("day", name, str(results.day_polls))
        results.day[name] = {key: day[key] - empty[key] for key in day}
    return results


async def _run(name: str, *args: str) -> Any:
    """Return what a command of the benchmark's prints as JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tools.benchmark.{name}",
        *args,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return json.loads(output)


def _say(text: str) -> None:
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print and write the report; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="script/benchmark", description="Measure what the integration costs."
    )
    parser.add_argument(
        "--short", action="store_true", help="a quick look that writes nothing"
    )
    args = parser.parse_args()
    # Several instances in one process are fine here.
    logging.basicConfig(level=logging.ERROR)
    # As Home Assistant's http integration does.
    aiohttp_fast_zlib.enable()
    results = asyncio.run(run(short=args.short), loop_factory=create_event_loop)
    report = make_report(results)
    print(report)
    if not args.short:
        performance.write(report)
    missed = [
        target.figure for target in get_targets(results) if target.is_met is False
    ]
    for figure in missed:
        _say(f"target not met: {figure}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
