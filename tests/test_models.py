"""Tests of exact amounts."""

from decimal import Decimal
from typing import Any

import pytest

from homeassistant.core import HomeAssistant

from .common import Shop, get_state, get_value, make_row


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1.5E3"), "1500"),
        (Decimal("1234567890.123456789012345678"), "1234567890.123456789012345678"),
        (Decimal("9" * 78), "9" * 78),
        (Decimal("0." + "9" * 77), "0." + "9" * 77),
        (Decimal("10.0"), "10"),
        (Decimal(100), "100"),
        (Decimal("10.50"), "10.5"),
        (0, "0"),
        (Decimal("0.0"), "0"),
        ("-0.50", "-0.5"),
        ("0.123456789012345678901", "0.123456789012345678901"),
    ],
)
async def test_amounts_keep_every_digit(
    hass: HomeAssistant, new_shop: Shop, amount: Any, value: str
) -> None:
    """Test that amounts keep every digit and are written plainly."""
    await new_shop.set_up(BTC=amount)

    assert get_value(hass, "btc") == value
    assert get_value(hass, "total_balance") == value
    assert get_state(hass, "btc").attributes["balance_usd"] == float(amount)


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_totals_are_exact(hass: HomeAssistant, new_shop: Shop) -> None:
    """Test sums and differences of amounts that floats would spoil."""
    await new_shop.set_up(
        make_row("A", Decimal("0.1"), available_balance_usd=Decimal("0.3")),
        make_row("B", Decimal("0.2")),
        make_row("C", Decimal("1E+77"), available_balance=Decimal("1E-77")),
    )

    assert get_value(hass, "total_balance") == f"1{'0' * 77}.3"
    assert get_value(hass, "total_available_balance") == f"1{'0' * 77}.5"
    assert get_value(hass, "total_on_hold") == "-0.2"
    assert get_value(hass, "c_on_hold") == f"{'9' * 77}.{'9' * 77}"
