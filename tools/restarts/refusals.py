"""Starts of a real Home Assistant while the service answers badly at random.

It may only ask for a new key if the key was refused twice in a row, a minute apart.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
import signal
from tempfile import TemporaryDirectory
from time import monotonic

from aiohttp import ClientError, ClientSession, web

from tools.demo.demo import reserve_port
from tools.demo.home_assistant import (
    DemoError,
    HomeAssistant,
    wait_for,
    write_configuration,
)
from tools.sandbox import CASES, Hang, Sandbox
from tools.sandbox.faults import ANSWER

from .process import USER_INPUT, run_process

STARTS = 10
SECONDS = 100
"""How long Home Assistant runs after the first answer, unless it asks for a key."""
GOOD = "good"
REFUSALS = (
    "status/200_detail",
    "status/400_detail",
    "status/401_page",
    "status/401_problem",
    "status/403_problem",
)
OTHERS = (
    "transport/never_answers",
    "transport/reset_in_mid_body",
    "status/403_page",
    "status/429_without_retry_after",
    "status/503_page",
    "body/page",
    "body/truncated",
)


class Service:
    """A service that may answer anything but a documented refusal."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        """Initialize the service."""
        self._sandbox = sandbox
        self._random = random
        self.answers: list[tuple[float, str]] = []

    def start(self) -> None:
        """Answer badly."""
        self.answers = []
        self._sandbox.fault = self._answer

    def stop(self) -> None:
        """Answer no more."""
        self._sandbox.fault = Hang()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer at random, and note what and when."""
        kind = self._random.choices((REFUSALS, OTHERS, (GOOD,)), (6, 3, 1))[0]
        name = self._random.choice(kind)
        self.answers.append((monotonic(), name))
        if name == GOOD:
            return await request.app[ANSWER](request)
        group, _, case = name.partition("/")
        return await CASES[group][case](request)

    @property
    def refused_twice(self) -> bool:
        """Return whether two refusals in a row are a minute apart."""
        first: float | None = None
        for when, name in self.answers:
            if name not in REFUSALS:
                first = None
            elif first is None:
                first = when
            elif when - first >= 60:
                return True
        return False


async def run_refusals(seed: int) -> bool:
    """Start Home Assistant often; return whether it asked for a key when it should."""
    results = []
    counts: Counter[str] = Counter()
    with TemporaryDirectory() as name, reserve_port() as port:
        folder = Path(name)
        write_configuration(folder, port)
        async with Sandbox() as sandbox, ClientSession() as session:
            home_assistant = HomeAssistant(session, f"http://127.0.0.1:{port}")
            async with run_process(folder, sandbox.url) as process:
                await home_assistant.create_owner()
                await home_assistant.set_up_integration(USER_INPUT)
                process.send_signal(signal.SIGTERM)
                await process.wait()
            service = Service(sandbox, Random(seed))
            for number in range(1, STARTS + 1):
                service.start()
                async with run_process(folder, sandbox.url) as process:
                    asked = await _watch(home_assistant, service)
                    if number % 2:
                        process.send_signal(signal.SIGTERM)
                        await process.wait()
                results.append(asked == service.refused_twice)
                counts["asked for a key"] += asked
                _print(number, service.answers, asked=asked, good=results[-1])
                counts.update(
                    "refusals" if name in REFUSALS else "other answers"
                    for _, name in service.answers
                )
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    return all(results)


def _print(
    number: int, answers: list[tuple[float, str]], *, asked: bool, good: bool
) -> None:
    """Print what was answered, and what came of it."""
    start = answers[0][0]
    said = ", ".join(f"{name} after {when - start:.1f} s" for when, name in answers)
    print(
        f"start {number}: {said}: {'asked' if asked else 'did not ask'} for a key"
        f"{'' if good else '  <-- wrong'}",
        flush=True,
    )


async def _watch(home_assistant: HomeAssistant, service: Service) -> bool:
    """Wait for a while; return whether a key is asked for."""

    async def is_over() -> bool:
        return bool(service.answers) and (
            monotonic() > service.answers[0][0] + SECONDS
            or await _asks_for_key(home_assistant)
        )

    async with asyncio.timeout(10 * SECONDS):
        await wait_for(is_over)
    service.stop()
    await asyncio.sleep(2)
    return await _asks_for_key(home_assistant)


async def _asks_for_key(home_assistant: HomeAssistant) -> bool:
    """Return whether Home Assistant asks for a key."""
    with suppress(ClientError, DemoError):
        async with home_assistant.connect() as connection:
            return any(
                flow["handler"] == "cryptocloud"
                and flow["context"]["source"] == "reauth"
                for flow in await connection.call("config_entries/flow/progress")
            )
    return False
