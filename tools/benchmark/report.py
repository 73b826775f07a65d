"""The figures as tables."""

from dataclasses import dataclass
import os
from pathlib import Path
import platform
import sqlite3
from typing import Any

import aiohttp
import orjson

from homeassistant.const import __version__

from .measure import Figures, Polls

CHANGES = {"all": "all values", "one": "one value", "none": "none"}


@dataclass(kw_only=True)
class Results:
    """All that was measured, by number of currencies and by side."""

    rounds: dict[int, int]
    polls: dict[int, dict[str, Polls]]
    set_up: dict[int, Figures]
    held: dict[int, Figures]
    grown: dict[int, Figures]
    memory_polls: int
    day: dict[str, dict[str, int]]
    day_polls: int
    modules: list[str]


def make_report(results: Results) -> str:
    """Return the report in Markdown."""
    sides = ["ours", "rest", "floor"]
    return "\n\n".join(
        [
            "# Performance",
            (
                "Written by `./script/benchmark`. *ours* is the integration, *rest* Home"
                " Assistant's own `rest` integration with one sensor a currency, *floor*"
                " the same request, `orjson.loads` and one `hass.states.async_set` a"
                " currency. All of them run in turn in one process, each in a Home"
                " Assistant of its own, so that neither entities nor listeners of one cost"
                " another; the server runs in a process of its own. CPU is that of the"
                " whole process, its threads too; garbage is collected before each poll."
                " Connections are kept open and without TLS: a real poll costs each of"
                " them more."
            ),
            _table(
                ["machine", ""],
                [
                    ["processor", f"{_processor()}, {os.cpu_count()} threads"],
                    ["load when done", f"{os.getloadavg()[0]:.1f}"],
                    ["Python", platform.python_version()],
                    ["Home Assistant", __version__],
                    ["aiohttp", aiohttp.__version__],
                    ["orjson", orjson.__version__],
                    ["SQLite", sqlite3.sqlite_version],
                ],
            ),
            "## Targets",
            _table(["figure", "target", "measured", ""], _targets(results)),
            (
                "Where the time over the floor goes: numbers are read with every digit,"
                " which orjson does not do; each field of each row is checked before it"
                " is believed; and Home Assistant's own `Entity` works out state, name,"
                " unit and attributes for each write, where the floor hands over a"
                " finished dictionary. Request and entity writes alone, which both need"
                " in a real integration, come close to the target for the whole."
            ),
            "## CPU a poll",
            "Milliseconds, median of the rounds.",
            _table(
                ["currencies", "changed", "rounds", *sides],
                [
                    [n, CHANGES[label], results.rounds[n], *_row(polls.cpu, sides)]
                    for n, by_label in results.polls.items()
                    for label, polls in by_label.items()
                ],
            ),
            "## State writes a poll",
            _table(
                ["currencies", "changed", *sides],
                [
                    [n, CHANGES[label], *_row(polls.writes, sides, 0)]
                    for n, by_label in results.polls.items()
                    for label, polls in by_label.items()
                ],
            ),
            "## Set-up",
            "Milliseconds of CPU, with the first poll, nothing registered before.",
            _by_currencies(results.set_up, sides),
            "## Memory",
            "KiB that Python holds (tracemalloc) after the set-up.",
            _by_currencies(results.held, sides),
            f"KiB that {results.memory_polls} more polls add, all values changed.",
            _by_currencies(results.grown, sides),
            "## Recorder",
            (
                f"{results.day_polls} polls of 40 currencies of which 5 change; bytes are"
                " those of the file after VACUUM, less the empty database's. Statistics"
                " are not in it."
            ),
            _table(
                ["side", "states", "state_attributes", "states_meta", "bytes"],
                [[side, *day.values()] for side, day in results.day.items()],
            ),
            "## Modules",
            "Added by importing all of the integration's: "
            + ", ".join(f"`{name}`" for name in results.modules)
            + ".",
        ]
    )


def _targets(results: Results) -> list[list[Any]]:
    every = {n: by_label["all"].cpu for n, by_label in results.polls.items()}
    foreign = [name for name in results.modules if "cryptocloud" not in name]
    targets: list[list[Any]] = []

    def add(figure: str, most: float, value: float | None) -> None:
        measured, verdict = "not measured", ""
        if value is not None:
            measured, verdict = f"{value:.3g}", "met" if value <= most else "not met"
        targets.append([figure, f"≤ {most:.3g}", measured, verdict])

    def ratio(figures: Figures | None, one: str, other: str) -> float | None:
        if figures is None or one not in figures or other not in figures:
            return None
        return figures[one] / figures[other]

    add(
        "poll, 40 currencies, all changed: ours / rest",
        1 / 3,
        ratio(every.get(40), "ours", "rest"),
    )
    add("the same: ours / floor", 1.25, ratio(every.get(40), "ours", "floor"))
    add(
        "poll: 4,000 / 400 currencies",
        11,
        every[4000]["ours"] / every[400]["ours"] if {400, 4000} <= set(every) else None,
    )
    add(
        "state writes where nothing changed",
        0,
        max(by_label["none"].writes["ours"] for by_label in results.polls.values()),
    )
    add(
        "recorder bytes a day: ours / rest",
        0.5,
        ratio(
            {side: day["bytes"] for side, day in results.day.items()}, "ours", "rest"
        ),
    )
    add(
        "set-up, 40 currencies: ours / rest",
        0.5,
        ratio(results.set_up.get(40), "ours", "rest"),
    )
    add("modules that are not the integration's", 0, len(foreign))
    return targets


def _row(figures: Figures, sides: list[str], digits: int = 2) -> list[str]:
    return [
        f"{figures[side]:,.{digits}f}" if side in figures else "not measured"
        for side in sides
    ]


def _by_currencies(figures: dict[int, Figures], sides: list[str]) -> str:
    return _table(
        ["currencies", *sides], [[n, *_row(row, sides)] for n, row in figures.items()]
    )


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
