"""Currencies of the sandbox."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_CDN = "https://cdn.cryptocloud.plus/img"


@dataclass(frozen=True, kw_only=True, slots=True)
class Currency:
    """A coin on a network."""

    id: int
    code: str
    name: str
    usd: str
    """USD rate around which the market moves."""
    network: tuple[str, str] | None = None
    """Code and full name."""
    network_icon: bool = True
    stablecoin: bool = False
    appears: int = 0
    """Seconds of the merchant's time until CryptoCloud lists it."""

    @property
    def short_code(self) -> str:
        """The ticker."""
        return self.code.partition("_")[0]

    @property
    def rate(self) -> Decimal:
        """USD rate around which the market moves."""
        return Decimal(self.usd)

    def as_dict(self, order: int) -> dict[str, Any]:
        """Return the currency as an answer's row describes it."""
        ticker = self.short_code
        icon_network = "None"  # CryptoCloud sends the word where there is no icon.
        if self.network and self.network_icon:
            network = self.network[0].removesuffix("20")
            icon_network = f"{_CDN}/currency_network/{ticker}_{network}.svg"
        currency: dict[str, Any] = {
            "id": self.id,
            "code": self.code,
            "short_code": ticker,
            "name": self.name,
            "is_email_required": False,
            "stablecoin": self.stablecoin,
            "icon_base": f"{_CDN}/currency/{ticker}.svg",
            "icon_network": icon_network,
            "icon_qr": f"{_CDN}/stroke/{ticker}_STROKE.svg",
            "order": order,
        }
        if self.network:
            code, fullname = self.network
            currency["obj_network"] = {
                "code": code,
                "id": self.id,
                "icon": f"{_CDN}/network/{code}.svg",
                "fullname": fullname,
            }
        return currency | {"enable": True}


_ARBITRUM = ("ARB", "Arbitrum")
_BSC = ("BSC", "BNB Smart Chain")
_ETHEREUM = ("ERC20", "Ethereum")
_SOLANA = ("SOL", "Solana")
_TON = ("TON", "TON")
_TRON = ("TRC20", "Tron")

# In CryptoCloud's display order.
_CATALOGUE = (
    Currency(
        id=4,
        code="USDT_TRC20",
        name="Tether",
        usd="1",
        network=_TRON,
        stablecoin=True,
    ),
    Currency(id=1, code="BTC", name="Bitcoin", usd="97250"),
    Currency(
        id=5,
        code="USDT_ERC20",
        name="Tether",
        usd="1",
        network=_ETHEREUM,
        stablecoin=True,
    ),
    Currency(
        id=21,
        code="USDT_BSC",
        name="Tether",
        usd="1",
        network=_BSC,
        stablecoin=True,
    ),
    Currency(
        id=33,
        code="USDT_TON",
        name="Tether",
        usd="1",
        network=_TON,
        stablecoin=True,
    ),
    Currency(id=2, code="LTC", name="Litecoin", usd="92.4"),
    Currency(id=30, code="TON", name="Toncoin", usd="2.86"),
    Currency(id=6, code="TRX", name="TRON", usd="0.284"),
    Currency(
        id=3,
        code="ETH",
        name="Ethereum",
        usd="3420",
        network=_ETHEREUM,
        network_icon=False,
    ),
    Currency(id=31, code="SOL", name="Solana", usd="171.5"),
    Currency(
        id=8,
        code="USDC_ERC20",
        name="USD Coin",
        usd="1",
        network=_ETHEREUM,
        stablecoin=True,
    ),
    Currency(id=20, code="BNB", name="BNB", usd="893", network=_BSC),
    Currency(id=25, code="ETH_ARB", name="Ethereum", usd="3420", network=_ARBITRUM),
    Currency(
        id=28,
        code="DAI_ERC20",
        name="Dai",
        usd="1",
        network=_ETHEREUM,
        stablecoin=True,
    ),
    Currency(id=41, code="SHIB_BSC", name="SHIBA INU", usd="0.0000092", network=_BSC),
    Currency(
        id=52,
        code="PYUSD_SOL",
        name="PayPal USD",
        usd="1",
        network=_SOLANA,
        stablecoin=True,
        appears=1800,
    ),
    Currency(
        id=55,
        code="XAUT_TON",
        name="Tether Gold",
        usd="4080",
        network=_TON,
        appears=21600,
    ),
)

CURRENCIES = {currency.code: currency for currency in _CATALOGUE}
