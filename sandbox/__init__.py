"""A sandbox that answers as the CryptoCloud API does."""

from .faults import (
    FAULTS,
    Body,
    Delay,
    Empty,
    Fault,
    GzipBomb,
    Hang,
    Huge,
    Redirect,
    Reset,
    ResetBody,
    ShortBody,
    Slow,
    Status,
)
from .merchant import Merchant
from .server import (
    BAD_KEY,
    BALANCE_PATH,
    EXPIRING_KEY,
    GOOD_KEY,
    SECOND_KEY,
    Request,
    Sandbox,
)

__all__ = [
    "BAD_KEY",
    "BALANCE_PATH",
    "EXPIRING_KEY",
    "FAULTS",
    "GOOD_KEY",
    "SECOND_KEY",
    "Body",
    "Delay",
    "Empty",
    "Fault",
    "GzipBomb",
    "Hang",
    "Huge",
    "Merchant",
    "Redirect",
    "Request",
    "Reset",
    "ResetBody",
    "Sandbox",
    "ShortBody",
    "Slow",
    "Status",
]
