"""Faults of CryptoCloud, and the error that each of them means."""

import gzip

from aiohttp import web

from sandbox import (
    Body,
    Empty,
    Fault,
    GzipBomb,
    Hang,
    Huge,
    Redirect,
    Reset,
    ResetBody,
    ShortBody,
    Slow,
    Status,
)

UNAUTHORIZED = {
    "status": "error",
    "result": {"authorization": "Unauthorized request."},
}
DETAIL = {"detail": "Signature verification failed"}
GOOD = '{"status": "success", "result": []}'


def encoded(encoding: str, body: bytes) -> Fault:
    """Return an answer with a body that is encoded, or claims to be."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    return fault


# fmt: off
BAD_KEY_FAULTS: dict[str, Fault] = {
    "401 without JSON": Status(401),
    "401 with detail": Status(401, DETAIL),
    "403 with detail": Status(403, DETAIL),
    "403 with other JSON": Status(403, {"message": "Forbidden"}),
    "400 with detail": Status(400, DETAIL),
    "400 with authorization": Status(400, UNAUTHORIZED),
    "200 with detail": Body('{"detail": "Invalid header padding"}'),
    "200 with authorization": Status(200, UNAUTHORIZED),
}
CONNECTION_FAULTS: dict[str, Fault] = {
    "reset": Reset(),
    "reset in the body": ResetBody(),
    "body too short": ShortBody(),
    "400 with another field": Status(400, {"status": "error", "result": {"a": "b"}}),
    "400 with a list": Status(400, ["authorization"]),
    "400 with a page": Status(400),
    "403 with a page": Status(403),
    "403 with a list": Status(403, []),
    "404": Status(404),
    "405": Status(405, DETAIL),
    "429": Status(429),
    "500": Status(500, DETAIL),
    "503": Status(503),
    "204": Status(204, ""),
    "301": Redirect("/elsewhere", 301),
    "307": Redirect("http://127.0.0.2/", 307),
}
TIMEOUT_FAULTS: dict[str, Fault] = {
    "no answer": Hang(),
    "one byte a second": Slow(1),
}
RESPONSE_FAULTS: dict[str, Fault] = {
    "empty": Empty(),
    "null": Body("null"),
    "list": Body("[]"),
    "text": Body('"text"'),
    "page": Body("<html>", "text/html"),
    "truncated": Body(GOOD[:-1]),
    "not UTF-8": Body(b'{"status": "success", "result": [], "a": "\xff"}'),
    "too deep": Body("[" * 100_000),
    "no status": Body('{"result": []}'),
    "another status": Body('{"status": "error", "result": []}'),
    "no result": Body('{"status": "success"}'),
    "result is no list": Body('{"status": "success", "result": {}}'),
    "error without authorization": Body('{"status": "error", "result": {"a": "b"}}'),
    "authorization in a success": Body(
        '{"status": "success", "result": {"authorization": ""}}'
    ),
    "detail and more": Body('{"status": "success", "detail": "", "result": 1}'),
    "too long": Huge(9),
    "gzip bomb": GzipBomb(64),
    "not gzip": encoded("gzip", GOOD.encode()),
    "gzip that ends early": encoded("gzip", gzip.compress(GOOD.encode())[:-9]),
    "another encoding": encoded("br", GOOD.encode()),
}
# fmt: on

FAULTS: dict[str, tuple[Fault, str]] = {
    name: (fault, error)
    for error, faults in (
        ("invalid_auth", BAD_KEY_FAULTS),
        ("cannot_connect", CONNECTION_FAULTS),
        ("timeout_connect", TIMEOUT_FAULTS),
        ("invalid_response", RESPONSE_FAULTS),
    )
    for name, fault in faults.items()
}
