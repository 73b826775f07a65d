"""Lifecycle of the demo."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
import fcntl
import os
from pathlib import Path
import shutil
import socket
from typing import Any

from aiohttp import ClientSession

from tools.sandbox import GOOD_KEY, Notifications, Sandbox

from .home_assistant import (
    LOG,
    NEWEST,
    REPOSITORY,
    Connection,
    DemoError,
    HomeAssistant,
    Installation,
    run_home_assistant,
    wait_for,
    write_configuration,
)
from .past import import_past

FOLDER = REPOSITORY / ".demo"
DASHBOARD = "crypto-cloud"
PORT = 8123
START_TIMEOUT = 300


@dataclass(kw_only=True)
class Demo:
    """A real Home Assistant with the integration, and where it gets balances from."""

    account: bool = True
    """Whether there is an account and its dashboard from the start."""
    api_key: str | None = None
    """Key for the real service; without one the sandbox stands in."""
    port: int | None = None
    installation: Installation = NEWEST
    folder: Path = FOLDER
    """Where Home Assistant keeps its files while the demo runs."""
    hours_to_show: float = 0.05
    """How far the graphs look back: the few minutes that people look."""
    past: bool = True
    """Whether there are weeks of receipts, and a payout."""
    rows: list[dict[str, Any]] | None = None
    """What the sandbox answers, instead of a merchant's balances."""
    say: Callable[[str], None]
    speed: float
    sandbox: Sandbox = field(init=False)
    url: str = field(init=False)

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Run the demo."""
        async with AsyncExitStack() as stack:
            stack.enter_context(_fresh_folder(self.folder))
            api_url = None
            if self.api_key is None:
                self.say("Starting the sandbox that stands in for CryptoCloud")
                self.sandbox = Sandbox(rows=self.rows, speed=self.speed)
                await stack.enter_async_context(self.sandbox)
                api_url = self.sandbox.url
            port = stack.enter_context(reserve_port(self.port))
            # With instant updates, nothing has to watch the balances.
            watch = self.api_key is None and not self.account
            write_configuration(
                self.folder, port, watch=watch, installation=self.installation
            )
            self.url = f"http://127.0.0.1:{port}"
            session = await stack.enter_async_context(ClientSession())
            home_assistant = HomeAssistant(session, self.url)
            self.say(
                f"Starting Home Assistant {self.installation.version}, which logs to {self.folder.name}/{LOG}"
            )
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            running = tasks.create_task(
                run_home_assistant(self.folder, api_url, self.installation)
            )
            try:
                await self._set_up(home_assistant)
                yield
            finally:
                self.say("Stopping")
                running.cancel()

    async def _set_up(self, home_assistant: HomeAssistant) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await home_assistant.create_owner()
                async with home_assistant.connect() as connection:
                    await wait_for(connection.is_running)
                    if self.account:
                        await self._show_balances(home_assistant, connection)
        except TimeoutError:
            raise DemoError(f"not ready in {START_TIMEOUT} seconds") from None

    async def _show_balances(
        self, home_assistant: HomeAssistant, connection: Connection
    ) -> None:
        self.say("Setting up the integration")
        entry_id = await home_assistant.set_up_integration(
            {
                "api_key": self.api_key or GOOD_KEY,
                "only_funded": False,
                "show_icons": True,
            }
        )
        strategy: dict[str, Any] = {"type": "custom:cryptocloud"}
        if self.api_key is None:
            # The sandbox is on the same machine.
            await connection.call("config/core/update", external_url=self.url)
            address = await home_assistant.turn_on_instant_updates(entry_id)
            self.sandbox.notify(Notifications(url=address))
        if self.api_key is None and self.past:
            await import_past(connection.call)
            merchant = self.sandbox.merchant
            merchant.payment("USDT_TRC20", -merchant.available["USDT_TRC20"] / 2)
            # The payout is seen with the first payment.
            merchant.payment("BTC", Decimal("0.0009"))
            strategy["hours_to_show"] = self.hours_to_show
        self.say("Making the dashboard")
        await connection.call(
            "lovelace/dashboards/create",
            icon="mdi:wallet",
            title="CryptoCloud",
            url_path=DASHBOARD,
        )
        await connection.call(
            "lovelace/config/save", config={"strategy": strategy}, url_path=DASHBOARD
        )
        await connection.call(
            "frontend/set_system_data", key="core", value={"default_panel": DASHBOARD}
        )


@contextmanager
def _fresh_folder(folder: Path) -> Generator[None]:
    """Provide an empty folder; of what comes to be in it, only the logs stay."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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


@contextmanager
def reserve_port(wanted: int | None = None) -> Generator[int]:
    """Provide a port that is free: the wanted one, else the usual one or any.

    The UDP port of that number is the reservation, as Home Assistant takes a while to
    listen on it: others that start at the same time find another.
    """
    for port in (wanted,) if wanted else (PORT, 0, 0, 0):
        with socket.socket(type=socket.SOCK_DGRAM) as reservation:
            try:
                reservation.bind(("127.0.0.1", port))
                free: int = reservation.getsockname()[1]
                with socket.socket() as server:
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    server.bind(("127.0.0.1", free))
            except OSError:
                continue
            yield free
            return
    raise DemoError(f"port {wanted} is taken" if wanted else "no port is free")
