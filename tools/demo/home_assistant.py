"""Home Assistant in a process of its own, and its API."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
import json
from pathlib import Path
import secrets
import shutil
import subprocess
import sys
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    WSMsgType,
)

from homeassistant.const import RESTART_EXIT_CODE, __version__
from tools.sandbox.currencies import CURRENCIES

from .coins import draw

REPOSITORY = Path(__file__).parents[2]
CONSOLE = "console.log"
LOG = "home-assistant.log"

# What Home Assistant finds to say about the way it was installed.
_ADVICE = (
    ("homeassistant", "deprecated_architecture"),
    ("homeassistant", "deprecated_method"),
    ("homeassistant", "deprecated_method_architecture"),
    ("network", "docker_host_network"),
)


class DemoError(Exception):
    """Failure of the demo, with a message for its user."""


@dataclass(frozen=True)
class Installation:
    """A Home Assistant that is installed."""

    python: Path
    version: str


NEWEST = Installation(Path(sys.executable), __version__)


def find_installation(name: str) -> Installation:
    """Return the newest or the oldest version that the integration supports."""
    if name == "newest":
        return NEWEST
    python = REPOSITORY / f".venv-{name}" / "bin" / "python"
    code = "from homeassistant.const import __version__; print(__version__)"
    version = subprocess.check_output([python, "-c", code], text=True)
    return Installation(python, version.strip())


def write_configuration(
    folder: Path,
    port: int,
    *,
    watch: bool = False,
    installation: Installation = NEWEST,
) -> None:
    """Write a configuration that listens on this machine only."""
    source = Path(__file__).parent
    shutil.copy(source / "configuration.yaml", folder)
    shutil.copytree(REPOSITORY / "blueprints", folder / "blueprints")
    # Pictures that need no internet
    pictures = folder / "www"
    pictures.mkdir()
    for currency in CURRENCIES.values():
        icons = currency.as_dict(0)
        for icon in (icons["icon_base"], icons["icon_network"]):
            file = pictures / icon.rpartition("/")[2]
            file.with_suffix(".svg").write_text(draw(file.stem))
    if watch:
        shutil.copy(source / "automations.yaml", folder)
    else:
        (folder / "automations.yaml").write_text("[]\n")
    (folder / "custom_components").symlink_to(REPOSITORY / "custom_components")
    now = datetime.now(UTC).isoformat()
    if installation.version.startswith("2026.6."):
        with (folder / "configuration.yaml").open("a") as file:
            file.write(f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\n")
    else:
        _store(
            folder,
            "http",
            3,
            {
                "stable": {
                    "server_host": ["127.0.0.1"],
                    "server_port": port,
                    "cors_allowed_origins": [],
                    "login_attempts_threshold": -1,
                    "ip_ban_enabled": False,
                    "ssl_profile": "intermediate_v6",
                    "use_x_frame_options": True,
                    "created_at": now,
                    "error": None,
                    "error_message": None,
                },
                "pending": None,
                "yaml_migration_done": True,
            },
        )
    # The step that is left makes the user. The others would set up integrations that
    # need the internet.
    _store(
        folder, "onboarding", 4, {"done": ["core_config", "analytics", "integration"]}
    )
    _store(
        folder,
        "repairs.issue_registry",
        1,
        {
            "issues": [
                {
                    "created": now,
                    "dismissed_version": installation.version,
                    "domain": domain,
                    "is_persistent": False,
                    "issue_id": issue_id,
                }
                for domain, issue_id in _ADVICE
            ]
        },
    )


def _store(folder: Path, key: str, version: int, data: dict[str, Any]) -> None:
    storage = folder / ".storage"
    storage.mkdir(exist_ok=True)
    (storage / key).write_text(
        json.dumps({"version": version, "minor_version": 1, "key": key, "data": data})
    )


async def start_home_assistant(
    folder: Path, api_url: str | None, installation: Installation = NEWEST
) -> asyncio.subprocess.Process:
    """Start Home Assistant, and return its process."""
    command = [str(installation.python), "-m", "tools.demo.hass"]
    command += ["--config", str(folder)]
    command += ["--skip-pip", "--log-no-color"]
    if api_url:
        command += ["--api-url", api_url]
    with (folder / CONSOLE).open("ab") as console:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            # Ctrl-C is for what started it, which then stops Home Assistant.
            start_new_session=True,
        )


async def run_home_assistant(
    folder: Path, api_url: str | None, installation: Installation = NEWEST
) -> None:
    """Run Home Assistant until it ends, and end it when cancelled."""
    while True:
        process = await start_home_assistant(folder, api_url, installation)
        try:
            exit_code = await process.wait()
        finally:
            await _stop(process)
        if exit_code != RESTART_EXIT_CODE:
            raise DemoError(
                f"Home Assistant ended with exit code {exit_code};"
                f" {folder.name}/{CONSOLE} says why"
            )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def wait_for[T](question: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until there is an answer."""
    while True:
        if answer := await question():
            return answer
        await asyncio.sleep(0.25)


class Connection:
    """A WebSocket connection to Home Assistant."""

    def __init__(self, websocket: ClientWebSocketResponse) -> None:
        """Initialize the connection."""
        self._websocket = websocket
        self._id = 0

    async def log_in(self, access_token: str) -> None:
        """Log in, which comes first."""
        await self._receive()
        await self._websocket.send_json({"type": "auth", "access_token": access_token})
        if (await self._receive())["type"] != "auth_ok":
            raise DemoError("Home Assistant refuses its owner")

    async def call(self, command: str, **data: Any) -> Any:
        """Send a command and return its result."""
        self._id += 1
        await self._websocket.send_json({"id": self._id, "type": command, **data})
        answer = await self._receive()
        if not answer["success"]:
            raise DemoError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    async def subscribe(self, command: str, **data: Any) -> AsyncGenerator[Any]:
        """Yield the events of a subscription; the connection has no other use then."""
        await self.call(command, **data)
        while True:
            yield (await self._receive())["event"]

    async def is_running(self) -> bool:
        """Return whether Home Assistant has started."""
        return bool((await self.call("get_config"))["state"] == "RUNNING")

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message.type is not WSMsgType.TEXT:
            raise ClientConnectionError("Home Assistant closed the connection")
        data: dict[str, Any] = message.json()
        return data


class HomeAssistant:
    """Home Assistant's API, used as its owner."""

    def __init__(self, session: ClientSession, url: str) -> None:
        """Initialize the client."""
        self._session = session
        self._url = url
        self._client_id = f"{url}/"
        self._refresh_token = ""

    async def create_owner(self) -> None:
        """Create the owner, as soon as Home Assistant answers."""
        owner = {
            "client_id": self._client_id,
            "language": "en",
            "name": "Demo",
            "password": secrets.token_urlsafe(),
            "username": "demo",
        }

        async def onboard() -> str | None:
            with suppress(ClientError):
                async with self._session.post(
                    f"{self._url}/api/onboarding/users", json=owner
                ) as response:
                    if response.status == HTTPStatus.OK:
                        code: str = (await response.json())["auth_code"]
                        return code
            return None

        code = await wait_for(onboard)
        tokens = await self._token(grant_type="authorization_code", code=code)
        self._refresh_token = tokens["refresh_token"]

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Connection]:
        """Connect to the WebSocket API."""
        async with self._session.ws_connect(
            f"{self._url}/api/websocket", max_msg_size=0
        ) as websocket:
            connection = Connection(websocket)
            await connection.log_in(await self._access_token())
            yield connection

    async def set_up_integration(self, user_input: dict[str, Any]) -> str:
        """Set up the integration through its config flow, and return the entry's id."""
        flow = await self._post(
            "config/config_entries/flow", {"handler": "cryptocloud"}
        )
        if flow["type"] == "form":
            flow = await self._post(
                f"config/config_entries/flow/{flow['flow_id']}", user_input
            )
        if flow["type"] != "create_entry":
            reason = flow.get("reason") or ", ".join(flow["errors"].values())
            raise DemoError(f"the integration could not be set up: {reason}")
        entry_id: str = flow["result"]["entry_id"]
        return entry_id

    async def turn_on_instant_updates(self, entry_id: str) -> str:
        """Turn instant updates on in the options, and return the address to call."""
        path = "config/config_entries/options/flow"
        flow = await self._post(path, {"handler": entry_id})
        path = f"{path}/{flow['flow_id']}"
        options = {field["name"]: field["default"] for field in flow["data_schema"]}
        flow = await self._post(path, options | {"instant_updates": True})
        if flow["step_id"] != "instant_updates":
            raise DemoError(f"no instant updates: {flow['errors']}")
        url: str = flow["description_placeholders"]["webhook_url"]
        await self._post(path, {})
        return url

    async def _access_token(self) -> str:
        tokens = await self._token(
            grant_type="refresh_token", refresh_token=self._refresh_token
        )
        access_token: str = tokens["access_token"]
        return access_token

    async def _token(self, **grant: str) -> dict[str, Any]:
        async with self._session.post(
            f"{self._url}/auth/token",
            data={"client_id": self._client_id, **grant},
            raise_for_status=True,
        ) as response:
            tokens: dict[str, Any] = await response.json()
        return tokens

    async def _post(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(
            f"{self._url}/api/{path}",
            headers={"Authorization": f"Bearer {await self._access_token()}"},
            json=data,
        ) as response:
            if response.status != HTTPStatus.OK:
                raise DemoError(f"{path}: {await response.text()}")
            answer: dict[str, Any] = await response.json()
        return answer
