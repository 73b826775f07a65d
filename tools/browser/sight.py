"""Looks at the dashboard in each situation, as all users see it."""

from collections.abc import Callable
from time import monotonic

from tools.demo.demo import DASHBOARD, Demo

from .happenings import avoid_first_figures
from .situations import DEMOS, Situation, Texts
from .steps import expect_no_error, expect_nothing_cut_off
from .user import DESKTOP, PHONE, TIMEOUT, User, log_in, open_home_assistant

OWNER = "Demo"
SELLER = "Seller"
# Each language is read by both, and on both devices, in light and in dark.
LOOKS = {
    "en": ((OWNER, DESKTOP), (SELLER, PHONE)),
    "ru": ((OWNER, PHONE), (SELLER, DESKTOP)),
}
# What Home Assistant's cards say if they have nothing to show
EMPTY = (
    "ui.components.history_charts.no_history_found",
    "ui.components.logbook.entries_not_found",
    "ui.components.statistics_charts.no_statistics_found",
    "ui.panel.lovelace.cards.distribution.no_data",
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

# Pictures that did not load, texts that leave their card, and those on others in a tile
_FIND_UGLY = """() => {
  const ugly = [];
  const visit = (node, card, texts) => {
    if (node instanceof HTMLImageElement && node.complete && !node.naturalWidth) {
      ugly.push(`torn: ${node.src}`);
    }
    if (node.localName === "ha-card") card = node.getBoundingClientRect();
    if (["hui-tile-card", "button"].includes(node.localName)) texts = [];
    const text = node instanceof Text ? node.data.trim() : "";
    if (card && text && node.parentElement?.checkVisibility?.()) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const rect = range.getBoundingClientRect();
      if (rect.width && (rect.left < card.left - 1 || rect.right > card.right + 1)) {
        ugly.push(`leaves its card: ${text}`);
      }
      for (const [other, place] of texts ?? []) {
        const width = Math.min(rect.right, place.right) - Math.max(rect.left, place.left);
        const height = Math.min(rect.bottom, place.bottom) - Math.max(rect.top, place.top);
        if (width > 2 && height > 4) ugly.push(`${text} is on ${other}`);
      }
      texts?.push([text, rect]);
    }
    const children = [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes];
    children.forEach((child) => visit(child, card, texts));
  };
  visit(document.body);
  return ugly;
}"""


async def expect_texts(
    user: User, where: str, expected: list[str], unexpected: list[str]
) -> None:
    """Check what the page says once it has loaded, and that it looks right."""
    page = user.page
    end = monotonic() + TIMEOUT / 1000
    while missing := [t for t in expected if t not in await page.evaluate(_READ)]:
        said = await page.evaluate(_READ)
        assert monotonic() < end, f"{where}: no {missing} in {said}"
        await page.wait_for_timeout(250)
    # Other cards have a while to say what they should not.
    await page.wait_for_timeout(1500)
    said = await page.evaluate(_READ)
    empty = [await user.localize(key) for key in EMPTY]
    wrong = [text for text in (*empty, *unexpected) if text in said]
    assert not wrong, f"{where}: {wrong} in {said}"
    ugly = await page.evaluate(_FIND_UGLY)
    assert not ugly, f"{where}: {ugly}"
    await expect_no_error(user)
    await expect_nothing_cut_off(user)
    assert not user.new_errors, f"{where}: {user.new_errors}"


async def see(user: User, situation: Situation, *, take_pictures: bool) -> None:
    """See the dashboard in a situation, as both users."""

    def say(texts: tuple[Texts, ...]) -> list[str]:
        return [text for some in texts for text in some[user.language]]

    await log_in(user, OWNER)
    await user.open()
    await situation.prepare(user)
    if situation.picture and take_pictures:
        await user.look(DESKTOP)
        await user.open(f"/{DASHBOARD}")
        await user.take_picture(situation.picture)
    for name, size in LOOKS[user.language]:
        await log_in(user, name)
        await user.look(size)
        await user.open(f"/{DASHBOARD}")
        expected, unexpected = say(situation.expected), say(situation.unexpected)
        mine = expected if name == OWNER else unexpected
        mine += situation.for_owner[user.language]
        for scheme in ("light", "dark"):
            await user.look(size, scheme)
            is_dark = str(scheme == "dark").lower()
            await user.wait_for(
                f"hass.user?.name === '{name}' && !hass.themes.darkMode === !{is_dark}"
            )
            where = f"{situation.name}, {name}, {size[0]} pixels, {scheme}"
            await expect_texts(user, where, expected, unexpected)
    await user.page.unroute_all()
    print(f"{user.language}: See the dashboard: {situation.name}")


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
        for start, situations in DEMOS:
            if not start["past"]:
                await avoid_first_figures()
            demo = make_demo(**start, speed=0)
            async with (
                demo.run(),
                open_home_assistant(
                    demo, language, update_images=bool(update_images)
                ) as user,
            ):
                await _add_seller(user)
                for situation in situations:
                    await see(user, situation, take_pictures=update_images is not None)


async def _add_seller(user: User) -> None:
    """Note the errors of other pages, and let a second user read the same language."""
    for path in ("/home", "/config/integrations/dashboard"):
        await user.open(path)
        await user.page.wait_for_timeout(1000)
    user.known_errors = set(user.errors)
    await user.call("config/auth/create", name=SELLER, group_ids=["system-users"])
    await log_in(user, SELLER)
    await user.open()
    await user.wait_for("hass.user.is_admin === false")
    await user.choose_language()
