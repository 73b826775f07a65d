"""The demo's life from start to end."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
import fcntl
from functools import partial
import os
from pathlib import Path
import shutil
import socket
from typing import Any

from aiohttp import ClientError, ClientSession

from homeassistant.const import __version__
from sandbox import GOOD_KEY, Sandbox

from .dashboard import State, currencies, make_dashboard, totals, usd_value
from .home_assistant import (
    LOG,
    REPOSITORY,
    Connection,
    DemoError,
    HomeAssistant,
    run_home_assistant,
    write_configuration,
)
from .wait import wait_for

FOLDER = REPOSITORY / ".demo"
DASHBOARD = "crypto-cloud"
PORT = 8123
FOLLOW_INTERVAL = 15
START_TIMEOUT = 300


@dataclass(kw_only=True)
class Demo:
    """A real Home Assistant with the integration, and where it gets balances from."""

    api_key: str | None = None
    """Key for the real service; without one the sandbox stands in."""
    port: int | None = None
    say: Callable[[str], None]
    speed: float
    url: str = field(init=False)

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Run the demo."""
        async with AsyncExitStack() as stack:
            stack.enter_context(_fresh_folder(FOLDER))
            api_url = None
            if self.api_key is None:
                self.say("Starting the sandbox that stands in for CryptoCloud")
                sandbox = Sandbox(speed=self.speed)
                await stack.enter_async_context(sandbox)
                api_url = sandbox.url
            port = _free_port(self.port)
            write_configuration(FOLDER, port, watch=self.api_key is None)
            self.url = f"http://127.0.0.1:{port}"
            session = await stack.enter_async_context(ClientSession())
            home_assistant = HomeAssistant(session, self.url)
            self.say(
                f"Starting Home Assistant {__version__}, which logs to"
                f" {FOLDER.name}/{LOG}"
            )
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = [tasks.create_task(run_home_assistant(FOLDER, api_url))]
            try:
                balances = await self._set_up(home_assistant)
                running.append(tasks.create_task(balances.follow()))
                yield
            finally:
                self.say("Stopping")
                for task in running:
                    task.cancel()

    async def _set_up(self, home_assistant: HomeAssistant) -> _Balances:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                return await self._show_balances(home_assistant)
        except TimeoutError:
            raise DemoError(f"not ready in {START_TIMEOUT} seconds") from None

    async def _show_balances(self, home_assistant: HomeAssistant) -> _Balances:
        await home_assistant.create_owner()
        async with home_assistant.connect() as connection:
            await wait_for(connection.is_running)
            self.say("Setting up the integration")
            entry_id = await home_assistant.set_up_integration(
                {
                    "api_key": self.api_key or GOOD_KEY,
                    "only_funded": False,
                    "show_icons": True,
                }
            )
            self.say("Making the dashboard")
            balances = _Balances(
                entry_id, home_assistant, hours=24 if self.api_key else 0.25
            )
            await balances.show(connection)
        return balances


class _Balances:
    """Balances of an account, on a dashboard that follows them."""

    def __init__(
        self, entry_id: str, home_assistant: HomeAssistant, *, hours: float
    ) -> None:
        """Initialize the balances."""
        self._entry_id = entry_id
        self._home_assistant = home_assistant
        self._hours = hours
        self._saved: dict[str, Any] = {}
        self._shown: set[str] = set()

    async def show(self, connection: Connection) -> None:
        """Make a dashboard of the balances and let it be the start page."""
        states = await wait_for(partial(self._states, connection))
        # Home Assistant reloads the integration for them in half a minute, too.
        if await self._enable_usd_values(connection, states):
            await self._home_assistant.reload(self._entry_id)
            states = await wait_for(partial(self._states, connection))
        await connection.call(
            "lovelace/dashboards/create",
            icon="mdi:wallet",
            title="CryptoCloud",
            url_path=DASHBOARD,
        )
        await self._save(connection, states)
        await connection.call(
            "frontend/set_system_data", key="core", value={"default_panel": DASHBOARD}
        )

    async def follow(self) -> None:
        """Show currencies that come to hold funds."""
        while True:
            # The user may restart Home Assistant or take away what is followed.
            with suppress(ClientError, DemoError, TimeoutError):
                async with self._home_assistant.connect() as connection:
                    while True:
                        await asyncio.sleep(FOLLOW_INTERVAL)
                        await self._update(connection)
            await asyncio.sleep(FOLLOW_INTERVAL)

    async def _update(self, connection: Connection) -> None:
        if not (states := await self._states(connection)):
            return
        await self._enable_usd_values(connection, states)
        if _shown(states) <= self._shown:
            return
        # What the user makes of the dashboard stays.
        if self._saved == await connection.call("lovelace/config", url_path=DASHBOARD):
            await self._save(connection, states)

    async def _save(self, connection: Connection, states: list[State]) -> None:
        self._saved = make_dashboard(states, self._hours)
        self._shown = _shown(states)
        await connection.call(
            "lovelace/config/save", config=self._saved, url_path=DASHBOARD
        )

    async def _states(self, connection: Connection) -> list[State]:
        """Return what is available of an account, or nothing if its totals are not."""
        registry = await connection.call("config/entity_registry/list")
        entity_ids = {
            entity["entity_id"]
            for entity in registry
            if entity["config_entry_id"] == self._entry_id and not entity["disabled_by"]
        }
        states = [
            state
            for state in await connection.call("get_states")
            if state["entity_id"] in entity_ids and state["state"] != "unavailable"
        ]
        return states if len(totals(states)) == 2 else []

    async def _enable_usd_values(
        self, connection: Connection, states: list[State]
    ) -> bool:
        wanted = {usd_value(state) for state in currencies(states)}
        disabled = [
            entity["entity_id"]
            for entity in await connection.call("config/entity_registry/list")
            if entity["entity_id"] in wanted and entity["disabled_by"] == "integration"
        ]
        for entity_id in disabled:
            await connection.call(
                "config/entity_registry/update", entity_id=entity_id, disabled_by=None
            )
        return bool(disabled)


def _shown(states: list[State]) -> set[str]:
    entity_ids = {state["entity_id"] for state in states}
    funded = currencies(states, funded=True)
    return {state["entity_id"] for state in funded} | (
        {usd_value(state) for state in funded} & entity_ids
    )


@contextmanager
def _fresh_folder(folder: Path) -> Generator[None]:
    """Provide an empty folder; of what comes to be in it, only the logs stay."""
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        raise DemoError(f"{folder} is another user's: remove it") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("a demo is running already") from None
        _empty(folder)
        try:
            yield
        finally:
            _empty(folder, keep=".log")
    finally:
        os.close(descriptor)


def _empty(folder: Path, keep: str | None = None) -> None:
    for path in folder.iterdir():
        if path.suffix == keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _free_port(wanted: int | None) -> int:
    for port in (wanted,) if wanted else (PORT, 0):
        with socket.socket() as server, suppress(OSError):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            free: int = server.getsockname()[1]
            return free
    raise DemoError(f"port {wanted} is taken")
