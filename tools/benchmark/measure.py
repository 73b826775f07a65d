"""Measurements of a poll, of the set-up and of the memory it takes."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
import gc
from statistics import median
import time
import tracemalloc

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import HomeAssistant, callback
from tools.home_assistant import run_home_assistant

from .server import Server
from .sides import FromEntry, Side

type Sides = dict[str, type[Side]]
type Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Polls:
    """Milliseconds of CPU a poll, and writes to the state machine, by side."""

    cpu: Figures
    writes: Figures


@asynccontextmanager
async def run_side(
    kind: type[Side], server: Server, currencies: int
) -> AsyncGenerator[tuple[HomeAssistant, Side]]:
    """Run a side in a Home Assistant of its own, not yet set up."""
    async with run_home_assistant() as hass:
        yield hass, kind(hass, server.url, currencies)


def make_cases(currencies: int) -> dict[str, dict[str, int]]:
    """Return the kinds of polls, as arguments of the server."""
    funded = min(5, currencies)
    return {
        "all": {"paid": currencies},
        "rates": {"moved": currencies},
        "funded": {"moved": funded, "funded": funded},
        "one": {"paid": 1},
        "none": {},
    }


async def measure_polls(
    server: Server, sides: Sides, currencies: int, rounds: int
) -> dict[str, Polls]:
    """Poll in turn, with more and less changed."""
    async with AsyncExitStack() as stack:
        running = {}
        await server.answer(currencies)
        for name, kind in sides.items():
            hass, side = await stack.enter_async_context(
                run_side(kind, server, currencies)
            )
            await side.set_up()
            await hass.async_block_till_done()
            running[name] = hass, side
        results = {}
        for label, case in make_cases(currencies).items():
            await server.answer(currencies, **case)
            # What the last kind of polls left behind is no change of this kind.
            for hass, side in running.values():
                await _time(hass, side.poll())
            cpu: dict[str, list[float]] = {name: [] for name in running}
            for _ in range(rounds):
                for name, (hass, side) in running.items():
                    await server.answer(currencies, **case)
                    cpu[name].append(await _time(hass, side.poll()))
            writes: Figures = {}
            for name, (hass, side) in running.items():
                await server.answer(currencies, **case)
                writes[name] = await _count_writes(hass, side)
            results[label] = Polls(
                cpu={name: median(values) for name, values in cpu.items()},
                writes=writes,
            )
        return results


async def measure_set_up(
    server: Server, sides: Sides, currencies: int, rounds: int
) -> Figures:
    """Return the milliseconds of CPU that the set-up takes, with the first poll."""
    await server.answer(currencies)
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    # The first round loads modules, and is left out.
    for _ in range(rounds + 1):
        for name, kind in sides.items():
            async with run_side(kind, server, currencies) as (hass, side):
                cpu[name].append(await _time(hass, side.set_up()))
    return {name: median(values[1:]) for name, values in cpu.items()}


async def measure_restart(
    server: Server, sides: Sides, currencies: int, rounds: int
) -> Figures:
    """Return the milliseconds of CPU that the set-up of registered accounts takes."""
    await server.answer(currencies)
    cpu: dict[str, list[float]] = {}
    for name, kind in sides.items():
        async with run_side(kind, server, currencies) as (hass, side):
            if not isinstance(side, FromEntry):
                continue
            await side.set_up()
            for _ in range(rounds):
                await side.stop()
                await hass.async_block_till_done()
                cpu.setdefault(name, []).append(await _time(hass, side.start()))
    return {name: median(values) for name, values in cpu.items()}


async def measure_memory(
    server: Server, sides: Sides, currencies: int, polls: int
) -> tuple[Figures, Figures]:
    """Return KiB that Python holds after the set-up, and that the polls add."""
    held, grown = {}, {}
    for name, kind in sides.items():
        async with run_side(kind, server, currencies) as (hass, side):
            tracemalloc.start()
            try:
                await server.answer(currencies, paid=currencies)
                await side.set_up()
                await hass.async_block_till_done()
                held[name] = _traced()
                for _ in range(polls):
                    await server.answer(currencies, paid=currencies)
                    await side.poll()
                    await hass.async_block_till_done()
                grown[name] = _traced() - held[name]
            finally:
                tracemalloc.stop()
    return held, grown


async def _time(hass: HomeAssistant, work: Awaitable[None]) -> float:
    """Return the milliseconds of CPU that work takes, and what follows from it."""
    gc.collect()
    start = time.process_time()
    await work
    await hass.async_block_till_done()
    return 1000 * (time.process_time() - start)


async def _count_writes(hass: HomeAssistant, side: Side) -> int:
    count = 0

    @callback
    def add(_: object) -> None:
        nonlocal count
        count += 1

    @callback
    def take_all(_: object) -> bool:
        return True

    # Each write to the state machine fires one or the other.
    unsubscribe = [
        hass.bus.async_listen(EVENT_STATE_CHANGED, add),
        hass.bus.async_listen(EVENT_STATE_REPORTED, add, event_filter=take_all),
    ]
    await side.poll()
    await hass.async_block_till_done()
    for stop in unsubscribe:
        stop()
    return count


def _traced() -> float:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024
