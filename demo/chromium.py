"""Debian's headless Chromium, driven through its DevTools protocol."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from .wait import wait_for


class Page:
    """An open page."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        """Initialize the page."""
        self._websocket = websocket
        self._id = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol."""
        self._id += 1
        await self._websocket.send_json(
            {"id": self._id, "method": method, "params": params}
        )
        while (message := await self._websocket.receive_json()).get("id") != self._id:
            pass
        result: dict[str, Any] = message["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self.call(
            "Runtime.evaluate",
            awaitPromise=True,
            expression=expression,
            returnByValue=True,
        )
        return answer["result"].get("value")

    async def screenshot(self) -> bytes:
        """Return a PNG of what the page shows."""
        return b64decode((await self.call("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def open_page(
    session: ClientSession, url: str, *arguments: str, size: tuple[int, int]
) -> AsyncGenerator[Page]:
    """Open a page in a browser without a history."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            _chromium(),
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            # Chromium's own sandbox doesn't run as root.
            "--no-sandbox",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            *arguments,
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(30):
                port = await wait_for(partial(_debugging_port, Path(profile)))
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                [target] = [
                    target
                    for target in await response.json()
                    if target["type"] == "page"
                ]
            async with session.ws_connect(
                target["webSocketDebuggerUrl"], max_msg_size=0
            ) as websocket:
                page = Page(websocket)
                width, height = size
                await page.call(
                    "Emulation.setDeviceMetricsOverride",
                    deviceScaleFactor=2,
                    height=height,
                    mobile=False,
                    width=width,
                )
                await page.call("Page.navigate", url=url)
                yield page
        finally:
            process.terminate()
            await process.wait()


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("install Chromium (on Debian: apt-get install chromium)")


async def _debugging_port(profile: Path) -> str | None:
    try:
        port, path = (profile / "DevToolsActivePort").read_text().split("\n")
    except FileNotFoundError, ValueError:
        return None
    return port if path else None
