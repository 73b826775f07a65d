"""Tests that run the blueprints."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from decimal import Decimal
import json
from pathlib import Path
import shutil
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.cryptocloud import sensor
from custom_components.cryptocloud.const import UPDATE_INTERVAL
from homeassistant.components.blueprint.importer import fetch_blueprint_from_github_url
from homeassistant.components.conversation import async_converse
from homeassistant.components.persistent_notification import (
    Notification,
    UpdateType,
    async_register_callback,
)
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, selector
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tools.sandbox import Sandbox

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Poll,
    Row,
    complaints,
    make_entry,
    make_row,
    set_up,
)

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "blueprints" / "automation" / "cryptocloud"
BLUEPRINTS = sorted(path.stem for path in FOLDER.iterdir())
MANIFEST = ROOT / "custom_components" / "cryptocloud" / "manifest.json"
REPOSITORY = json.loads(MANIFEST.read_text())["documentation"]

EVENT = "event.cryptocloud_balance_change"

type Messages = list[tuple[str, str]]
type Run = Callable[..., Any]


@pytest.fixture
async def messages(hass: HomeAssistant) -> Messages:
    """Return the notifications there were, as titles and messages."""
    assert await async_setup_component(hass, "persistent_notification", {})
    messages: Messages = []

    @callback
    def add(update: UpdateType, notifications: dict[str, Notification]) -> None:
        messages.extend(
            (notification["title"] or "", notification["message"])
            for notification in notifications.values()
            if update is UpdateType.ADDED
        )

    async_register_callback(hass, add)
    return messages


@pytest.fixture
async def run(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Run]:
    """Make an automation from a blueprint."""

    async def run(name: str, **inputs: Any) -> None:
        shutil.copytree(FOLDER, tmp_path / "blueprints" / "automation" / "cryptocloud")
        monkeypatch.setattr(hass.config, "config_dir", str(tmp_path))
        blueprint = {"path": f"cryptocloud/{name}.yaml", "input": inputs}
        config = {"automation": {"alias": "Test", "use_blueprint": blueprint}}
        assert await async_setup_component(hass, "homeassistant", {})
        assert await async_setup_component(hass, "automation", config)
        await hass.async_block_till_done()
        state = hass.states.get("automation.test")
        assert state
        assert state.state == "on"

    yield run
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


@pytest.fixture
def rows(sandbox: Sandbox) -> list[Row]:
    """Return the rows of the account's answers."""
    usdt = make_row("USDT_TRC20", Decimal("900.5"), balance_usd=Decimal("891.495"))
    usdt["currency"] |= {"name": "Tether", "stablecoin": True}
    sandbox.rows = [usdt, make_row("BTC", Decimal(2), balance_usd=Decimal(100000))]
    return sandbox.rows


def set_balance(row: Row, balance: str, usd: str) -> None:
    """Change a balance."""
    row["balance_crypto"] = row["available_balance"] = Decimal(balance)
    row["balance_usd"] = row["available_balance_usd"] = Decimal(usd)


@pytest.fixture
def elapse(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> Poll:
    """Let time pass until a poll has been answered, but not for what still waits."""
    now = dt_util.utcnow()

    async def elapse(after: timedelta = UPDATE_INTERVAL) -> None:
        nonlocal now
        now += after + timedelta(seconds=1)
        async_fire_time_changed(hass, now)
        await asyncio.gather(*loaded_entry._background_tasks)
        await settle()

    return elapse


async def settle() -> None:
    """Let everything happen that need not wait.

    Home Assistant's own way would also wait for what the automation waits for.
    """
    for _ in range(100):
        await asyncio.sleep(0)


def is_waiting(hass: HomeAssistant) -> bool:
    """Return whether the automation is in the middle of its actions."""
    state = hass.states.get("automation.test")
    assert state
    return bool(state.attributes["current"])


@pytest.mark.parametrize("name", BLUEPRINTS)
async def test_import(
    hass: HomeAssistant, aioclient_mock: AiohttpClientMocker, name: str
) -> None:
    """Test that Home Assistant imports the blueprint by its address."""
    path = f"blueprints/automation/cryptocloud/{name}.yaml"
    text = (ROOT / path).read_text()
    url = f"{REPOSITORY}/blob/main/{path}"
    aioclient_mock.get(
        url.replace("github.com", "raw.githubusercontent.com").replace("/blob/", "/"),
        text=text,
    )
    imported = await fetch_blueprint_from_github_url(hass, url)
    owner = REPOSITORY.split("/")[-2]
    assert imported.suggested_filename == f"{owner}/{name}"
    blueprint = imported.blueprint
    assert blueprint.metadata["source_url"] == url
    assert blueprint.metadata["homeassistant"] == {"min_version": "2026.6.0"}
    assert blueprint.validate() is None
    for key, field in blueprint.inputs.items():
        assert field["name"], key
        check = selector.selector(field["selector"])
        if "default" in field and "action" not in field["selector"]:
            assert check(field["default"]) == field["default"]


async def test_money_arrived(
    hass: HomeAssistant, rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test one message for each currency that increased."""
    await elapse()
    await run("money_arrived", accounts=[EVENT])
    await elapse()
    assert messages == []
    set_balance(rows[0], "1000", "990")
    await elapse()
    expected = [
        (
            "CryptoCloud",
            (
                "99.5 USDT TRC20 arrived, worth 98.5 USD."
                " The balance is now 1000 USDT TRC20."
            ),
        )
    ]
    assert messages == expected
    # A withdrawal, and a rate
    set_balance(rows[0], "500", "500")
    set_balance(rows[1], "2", "120000")
    await elapse()
    assert messages == expected
    # Two at once, the value of one of which cannot be told
    set_balance(rows[0], "500.00000001", "500")
    rows[1] |= {"balance_crypto": Decimal(3), "balance_usd": None}
    with patch("homeassistant.util.dt.utcnow", return_value=dt_util.utcnow()):
        await elapse()
    expected += [
        (
            "CryptoCloud",
            "1 BTC arrived, worth ? USD. The balance is now 3 BTC.",
        ),
        (
            "CryptoCloud",
            (
                "0.00000001 USDT TRC20 arrived, worth 0 USD."
                " The balance is now 500.00000001 USDT TRC20."
            ),
        ),
    ]
    assert messages == expected


async def test_money_arrived_meanwhile(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that what arrived during an outage is told, and nothing twice."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], message_text="+{amount} $")
    set_balance(rows[0], "901.5", "901.5")
    await elapse()
    sandbox.body = b"no balances"
    set_balance(rows[0], "1000.5", "1000.5")
    await elapse()
    assert messages == [("CryptoCloud", "+1 $")]
    sandbox.body = None
    await elapse()
    expected = [("CryptoCloud", "+1 $"), ("CryptoCloud", "+99 $")]
    assert messages == expected
    # Nothing of this is an event.
    sandbox.body = b"no balances"
    await elapse()
    sandbox.body = None
    await elapse()
    entity_registry.async_update_entity(EVENT, name="Payments")
    await elapse()
    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await elapse()
    assert await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse()
    assert messages == expected


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"minimum_usd": 98.5}, True),
        ({"minimum_usd": 98.51}, False),
        ({"currencies": ["BTC"]}, False),
        ({"currencies": ["BTC", "USDT_TRC20"]}, True),
        ({"currencies": ["usdt trc20 "]}, True),
    ],
)
async def test_money_arrived_filters(
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    inputs: dict[str, Any],
    told: bool,
) -> None:
    """Test the least amount and the currencies."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], **inputs)
    set_balance(rows[0], "1000", "990")
    await elapse()
    assert bool(messages) is told


async def test_money_arrived_in_own_words(
    hass: HomeAssistant, rows: list[Row], run: Run, messages: Messages, elapse: Poll
) -> None:
    """Test all placeholders, another action, and a run by hand."""
    texts = {
        "title_text": "{account}: {network}",
        "message_text": "+{amount} {currency_name} ({amount_usd} $) = {balance} {rest}",
    }
    calls = async_mock_service(hass, "notify", "phone")
    action = {
        "action": "notify.phone",
        "data": {"title": "{{ title }}", "message": "{{ message }}"},
    }
    await elapse()
    await run("money_arrived", accounts=[EVENT], notify=[action], **texts)
    set_balance(rows[0], "1000", "990")
    await elapse()
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.test"}, blocking=True
    )
    assert [call.data for call in calls] == 2 * [
        {
            "title": "CryptoCloud: Network",
            "message": "+99.5 Tether (98.5 $) = 1000 {rest}",
        }
    ]
    assert messages == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{amount}", "0.00000001\u200b"),
        ("+{amount}", "+0.00000001\u200b"),
        ("{balance}", "900.50000001\u200b"),
        ("{amount}, {amount}", "0.00000001, 0.00000001"),
        ("[{amount}]", "[0.00000001]"),
        ("{amount} {currency}", "0.00000001 USDT TRC20"),
    ],
)
async def test_money_arrived_in_digits(
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    text: str,
    told: str,
) -> None:
    """Test that no digit or sign is lost, whatever else the text has."""
    await elapse()
    await run("money_arrived", accounts=[EVENT], title_text=text, message_text=text)
    set_balance(rows[0], "900.50000001", "891.495")
    await elapse()
    assert messages == [(told, told)]


@pytest.mark.parametrize(("balance", "reminders"), [("1600", 2), ("10", 0)])
async def test_withdraw_reminder_starts_over(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    messages: Messages,
    elapse: Poll,
    balance: str,
    reminders: int,
) -> None:
    """Test a limit not held for long enough, held over an outage, and repeated."""
    set_balance(rows[0], "2000", "2000")
    await elapse()
    await run(
        "withdraw_reminder",
        sensor="sensor.cryptocloud_usdt_trc20",
        limit=1500,
        duration={"hours": 10},
        again=True,
        title_text="{name}",
        message_text="{balance} > {limit}",
    )
    await elapse()
    assert is_waiting(hass)
    set_balance(rows[0], "1500", "1500")
    await elapse()
    assert not is_waiting(hass)
    set_balance(rows[0], "1600", "1600")
    await elapse(timedelta(hours=4))
    await elapse(timedelta(hours=4))
    assert is_waiting(hass)
    sandbox.body = b"no balances"
    await elapse()
    await elapse(timedelta(hours=10))
    assert messages == []
    sandbox.body = None
    set_balance(rows[0], balance, balance)
    await elapse()
    await elapse(timedelta(hours=10))
    reminder = ("CryptoCloud USDT TRC20", "1600.00 USDT > 1500")
    assert messages == [reminder] * reminders


GONE = (
    "CryptoCloud",
    (
        "No balances received from CryptoCloud for a while. If CryptoCloud no longer"
        " accepts the API key, Home Assistant asks for a new one under Settings >"
        " Devices & services. Otherwise it keeps trying."
    ),
)
BACK = ("CryptoCloud", "Balances of CryptoCloud are available again.")


@pytest.mark.parametrize("tell_back", [True, False])
async def test_account_unreachable(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    tell_back: bool,
) -> None:
    """Test one warning for an outage, and word of its end."""
    await run(
        "account_unreachable",
        account=EVENT,
        duration={"hours": 2},
        tell_back=tell_back,
    )
    await elapse()
    # A short outage
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    assert is_waiting(hass)
    sandbox.body = None
    await elapse()
    assert not is_waiting(hass)
    # A long one
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    await elapse(timedelta(hours=1))
    assert is_waiting(hass)
    assert messages == []
    await elapse(timedelta(hours=1))
    assert messages == [GONE]
    await elapse(timedelta(hours=12))
    assert messages == [GONE]
    sandbox.body = None
    await elapse()
    assert messages == ([GONE, BACK] if tell_back else [GONE])
    assert not is_waiting(hass)


async def test_account_unreachable_from_the_start(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test an account that could not even be set up, and one that was deleted."""
    sandbox.revoke(API_KEY)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    assert loaded_entry.state is ConfigEntryState.SETUP_ERROR
    await run("account_unreachable", account=EVENT, duration={"minutes": 10})
    await elapse()
    await elapse(timedelta(minutes=10))
    assert messages == [GONE]
    await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse(timedelta(hours=1))
    assert messages == [GONE]


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_account_unreachable_given_up(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    how: str,
    told: bool,
) -> None:
    """Test no word of an account that was disabled or deleted during an outage."""
    await run("account_unreachable", account=EVENT, duration={"hours": 2})
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    assert is_waiting(hass)
    if told:
        await elapse(timedelta(hours=2))
    caplog.clear()
    if how == "disable":
        assert await hass.config_entries.async_set_disabled_by(
            loaded_entry.entry_id, ConfigEntryDisabler.USER
        )
    else:
        await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse(timedelta(hours=2))
    await elapse()
    assert is_waiting(hass) is (told and hass.states.get(EVENT) is not None)
    assert messages == [GONE] * told
    assert complaints(caplog) == []


@pytest.mark.parametrize("limit", [100, 1000])
async def test_withdraw_reminder_of_a_deleted_sensor(
    hass: HomeAssistant,
    run: Run,
    messages: Messages,
    elapse: Poll,
    caplog: pytest.LogCaptureFixture,
    entity_registry: er.EntityRegistry,
    rows: list[Row],
    limit: float,
) -> None:
    """Test that nothing is logged about a sensor that is gone."""
    entity_id = "sensor.cryptocloud_usdt_trc20"
    await elapse()
    await run("withdraw_reminder", sensor=entity_id, limit=limit)
    await elapse()
    assert is_waiting(hass) is (limit == 100)
    entity_registry.async_remove(entity_id)
    await elapse()
    assert hass.states.get(entity_id) is None
    caplog.clear()
    for _ in range(3):
        await elapse(timedelta(days=1))
    assert messages == []
    assert complaints(caplog) == []


@pytest.fixture
async def other_entry(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> MockConfigEntry:
    """Return another account, named like the integration."""
    entry = make_entry(OTHER_API_KEY, title="cryptocloud")
    assert await set_up(hass, entry)
    return entry


async def record_yesterday(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> datetime:
    """Let balances change yesterday, and return when today began."""
    assert await async_setup_component(hass, "sensor", {})
    today = dt_util.start_of_local_day()
    noon = dt_util.as_utc(today - timedelta(hours=12))
    freezer.move_to(noon + timedelta(minutes=56))
    for usdt, btc in (("100", "100"), ("199.50000001", "99.9")):
        sandbox.rows = [
            make_row("USDT_TRC20", Decimal(usdt)),
            make_row("BTC", Decimal(btc)),
            make_row("TON", Decimal(5)),
        ]
        await entry.runtime_data.async_refresh()
        await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=noon + timedelta(minutes=55))
    await async_wait_recording_done(hass)
    return today


async def move_to(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: datetime
) -> None:
    """Turn the clock, which stands still otherwise."""
    await settle()
    freezer.move_to(time)
    async_fire_time_changed(hass)
    await settle()


@pytest.mark.parametrize(
    ("inputs", "title", "message"),
    [
        (
            {},
            "CryptoCloud on {date}",
            "CryptoCloud BTC: -0.1 BTC\nCryptoCloud USDT TRC20: +99.50000001 USDT",
        ),
        (
            {
                "sensors": ["sensor.cryptocloud_btc"],
                "title_text": "Summary",
                "line_text": "{change} ({name})",
            },
            "Summary",
            "-0.1 BTC (CryptoCloud BTC)",
        ),
        (
            {
                "sensors": ["sensor.cryptocloud_ton", "sensor.none"],
                "nothing_text": "Quiet {date}",
            },
            "CryptoCloud on {date}",
            "Quiet {date}",
        ),
        ({"sensors": ["sensor.cryptocloud_ton"], "silent": True}, None, None),
    ],
    ids=["all", "one", "nothing", "silent"],
)
async def test_daily_summary(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    inputs: dict[str, Any],
    title: str | None,
    message: str,
) -> None:
    """Test what each currency received yesterday, as the recorder knows it."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary", **inputs)
    # During an outage the summary waits.
    sandbox.body = b"no balances"
    await loaded_entry.runtime_data.async_refresh()
    await move_to(hass, freezer, today + timedelta(hours=9, seconds=1))
    assert is_waiting(hass) or "sensors" in inputs
    for minute in range(2):
        await move_to(hass, freezer, today + timedelta(hours=20, minutes=minute))
        assert is_waiting(hass) or "sensors" in inputs
    sandbox.body = None
    await loaded_entry.runtime_data.async_refresh()
    await move_to(hass, freezer, today + timedelta(hours=20, minutes=2))
    await hass.async_block_till_done()
    expected = [(title, message)] if title else []
    date = (today - timedelta(days=1)).date()
    assert messages == [
        tuple(text.format(date=date) for text in texts) for texts in expected
    ]


CHANGES = "CryptoCloud BTC: -0.1 BTC\nCryptoCloud USDT TRC20: +99.50000001 USDT"


async def test_daily_summary_after_a_start_during_an_outage(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Test that the summary waits for an account that is not set up yet."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary")
    sandbox.body = b"no balances"
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    assert loaded_entry.state is ConfigEntryState.SETUP_RETRY
    await move_to(hass, freezer, today + timedelta(hours=9, seconds=1))
    assert is_waiting(hass)

    async def set_up_late(*args: Any) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        await original(*args)

    original = sensor.async_setup_entry
    monkeypatch.setattr(sensor, "async_setup_entry", set_up_late)
    sandbox.body = None
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    await move_to(hass, freezer, today + timedelta(hours=9, minutes=1))
    await hass.async_block_till_done()
    assert [message for _, message in messages] == [CHANGES]


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "disabled"])
async def test_daily_summary_without_another_account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    loaded_entry: MockConfigEntry,
    other_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    refused: bool,
) -> None:
    """Test that an account that stays away does not keep back the others."""
    today = await record_yesterday(hass, sandbox, loaded_entry, freezer)
    await run("daily_summary")
    if refused:
        sandbox.revoke(OTHER_API_KEY)
        await other_entry.runtime_data.async_refresh()
    else:
        assert await hass.config_entries.async_set_disabled_by(
            other_entry.entry_id, ConfigEntryDisabler.USER
        )
    nine = today + timedelta(hours=9, seconds=1)
    await move_to(hass, freezer, nine)
    await move_to(hass, freezer, nine + timedelta(minutes=14))
    if refused:
        assert is_waiting(hass)
        await move_to(hass, freezer, nine + timedelta(minutes=16))
        await move_to(hass, freezer, nine + timedelta(minutes=17))
    await hass.async_block_till_done()
    assert [message for _, message in messages] == [CHANGES]


@pytest.mark.parametrize("inputs", [{}, {"unknown_answer": "No idea"}])
async def test_ask_assist(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    elapse: Poll,
    inputs: dict[str, Any],
) -> None:
    """Test questions in one's own words."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await elapse()
    await run(
        "ask_assist",
        sensor="sensor.cryptocloud_usdt_trc20",
        questions=["how much USDT TRC20 [do (I|we) have]", "сколько USDT TRC20"],
        answer="We have {balance}",
        **inputs,
    )
    for language, question in (
        ("en", "How much USDT TRC20?"),
        ("en", "how much usdt trc20 do we have"),
        ("ru", "Сколько USDT TRC20?"),
    ):
        result = await async_converse(hass, question, None, Context(), language)
        assert result.response.speech["plain"]["speech"] == "We have 900.50 USDT"
    rows[0]["balance_crypto"] = None
    for body in (b"no balances", None):
        sandbox.body = body
        await elapse()
        result = await async_converse(hass, question, None, Context(), language)
        assert result.response.speech["plain"]["speech"] == inputs.get(
            "unknown_answer", "The balance is currently unknown."
        )
