"""Test the sandbox's notifications of payments."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from decimal import Decimal
import hashlib
import hmac
import json
import time
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from tools.sandbox import Notifications, Sandbox
from tools.sandbox.notifications import SECRET_KEY

type Received = asyncio.Queue[tuple[str, dict[str, Any]]]


@pytest.fixture
def statuses() -> list[int]:
    """Return the statuses of the next answers; then 200."""
    return []


@pytest.fixture
def received() -> Received:
    """Return content types and fields of the notifications."""
    return asyncio.Queue()


@pytest.fixture
async def url(
    socket_enabled: None, statuses: list[int], received: Received
) -> AsyncGenerator[str]:
    """Return the address of a shop."""

    async def receive(request: web.Request) -> web.Response:
        is_json = request.content_type == "application/json"
        fields = await (request.json() if is_json else request.post())
        received.put_nowait((request.content_type, dict(fields)))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.add_routes([web.post("/", receive)])
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


def decode(part: str) -> bytes:
    """Return what a part of a JWT holds."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("style", ["json", "form"])
async def test_notification(
    sandbox: Sandbox, url: str, received: Received, style: str
) -> None:
    """Test the fields of a notification, and its token."""
    sandbox.speed = 0
    sandbox.notify(Notifications(url=url, format=style))
    sandbox.merchant.payment("USDT_TRC20", Decimal("12.50"))
    content_type, fields = await received.get()
    info = fields.pop("invoice_info", None)
    if style == "json":
        assert content_type == "application/json"
        assert info["currency"] == {"code": "USDT", "fullcode": "USDT_TRC20"}
    else:
        assert content_type == "application/x-www-form-urlencoded"
        assert info is None
    head, claims, signature = fields.pop("token").split(".")
    assert fields == {
        "status": "success",
        "invoice_id": "SANDBOX00001",
        "amount_crypto": "12.50",
        "currency": "USDT_TRC20",
        "order_id": "order-1",
    }
    assert json.loads(decode(head)) == {"alg": "HS256", "typ": "JWT"}
    assert set(json.loads(decode(claims))) == {"id", "exp"}
    assert 0 < json.loads(decode(claims))["exp"] - time.time() <= 300
    expected = hmac.digest(
        SECRET_KEY.encode(), f"{head}.{claims}".encode(), hashlib.sha256
    )
    assert decode(signature) == expected


async def test_duplicates_and_repeats(
    sandbox: Sandbox, url: str, received: Received, statuses: list[int]
) -> None:
    """Test that each duplicate is sent again until it is answered with 200."""
    sandbox.speed = 0
    statuses.extend([500, 404])
    sandbox.notify(Notifications(url=url, duplicates=1, repeats=3, repeat_after=0))
    sandbox.merchant.payment("BTC", Decimal("0.1"))
    notifications = [await received.get() for _ in range(4)]
    assert all(notification == notifications[0] for notification in notifications)
    sandbox.merchant.payment("BTC", Decimal("0.1"))
    assert (await received.get())[1]["invoice_id"] == "SANDBOX00002"


async def test_nobody_answers(sandbox: Sandbox, url: str, received: Received) -> None:
    """Test that an address that is down does no harm."""
    sandbox.speed = 0
    sandbox.notify(Notifications(url="http://127.0.0.1:1/", repeats=1, repeat_after=0))
    sandbox.merchant.payment("BTC", Decimal("0.1"))
    sandbox.notify(Notifications(url=url))
    sandbox.merchant.payment("BTC", Decimal("0.1"))
    assert (await received.get())[1]["invoice_id"] == "SANDBOX00002"


async def test_life_goes_on(sandbox: Sandbox, url: str, received: Received) -> None:
    """Test that customers pay though nobody asks for balances, and none withdraws."""
    sandbox.speed = 3600
    sandbox.notify(Notifications(url=url))
    invoices = {(await received.get())[1]["invoice_id"] for _ in range(20)}
    assert len(invoices) == 20


async def test_withdrawals_are_not_announced(
    sandbox: Sandbox, url: str, received: Received
) -> None:
    """Test that there is no notification of a withdrawal."""
    sandbox.speed = 0
    sandbox.notify(Notifications(url=url))
    sandbox.merchant.payment("BTC", Decimal("-0.001"))
    sandbox.merchant.payment("BTC", Decimal("0.002"))
    assert (await received.get())[1]["amount_crypto"] == "0.002"


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "shop"},
        {"url": "http://shop", "format": "xml"},
        {"url": "http://shop", "repeats": -1},
        {"url": "http://shop", "nothing": 1},
        {},
    ],
)
async def test_bad_settings(
    sandbox: Sandbox, session: ClientSession, settings: dict[str, Any]
) -> None:
    """Test that settings that make no sense are refused."""
    url = f"{sandbox.control_url}/control/notifications"
    assert (await session.post(url, json=settings)).status == 400
