"""The sandbox's server."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
import json
from typing import Any, Self
from weakref import WeakSet

from aiohttp import ClientSession, DummyCookieJar, web
from multidict import CIMultiDictProxy

from .cases import CASES
from .exact import to_json
from .faults import ANSWER, ELSEWHERE, KEPT, Fault, Refuse, Tls
from .merchant import MONTH, Merchant
from .notifications import Notifications
from .tls import self_signed_context

BALANCE_PATH = "/v2/merchant/wallet/balance/all"

# Three parts, as a JWT has, that no scanner for secrets should take for one.
GOOD_KEY = "demo.good-key.not-a-secret"
SECOND_KEY = "demo.second-good-key.not-a-secret"
BAD_KEY = "demo.bad-key.not-a-secret"
EXPIRING_KEY = "demo.revoked-one-minute-after-first-use.not-a-secret"

_DEMO_KEYS = (GOOD_KEY, SECOND_KEY, EXPIRING_KEY)
_REQUESTS_KEPT = 1000
# Seconds; with notifications, payments happen without being asked for.
_TICK = 0.5
_COMMANDS = """\
Make things happen from another terminal:
  curl -d '{{"currency": "BTC", "amount": "0.01"}}' {url}/control/payment
      a payment arrives
  curl -d '{{"url": "{url}/elsewhere", "format": "form"}}' {url}/control/notifications
      the service calls this address after each payment
  curl -d '{{"name": "status/503_page"}}' {url}/control/fault
      the service fails with 503
  curl -X DELETE {url}/control/fault
      the service works again
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A received balance request."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body_length: int


class Sandbox:
    """A server that answers balance requests as documented.

    Not documented are the exact statuses and texts for a key that is missing,
    wrong or revoked. Here a missing or malformed header and a revoked key are
    401 with `detail`, and a wrong key is 400 with `result.authorization`.
    """

    def __init__(
        self,
        *,
        merchant: Merchant | None = None,
        rows: list[dict[str, Any]] | None = None,
        keys: Iterable[str] = _DEMO_KEYS,
        speed: float = 1,
    ) -> None:
        """Prepare the server; fixed rows replace the merchant's."""
        self.merchant = merchant or Merchant()
        self.rows = rows
        # Replaces the whole answer for a good key.
        self.body: bytes | None = None
        self.valid_keys = set(keys)
        self.revoked_keys: set[str] = set()
        self.speed = speed
        self.key_lifetime: float = 60
        # A fault strikes before the key is checked, as often as fault_count says,
        # or until cleared. Faults of the connection itself need strike().
        self.fault: Fault | None = None
        self.fault_count: int | None = None
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self.request_count = 0
        # Requests that followed a redirect.
        self.strays: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self._port = 0
        self._control_port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tls: asyncio.Server | None = None
        self._connections: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._answers: set[asyncio.Future[web.StreamResponse]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._caught_up = 0.0
        self._notifications: Notifications | None = None
        self._payment_count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def control_url(self) -> str:
        """Where the server also listens while it refuses connections."""
        return f"http://127.0.0.1:{self._control_port}"

    @property
    def commands(self) -> str:
        """What to type in a terminal to control the server."""
        return _COMMANDS.format(url=self.control_url)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, on the same ports again."""
        app = web.Application(client_max_size=0)
        app[ANSWER] = self._answer
        app[ELSEWHERE] = lambda: f"{self.control_url}/elsewhere"
        app.add_routes(
            [
                web.post(BALANCE_PATH, self._balance),
                web.route("*", "/elsewhere", self._stray),
                web.post("/control/payment", _control(self._pay)),
                web.post("/control/fault", _control(self._set_fault)),
                web.delete("/control/fault", _control(self._clear_fault)),
                web.post("/control/answer", _control(self._set_answer)),
                web.post("/control/notifications", _control(self._set_notifications)),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await self._listen()
        _, self._control_port = await _start_site(self._runner, self._control_port)
        self._caught_up = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        """Stop, whatever the clients do."""
        if self._runner is None:
            return
        runner, self._runner, self._site = self._runner, None, None
        self._close_tls()
        if self._expiry:
            self._expiry.cancel()
        for site in list(runner.sites):
            await site.stop()
        for answer in self._answers:
            answer.cancel()
        for task in self._tasks:
            task.cancel()
        self.merchant.on_payment = self._notifications = None
        await runner.cleanup()
        await asyncio.sleep(0)  # Lets cancelled connections end.

    async def strike(self, fault: Fault | None) -> None:
        """Let a fault strike every request, or the connection, until the next call."""
        self.fault, self.fault_count = fault, None
        await self._listen()

    async def _listen(self) -> None:
        """Listen as the fault lets the server do."""
        if not self._runner or not self._runner.server:
            return
        self._close_tls()
        if not isinstance(self.fault, Refuse):
            if not self._site:
                self._site, self._port = await _start_site(self._runner, self._port)
            return
        if self._site:
            await self._site.stop()
            self._site = None
            for connection in self._runner.server.connections:
                transport = connection.transport
                if transport and transport.get_extra_info("sockname")[1] == self._port:
                    transport.close()
            await asyncio.sleep(0.01)  # Lets clients notice.
        if isinstance(self.fault, Tls):
            self._tls = await asyncio.start_server(
                _shake_hands, "127.0.0.1", self._port
            )

    def _close_tls(self) -> None:
        if self._tls:
            self._tls.close()
            self._tls.abort_clients()
            self._tls = None

    def revoke(self, key: str) -> None:
        """Revoke a key."""
        self.valid_keys.discard(key)
        self.revoked_keys.add(key)

    def restore(self, key: str) -> None:
        """Make a key valid, whatever it was."""
        self.revoked_keys.discard(key)
        self.valid_keys.add(key)

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await _received(request))
        self.request_count += 1
        request[KEPT] = request.transport in self._connections
        if request.transport:
            self._connections.add(request.transport)
        answer = asyncio.ensure_future((self._take_fault() or self._answer)(request))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        return await answer

    async def _stray(self, request: web.Request) -> web.StreamResponse:
        self.strays.append(await _received(request))
        return web.json_response({"detail": "This is somewhere else"})

    def _take_fault(self) -> Fault | None:
        fault = self.fault
        if fault and self.fault_count is not None:
            self.fault_count -= 1
            if self.fault_count <= 0:
                self.fault = self.fault_count = None
        return fault

    async def _answer(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request.headers.get("Authorization", "")):
            return refusal
        body = self.body
        if body is None:
            self._catch_up()
            rows = self.merchant.rows() if self.rows is None else self.rows
            body = to_json({"status": "success", "result": rows}).encode()
        response = web.Response(
            body=body,
            content_type="application/json",
            zlib_executor_size=2**24,  # Packs without a thread.
        )
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            response.enable_compression(web.ContentCoding.gzip)
        return response

    def _catch_up(self) -> None:
        now = asyncio.get_running_loop().time()
        elapsed, self._caught_up = now - self._caught_up, now
        self.merchant.advance(min(elapsed * self.speed, MONTH))

    def notify(self, notifications: Notifications) -> None:
        """Send notifications of payments from now on, until stopped."""
        self._notifications = notifications
        if not self.merchant.on_payment:
            session = ClientSession(cookie_jar=DummyCookieJar())
            self.merchant.on_payment = partial(self._announce, session)
            self._start_task(self._tick(session))

    def _announce(self, session: ClientSession, currency: str, amount: Decimal) -> None:
        if self._notifications:
            self._payment_count += 1
            self._start_task(
                self._notifications.send(session, self._payment_count, currency, amount)
            )

    async def _tick(self, session: ClientSession) -> None:
        async with session:
            while True:
                self._catch_up()
                await asyncio.sleep(_TICK)

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refuse(self, authorization: str) -> web.Response | None:
        scheme, _, key = authorization.partition(" ")
        if scheme != "Token" or not key:
            return web.json_response({"detail": "Invalid header padding"}, status=401)
        if key in self.revoked_keys:
            return web.json_response(
                {"detail": "Signature verification failed"}, status=401
            )
        if key not in self.valid_keys:
            return web.json_response(
                {
                    "status": "error",
                    "result": {"authorization": "Unauthorized request."},
                },
                status=400,
            )
        if key == EXPIRING_KEY and not self._expiry:
            self._expiry = asyncio.get_running_loop().call_later(
                self.key_lifetime, self.revoke, key
            )
        return None

    async def _pay(self, body: bytes) -> None:
        payment = json.loads(body)
        self.merchant.payment(payment["currency"], Decimal(str(payment["amount"])))

    async def _set_fault(self, body: bytes) -> None:
        group, _, case = json.loads(body)["name"].partition("/")
        await self.strike(CASES[group][case])

    async def _clear_fault(self, _: bytes) -> None:
        await self.strike(None)

    async def _set_notifications(self, body: bytes) -> None:
        self.notify(Notifications(**json.loads(body)))

    async def _set_answer(self, body: bytes) -> None:
        self.body = body


def _control(
    command: Callable[[bytes], Awaitable[None]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            await command(await request.read())
        except (ArithmeticError, LookupError, TypeError, ValueError) as err:
            raise web.HTTPBadRequest(text=f"{err!r}\n") from err
        return web.Response(text="done\n")

    return handle


async def _start_site(runner: web.AppRunner, port: int) -> tuple[web.TCPSite, int]:
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return site, runner.addresses[-1][1]


async def _shake_hands(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    context = await asyncio.to_thread(self_signed_context)
    with suppress(OSError):  # Whatever the client thinks of it.
        await asyncio.get_running_loop().start_tls(
            transport, transport.get_protocol(), context, server_side=True
        )
    transport.abort()


async def _received(request: web.Request) -> Request:
    body = await request.read()
    return Request(
        method=request.method,
        path=request.path,
        headers=request.headers,
        body_length=len(body),
    )
