"""Waiting for others."""

import asyncio
from collections.abc import Awaitable, Callable


async def wait_for[T](question: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until there is an answer that says something."""
    while True:
        if answer := await question():
            return answer
        await asyncio.sleep(0.25)
