"""A day of polls in a real recorder database."""

from contextlib import closing
from pathlib import Path
import sqlite3

from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component
from tools.home_assistant import run_home_assistant

from .server import Server
from .sides import Side

POLLS = 288
TABLES = ("states", "state_attributes", "states_meta")

type Day = dict[str, int]


async def measure_day(
    server: Server, kind: type[Side] | None, currencies: int, changing: int, polls: int
) -> Day:
    """Return the rows and the bytes of the database; without a side, of an empty one.

    Statistics are not in it: Home Assistant makes them as the clock goes on.
    """
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
            side = kind(hass, server.url, currencies)
            await server.answer(currencies, changing=currencies)
            await side.set_up()
            await _commit(hass)
            for _ in range(polls):
                await server.answer(currencies, changing=changing)
                await side.poll()
                # A commit of its own, as five minutes later.
                await _commit(hass)
        day = await hass.async_add_executor_job(_read, file)
        if day["states_meta"] != len(hass.states.async_all("sensor")):
            raise RuntimeError(f"not all of the sensors were recorded: {day}")
        if kind and day["states"] < currencies + polls * changing:
            raise RuntimeError(f"not all of the changes were recorded: {day}")
        return day


async def _commit(hass: HomeAssistant) -> None:
    await hass.async_block_till_done()
    await get_instance(hass).async_block_till_done()


def _read(file: Path) -> Day:
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        day = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in TABLES
        }
        [pages] = database.execute("PRAGMA page_count").fetchone()
        [page_size] = database.execute("PRAGMA page_size").fetchone()
    return day | {"bytes": pages * page_size}
