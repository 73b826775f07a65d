"""A sandbox that answers as the CryptoCloud API does."""

from .cases import CASES
from .currencies import make_row
from .faults import Body, Delay, Fault, Hang, Status, Twist
from .merchant import Merchant
from .notifications import Notifications
from .server import BAD_KEY, BALANCE_PATH, EXPIRING_KEY, GOOD_KEY, SECOND_KEY, Sandbox

__all__ = [
    "BAD_KEY",
    "BALANCE_PATH",
    "CASES",
    "EXPIRING_KEY",
    "GOOD_KEY",
    "SECOND_KEY",
    "Body",
    "Delay",
    "Fault",
    "Hang",
    "Merchant",
    "Notifications",
    "Sandbox",
    "Status",
    "Twist",
    "make_row",
]
