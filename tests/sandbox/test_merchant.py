"""Test the merchant's life."""

from decimal import Decimal, InvalidOperation
from typing import Any

import pytest

from tests.common import load_rows
from tools.sandbox import Merchant

DAY = 86400


def currencies(merchant: Merchant) -> dict[str, dict[str, Any]]:
    """Return the rows by code."""
    return {row["currency"]["code"]: row for row in merchant.rows()}


@pytest.mark.parametrize(
    "split",
    [[10] * 2160, [0.1] * 216000, [7.2] * 3000, [5, 21590, 5], [20000, 0, 1600.0]],
)
def test_same_seed_same_life(split: list[float]) -> None:
    """Test that only the seed and the time that passed decide."""
    whole, parts = Merchant(7), Merchant(7)
    whole.advance(21600)
    for seconds in split:
        parts.advance(seconds)
    assert parts.rows() == whole.rows() != Merchant(7).rows()


def test_other_seed_other_life() -> None:
    """Test that merchants differ."""
    merchants = Merchant(7), Merchant(8)
    for merchant in merchants:
        merchant.advance(3600)
    assert merchants[0].rows() != merchants[1].rows()


def test_first_balances_are_worth_showing() -> None:
    """Test what a dashboard shows first."""
    rows = currencies(Merchant())
    assert 1000 < rows["USDT_TRC20"]["balance_crypto"] < 10000
    assert 0 < rows["BTC"]["balance_crypto"] < Decimal("0.1")
    assert sum(not row["balance_crypto"] for row in rows.values()) >= 5
    assert any(
        row["available_balance"] < row["balance_crypto"] for row in rows.values()
    )


@pytest.mark.heavy
def test_money_and_rates_stay_plausible() -> None:
    """Test that money and rates move within what is plausible."""
    merchant = Merchant()
    events = set()
    before = currencies(merchant)
    for _ in range(3 * DAY // 120):
        merchant.advance(120)
        rows = currencies(merchant)
        for code in before:
            balance = rows[code]["balance_crypto"] - before[code]["balance_crypto"]
            free = rows[code]["available_balance"] - before[code]["available_balance"]
            events.add((balance > 0, balance < 0, free > 0, free < 0))
        before = rows
        for row in rows.values():
            assert 0 <= row["available_balance"] <= row["balance_crypto"]
            assert (row["balance_usd"] > 0) == (row["balance_crypto"] > 0)
            for amount in list(row.values())[1:]:
                assert amount == amount.quantize(Decimal("1E-8"))
            code = row["currency"]["code"]
            if row["currency"]["stablecoin"]:
                assert abs(merchant.rate(code) - 1) < Decimal("0.002")
    assert events >= {
        (True, False, True, False),  # a payment that is available at once
        (True, False, False, False),  # one that is held
        (False, False, True, False),  # and released
        (False, False, False, True),  # a withdrawal is on its way
        (False, True, False, False),  # and gone
    }
    assert merchant.rate("BTC") != Merchant().rate("BTC")
    assert 20000 < sum(row["balance_usd"] for row in rows.values()) < 60000


def test_currency_is_added_after_a_while() -> None:
    """Test that CryptoCloud adds a currency after a while."""
    merchant = Merchant()
    merchant.advance(1790)
    assert "PYUSD_SOL" not in currencies(merchant)
    merchant.advance(10)
    assert "PYUSD_SOL" in currencies(merchant)


def test_currency_returns_with_its_balance() -> None:
    """Test that a currency leaves and returns with its balance."""
    merchant = Merchant()
    balance = currencies(merchant)["BTC"]["balance_crypto"]
    merchant.list_currency("BTC", False)
    assert "BTC" not in currencies(merchant)
    merchant.list_currency("BTC", True)
    assert currencies(merchant)["BTC"]["balance_crypto"] == balance


def test_merchant_without_currencies_lives_on() -> None:
    """Test that a merchant without currencies lives on."""
    merchant = Merchant()
    for code in list(merchant.listed):
        merchant.list_currency(code, False)
    merchant.advance(1700)
    assert merchant.rows() == []


def test_payment_and_withdrawal_by_hand() -> None:
    """Test payments and withdrawals by hand."""
    merchant = Merchant()
    merchant.payment("SOL", Decimal("1.00000001"))
    merchant.payment("SOL", Decimal("-0.5"))
    row = currencies(merchant)["SOL"]
    assert row["balance_crypto"] == row["available_balance"] == Decimal("0.50000001")


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("EUR", "1"), ("BTC", "-0.04"), ("BTC", "1E+10"), ("BTC", "NaN")],
)
def test_impossible_payment_changes_nothing(currency: str, amount: str) -> None:
    """Test that a payment that cannot be changes nothing."""
    merchant = Merchant()
    with pytest.raises((ValueError, InvalidOperation)):
        merchant.payment(currency, Decimal(amount))
    assert merchant.rows() == Merchant().rows()


def test_rows_are_as_documented() -> None:
    """Test the rows, key by key, against the documented ones."""
    rows = currencies(Merchant())
    [documented] = load_rows("balance_documented")
    for row in rows.values():
        assert list(row) == list(documented)
        keys = list(documented["currency"])
        if "obj_network" not in row["currency"]:
            keys.remove("obj_network")
        assert list(row["currency"]) == keys
        for key in keys:
            assert type(row["currency"][key]) is type(documented["currency"][key])
    for row in [documented, *load_rows("balance_composed")]:
        assert rows[row["currency"]["code"]]["currency"] == row["currency"]


def test_native_coins_have_no_network() -> None:
    """Test that optional really is."""
    rows = currencies(Merchant())
    assert {
        code for code, row in rows.items() if "obj_network" not in row["currency"]
    } == {"BTC", "LTC", "TRX", "SOL", "TON"}
    assert len({row["currency"]["id"] for row in rows.values()}) == len(rows)
