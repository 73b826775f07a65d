"""Fixtures of the sandbox's tests."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse, ClientSession, ClientTimeout
import pytest

from tools.sandbox import BALANCE_PATH, GOOD_KEY, Sandbox

type Post = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
async def sandbox(socket_enabled: None) -> AsyncGenerator[Sandbox]:
    """Return a running sandbox."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def session(socket_enabled: None) -> AsyncGenerator[ClientSession]:
    """Return a client session that waits at most ten seconds."""
    async with ClientSession(timeout=ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def post(sandbox: Sandbox, session: ClientSession) -> Post:
    """Return what asks for the balances."""

    async def post(key: str = GOOD_KEY, **kwargs: Any) -> ClientResponse:
        return await session.post(
            sandbox.url + BALANCE_PATH,
            headers={"Authorization": f"Token {key}"} | kwargs.pop("headers", {}),
            **kwargs,
        )

    return post
