"""The figures as tables."""

from dataclasses import dataclass
import os
from pathlib import Path
import platform
import sqlite3

import aiohttp
import orjson

from homeassistant.const import __version__
from tools.performance import make_table

from .measure import Figures, Polls

CHANGES = {
    "all": "all balances",
    "rates": "all rates",
    "funded": "rates, 5 funded",
    "one": "one balance",
    "none": "none",
}


WHY = """\
Beyond a limit, `./script/benchmark` fails. Where an aim is not met, this is why:

- **All rates move.** Amounts are read with every digit and each field is checked, which \
*minimal* does not do. The rest of the difference is spread over the properties of the \
entities: availability, pictures, exact amounts as text.
- **All changed.** Each of the 40 changes is also an event with its own state, and all of \
them are saved before the first is reported. In a real shop, few balances change at once.
- **New account.** *Minimal* registers 84 entities, the integration 206, as three details of \
each currency are disabled by default, and writes a file.
- **Recorder.** Both have as many statistics, and those of *ours* alone are more than half of \
all bytes of *rest*. Home Assistant writes a row whenever a state is written with other \
attributes, also if it does not record any of them, as here: a balance whose value in USD \
moves makes a row that repeats the balance. Only a state without that attribute would not."""


@dataclass(kw_only=True)
class Results:
    """All that was measured, by number of currencies and by side."""

    is_short: bool
    rounds: dict[int, int]
    polls: dict[int, dict[str, Polls]]
    set_up: dict[int, Figures]
    restart: dict[int, Figures]
    held: dict[int, Figures]
    grown: dict[int, Figures]
    memory_polls: int
    day: dict[str, dict[str, int]]
    day_polls: int
    modules: list[str]


def make_report(results: Results) -> str:
    """Return the report in Markdown."""
    sides = ["ours", "minimal", "rest", "floor"]
    measured = [
        (n, CHANGES[label], polls)
        for n, by_label in results.polls.items()
        for label, polls in by_label.items()
    ]
    return "\n\n".join(
        [
            "# Performance",
            (
                "Written by `./script/benchmark`. *ours* is the integration; *minimal* the"
                " least that an integration can do: a coordinator, entities with the same"
                " attributes, floats, nothing checked; *rest* Home Assistant's own `rest`"
                " integration with the same sensors; *floor* the same request,"
                " `orjson.loads` and one `hass.states.async_set` per currency. They take"
                " turns in one process,"
                " each in its own Home Assistant, so that the entities and listeners of"
                " one cost the others nothing; the server has its own process. CPU time"
                " is that of the whole process, including its threads; garbage is"
                " collected before each poll. Connections stay open and have no TLS: a"
                " real poll costs each of them more."
            ),
            make_table(
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
            make_table(
                ["figure", "aim", "limit", "measured", ""],
                map(_target_row, get_targets(results)),
            ),
            WHY,
            "## CPU a poll",
            "Milliseconds, median of the rounds.",
            make_table(
                ["currencies", "changed", "rounds", *sides],
                [
                    [n, change, results.rounds[n], *_row(polls.cpu, sides)]
                    for n, change, polls in measured
                ],
            ),
            "## State writes a poll",
            make_table(
                ["currencies", "changed", *sides],
                [[n, c, *_row(polls.writes, sides, 0)] for n, c, polls in measured],
            ),
            "## Set-up",
            "Milliseconds of CPU, with the first poll, nothing registered before.",
            _by_currencies(results.set_up, sides),
            "The same for an account whose entities are registered, as at a restart.",
            _by_currencies(results.restart, sides[:2]),
            "## Memory",
            "KiB that Python holds (tracemalloc) after the set-up.",
            _by_currencies(results.held, sides),
            f"KiB that {results.memory_polls} more polls add, all values changed.",
            _by_currencies(results.grown, sides),
            "## Recorder",
            (
                f"{results.day_polls} polls of 40 currencies of which 5 change; bytes are"
                " those of the file after VACUUM, less the empty database's."
            ),
            make_table(
                ["side", *results.day["ours"]],
                [[side, *day.values()] for side, day in results.day.items()],
            ),
            "## Modules",
            "Added by importing all of the integration's: "
            + ", ".join(f"`{name}`" for name in results.modules)
            + ".",
        ]
    )


@dataclass(frozen=True)
class Target:
    """A figure, the most that it may be, and what it is if it was measured.

    `aim` is what it should be if that is less.
    """

    figure: str
    most: float
    value: float | None
    aim: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met, if that is known."""
        return None if self.value is None else self.value <= self.most


def get_targets(results: Results) -> list[Target]:
    """Return all targets, of 40 currencies unless they say another number.

    A short run leaves out three: it has no 4,000 currencies, and in the few polls that it
    records the bytes of a set-up outweigh those of the polls. The others are the same
    or far from the limit.
    """
    short = results.is_short
    every = {n: by_label["all"].cpu for n, by_label in results.polls.items()}
    polls = {label: polls.cpu for label, polls in results.polls[40].items()}
    size: dict[str, Figures] = {
        what: {side: day[what] for side, day in results.day.items()}
        for what in ("bytes", "without statistics")
    }

    def ratio(figures: Figures, side: str = "minimal") -> float:
        return figures["ours"] / figures[side]

    return [
        Target(
            "poll, all rates move: ours / minimal", 1.8, ratio(polls["rates"]), aim=1.35
        ),
        Target("poll, 5 funded: ours / minimal", 1.15, ratio(polls["funded"])),
        Target("poll, nothing changed: ours / minimal", 1, ratio(polls["none"])),
        Target(
            "poll, all changed: ours / rest",
            1 / 3,
            ratio(polls["all"], "rest"),
            aim=0.04,
        ),
        Target(
            "poll, all changed: 4,000 / 400 currencies",
            11,
            None if short else every[4000]["ours"] / every[400]["ours"],
        ),
        Target(
            "state writes if nothing changed",
            0,
            max(by_label["none"].writes["ours"] for by_label in results.polls.values()),
        ),
        Target("restart: ours / minimal", 1.5, ratio(results.restart[40])),
        Target("new account: ours / minimal", 2.6, ratio(results.set_up[40]), aim=2),
        Target(
            "recorder bytes a day: ours / rest",
            0.8,
            None if short else ratio(size["bytes"], "rest"),
            aim=0.5,
        ),
        Target(
            "recorder bytes a day without statistics: ours / rest",
            0.5,
            None if short else ratio(size["without statistics"], "rest"),
        ),
        Target(
            "modules that are not the integration's",
            0,
            sum("cryptocloud" not in name for name in results.modules),
        ),
    ]


def _target_row(target: Target) -> list[str]:
    most = f"≤ {target.most:.3g}"
    aim = most if target.aim is None else f"≤ {target.aim:.3g}"
    if target.value is None:
        return [target.figure, aim, most, "not measured", ""]
    verdict = "met" if target.is_met else "not met"
    if target.aim is not None and target.value > target.aim:
        verdict = "aim not met" if target.is_met else "not met"
    return [target.figure, aim, most, f"{target.value:.3g}", verdict]


def _row(figures: Figures, sides: list[str], digits: int = 2) -> list[str]:
    return [
        f"{figures[side]:,.{digits}f}" if side in figures else "not measured"
        for side in sides
    ]


def _by_currencies(figures: dict[int, Figures], sides: list[str]) -> str:
    return make_table(
        ["currencies", *sides], [[n, *_row(row, sides)] for n, row in figures.items()]
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
