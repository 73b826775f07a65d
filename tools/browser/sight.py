"""Looks at the dashboard in each situation, as all users see it."""

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from tools.demo.demo import DASHBOARD

from .situations import Situation, Texts
from .steps import expect_no_error, expect_nothing_cut_off
from .user import DESKTOP, PHONE, Scheme, User, log_in

OWNER = "Demo"
SELLER = "Seller"
LOOKS = ((SELLER, PHONE), (SELLER, DESKTOP), (OWNER, PHONE), (OWNER, DESKTOP))
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
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
_SAYS = f"""(texts) => {{
  const said = ({_READ})();
  return texts.every((text) => said.includes(text));
}}"""

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


async def _expect_texts(user: User, where: str, expected: list[str]) -> None:
    """Wait until the page says what it should."""
    try:
        await user.page.wait_for_function(_SAYS, arg=expected, polling=250)
    except PlaywrightTimeoutError:
        said = await user.page.evaluate(_READ)
        missing = [text for text in expected if text not in said]
        raise AssertionError(f"{where}: no {missing} in {said}") from None


async def _expect_good_looks(user: User, where: str, unexpected: list[str]) -> None:
    """Check that the page says nothing that it should not, and looks right."""
    said = await user.page.evaluate(_READ)
    wrong = [text for text in unexpected if text in said]
    assert not wrong, f"{where}: {wrong} in {said}"
    ugly = await user.page.evaluate(_FIND_UGLY)
    assert not ugly, f"{where}: {ugly}"
    await expect_no_error(user)
    await expect_nothing_cut_off(user)
    assert not user.new_errors, f"{where}: {user.new_errors}"


async def _see(user: User, situation: Situation, *, take_pictures: bool) -> None:
    """See the dashboard in a situation, on a page of the owner's and on new ones."""

    def say(texts: tuple[Texts, ...]) -> list[str]:
        return [text for some in texts for text in some[user.language]]

    await situation.prepare(user)
    if situation.picture and take_pictures:
        await user.look(DESKTOP)
        await user.open(f"/{DASHBOARD}")
        await user.take_picture(situation.picture)
    empty = [await user.localize(key) for key in EMPTY]
    for name, size in LOOKS:
        await log_in(user, name)
        await user.look(size)
        await user.open(f"/{DASHBOARD}")
        expected, unexpected = say(situation.expected), say(situation.unexpected)
        mine = expected if name == OWNER else unexpected
        mine += situation.for_owner[user.language]
        where = f"{situation.name}, {name}, {size[0]} pixels"
        await _expect_texts(user, where, expected)
        # Other cards have a while to say what they should not.
        await user.page.wait_for_timeout(1500)
        for scheme in SCHEMES:
            await user.look(size, scheme)
            is_dark = str(scheme == "dark").lower()
            await user.wait_for(
                f"hass.user?.name === '{name}' && !hass.themes.darkMode === !{is_dark}"
            )
            # It may just have been made again.
            await _expect_texts(user, f"{where}, {scheme}", expected)
            await _expect_good_looks(user, f"{where}, {scheme}", unexpected + empty)
    await user.page.unroute_all()
    print(f"{user.language}: See the dashboard: {situation.name}")


async def see_situations(
    user: User, situations: tuple[Situation, ...], *, take_pictures: bool
) -> None:
    """See the dashboard in each situation; `take_pictures` checks those in the docs."""
    # Note the errors of other pages.
    for path in ("/home", "/config/integrations/dashboard"):
        await user.open(path)
        await user.page.wait_for_timeout(1000)
    user.known_errors = set(user.errors)
    await user.call("config/auth/create", name=SELLER, group_ids=["system-users"])
    await log_in(user, SELLER)
    await user.open()
    await user.wait_for("hass.user.is_admin === false")
    await user.choose_language()
    await log_in(user, OWNER)
    await user.open(f"/{DASHBOARD}")
    for situation in situations:
        await _see(user, situation, take_pictures=take_pictures)
