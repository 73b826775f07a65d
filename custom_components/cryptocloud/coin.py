"""How a coin is shown: its decimals, its icon and its picture."""

from decimal import Decimal
from math import ceil
from urllib.parse import urlsplit

from .models import Currency

MAX_DECIMALS = 8
STABLECOIN_DECIMALS = 2
# In code, since icons.json cannot tell coins apart
ICONS = {"BTC": "mdi:bitcoin", "ETH": "mdi:ethereum", "LTC": "mdi:litecoin"}
# Browsers load no pictures from elsewhere.
PICTURE_DOMAIN = "cryptocloud.plus"


def choose_decimals(rate: Decimal | None, shown: int | None) -> int | None:
    """Return the decimals to show, None while no rate is known.

    Those that are shown stay until a rate is far beyond their limits.
    """
    if not rate or (
        shown is not None
        and _count_decimals(rate / 2) <= shown <= _count_decimals(rate * 2)
    ):
        return shown
    return _count_decimals(rate)


def _count_decimals(rate: Decimal) -> int:
    """Return the decimals that show a tenth of a cent."""
    return min(max(ceil(rate.log10()) + 3, 0), MAX_DECIMALS)


def get_picture(currency: Currency) -> str | None:
    """Return the address of the best picture that comes from the service."""
    for address in (currency.icon_network, currency.icon_base):
        host = address and urlsplit(address).hostname
        if host and f".{host}".endswith(f".{PICTURE_DOMAIN}"):
            return address
    return None
