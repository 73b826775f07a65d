"""The dashboard on good and bad days, as people see it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Route, expect

from tools.demo.demo import DASHBOARD, Demo
from tools.sandbox import GOOD_KEY, Status, make_row

from .steps import expect_no_error, expect_nothing_cut_off
from .user import (
    DESKTOP,
    PHONE,
    PICTURES,
    Scheme,
    Size,
    User,
    log_in,
    open_home_assistant,
)

LOOKS: dict[str, tuple[tuple[Size, Scheme], ...]] = {
    "en": ((DESKTOP, "light"), (PHONE, "dark")),
    "ru": ((DESKTOP, "dark"), (PHONE, "light")),
}
# What the console says of pictures that are missing
PICTURE_PATHS = ("/local/", "/api/brands/")
TOTAL = "sensor.cryptocloud_total_balance"
MARKUP = "<ha-alert>![](x)[pay](y)`{{ 1 }}`"

type Texts = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Situation:
    """A day in the life of an account, and what the dashboard says then.

    `expected` are the words by language; `unexpected` must not be there. The docs have
    a picture of some.
    """

    name: str
    prepare: Callable[[User], Any]
    expected: Texts
    unexpected: Texts
    picture: str | None = None


async def have_past(user: User) -> None:
    """Leave the demo as it is: with weeks of receipts."""


async def pay_out(user: User) -> None:
    """Pay out everything, after the outage."""
    user.demo.sandbox.fault = None
    merchant = user.demo.sandbox.merchant
    user.demo.sandbox.rows = [
        row | dict.fromkeys((key for key in row if key != "currency"), 0)
        for row in merchant.rows()
    ]
    await _poll(user)
    await user.wait_for(f"Number(hass.states['{TOTAL}'].state) === 0")


async def hold_many(user: User) -> None:
    """Hold 45 currencies, one of them with an odd name."""
    codes = [MARKUP, *(f"C{number}_TRC20" for number in range(44))]
    user.demo.sandbox.rows = [
        make_row(user.demo.sandbox.merchant.rows()[0]["currency"] | {"code": code}, n)
        for n, code in enumerate(codes, 1)
    ]
    await _poll(user)
    await user.wait_for(f"Number(hass.states['{TOTAL}'].state) === 45 * 46 / 2")


async def lose_connection(user: User) -> None:
    """Open the dashboard in an outage."""
    user.demo.sandbox.fault = Status(503)
    await _poll(user)
    await user.wait_for(f"hass.states['{TOTAL}'].state === 'unavailable'")


async def lose_key(user: User) -> None:
    """Open the dashboard after the key was revoked."""
    user.demo.sandbox.revoke(GOOD_KEY)
    await _poll(user)
    await user.wait_for(f"hass.states['{TOTAL}'].state === 'unavailable'")


async def lose_pictures(user: User) -> None:
    """Let no picture load."""

    async def refuse(route: Route) -> None:
        await route.abort()

    await user.page.route(PICTURES, refuse)


FUNDED: Texts = dict.fromkeys(("en", "ru"), ("USDT TRC20", "BTC", "ETH"))
FIRST = Situation(
    "the first minutes",
    have_past,
    {
        "en": ("The first figures appear here within the hour.", "BTC"),
        "ru": ("Первые данные появятся здесь в течение часа.", "BTC"),
    },
    {"en": ("Received today", "API"), "ru": ("Получено сегодня", "API")},
)
LATER = (
    Situation(
        "weeks later",
        have_past,
        {
            "en": ("Received today", "Received yesterday", "Received this month", "$"),
            "ru": ("Получено сегодня", "Получено вчера", "Получено за этот месяц", "$"),
        },
        {"en": ("unavailable",), "ru": ("Недоступно",)},
    ),
    Situation("no picture loads", lose_pictures, FUNDED, {}),
    Situation(
        "an outage",
        lose_connection,
        {
            "en": ("Balances are unavailable", "Home Assistant retries", "USDT TRC20"),
            "ru": ("Балансы недоступны", "Home Assistant", "USDT TRC20"),
        },
        {"en": ("0.00 $", "API key"), "ru": ("0,00 $", "API")},
        picture="dashboard-outage",
    ),
    Situation(
        "a payout of everything",
        pay_out,
        {
            "en": ("Received yesterday", "No currency holds funds right now."),
            "ru": ("Получено вчера", "Сейчас ни в одной валюте нет средств."),
        },
        {"en": ("unavailable",), "ru": ("Недоступно",)},
        picture="dashboard-payout",
    ),
    Situation(
        "45 currencies",
        hold_many,
        {"en": (MARKUP, "C43 TRC20"), "ru": (MARKUP, "C43 TRC20")},
        {},
    ),
    Situation(
        "a revoked key",
        lose_key,
        {
            "en": ("CryptoCloud rejected the API key", "C43 TRC20"),
            "ru": ("CryptoCloud не принимает ключ API", "C43 TRC20"),
        },
        {"en": ("retries",), "ru": ()},
    ),
)

# All that can be read, whether or not one has to scroll
_READ = """() => {
  const texts = [];
  const read = (node) => {
    if (node instanceof Text && node.parentElement?.checkVisibility?.() !== false) {
      texts.push(node.data);
    }
    [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].forEach(read);
  };
  read(document.querySelector("home-assistant"));
  return texts.join(" ").replace(/\\s+/g, " ");
}"""
_FIND_TORN = """() => {
  const torn = [];
  const visit = (node) => {
    if (node instanceof HTMLImageElement && node.complete && !node.naturalWidth) {
      torn.push(node.src);
    }
    [...(node.shadowRoot?.children ?? []), ...node.children].forEach(visit);
  };
  visit(document.body);
  return torn;
}"""


async def _poll(user: User) -> None:
    """Poll now."""
    await user.call(
        "call_service",
        domain="homeassistant",
        service="update_entity",
        service_data={"entity_id": [TOTAL]},
    )


async def look(user: User, situation: Situation) -> None:
    """Look at the dashboard on all devices."""
    none = await user.localize("ui.components.statistics_charts.no_statistics_found")
    for size, scheme in LOOKS[user.language]:
        await user.look(size, scheme)
        await user.open(f"/{DASHBOARD}")
        await expect(user.page.locator("hui-tile-card").first).to_be_visible()
        # Cards and pictures have a while to show what they have.
        await user.page.wait_for_timeout(3000)
        said = await user.page.evaluate(_READ)
        where = f"{situation.name}, {user.language}, {size[0]} pixels, {scheme}"
        for text in situation.expected[user.language]:
            assert text in said, f"{where}: no “{text}” in {said}"
        for text in (none, *situation.unexpected.get(user.language, ())):
            assert text not in said, f"{where}: “{text}” in {said}"
        torn = await user.page.evaluate(_FIND_TORN)
        assert not torn, f"{where}: {torn}"
        await expect_no_error(user)
        await expect_nothing_cut_off(user)
        errors = [e for e in user.new_errors if not any(p in e for p in PICTURE_PATHS)]
        assert not errors, f"{where}: {errors}"
    print(f"{user.language}: Look at the dashboard: {situation.name}")


@asynccontextmanager
async def _as_users(
    demo: Demo, language: str, *, update_images: bool = False
) -> AsyncGenerator[User]:
    async with open_home_assistant(demo, language, update_images=update_images) as user:
        for path in ("/home", "/config/integrations/dashboard"):
            await user.open(path)
            await user.page.wait_for_timeout(1000)
        user.known_errors = set(user.errors)
        yield user


async def see_situations(
    make_demo: Callable[..., Demo],
    languages: tuple[str, ...],
    *,
    update_images: bool | None = None,
) -> None:
    """See the dashboard in each situation, in each language.

    Without `update_images`, the pictures in the docs are of no interest.
    """
    for language in languages:
        demo = make_demo(past=False, speed=0)
        async with demo.run(), _as_users(demo, language) as user:
            await look(user, FIRST)
        # However long it takes to look, the graphs are as on the first day.
        demo = make_demo(hours_to_show=24, speed=0)
        async with (
            demo.run(),
            _as_users(demo, language, update_images=bool(update_images)) as user,
        ):
            for situation in LATER:
                await situation.prepare(user)
                await look(user, situation)
                await user.page.unroute_all()
                if situation.picture and update_images is not None:
                    await user.look(DESKTOP)
                    await user.open(f"/{DASHBOARD}")
                    await user.take_picture(situation.picture)
            # As one who is no administrator, who cannot enter a key
            await log_in(user)
            await look(user, LATER[-1])
            buttons = user.page.locator("hui-empty-state-card ha-button")
            await expect(buttons.first).to_be_visible()
            assert await buttons.count() == 1
