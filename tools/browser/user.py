"""A user in front of Chromium."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
import json
import os
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Literal

from PIL import Image, PngImagePlugin
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    async_playwright,
    expect,
)

from tools.demo.demo import Demo
from tools.demo.home_assistant import REPOSITORY

FAILURES = REPOSITORY / ".browser"
IMAGES = REPOSITORY / "docs" / "images"
MAX_IMAGE_SIZE = 150_000
TIMEOUT = 60_000

DESKTOP = (1280, 1080)
PHONE = (390, 844)
PICTURES = "**/local/*.svg"

type Scheme = Literal["dark", "light"]
type Size = tuple[int, int]

_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    # Chromium's own sandbox doesn't run as root.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


# Where a picture keeps the words that were on the screen
_TEXTS_KEY = "Texts"
_READ_TEXTS = """() => {
  const texts = new Set();
  const read = (node) => {
    if (node instanceof Text) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const { width, height, top, bottom } = range.getBoundingClientRect();
      if (width && height && bottom > 0 && top < window.innerHeight) {
        texts.add(node.data.trim());
      }
    }
    [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].forEach(read);
  };
  read(document.body);
  return [...texts];
}"""


_LOG_IN = """async (name) => {
  const post = async (path, data) => (await fetch(path, { method: "POST", body: data })).json();
  const client_id = `${location.origin}/`;
  const json = (data) => JSON.stringify({ client_id, ...data });
  const flow = await post("/auth/login_flow", json({
    handler: ["trusted_networks", null], redirect_uri: `${client_id}?auth_callback=1`,
  }));
  const [id] = flow.data_schema[0].options.find(([, label]) => label === name);
  const { result } = await post(`/auth/login_flow/${flow.flow_id}`, json({ user: id }));
  const grant = { client_id, grant_type: "authorization_code", code: result };
  const tokens = await post("/auth/token", new URLSearchParams(grant));
  const expires = Date.now() + 1000 * tokens.expires_in;
  localStorage.hassTokens = JSON.stringify({
    ...tokens, expires, hassUrl: location.origin, clientId: client_id,
  });
}"""


@dataclass(kw_only=True)
class User:
    """A user of the demo who reads one language."""

    demo: Demo
    page: Page
    language: str
    update_images: bool
    errors: list[str] = field(default_factory=list)
    """Errors in the browser's console."""
    known_errors: set[str] = field(default_factory=set)
    """Errors that the integration does not cause."""
    requests: list[str] = field(default_factory=list)

    @property
    def new_errors(self) -> set[str]:
        """Errors in the console that the integration may have caused."""
        return set(self.errors) - self.known_errors

    @property
    def flow(self) -> Locator:
        """The dialog of a config or options flow."""
        return self.page.locator("dialog-data-entry-flow")

    def listen(self) -> None:
        """Keep the errors and requests of the page."""

        def keep_error(message: ConsoleMessage) -> None:
            if message.type == "error":
                url = message.location["url"].partition("?")[0]
                self.errors.append(f"{message.text} ({url})")

        self.page.on("console", keep_error)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    async def open(self, path: str = "/") -> None:
        """Open a page of Home Assistant."""
        # A dialog that closes goes back in the history, even after another page was opened.
        await self.page.wait_for_timeout(700)
        await self.page.goto(self.demo.url + path)
        await self.wait_for("hass.config?.state === 'RUNNING'")

    async def go(self, path: str) -> None:
        """Go to another page, as a link does."""
        await self.page.evaluate(
            """(path) => {
              history.pushState(null, "", path);
              window.dispatchEvent(new CustomEvent("location-changed"));
            }""",
            path,
        )

    async def wait_for(self, expression: str, *, timeout: float = TIMEOUT) -> Any:
        """Wait until an expression is true for the page's hass, and return its value."""
        value = await self.page.wait_for_function(
            f"""() => {{
              const hass = document.querySelector("home-assistant")?.hass;
              return hass && ({expression});
            }}""",
            # Not at each frame: a page on which nothing moves may draw none.
            polling=100,
            timeout=timeout,
        )
        return await value.json_value()

    async def call(self, command: str, **data: Any) -> Any:
        """Send a command to Home Assistant, as its pages do."""
        return await self.page.evaluate(
            "message => document.querySelector('home-assistant').hass.callWS(message)",
            {"type": command, **data},
        )

    async def choose_language(self) -> None:
        """Switch Home Assistant to the user's language."""
        await self.call(
            "frontend/set_user_data",
            key="language",
            value={
                "language": self.language,
                "number_format": "language",
                "time_format": "language",
                "date_format": "language",
                "time_zone": "local",
                "first_weekday": "language",
            },
        )
        await self.open()

    async def localize(self, key: str) -> str:
        """Return a text of Home Assistant's, once the page has it."""
        return str(await self.wait_for(f"hass.localize('{key}')"))

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return the states of the integration's entities that the page knows."""
        states: dict[str, dict[str, Any]] = await self.wait_for(
            """Object.fromEntries(Object.entries(hass.states).filter(
              ([id]) => hass.entities[id]?.platform === "cryptocloud"))"""
        )
        return states

    async def scroll_to(self, card: Locator) -> None:
        """Scroll to a card, which may be made again meanwhile."""
        await card.evaluate("(card) => card.scrollIntoViewIfNeeded()")

    async def submit(self) -> None:
        """Press the main button of a flow's dialog."""
        await self.flow.locator("[slot=primaryAction]:visible").click()

    async def finish(self) -> None:
        """Press the last button of a flow."""
        await self.submit()
        await expect(self.flow.locator("[slot=primaryAction]:visible")).to_have_count(0)

    async def confirm(self) -> None:
        """Press the main button of a question's dialog."""
        await self.page.locator("dialog-box [slot=primaryAction]:visible").click()

    async def look(self, size: Size, scheme: Scheme = "light") -> None:
        """Use a device of another size, or another color scheme."""
        width, height = size
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.emulate_media(color_scheme=scheme)

    async def take_picture(self, name: str) -> None:
        """Take a picture for the docs, or check that it still shows these words."""
        suffix = "" if self.language == "en" else f".{self.language}"
        file = IMAGES / f"{name}{suffix}.png"
        if self.update_images:
            await self._save_picture(file)
        remedy = f"{file.name}: use --update-screenshots"
        assert file.exists(), f"there is no {remedy}"
        assert file.stat().st_size < MAX_IMAGE_SIZE, f"{file.name} is too large"
        with Image.open(file) as image:
            size = image.size
            pictured = set(json.loads(image.info.get(_TEXTS_KEY, "[]")))
        end = monotonic() + TIMEOUT / 1000
        while different := pictured ^ set(await self._read_texts()):
            assert monotonic() < end, (
                f"{sorted(different)} are on the page or on {remedy}"
            )
            await self.page.wait_for_timeout(250)
        with Image.open(BytesIO(await self.page.screenshot())) as image:
            assert image.size == size, f"other size than {remedy}"

    async def _save_picture(self, file: Path) -> None:
        """Save what is on the screen, once it no longer changes."""
        shown: tuple[list[str], bytes] | None = None
        end = monotonic() + TIMEOUT / 1000
        while shown != (
            now := (await self._read_texts(), await self.page.screenshot())
        ):
            assert monotonic() < end, f"the page keeps changing: {file.name}"
            shown = now
            await self.page.wait_for_timeout(1500)
        texts, picture = shown
        info = PngImagePlugin.PngInfo()
        info.add_itxt(_TEXTS_KEY, json.dumps(texts, ensure_ascii=False))
        with Image.open(BytesIO(picture)) as image:
            image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
                file, optimize=True, pnginfo=info
            )

    async def _read_texts(self) -> list[str]:
        """Return the words on the screen, without amounts, times and tickers."""
        return [
            text
            for text in sorted(await self.page.evaluate(_READ_TEXTS))
            if text != text.upper()
            and not any(map(str.isdigit, text))
            # The frontend measures with it, now and then.
            and text != "&nbsp;"
        ]


@asynccontextmanager
async def open_chromium() -> AsyncGenerator[BrowserContext]:
    """Open Chromium without a history."""
    chromium = shutil.which("chromium")
    assert chromium, "install Chromium (on Debian: apt-get install chromium)"
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                profile,
                args=_ARGUMENTS,
                device_scale_factor=1.5,
                executable_path=chromium,
                locale="en-US",
                # It would answer from its cache, now and then with nothing.
                service_workers="block",
                timezone_id="UTC",
                viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
            )
            context.set_default_timeout(TIMEOUT)
            expect.set_options(timeout=TIMEOUT)
            try:
                yield context
            finally:
                await context.close()


@asynccontextmanager
async def keep_trace(context: BrowserContext, name: str) -> AsyncGenerator[None]:
    """Keep a trace of a failure, which can be replayed."""
    await context.tracing.start(snapshots=True)
    try:
        yield
    except Exception:
        trace = FAILURES / f"{name}.zip"
        await context.tracing.stop(path=trace)
        print(f"To replay it: .venv/bin/playwright show-trace --port 0 {trace}")
        raise
    await context.tracing.stop()


@asynccontextmanager
async def open_home_assistant(
    demo: Demo, language: str, *, update_images: bool
) -> AsyncGenerator[User]:
    """Open Home Assistant in Chromium."""
    async with open_chromium() as context, keep_trace(context, demo.folder.name):
        user = User(
            demo=demo,
            page=context.pages[0],
            language=language,
            update_images=update_images,
        )
        user.listen()
        await user.open()
        await user.choose_language()
        yield user


async def log_in(user: User, name: str) -> None:
    """Open the next pages as the user of this name, whom Home Assistant knows."""
    await user.page.evaluate(_LOG_IN, name)
