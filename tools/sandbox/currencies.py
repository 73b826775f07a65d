"""Currencies of the sandbox, and the rows of an answer."""

from dataclasses import dataclass
from typing import Any

_CDN = "https://cdn.cryptocloud.plus/img"
_AMOUNT_KEYS = (
    "balance_crypto",
    "balance_usd",
    "available_balance",
    "available_balance_usd",
)


def make_row(
    currency: dict[str, Any], amount: Any = None, **amounts: Any
) -> dict[str, Any]:
    """Return a row in which all amounts are the same except those named."""
    return {"currency": currency} | dict.fromkeys(_AMOUNT_KEYS, amount) | amounts


@dataclass(frozen=True, slots=True)
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

    def as_dict(self, order: int) -> dict[str, Any]:
        """Return the currency as a row describes it."""
        ticker = self.short_code
        icon_network = "None"  # CryptoCloud sends the word if there is no icon.
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

# In CryptoCloud's display order
CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency(4, "USDT_TRC20", "Tether", "1", _TRON, stablecoin=True),
        Currency(1, "BTC", "Bitcoin", "97250"),
        Currency(5, "USDT_ERC20", "Tether", "1", _ETHEREUM, stablecoin=True),
        Currency(21, "USDT_BSC", "Tether", "1", _BSC, stablecoin=True),
        Currency(33, "USDT_TON", "Tether", "1", _TON, stablecoin=True),
        Currency(2, "LTC", "Litecoin", "92.4"),
        Currency(30, "TON", "Toncoin", "2.86"),
        Currency(6, "TRX", "TRON", "0.284"),
        Currency(3, "ETH", "Ethereum", "3420", _ETHEREUM, network_icon=False),
        Currency(31, "SOL", "Solana", "171.5"),
        Currency(8, "USDC_ERC20", "USD Coin", "1", _ETHEREUM, stablecoin=True),
        Currency(20, "BNB", "BNB", "893", _BSC),
        Currency(25, "ETH_ARB", "Ethereum", "3420", _ARBITRUM),
        Currency(28, "DAI_ERC20", "Dai", "1", _ETHEREUM, stablecoin=True),
        Currency(41, "SHIB_BSC", "SHIBA INU", "0.0000092", _BSC),
        Currency(
            52, "PYUSD_SOL", "PayPal USD", "1", _SOLANA, stablecoin=True, appears=1800
        ),
        Currency(55, "XAUT_TON", "Tether Gold", "4080", _TON, appears=21600),
    )
}
