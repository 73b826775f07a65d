"""Fields of an answer: what cannot be read is None, never zero or empty."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
import re
from typing import Any

from .models import EXACT, MAX_DIGITS

MAX_TEXT_LENGTH = 100
MAX_URL_LENGTH = 2000
MAX_INTEGER_DIGITS = 15
# Far above MAX_DIGITS. Reading millions of digits would block the event loop.
MAX_NUMBER_LENGTH = 1000

# Keeps every digit. Numbers too large for a Decimal become non-finite or get an absurd
# exponent; parse_amount rejects both.
_CONTEXT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_NO_NUMBER = Decimal("NaN")

_HTTPS_URL = re.compile(
    r"https://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9/._~%!$&'()*+,;=:@?#-]*)?",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def parse_number(text: str) -> Decimal:
    """Return a number, which is not finite if it is too long or too large."""
    if len(text) > MAX_NUMBER_LENGTH:
        return _NO_NUMBER
    return _CONTEXT.create_decimal(text)


def parse_text(value: Any) -> str | None:
    """Return a text that can be shown.

    CryptoCloud sends the string "None" for missing values.
    """
    if (
        isinstance(value, str)
        and len(value) <= MAX_TEXT_LENGTH
        and value.isprintable()
        and (text := value.strip()) not in ("", "None")
    ):
        return text
    return None


def parse_bool(value: Any) -> bool | None:
    """Return a boolean."""
    return value if isinstance(value, bool) else None


def parse_integer(value: Any) -> int | None:
    """Return an integer of at most 15 digits, which every JSON reader keeps."""
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() < MAX_INTEGER_DIGITS
        and value == value.to_integral_value()
    ):
        return int(value)
    return None


def parse_https_url(value: Any) -> str | None:
    """Return the address of a picture."""
    if (
        isinstance(value, str)
        and len(value) <= MAX_URL_LENGTH
        and _HTTPS_URL.fullmatch(value)
    ):
        return value
    return None


def parse_amount(value: Any) -> Decimal | None:
    """Return an amount given as a JSON number or as a plain decimal string.

    None for anything else, and if the plain notation has too many digits.
    """
    if (
        isinstance(value, str)
        and len(value) <= MAX_NUMBER_LENGTH
        and _PLAIN_DECIMAL.fullmatch(value)
    ):
        value = parse_number(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    # Most are short and need no closer look.
    if len(text := str(value)) <= MAX_DIGITS and "E" not in text:
        return value
    magnitude = value.adjusted()
    if abs(magnitude) > MAX_DIGITS:
        return None
    # Round to EXACT's precision first, so that counting digits stays cheap.
    exponent = magnitude + 1 - len(EXACT.plus(value).as_tuple().digits)
    digits = max(magnitude + 1, 1) + max(-exponent, 0)
    return value if digits <= MAX_DIGITS else None
