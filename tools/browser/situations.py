"""Situations of an account, and what the dashboard says in each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from tools.sandbox.currencies import CURRENCIES, make_row

from .happenings import (
    change_nothing,
    have_millions,
    have_past,
    hold,
    lose_connection,
    lose_key,
    lose_pictures,
    pay,
    pay_out,
    start_badly,
)
from .user import User

LANGUAGES = ("en", "ru")
MARKUP = "<ha-alert>![](x)[pay](y)`{{ 1 }}`"

type Texts = dict[str, tuple[str, ...]]


def _same(*texts: str) -> Texts:
    """Return texts that are the same in each language."""
    return dict.fromkeys(LANGUAGES, texts)


SOON: Texts = {
    "en": ("The first figures appear here within the hour.",),
    "ru": ("Первые данные появятся здесь в течение часа.",),
}
NO_CHANGES: Texts = {
    "en": ("Payments and withdrawals appear here.",),
    "ru": ("Здесь появятся платежи и выводы средств.",),
}
RECEIVED: Texts = {
    "en": ("Received today", "Received this month"),
    "ru": ("Получено сегодня", "Получено за этот месяц"),
}
YESTERDAY: Texts = {"en": ("Received yesterday",), "ru": ("Получено вчера",)}
UNAVAILABLE: Texts = {"en": ("Unavailable",), "ru": ("Недоступно",)}
ZERO: Texts = {"en": ("$0.00",), "ru": ("0,00 $",)}
OUTAGE: Texts = {
    "en": (
        "Balances are unavailable",
        "Since ",
        "Home Assistant retries automatically.",
        "Troubleshooting",
    ),
    "ru": (
        "Балансы недоступны",
        "Home Assistant автоматически повторяет попытки.",
        "Устранение неполадок",
    ),
}
SHOW_LOG: Texts = {"en": ("Show the log",), "ru": ("Открыть журнал",)}
COINS = _same("USDT TRC20", "BTC", "ETH")
FUNDED = (COINS, _same("$"))


@dataclass(frozen=True)
class Situation:
    """A day in the life of an account, and what the dashboard says then.

    `expected` are the texts by language; `unexpected` must not be there. Only the owner
    sees `for_owner`. The docs have a picture of some.
    """

    name: str
    prepare: Callable[[User], Awaitable[None]]
    expected: tuple[Texts, ...]
    unexpected: tuple[Texts, ...] = (UNAVAILABLE,)
    for_owner: Texts = field(default_factory=_same)
    picture: str | None = None


NEW_ACCOUNT = (
    Situation(
        "the first minute",
        change_nothing,
        (SOON, NO_CHANGES, *FUNDED),
        (RECEIVED, UNAVAILABLE),
    ),
    Situation(
        "an outage in the first hour",
        start_badly,
        (SOON, NO_CHANGES, OUTAGE, UNAVAILABLE, COINS),
        (RECEIVED, ZERO),
        SHOW_LOG,
    ),
    Situation(
        "the first payment",
        pay,
        (SOON, *FUNDED, _same("+1.25000 LTC · 115.50 USD")),
        (RECEIVED, NO_CHANGES, UNAVAILABLE),
    ),
    Situation(
        "hour 2", partial(have_past, length=timedelta(hours=2)), (RECEIVED, *FUNDED)
    ),
    Situation(
        "day 2",
        partial(have_past, length=timedelta(days=2)),
        (RECEIVED, YESTERDAY, *FUNDED),
    ),
    Situation(
        "week 3",
        partial(have_past, length=timedelta(weeks=3)),
        (RECEIVED, YESTERDAY, *FUNDED),
    ),
    Situation(
        "large amounts",
        partial(
            have_millions,
            amounts={
                "BTC": "12345678.12345678",
                "USDT_TRC20": "98765432.12",
                "SHIB_BSC": "1234567.12345678",
            },
        ),
        (RECEIVED, YESTERDAY, _same("BTC", "USDT TRC20", "SHIB BSC", "$")),
    ),
)
OLD_ACCOUNT = (
    Situation(
        "weeks later",
        change_nothing,
        (RECEIVED, YESTERDAY, *FUNDED),
        (UNAVAILABLE, SOON, NO_CHANGES),
    ),
    Situation("no picture loads", lose_pictures, (RECEIVED, *FUNDED)),
    Situation(
        "an outage",
        lose_connection,
        (
            RECEIVED,
            UNAVAILABLE,
            COINS,
            OUTAGE,
        ),
        (
            ZERO,
            {"en": ("API key",), "ru": ("ключ API",)},
            # Empty currencies do not appear.
            _same("DAI ERC20"),
        ),
        SHOW_LOG,
        picture="dashboard-outage",
    ),
    Situation(
        "a payout of everything",
        pay_out,
        (
            RECEIVED,
            YESTERDAY,
            ZERO,
            {
                "en": ("No currency holds funds right now.",),
                "ru": ("Сейчас ни в одной валюте нет средств.",),
            },
        ),
        picture="dashboard-payout",
    ),
    Situation(
        "45 currencies",
        partial(hold, amounts={MARKUP: 45} | {f"C{n}_TRC20": n for n in range(1, 45)}),
        (_same(MARKUP, "C1 TRC20", "C44 TRC20", "$"),),
    ),
    Situation(
        "a revoked key",
        lose_key,
        (
            RECEIVED,
            UNAVAILABLE,
            _same(MARKUP, "C44 TRC20"),
            {
                "en": (
                    "CryptoCloud rejected the API key",
                    "Home Assistant needs a new API key.",
                    "Troubleshooting",
                ),
                "ru": (
                    "CryptoCloud отклонил ключ API",
                    "Home Assistant нужен новый ключ API.",
                    "Устранение неполадок",
                ),
            },
        ),
        (ZERO, {"en": ("retries",), "ru": ("повторяет",)}),
        {"en": ("Enter a new key",), "ru": ("Ввести новый ключ",)},
    ),
)
LARGE_ACCOUNT = (
    Situation(
        "400 currencies",
        change_nothing,
        (SOON, _same("C1 TRC20", "C400 TRC20", "$")),
        (RECEIVED, UNAVAILABLE),
    ),
)
_COIN = CURRENCIES["USDT_TRC20"].as_dict(1)
ROWS = [make_row(_COIN | {"code": f"C{n}_TRC20"}, n) for n in range(1, 401)]

# What a demo starts with, and the situations it then gets into
DEMOS: dict[str, tuple[dict[str, Any], tuple[Situation, ...]]] = {
    # However long it takes to look, the graphs are as on the first day.
    "old": ({"past": True, "hours_to_show": 24}, OLD_ACCOUNT),
    "new": ({"past": False}, NEW_ACCOUNT),
    "large": ({"past": False, "rows": ROWS}, LARGE_ACCOUNT),
}
