"""A merchant's life: payments, withdrawals and drifting rates."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from .currencies import CURRENCIES, make_row

STEP = 10  # Seconds; life happens in steps of fixed length.
MONTH = 31 * 86400

_CENT = Decimal("0.01")
_SATOSHI = Decimal("0.00000001")
_USD = Decimal("0.00001")

_CONFIRMATION = 300
_HOLDING_TIMES = (0, 0, 0, 600, 1800)
_PAYMENT_INTERVAL = 120
_RATE_INTERVAL = 60
_WITHDRAWAL_INTERVAL = 3600
_LARGEST_PAYMENT = Decimal(10**9)

# Balance, held back from it, and how often customers pay in it.
_OPENING = {
    "USDT_TRC20": ("3184.62", "240.00", 40),
    "BTC": ("0.04183705", "0.00210000", 12),
    "ETH": ("0.61240518", "0", 10),
    "TON": ("412.75000000", "35.50000000", 10),
    "LTC": ("9.84310000", "0", 8),
    "TRX": ("1540.25000000", "0", 6),
    "USDT_BSC": ("318.40", "0", 6),
    "USDC_ERC20": ("96.10", "0", 3),
    "PYUSD_SOL": ("0", "0", 3),
    "USDT_TON": ("0", "0", 1),
}


class Merchant:
    """A merchant whose whole life follows from a seed."""

    def __init__(self, seed: int = 7) -> None:
        """Open the books."""
        self.time = 0.0
        # Called with the currency and the amount of each payment
        self.on_payment: Callable[[str, Decimal], None] | None = None
        self.balances = dict.fromkeys(CURRENCIES, Decimal(0))
        self.available = dict.fromkeys(CURRENCIES, Decimal(0))
        self.listed = {
            code for code, currency in CURRENCIES.items() if not currency.appears
        }
        self._random = Random(seed)
        self._steps = 0
        self._drift = dict.fromkeys(
            (currency.short_code for currency in CURRENCIES.values()), 0.0
        )
        # When, which currency, and what changes in balance and available then.
        self._pending: list[tuple[int, str, Decimal, Decimal]] = []
        for code, (balance, held, _) in _OPENING.items():
            self.balances[code] = Decimal(balance)
            self.available[code] = Decimal(balance) - Decimal(held)
            if Decimal(held):
                self._pending.append((1800, code, Decimal(0), Decimal(held)))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
        # Parts that don't quite add up, such as ten times 0.1, still make a step.
        while (self._steps + 1) * STEP <= self.time + 1e-6:
            self._steps += 1
            self._live(self._steps * STEP)

    def payment(self, currency: str, amount: Decimal) -> None:
        """Book a payment, or a withdrawal if the amount is negative, at once."""
        if currency not in CURRENCIES:
            raise ValueError(f"unknown currency; one of {', '.join(CURRENCIES)}")
        least = -self.available[currency]
        if not least <= amount <= _LARGEST_PAYMENT:
            raise ValueError(f"amount must be from {least:f} to {_LARGEST_PAYMENT}")
        self._book(currency, amount, amount)
        self._notify(currency, amount)

    def list_currency(self, currency: str, listed: bool) -> None:
        """Let CryptoCloud list a currency, or drop it."""
        (self.listed.add if listed else self.listed.discard)(currency)

    def rate(self, currency: str) -> Decimal:
        """Return the current USD rate."""
        coin = CURRENCIES[currency]
        return Decimal(coin.usd) * Decimal(f"{1 + self._drift[coin.short_code]:.6f}")

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the balance answer."""
        return [
            make_row(
                currency.as_dict(order),
                balance_crypto=self.balances[code],
                balance_usd=self._usd(code, self.balances[code]),
                available_balance=self.available[code],
                available_balance_usd=self._usd(code, self.available[code]),
            )
            for order, (code, currency) in enumerate(CURRENCIES.items(), 1)
            if code in self.listed
        ]

    def _usd(self, code: str, amount: Decimal) -> Decimal:
        return (amount * self.rate(code)).quantize(_USD)

    def _book(self, code: str, balance: Decimal, available: Decimal) -> None:
        self.balances[code] += balance
        self.available[code] += available

    def _notify(self, currency: str, amount: Decimal) -> None:
        if self.on_payment and amount > 0:
            self.on_payment(currency, amount)

    def _live(self, now: int) -> None:
        due = [change for change in self._pending if change[0] <= now]
        self._pending = [change for change in self._pending if change[0] > now]
        for _, code, balance, available in due:
            self._book(code, balance, available)
        for code, currency in CURRENCIES.items():
            if currency.appears == now:
                self.listed.add(code)
        if not now % _RATE_INTERVAL:
            self._move_rates()
        if self._random.random() < STEP / _PAYMENT_INTERVAL:
            self._receive(now)
        if self._random.random() < STEP / _WITHDRAWAL_INTERVAL:
            self._withdraw(now)

    def _move_rates(self) -> None:
        volatility = {
            currency.short_code: 0.00002 if currency.stablecoin else 0.0012
            for currency in CURRENCIES.values()
        }
        for ticker, drift in self._drift.items():
            # Drawn back to the start, so that rates stay plausible for weeks.
            self._drift[ticker] = drift * 0.998 + self._random.gauss(
                0, volatility[ticker]
            )

    def _receive(self, now: int) -> None:
        codes = [code for code in _OPENING if code in self.listed]
        if not codes:
            return
        [code] = self._random.choices(codes, [_OPENING[code][2] for code in codes])
        usd = Decimal(f"{self._random.lognormvariate(3.8, 0.8):.2f}")
        amount = _rounded(code, usd / self.rate(code))
        if holding_time := self._random.choice(_HOLDING_TIMES):
            self._pending.append((now + holding_time, code, Decimal(0), amount))
            self._book(code, amount, Decimal(0))
        else:
            self._book(code, amount, amount)
        self._notify(code, amount)

    def _withdraw(self, now: int) -> None:
        code = max(CURRENCIES, key=lambda code: self._usd(code, self.available[code]))
        share = Decimal(f"{self._random.uniform(0.3, 0.7):.4f}")
        amount = _rounded(code, self.available[code] * share)
        # What is on its way out can't be withdrawn again, and still counts.
        self._book(code, Decimal(0), -amount)
        self._pending.append((now + _CONFIRMATION, code, -amount, Decimal(0)))


def _rounded(code: str, amount: Decimal) -> Decimal:
    return amount.quantize(_CENT if CURRENCIES[code].stablecoin else _SATOSHI)
