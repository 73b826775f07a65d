"""An event loop whose clock skips the time in which nothing happens."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from selectors import DefaultSelector, SelectorKey
from time import monotonic, sleep
from typing import override

from aiohttp import connector

from homeassistant.runner import configure_event_loop

# Seconds in which the kernel hands over what was sent on loopback.
_PATIENCE = 0.0001


class _Selector(DefaultSelector):
    """A selector that waits for what is under way, and skips any other wait."""

    def __init__(self) -> None:
        """Initialize the selector."""
        super().__init__()
        self.skipped = 0.0
        self.threads = 0
        self.is_skipping = True

    @override
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for events, for the given seconds of the compressed time at most."""
        if not timeout or timeout < 0 or self.threads or not self.is_skipping:
            return super().select(timeout)
        if events := super().select(0):
            return events
        sleep(_PATIENCE)  # Waiting for events takes ten times as long, at least.
        if not (events := super().select(0)):
            self.skipped += timeout
        return events


class CompressedLoop(asyncio.SelectorEventLoop):
    """Home Assistant's event loop, but for a clock that skips what is idle.

    Timers fire in their order at the time that the clock shows, so that intervals,
    timeouts and delays stay what they are. Threads and sockets take the time they take.
    """

    def __init__(self) -> None:
        """Initialize the loop."""
        self._waits = _Selector()
        super().__init__(self._waits)
        configure_event_loop(self)
        # Set by Home Assistant, to save a call.
        self.time = self._time  # type: ignore[method-assign] # the point of it
        # Else connections would be kept alive for longer than they are.
        connector.monotonic = self._time  # type: ignore[attr-defined] # not in its stubs

    def _time(self) -> float:
        return monotonic() + self._waits.skipped

    @override
    def run_in_executor[*Ts, T](
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run in a thread, for which the clock waits."""
        future = super().run_in_executor(executor, func, *args)
        self._waits.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads, which takes the time it takes."""
        self._waits.is_skipping = False
        await super().shutdown_default_executor(timeout)

    def _thread_done(self, _: object) -> None:
        self._waits.threads -= 1
