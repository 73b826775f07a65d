"""Takes the README's picture of the demo: python -m demo.screenshot [--minutes 16]."""

import argparse
import asyncio
from functools import partial
from io import BytesIO
from pathlib import Path

from aiohttp import ClientSession
from PIL import Image

from .chromium import open_page
from .coins import HOST, serve_coins
from .demo import Demo
from .home_assistant import REPOSITORY
from .wait import wait_for

PICTURE = REPOSITORY / "docs" / "images" / "dashboard.png"
SIZE = (1280, 800)
# Longer than the graphs look back, so that the start is out of sight.
MINUTES = 16
SPEED = 6

IS_DRAWN = """
(() => {
  const find = (root, name) =>
    [...root.querySelectorAll("*")].flatMap((element) => [
      ...(element.localName === name ? [element] : []),
      ...(element.shadowRoot ? find(element.shadowRoot, name) : []),
    ]);
  const tiles = find(document, "hui-tile-card");
  return (
    tiles.length > 2 &&
    find(document, "hui-graph-base").length === tiles.length &&
    find(document, "canvas").length > 0
  );
})()
"""


async def take(file: Path, *, minutes: float, speed: float) -> None:
    """Run the demo for some minutes and take a picture of its dashboard."""
    demo = Demo(say=print, speed=speed)
    async with demo.run(), serve_coins() as port, ClientSession() as session:
        await asyncio.sleep(minutes * 60)
        async with open_page(
            session,
            demo.url,
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}",
            "--ignore-certificate-errors",
            size=SIZE,
        ) as page:
            async with asyncio.timeout(60):
                await wait_for(partial(page.evaluate, IS_DRAWN))
            # The graphs move into place.
            await asyncio.sleep(5)
            picture = await page.screenshot()
    file.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            file, optimize=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, default=PICTURE)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--speed", type=float, default=SPEED)
    args = parser.parse_args()
    asyncio.run(take(args.file, minutes=args.minutes, speed=args.speed))
