"""How a coin is shown: its decimals, its icon and its picture."""

from decimal import Decimal
from urllib.parse import urlsplit

from .models import Currency

MAX_DECIMALS = 8
STABLECOIN_DECIMALS = 2
# In code, since icons.json cannot tell coins apart
ICONS = {"BTC": "mdi:bitcoin", "ETH": "mdi:ethereum", "LTC": "mdi:litecoin"}
# Browsers load no pictures from elsewhere.
PICTURE_DOMAIN = "cryptocloud.plus"
# The rates above which so many decimals are needed
_MORE_THAN = [Decimal(1).scaleb(decimals - 4) for decimals in range(MAX_DECIMALS + 1)]


def choose_decimals(rate: Decimal | None, shown: int | None) -> int | None:
    """Return the decimals to show, None while no rate is known.

    Those that are shown stay until a rate is twice beyond their limits.
    """
    if not rate or (shown is not None and _stays(rate, shown)):
        return shown
    return _count_decimals(rate)


def _stays(rate: Decimal, shown: int) -> bool:
    """Return whether half or twice the rate would need the decimals that are shown."""
    return (shown == 0 or rate * 2 > _MORE_THAN[shown]) and (
        shown == MAX_DECIMALS or rate / 2 <= _MORE_THAN[shown + 1]
    )


def _count_decimals(rate: Decimal) -> int:
    """Return the decimals that show a tenth of a cent."""
    return sum(rate > limit for limit in _MORE_THAN[1:])


def get_picture(currency: Currency) -> str | None:
    """Return the address of the best picture that comes from the service."""
    for address in (currency.icon_network, currency.icon_base):
        host = address and urlsplit(address).hostname
        if host and f".{host}".endswith(f".{PICTURE_DOMAIN}"):
            return address
    return None
