"""What the tests have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import web
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.const import DOMAIN, EVENT_BALANCE_CHANGE
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.data_entry_flow import FlowResultType
from tools import sandbox
from tools.sandbox import Fault, Sandbox, Status
from tools.sandbox.faults import ANSWER

API_KEY = "header.payload.signature-of-a-test"
OTHER_API_KEY = "header.payload.signature-of-another-test"
ON = {"only_funded": False, "show_icons": True, "instant_updates": True}

type Messages = list[tuple[str, str]]
type Row = dict[str, Any]
type Poll = Callable[..., Awaitable[None]]


def load_json(name: str) -> Any:
    """Return a fixture, with exact numbers."""
    path = Path(__file__).parent / "fixtures" / f"{name}.json"
    return json.loads(path.read_text(), parse_float=Decimal)


def load_rows(name: str) -> list[Row]:
    """Return the rows of a sample answer."""
    rows: list[Row] = load_json(name)["result"]
    return rows


def make_row(code: Any, amount: Any = Decimal(1), **amounts: Any) -> Row:
    """Return a row of an answer whose amounts are all the same but for those named."""
    currency = {
        "id": 1,
        "code": code,
        "short_code": code.partition("_")[0] if isinstance(code, str) else code,
        "name": "Name",
        "stablecoin": False,
        "obj_network": {"code": "NET", "id": 1, "fullname": "Network"},
    }
    return sandbox.make_row(currency, amount, **amounts)


def make_entry(
    api_key: str = API_KEY,
    *,
    entry_id: str | None = None,
    title: str = "CryptoCloud",
    only_funded: bool = False,
    show_icons: bool = True,
) -> MockConfigEntry:
    """Return an entry as the config flow makes it."""
    return MockConfigEntry(
        domain=DOMAIN,
        entry_id=entry_id,
        title=title,
        data={"api_key": api_key},
        options={"only_funded": only_funded, "show_icons": show_icons},
        minor_version=2,
    )


def get_state(hass: HomeAssistant, name: str) -> State:
    """Return the state of an account's sensor."""
    state = hass.states.get(f"sensor.cryptocloud_{name}")
    assert state, f"no state of {name} among {sorted(hass.states.async_entity_ids())}"
    return state


def get_value(hass: HomeAssistant, name: str) -> str:
    """Return the value of an account's sensor."""
    return get_state(hass, name).state


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what the integration logged."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.cryptocloud")
        and record.levelno == level
    ]


def hold(until: Callable[[], Awaitable[object]]) -> Fault:
    """Return a fault that holds back the right answer until something happens."""

    async def fault(request: web.Request) -> web.StreamResponse:
        await until()
        return await request.app[ANSWER](request)

    return fault


def complaints(
    caplog: pytest.LogCaptureFixture, level: int = logging.WARNING
) -> list[str]:
    """Return what anyone logged at a level or above."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level
        # They warn of custom integrations, a missing package and a busy machine.
        and record.name not in {"homeassistant.loader", "aiohttp_fast_zlib", "asyncio"}
    ]


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what anyone logged with a traceback."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.exc_info and record.levelno > logging.DEBUG
    ]


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> bool:
    """Set up an account, which is added if it is new; return whether it worked."""
    if not hass.config_entries.async_get_entry(entry.entry_id):
        entry.add_to_hass(hass)
    is_loaded = await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return is_loaded


async def reload(hass: HomeAssistant, entry: MockConfigEntry) -> bool:
    """Reload an account; return whether it worked."""
    is_loaded = await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    return is_loaded


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, **options: bool
) -> ConfigFlowResult:
    """Fill in the form of an account's options."""
    result = await hass.config_entries.options.async_init(entry.entry_id)
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], options
    )
    await hass.async_block_till_done()
    return result


async def open_address(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    """Return the step that shows the address."""
    result = await set_options(hass, entry, **ON)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "instant_updates"
    return result


def read(result: ConfigFlowResult, name: str) -> str:
    """Return what a step says."""
    placeholders = result["description_placeholders"]
    assert placeholders
    return str(placeholders[name])


async def turn_on(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Turn instant updates on, and return the address."""
    result = await open_address(hass, entry)
    url = read(result, "webhook_url")
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)
    return url


async def start_flow(
    hass: HomeAssistant, entry: MockConfigEntry | None, source: str
) -> ConfigFlowResult:
    """Start a flow and return its form."""
    if source == "user":
        result = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_USER}
        )
    elif source == "reauth":
        assert entry
        result = await entry.start_reauth_flow(hass)
    else:
        assert entry
        result = await entry.start_reconfigure_flow(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {}
    return result


async def submit(
    hass: HomeAssistant, result: ConfigFlowResult, **user_input: Any
) -> ConfigFlowResult:
    """Fill in the form of a flow."""
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], user_input
    )
    await hass.async_block_till_done()
    return result


def suggested_values(result: ConfigFlowResult) -> dict[str, Any]:
    """Return what a form is filled with."""
    schema = result["data_schema"]
    assert schema
    return {
        str(key): key.description["suggested_value"]
        for key in schema.schema
        if key.description and "suggested_value" in key.description
    }


@dataclass
class Shop:
    """A shop's account: what CryptoCloud answers, and what Home Assistant reports."""

    hass: HomeAssistant
    sandbox: Sandbox
    entry: MockConfigEntry
    storage: dict[str, Any]
    poll_again: Poll

    def __post_init__(self) -> None:
        """Listen to reports: the type, currency, amount and value of each change."""
        self.reports: list[tuple[str, str, str, str | None]] = []
        self.hass.bus.async_listen(EVENT_BALANCE_CHANGE, self._note)

    @callback
    def _note(self, event: Event) -> None:
        """Note a report."""
        data = event.data
        self.reports.append(
            (data["event_type"], data["currency"], data["amount"], data["amount_usd"])
        )

    @property
    def rows(self) -> list[Row]:
        """Return the rows that CryptoCloud answers with."""
        assert self.sandbox.rows
        return self.sandbox.rows

    def set(self, *rows: Row, **balances: Any) -> None:
        """Let CryptoCloud answer with rows, and with balances worth 1 USD a unit."""
        self.sandbox.rows = [
            *rows,
            *(make_row(code, balance) for code, balance in balances.items()),
        ]

    async def set_up(self, *rows: Row, **balances: Any) -> None:
        """Set up the account while it holds this."""
        self.set(*rows, **balances)
        assert await set_up(self.hass, self.entry)

    async def poll(self, *rows: Row, **balances: Any) -> None:
        """Let Home Assistant poll the same balances as before, or these."""
        if rows or balances:
            self.set(*rows, **balances)
        await self.poll_again()

    async def fail(self, *rows: Row, **balances: Any) -> None:
        """Let a poll fail."""
        self.sandbox.fault = Status(503)
        await self.poll(*rows, **balances)
        self.sandbox.fault = None

    async def unload(self) -> None:
        """Unload the account."""
        await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def reload(self, *rows: Row, **balances: Any) -> None:
        """Reload the account."""
        if rows or balances:
            self.set(*rows, **balances)
        await reload(self.hass, self.entry)
