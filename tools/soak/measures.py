"""What may not grow, and the rule that decides whether it does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
import gc
from itertools import combinations
import logging
import os
from pathlib import Path
from statistics import median
import sys
import threading
from typing import override

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util.async_ import get_scheduled_timer_handles


@dataclass(frozen=True)
class Measure:
    """Figure that may not grow with the number of polls."""

    name: str
    tolerance: float
    """Growth over the whole run that a cache or an allocator may cause."""
    tolerance_per_poll: float = 0


MEASURES = (
    # Deep JSON uses the stack of the thread that happens to read it: 8 MiB in each.
    Measure("resident memory, KiB", 64 * 1024, 0.25),
    Measure("memory blocks in use", 1000, 0.1),
    Measure("asyncio tasks", 2),
    Measure("timers", 4),
    Measure("open files and sockets", 4),
    Measure("threads", 4),
    Measure("event listeners", 1),
    Measure("flows in progress", 1),
    Measure("states", 0),
    Measure("entities registered", 0),
    Measure("entities deleted", 0),
    Measure("devices registered", 0),
    Measure("log lines without cause", 0),
)


class LogCounter(logging.Handler):
    """Handler that counts lines, and keeps none of them."""

    def __init__(self) -> None:
        """Initialize the handler."""
        super().__init__()
        self.lines = 0
        self.last = ""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        self.lines += 1
        self.last = record.getMessage()[:200]


def measure(hass: HomeAssistant) -> dict[str, float]:
    """Return the current figures, after collecting garbage."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    timers = get_scheduled_timer_handles(hass.loop)
    entities = er.async_get(hass)
    return {
        "resident memory, KiB": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "memory blocks in use": sys.getallocatedblocks(),
        "asyncio tasks": len(asyncio.all_tasks()),
        "timers": sum(not timer.cancelled() for timer in timers),
        "open files and sockets": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": threading.active_count(),
        "event listeners": sum(hass.bus.async_listeners().values()),
        "flows in progress": len(hass.config_entries.flow.async_progress()),
        "states": len(hass.states.async_all()),
        "entities registered": len(entities.entities),
        "entities deleted": len(entities.deleted_entities),
        "devices registered": len(dr.async_get(hass).devices),
    }


@dataclass(frozen=True)
class Sample:
    """Figures after a number of polls."""

    polls: int
    figures: Mapping[str, float]


def growth(samples: list[Sample], name: str) -> float:
    """Return by how much a figure grew: the median of all slopes, times the polls."""
    slopes = [
        (later.figures[name] - earlier.figures[name]) / (later.polls - earlier.polls)
        for earlier, later in combinations(samples, 2)
    ]
    return median(slopes) * (samples[-1].polls - samples[0].polls)


def tolerance(samples: list[Sample], measure: Measure) -> float:
    """Return the growth that is not yet taken for a leak."""
    polls = samples[-1].polls - samples[0].polls
    return measure.tolerance + measure.tolerance_per_poll * polls
