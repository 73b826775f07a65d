"""Home Assistant in a process that ends with the test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tools.demo.home_assistant import NEWEST, Installation, start_home_assistant
from tools.sandbox import GOOD_KEY

USER_INPUT = {"api_key": GOOD_KEY, "only_funded": False, "show_icons": True}


@asynccontextmanager
async def run_process(
    folder: Path, url: str, installation: Installation = NEWEST
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run Home Assistant; it is killed at the end if it still runs."""
    process = await start_home_assistant(folder, url, installation)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
