"""Notifications of payments, as CryptoCloud sends them to a project's URL."""

import asyncio
import base64
from dataclasses import dataclass
from decimal import Decimal
import hashlib
import hmac
from http import HTTPStatus
import json
import time
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from .currencies import CURRENCIES

SECRET_KEY = "demo.secret-key.not-a-secret"  # noqa: S105
TOKEN_LIFETIME = 300
FORMATS = ("json", "form")

_TIMEOUT = ClientTimeout(total=10)


@dataclass(kw_only=True)
class Notifications:
    """What a project's settings say, and how the service behaves."""

    url: str
    format: str = "json"
    """JSON, or a form without the nested fields, whose encoding is not documented."""
    duplicates: int = 0
    """How many more are sent at the same time."""
    repeats: int = 2
    """How many more are sent if none is answered with 200."""
    repeat_after: float = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be sent."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url must be an http or https address")
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}")
        for number in (self.duplicates, self.repeats, self.repeat_after):
            if not 0 <= number <= 1000:
                raise ValueError("numbers must be from 0 to 1000")

    async def send(
        self, session: ClientSession, number: int, currency: str, amount: Decimal
    ) -> None:
        """Send the notification of one payment."""
        fields = make_fields(number, currency, amount)
        await asyncio.gather(
            *(self._send_one(session, fields) for _ in range(self.duplicates + 1))
        )

    async def _send_one(self, session: ClientSession, fields: dict[str, Any]) -> None:
        if self.format == "form":
            flat = {
                key: value for key, value in fields.items() if key != "invoice_info"
            }
            body: dict[str, Any] = {"data": flat}
        else:
            body = {"json": fields}
        for repeat in range(self.repeats + 1):
            if repeat:
                await asyncio.sleep(self.repeat_after)
            try:
                async with session.post(self.url, timeout=_TIMEOUT, **body) as response:
                    if response.status == HTTPStatus.OK:
                        return
            except ClientError, TimeoutError:
                continue


def make_fields(number: int, currency: str, amount: Decimal) -> dict[str, Any]:
    """Return the fields of a notification; `invoice_info` has a few of its many."""
    invoice_id = f"SANDBOX{number:05}"
    usd = f"{amount * Decimal(CURRENCIES[currency].usd):.2f}"
    return {
        "status": "success",
        "invoice_id": invoice_id,
        "amount_crypto": f"{amount:f}",
        "currency": currency,
        "order_id": f"order-{number}",
        "token": make_token(invoice_id),
        "invoice_info": {
            "uuid": f"INV-{invoice_id}",
            "status": "paid",
            "amount_usd": usd,
            "currency": {"code": CURRENCIES[currency].short_code, "fullcode": currency},
            "test_mode": False,
        },
    }


def make_token(invoice_id: str) -> str:
    """Return a JWT that names the invoice and when it expires, signed with HS256."""
    head = _encode({"alg": "HS256", "typ": "JWT"})
    claims = _encode({"id": invoice_id, "exp": int(time.time()) + TOKEN_LIFETIME})
    signature = hmac.digest(
        SECRET_KEY.encode(), f"{head}.{claims}".encode(), hashlib.sha256
    )
    return f"{head}.{claims}.{_base64(signature)}"


def _encode(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
