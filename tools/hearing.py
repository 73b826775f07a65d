"""Automations of a Home Assistant in another process report to this one."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
import yaml


@asynccontextmanager
async def hear(
    folder: Path, automation: dict[str, Any], note: Callable[[dict[str, str]], None]
) -> AsyncGenerator[None]:
    """Add an automation to a configuration, and note the data of its `hear` actions."""

    async def answer(request: web.Request) -> web.Response:
        # Home Assistant makes numbers of texts that look like some.
        note({name: str(value) for name, value in (await request.json()).items()})
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/", answer)])
    async with TestServer(app) as server:
        command = {
            "url": str(server.make_url("/")),
            "method": "post",
            "content_type": "application/json",
            "payload": "{{ data | to_json }}",
        }
        automation = {"id": "hear", "alias": "Hear"} | automation
        (folder / "automations.yaml").write_text(yaml.safe_dump([automation]))
        with (folder / "configuration.yaml").open("a") as file:
            yaml.safe_dump({"rest_command": {"hear": command}}, file)
        yield


def say(**templates: str) -> dict[str, Any]:
    """Return the action that sends the results of templates to this process."""
    return {"action": "rest_command.hear", "data": {"data": templates}}
