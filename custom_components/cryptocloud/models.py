"""What an account holds: typed, frozen and exact to the last digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

# An unsigned 256-bit integer, the largest amount of a token, has 78 digits.
MAX_DIGITS = 78
# Wide enough for sums and differences of such amounts, to the last digit.
EXACT = Context(prec=4 * MAX_DIGITS)
# For quotients; wide enough that rounding shows in no amount of USD
RATIO = Context(prec=100)
CENT = Decimal("0.01")
# The smallest unit of common tokens; amounts of USD are rounded to it.
ATTO = Decimal("1e-18")


@dataclass(frozen=True, kw_only=True, slots=True)
class Currency:
    """Coin on a network; `code`, such as `USDT_TRC20`, identifies it.

    Stored with changes; fields with a default were added later.
    """

    code: str
    short_code: str
    name: str | None
    network: str | None
    network_name: str | None
    icon_base: str | None
    icon_network: str | None
    stablecoin: bool
    id: int | None = None
    is_email_required: bool | None = None
    enable: bool | None = None
    order: int | None = None
    icon_qr: str | None = None
    network_id: int | None = None
    network_icon: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What an account holds in one currency.

    Amounts are exact, in the currency or in USD at the answer's rate. An amount that
    cannot be read is None. `available` is what can be withdrawn now.
    """

    currency: Currency
    balance: Decimal | None
    balance_usd: Decimal | None
    available: Decimal | None
    available_usd: Decimal | None

    @property
    def on_hold(self) -> Decimal | None:
        """Return the part of the balance that cannot be withdrawn now."""
        return subtract(self.balance, self.available)

    @property
    def rate(self) -> Decimal | None:
        """Return the value of one unit in USD, None if the answer does not say it."""
        if not self.balance or self.balance_usd is None:
            return None
        rate = RATIO.divide(self.balance_usd, self.balance)
        return rate if rate >= 0 and rate.adjusted() < MAX_DIGITS else None

    @property
    def amounts(self) -> tuple[Decimal | None, ...]:
        """Return all amounts."""
        return self.balance, self.balance_usd, self.available, self.available_usd

    @property
    def is_funded(self) -> bool:
        """Return whether any known amount is other than zero."""
        return any(self.amounts)

    @property
    def is_empty(self) -> bool:
        """Return whether all amounts are known to be zero."""
        return all(amount == 0 for amount in self.amounts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a merchant holds: the balances by currency code, and the totals in USD.

    A total is None if any of its amounts is unknown. `unidentified` counts the balances
    that do not say which currency they are in; they count in the totals.
    """

    balances: Mapping[str, Balance]
    total_usd: Decimal | None
    total_available_usd: Decimal | None
    unidentified: int

    @property
    def total_on_hold_usd(self) -> Decimal | None:
        """Return the part of the total that cannot be withdrawn now."""
        return subtract(self.total_usd, self.total_available_usd)


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceChange:
    """A balance that differs from its last known value.

    `amount` is the difference in the currency, negative if the balance decreased.
    `amount_usd` is its absolute value to the cent, None if there never was a rate.
    """

    currency: Currency
    amount: Decimal
    amount_usd: Decimal | None
    balance: Decimal


def to_usd(amount: Decimal, rate: Decimal) -> Decimal:
    """Return the value of an amount in USD, to 18 decimals."""
    return EXACT.quantize(EXACT.multiply(amount, rate), ATTO)


def add(*amounts: Decimal | None) -> Decimal | None:
    """Return the exact sum, or None if an amount is unknown."""
    total = Decimal()
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total


def subtract(minuend: Decimal | None, subtrahend: Decimal | None) -> Decimal | None:
    """Return the exact difference, or None if an amount is unknown."""
    if minuend is None or subtrahend is None:
        return None
    return EXACT.subtract(minuend, subtrahend)


def format_plain(amount: Decimal | None) -> str | None:
    """Return an amount with all its digits, without exponent and trailing zeros."""
    if amount is None:
        return None
    return format(EXACT.normalize(amount), "f") if amount else "0"
