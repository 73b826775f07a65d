"""The sandbox's server."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
import inspect
from ipaddress import ip_address
import json
from typing import Any, Literal, Self

from aiohttp import web
from multidict import CIMultiDictProxy

from .cases import CASES, make_fault, name_fault
from .commands import call, usage
from .currencies import CURRENCIES
from .exact import to_json
from .faults import ANSWER, ELSEWHERE, FAULTS, Fault, Refuse, Tls
from .merchant import MONTH, Merchant
from .tls import self_signed_context

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BALANCE_PATH = "/v2/merchant/wallet/balance/all"

# Three parts, as a JWT has, that no scanner for secrets should take for one.
GOOD_KEY = "demo.good-key.not-a-secret"
SECOND_KEY = "demo.second-good-key.not-a-secret"
BAD_KEY = "demo.bad-key.not-a-secret"
EXPIRING_KEY = "demo.revoked-one-minute-after-first-use.not-a-secret"

_DEMO_KEYS = (GOOD_KEY, SECOND_KEY, EXPIRING_KEY)
MAX_SPEED = 3600
_REQUESTS_KEPT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A received balance request."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body_length: int
    time: float
    """Seconds of the event loop's clock."""


class Sandbox:
    """A server that answers balance requests as documented.

    Not documented are the exact statuses and texts for a key that is missing,
    wrong or revoked. Here a missing or malformed header and a revoked key are
    401 with `detail`, and a wrong key is 400 with `result.authorization`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        merchant: Merchant | None = None,
        rows: list[dict[str, Any]] | None = None,
        keys: Iterable[str] = _DEMO_KEYS,
        speed: float = 1,
        key_lifetime: float = 60,
    ) -> None:
        """Prepare the server; fixed rows take the place of the merchant's."""
        self.merchant = merchant or Merchant()
        self.rows = rows
        self.body: bytes | None = None
        self.valid_keys = set(keys)
        self.revoked_keys: set[str] = set()
        self.speed = speed
        self.key_lifetime = key_lifetime
        # A fault strikes before the key is looked at, as often as fault_count says,
        # or until cleared. Those of the connection itself need strike().
        self.fault: Fault | None = None
        self.fault_count: int | None = None
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self.request_count = 0
        # Requests that followed a redirect.
        self.strays: deque[Request] = deque(maxlen=_REQUESTS_KEPT)
        self._host = host
        self._port = port
        self._control_port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tls: asyncio.Server | None = None
        self._refusal: type[Refuse] | Literal["stopped"] | None = "stopped"
        self._recovery: asyncio.Task[None] | None = None
        self._answers: set[asyncio.Future[web.StreamResponse]] = set()
        # Connections over which a command is on its way
        self._commands: set[web.RequestHandler] = set()
        self._expiry: float | None = None
        self._caught_up = 0.0

    @property
    def url(self) -> str:
        """Where the server listens."""
        return self._url(self._port)

    @property
    def control_url(self) -> str:
        """Where the server listens as well, also while it refuses connections."""
        return self._url(self._control_port)

    def _url(self, port: int) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, on the same ports again."""
        app = web.Application(middlewares=[_json_errors])
        app[ANSWER] = self._answer
        app[ELSEWHERE] = lambda: f"{self.control_url}/elsewhere"
        app.add_routes(
            [
                web.post(BALANCE_PATH, self._balance),
                web.route("*", "/elsewhere", self._stray),
                web.get("/control", self._control()),
                web.post("/control/fault", self._control(self._set_fault)),
                web.delete("/control/fault", self._control(self._clear_fault)),
                web.post("/control/key", self._control(self._set_key)),
                web.post("/control/advance", self._control(self._advance)),
                web.post("/control/speed", self._control(self._set_speed)),
                web.post("/control/payment", self._control(self._pay)),
                web.post("/control/currency", self._control(self._list_currency)),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        try:
            await self._listen()
            _, self._control_port = await _start_site(
                self._runner, self._host, self._control_port
            )
        except OSError:
            await self.stop()
            raise
        self._caught_up = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        """Stop, whatever the clients do."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self._site, self._refusal = None, "stopped"
        self._close_tls()
        if self._recovery:
            self._recovery.cancel()
        for site in list(runner.sites):
            await site.stop()
        for answer in self._answers:
            answer.cancel()
        await runner.cleanup()
        await asyncio.sleep(0)  # Lets cancelled connections end.

    async def strike(self, fault: Fault | None, times: int | None = None) -> None:
        """Let a fault strike some requests, or until the next one or none."""
        if times is not None and isinstance(fault, Refuse):
            raise ValueError("times can't be counted without requests; give seconds")
        if self._recovery:
            self._recovery.cancel()
            self._recovery = None
        self.fault, self.fault_count = fault, times
        await self._listen()
        if isinstance(fault, Refuse) and fault.seconds is not None:
            self._recovery = asyncio.create_task(self._recover(fault.seconds))

    async def _recover(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._recovery = None
        await self.strike(None)

    async def _listen(self) -> None:
        """Listen as the fault lets the server do."""
        refusal = type(self.fault) if isinstance(self.fault, Refuse) else None
        if not self._runner or not self._runner.server or refusal is self._refusal:
            return
        self._refusal = refusal
        port = self._port
        self._close_tls()
        if self._site:
            await self._site.stop()
            self._site = None
            for connection in self._runner.server.connections:
                transport = connection.transport
                if not transport or transport.get_extra_info("sockname")[1] != port:
                    continue
                if connection not in self._commands:
                    transport.close()
            await asyncio.sleep(0.01)  # Lets clients notice.
        if refusal is Tls:
            self._tls = await asyncio.start_server(_shake_hands, self._host, port)
        elif refusal is None:
            self._site, self._port = await _start_site(self._runner, self._host, port)

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
        if key == EXPIRING_KEY:
            self._expiry = None

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await _received(request))
        self.request_count += 1
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

    def _refuse(self, authorization: str) -> web.Response | None:
        self._expire()
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
        if key == EXPIRING_KEY and self._expiry is None:
            self._expiry = asyncio.get_running_loop().time() + self.key_lifetime
        return None

    def _expire(self) -> None:
        if (
            self._expiry is not None
            and asyncio.get_running_loop().time() >= self._expiry
        ):
            self._expiry = None
            self.revoke(EXPIRING_KEY)

    def _catch_up(self) -> None:
        now = asyncio.get_running_loop().time()
        elapsed, self._caught_up = now - self._caught_up, now
        self.merchant.advance(min(elapsed * self.speed, MONTH))

    def _control(
        self, command: Callable[..., Awaitable[None] | None] | None = None
    ) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            if not ip_address(request.remote or "::").is_loopback:
                raise web.HTTPForbidden(text="only from the machine it runs on")
            self._commands.add(request.protocol)
            try:
                self._catch_up()
                if command:
                    done = call(command, _arguments(await request.read()))
                    if inspect.isawaitable(done):
                        await done
            except ValueError as err:
                raise web.HTTPBadRequest(text=str(err)) from err
            finally:
                self._commands.discard(request.protocol)
            response = web.json_response(self._state())
            if self._refusal:
                response.force_close()
            return response

        return handle

    def _state(self) -> dict[str, Any]:
        self._expire()
        fault = None
        if self.fault:
            fault = {"name": name_fault(self.fault), "times": self.fault_count}
        return {
            "time": round(self.merchant.time, 3),
            "speed": self.speed,
            "requests": self.request_count,
            "keys": dict.fromkeys(sorted(self.valid_keys), "valid")
            | dict.fromkeys(sorted(self.revoked_keys), "revoked"),
            "currencies": {code: code in self.merchant.listed for code in CURRENCIES},
            "fault": fault,
            "faults": {name: usage(kind) for name, kind in FAULTS.items()},
            "cases": {group: list(cases) for group, cases in CASES.items()},
        }

    async def _set_fault(
        self, name: str, times: int | None = None, **parameters: Any
    ) -> None:
        if times is not None and times < 1:
            raise ValueError("times must be at least 1, or null for until cleared")
        await self.strike(make_fault(name, parameters), times)

    async def _clear_fault(self) -> None:
        await self.strike(None)

    def _set_key(self, key: str, valid: bool) -> None:
        (self.restore if valid else self.revoke)(key)

    def _advance(self, seconds: float) -> None:
        self.merchant.advance(seconds)

    def _set_speed(self, speed: float) -> None:
        if not 0 <= speed <= MAX_SPEED:
            raise ValueError(f"speed must be from 0 to {MAX_SPEED}")
        self.speed = speed

    def _pay(self, currency: str, amount: str | float) -> None:
        try:
            exact = Decimal(str(amount))
        except InvalidOperation as err:
            raise ValueError('amount must be a number, such as "125.50"') from err
        self.merchant.payment(currency, exact)

    def _list_currency(self, code: str, listed: bool) -> None:
        self.merchant.list_currency(code, listed)


async def _start_site(
    runner: web.AppRunner, host: str, port: int
) -> tuple[web.TCPSite, int]:
    site = web.TCPSite(runner, host, port)
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
        time=asyncio.get_running_loop().time(),
    )


def _arguments(body: bytes) -> dict[str, Any]:
    try:
        arguments = json.loads(body or b"{}")
    except ValueError as err:
        raise ValueError(f"the body must be JSON: {err}") from err
    if isinstance(arguments, dict):
        return arguments
    raise ValueError("the body must be a JSON object")


@web.middleware
async def _json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as err:
        headers = {"Allow": err.headers["Allow"]} if "Allow" in err.headers else None
        return web.json_response(
            {"detail": err.text}, status=err.status, headers=headers
        )
