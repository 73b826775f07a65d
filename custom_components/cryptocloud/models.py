"""What an account holds: typed, frozen and exact to the last digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

# An unsigned 256-bit integer, the largest amount of a token, has 78 digits.
MAX_DIGITS = 78
# Wide enough for sums and differences of such amounts, to the last digit.
EXACT = Context(prec=4 * MAX_DIGITS)
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True, slots=True)
class Currency:
    """Coin on a network; `code`, such as `USDT_TRC20`, identifies it."""

    code: str
    short_code: str
    name: str | None
    network: str | None
    network_name: str | None
    icon_base: str | None
    icon_network: str | None
    stablecoin: bool


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

    def to_usd(self, amount: Decimal) -> Decimal | None:
        """Convert an amount of the currency to USD, to the cent.

        The rate is that of this answer; None if there is none, as with an empty balance.
        """
        if not self.balance or self.balance_usd is None:
            return None
        return EXACT.quantize(
            EXACT.divide(EXACT.multiply(amount, self.balance_usd), self.balance), CENT
        )

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
