"""Command line: a day of polls in a real recorder database, printed as JSON.

In a process of its own: once a Home Assistant has stopped, the recorder of another one
on the same event loop makes no statistics.
"""

import argparse
import asyncio
from contextlib import closing
from datetime import timedelta
import json
from pathlib import Path
import sqlite3

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.runner import create_event_loop
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.home_assistant import run_home_assistant

from .server import Server, run_server
from .sides import Integration, Rest, Side

CURRENCIES = 40
CHANGING = 5
SIDES: dict[str, type[Side] | None] = {
    "ours": Integration,
    "rest": Rest,
    "empty": None,
}
STATISTICS = ("statistics_short_term", "statistics")
TABLES = ("states", "state_attributes", "states_meta", *STATISTICS)
FIVE_MINUTES = timedelta(minutes=5)

type Day = dict[str, int]


async def measure_day(server: Server, kind: type[Side] | None, polls: int) -> Day:
    """Return the rows and the bytes of the database; without a side, of an empty one."""
    async with run_home_assistant() as hass:
        file = Path(hass.config.path("home-assistant_v2.db"))
        async_initialize_recorder(hass)
        # The same data for both: rest has nothing like the event of balance changes.
        config = {"recorder": {"exclude": {"domains": ["event"]}}}
        if not await async_setup_component(hass, "recorder", config):
            raise RuntimeError("the recorder could not be set up")
        await get_instance(hass).async_recorder_ready.wait()
        await _commit(hass)
        if kind:
            side = kind(hass, server.url, CURRENCIES)
            await server.answer(CURRENCIES)
            await side.set_up()
            await _commit(hass)
            for _ in range(polls):
                await server.answer(CURRENCIES, paid=CHANGING)
                await side.poll()
                # A commit of its own, as five minutes later.
                await _commit(hass)
            await _make_statistics(hass, polls)
        day = await hass.async_add_executor_job(_read, file)
        if day["states_meta"] != len(hass.states.async_all("sensor")):
            raise RuntimeError(f"not all of the sensors were recorded: {day}")
        if kind and day["states"] < CURRENCIES + polls * CHANGING:
            raise RuntimeError(f"not all of the changes were recorded: {day}")
        return day


async def _make_statistics(hass: HomeAssistant, polls: int) -> None:
    """Let the recorder make the statistics of the day, which lies ahead of the clock."""
    start = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    for number in range(1, polls + 1):
        task = StatisticsTask(start + number * FIVE_MINUTES, fire_events=False)
        get_instance(hass).queue_task(task)
    await _commit(hass)


async def _commit(hass: HomeAssistant) -> None:
    await hass.async_block_till_done()
    await get_instance(hass).async_block_till_done()


def _read(file: Path) -> Day:
    with closing(sqlite3.connect(file)) as database:
        day = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }
        day["bytes"] = _count_bytes(database)
        for table in STATISTICS:
            database.execute(f"DELETE FROM {table}")  # noqa: S608
        database.commit()
        day["without statistics"] = _count_bytes(database)
    return day


def _count_bytes(database: sqlite3.Connection) -> int:
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [pages] = database.execute("PRAGMA page_count").fetchone()
    [page_size] = database.execute("PRAGMA page_size").fetchone()
    size: int = pages * page_size
    return size


async def main(side: str, polls: int) -> None:
    """Measure and print."""
    async with run_server() as server:
        print(json.dumps(await measure_day(server, SIDES[side], polls)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools.benchmark.day", description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("polls", type=int)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.side, arguments.polls), loop_factory=create_event_loop)
