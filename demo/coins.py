"""Stand-ins for the pictures on CryptoCloud's CDN, which not every machine reaches."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
import ssl
from tempfile import TemporaryDirectory

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "cdn.cryptocloud.plus"
# The color of a coin's disc and the sign on it.
COINS = {
    "BTC": ("#f59e2a", "₿"),
    "DAI": ("#f4b731", "D"),
    "ETH": ("#6675c9", "Ξ"),
    "LTC": ("#3b63a8", "Ł"),
    "PYUSD": ("#1c5fc4", "P"),
    "SOL": ("#8a5cf0", "S"),
    "TON": ("#2b9fe0", "T"),
    "TRX": ("#d83a3f", "T"),
    "USDC": ("#2f77c8", "$"),
    "USDT": ("#2ea386", "₮"),
}
NETWORKS = {
    "ARB": "#35658f",
    "BSC": "#e3b21c",
    "ERC": "#6675c9",
    "SOL": "#8a5cf0",
    "TON": "#2b9fe0",
    "TRC": "#d83a3f",
}


def draw(name: str) -> str:
    """Draw a coin, such as BTC, with a dot for its network, as in USDT_TRC."""
    ticker, _, network = name.partition("_")
    color, sign = COINS.get(ticker, ("#607080", ticker[:1]))
    badge = (
        f'<circle cx="50" cy="50" r="12" fill="{NETWORKS[network]}"'
        ' stroke="#fff" stroke-width="4"/>'
        if network in NETWORKS
        else ""
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<circle cx="32" cy="32" r="32" fill="{color}"/>'
        '<text x="32" y="45" fill="#fff" font-family="DejaVu Sans, sans-serif"'
        f' font-size="36" font-weight="bold" text-anchor="middle">{sign}</text>'
        f"{badge}</svg>"
    )


@asynccontextmanager
async def serve_coins() -> AsyncGenerator[int]:
    """Serve the pictures over TLS and yield the port."""
    app = web.Application()
    app.router.add_get("/{path:.*}/{name}.svg", _picture)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls())
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _picture(request: web.Request) -> web.Response:
    return web.Response(
        content_type="image/svg+xml", text=draw(request.match_info["name"])
    )


def _tls() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "certificate.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context
