"""Measures the dashboard, and writes the figures: python -m tools.browser.measure."""

import argparse
import asyncio
from decimal import Decimal
from time import monotonic
from typing import Any

from tools import performance
from tools.demo.demo import DASHBOARD, Demo
from tools.performance import make_table
from tools.sandbox import GOOD_KEY
from tools.sandbox.currencies import make_row

from .unit import measure_changes, open_page
from .user import DESKTOP, PHONE, User, open_chromium, open_home_assistant

_ABOUT = """\
Written by `.venv/bin/python -m tools.browser.measure`, in headless Chromium on a real Home
Assistant with an empty past, which runs on the same machine; the longest of three each. The
first view is measured from a page that is not loaded to the last value in the list. A poll
holds the page while that computes without a pause: nine tenths of that time, Home Assistant
reads the changes and, for each, copies the states of the whole home.
""".strip().replace("\n", " ")

# The longest time for which a poll keeps the page from reacting, in milliseconds
_HELD = """async () => {
  const app = document.querySelector("home-assistant");
  const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
  const getTotal = () => app.hass.states["sensor.cryptocloud_total_balance"].state;
  const before = getTotal();
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
  observer.observe({ type: "longtask" });
  await app.hass.callService("homeassistant", "update_entity",
    { entity_id: "sensor.cryptocloud_total_balance" });
  while (getTotal() === before) await wait(100);
  await wait(2000);
  observer.disconnect();
  return Math.round(Math.max(0, ...tasks.map((task) => task.duration)));
}"""
_ADD = """async (key) => {
  const hass = document.querySelector("home-assistant").hass;
  const path = "config/config_entries/flow";
  const { flow_id: flow } = await hass.callApi("POST", path, { handler: "cryptocloud" });
  await hass.callApi("POST", `${path}/${flow}`,
    { api_key: key, only_funded: false, show_icons: true });
}"""
# Whether all currencies have their amounts
_IS_UP = """(count) => {
  const find = (node, out) => {
    for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) {
      if (child.localName === "cryptocloud-amounts") out.push(child);
      find(child, out);
    }
    return out;
  };
  const shown = find(document.body, []).flatMap((card) =>
    [...card.shadowRoot.querySelectorAll(".value")]);
  return shown.length >= count && shown.every((value) => value.textContent);
}"""


def make_rows(count: int, step: int) -> list[dict[str, Any]]:
    """Return currencies that all change with each step."""
    return [
        make_row(
            {
                "id": number,
                "code": f"C{number}",
                "short_code": f"C{number}",
                "name": "Name",
                "stablecoin": False,
                "obj_network": {"code": "NET", "id": 1, "fullname": "Network"},
            },
            Decimal(number + 1) + Decimal(step) / 100,
        )
        for number in range(count)
    ]


async def measure(user: User, count: int) -> list[list[str]]:
    """Return the figures of an account with many currencies, as rows of a table."""
    page = user.page
    user.demo.sandbox.rows = make_rows(count, 0)
    await page.evaluate(_ADD, GOOD_KEY)
    await user.wait_for(
        f"""Object.values(hass.entities).filter(
          (entity) => entity.translation_key === "usd_value").length === {count}"""
    )
    await user.call(
        "lovelace/dashboards/create", title="CryptoCloud", url_path=DASHBOARD
    )
    await user.call(
        "lovelace/config/save",
        config={"strategy": {"type": "custom:cryptocloud"}},
        url_path=DASHBOARD,
    )
    rows = []
    for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
        await user.look(size)
        views = []
        for _ in range(3):
            start = monotonic()
            await page.goto(f"{user.demo.url}/{DASHBOARD}")
            await page.wait_for_function(_IS_UP, arg=count)
            views.append(monotonic() - start)
        held = []
        for step in range(1, 4):
            # The integration updates at most once in ten seconds.
            await page.wait_for_timeout(12_000)
            user.demo.sandbox.rows = make_rows(count, step)
            held.append(await page.evaluate(_HELD))
        what = f"{count} currencies, {name}"
        held_by = f"{what}: a poll that changes all holds the page"
        rows += [
            [f"{what}: first view", "≤ 3 s", f"{max(views):.1f} s"],
            [held_by, "≤ 300 ms", f"{max(held)} ms"],
        ]
    return rows


async def main(count: int) -> None:
    """Measure in a real Home Assistant."""
    async with open_chromium() as context, open_page(context) as page:
        cost = await measure_changes(page)
    change = "one state change in a home with 5,000 others"
    rows = [[change, "≤ 10 µs", f"{cost:.1f} µs"]]
    demo = Demo(account=False, say=lambda _: None, speed=0)
    async with (
        demo.run(),
        open_home_assistant(demo, "en", update_images=False) as user,
    ):
        rows += await measure(user, count)
    table = make_table(["figure", "target", "measured"], rows)
    performance.write(f"## Dashboard\n\n{_ABOUT}\n\n{table}")
    print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--currencies", type=int, default=400)
    asyncio.run(main(parser.parse_args().currencies))
