"""The life of one account, with everything that can happen to it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
import json
from random import Random
from time import sleep
from typing import Any
from unittest.mock import patch

from aiohttp import web

from custom_components.cryptocloud.api import CryptoCloudClient
from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.components.homeassistant import SERVICE_UPDATE_ENTITY
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
)
from homeassistant.const import (
    ATTR_ENTITY_ID,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import (
    DOMAIN as HOMEASSISTANT_DOMAIN,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_state_change_event
from tools.sandbox import (
    BAD_KEY,
    GOOD_KEY,
    SECOND_KEY,
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
    Sandbox,
    ShortBody,
    Slow,
    Status,
)
from tools.sandbox.currencies import CURRENCIES
from tools.sandbox.exact import to_json
from tools.sandbox.faults import ANSWER

# Longer than any Retry-After that the integration heeds.
_PATIENCE = 300

_FAULTS: dict[str, Fault] = {
    "reset": Reset(),
    "reset in the body": ResetBody(),
    "body too short": ShortBody(),
    "no answer": Hang(),
    "too slow": Slow(50),
    "late": Delay(20),
    "too late": Delay(40),
    "302": Redirect("http://127.0.0.2/"),
    "400": Status(400),
    "403 with a page": Status(403),
    "404": Status(404),
    "429": Status(429),
    "429 for an hour": Status(429, headers={"Retry-After": "3600"}),
    "429 with rubbish": Status(429, headers={"Retry-After": "soon"}),
    "500": Status(500, {"detail": "Internal error"}),
    "503 for ten minutes": Status(503, headers={"Retry-After": "600"}),
    "empty": Empty(),
    "page": Body("<html>", "text/html"),
    "truncated": Body('{"status": "success", "result": ['),
    "not UTF-8": Body(b"\xff"),
    "too deep": Body("[" * 100_000),
    "error": Body('{"status": "error", "result": {"a": "b"}}'),
    "no rows": Body('{"status": "success", "result": []}'),
}
_COSTLY_FAULTS: dict[str, Fault] = {
    "too long": Huge(9),
    "gzip bomb": GzipBomb(9),
}


# The first, for speed, and those that CryptoCloud lists later by itself.
_CODES = tuple(
    code
    for number, (code, currency) in enumerate(CURRENCIES.items())
    if number < 6 or currency.appears
)
_PARTS = {
    "total_balance": "usd_value",
    "total_available_balance": "available_usd_value",
}


class SoakError(Exception):
    """Sentence that says what is wrong."""


class Scenario:
    """An account in Home Assistant, its merchant, and the network between."""

    def __init__(self, hass: HomeAssistant, sandbox: Sandbox, random: Random) -> None:
        """Initialize the scenario."""
        self._hass = hass
        self._sandbox = sandbox
        self._random = random
        self._entry: ConfigEntry
        self._fault: Fault | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._key = GOOD_KEY
        self.events: Counter[str] = Counter()
        self.causes = 0
        """How often something changed that is worth a line in the log."""
        sandbox.fault = self._answer

    async def set_up(self) -> None:
        """Add the account as a user does, and enable all its sensors."""
        for code in CURRENCIES:
            self._sandbox.merchant.list_currency(code, listed=code in _CODES)
        result = await self._hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_USER},
            data={"api_key": self._key, "only_funded": False, "show_icons": True},
        )
        self._entry = result["result"]
        await self._hass.async_block_till_done()
        registry = er.async_get(self._hass)
        for entity in self._sensors():
            registry.async_update_entity(entity.entity_id, disabled_by=None)
        await self.calm_down()
        async_track_state_change_event(
            self._hass,
            registry.async_get_entity_id(
                Platform.SENSOR, DOMAIN, f"{self._entry.entry_id}_total_balance"
            )
            or [],
            self._state_changed,
        )
        async_dispatcher_connect(
            self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        # What is loaded or cached once is so before anything is measured.
        for fault in (_FAULTS | _COSTLY_FAULTS).values():
            self._fault = fault
            await self._pass()
        self._fault = None
        for action in self._actions:
            await self.calm_down()
            await action()
        await self.calm_down()

    @callback
    def _state_changed(self, event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if (not old or old.state == STATE_UNAVAILABLE) != (
            not new or new.state == STATE_UNAVAILABLE
        ):
            self.causes += 1

    @callback
    def _entry_changed(self, *_: object) -> None:
        self.causes += 1

    @property
    def _actions(self) -> dict[Callable[[], Awaitable[None]], int]:
        """What can happen, and how often compared to the others."""
        return {
            self._pass: 100,
            self._suffer: 50,
            self._suffer_costly: 1,
            self._flicker: 20,
            self._mangle: 20,
            self._refresh: 10,
            self._refuse: 5,
            self._revoke: 3,
            self._give_back: 2,
            self._reload: 3,
            self._reload_in_flight: 2,
            self._disable: 2,
            self._set_options: 2,
        }

    async def go_on(self) -> None:
        """Let one thing happen, and check what is shown then."""
        actions = self._actions
        [action] = self._random.choices([*actions], [*actions.values()])
        self.events[action.__name__.strip("_")] += 1
        await action()
        await self.check()

    async def calm_down(self) -> None:
        """End whatever is going on, and wait until all is shown again."""
        for code in _CODES:
            self._sandbox.merchant.list_currency(code, listed=True)
        for _ in range(_PATIENCE):
            await self._pass()
            if self._is_shown:
                await self._pass()
                await self.check()
                return
        raise SoakError("nothing is shown again a day after the last fault")

    async def check(self) -> None:
        """Check that what is shown is what the merchant holds."""
        try:
            self._check()
        except SoakError:
            # The kernel may still be handing over the answer: the clock waits for it.
            await asyncio.to_thread(sleep, 0.2)
            self._check()

    def _check(self) -> None:
        if self._in_flight:
            return
        rows = {row["currency"]["code"]: row for row in self._sandbox.merchant.rows()}
        shown: dict[str, Decimal] = {}
        for entity in self._sensors():
            state = self._hass.states.get(entity.entity_id)
            if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
                continue
            shown[entity.unique_id.removeprefix(f"{self._entry.entry_id}_")] = Decimal(
                state.state
            )
        for name, value in shown.items():
            code, colon, key = name.rpartition(":")
            if not colon:
                expected = sum((_value(row, key) for row in rows.values()), Decimal())
            elif code in rows:
                expected = _value(rows[code], key)
            else:
                continue
            if value != expected:
                raise SoakError(f"{name} is shown as {value} instead of {expected}")
        self._check_sums(shown)

    def _check_sums(self, shown: dict[str, Decimal]) -> None:
        """Check that what is shown adds up, where all of it is shown."""
        for total, key in _PARTS.items():
            parts = [value for name, value in shown.items() if name.endswith(f":{key}")]
            if total in shown and len(parts) == len(_CODES):
                self.events["sum checked"] += 1
                if shown[total] != sum(parts):
                    raise SoakError(f"{total} is {shown[total]}, not {sum(parts)}")

    @property
    def _is_shown(self) -> bool:
        return self._entry.state is ConfigEntryState.LOADED and all(
            (state := self._hass.states.get(entity.entity_id)) is not None
            and state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
            for entity in self._sensors()
        )

    def _sensors(self) -> list[er.RegistryEntry]:
        registry = er.async_get(self._hass)
        return [
            entity
            for entity in er.async_entries_for_config_entry(
                registry, self._entry.entry_id
            )
            if entity.domain == "sensor"
        ]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the sandbox does, or as the fault of the moment does."""
        self._in_flight += 1
        self._idle.clear()
        try:
            return await (self._fault or request.app[ANSWER])(request)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _pass(self) -> None:
        """Let the time of a poll pass."""
        await asyncio.sleep(UPDATE_INTERVAL.total_seconds())
        await self._idle.wait()
        # What has been answered still has to be read.
        await asyncio.sleep(1)

    async def _suffer(self) -> None:
        name = self._random.choice([*_FAULTS])
        self.events[name] += 1
        self._fault = _FAULTS[name]
        for _ in range(self._random.randint(1, 3)):
            await self._pass()
        self._fault = None

    async def _suffer_costly(self) -> None:
        name = self._random.choice([*_COSTLY_FAULTS])
        self.events[name] += 1
        self._fault = _COSTLY_FAULTS[name]
        await self._pass()
        self._fault = None

    async def _flicker(self) -> None:
        """Have a currency missing for a while."""
        code = self._random.choice(_CODES)
        self._sandbox.merchant.list_currency(code, listed=False)
        await self._pass()
        await self.check()
        self._sandbox.merchant.list_currency(code, listed=True)
        await self._pass()

    async def _mangle(self) -> None:
        """Have an answer with a row that is not as it should be."""

        async def mangled(request: web.Request) -> web.StreamResponse:
            answer = await request.app[ANSWER](request)
            if answer.status != 200 or not isinstance(answer.body, bytes):
                return answer
            content = json.loads(answer.body, parse_float=Decimal)
            rows: list[dict[str, Any]] = content["result"]
            row = self._random.choice(rows)
            match self._random.randrange(5):
                case 0:
                    row["balance_usd"] = None
                case 1:
                    row["available_balance"] = "NaN"
                case 2:
                    row["currency"] = None
                    self.causes += 1
                case 3:
                    rows.append(row)
                case 4:
                    row["currency"]["short_code"] = "X"
            return web.Response(
                body=to_json(content).encode(), content_type="application/json"
            )

        self._fault = mangled
        await self._pass()
        self._fault = None

    async def _refresh(self) -> None:
        """Have a user ask for a refresh."""
        await self._hass.services.async_call(
            HOMEASSISTANT_DOMAIN,
            SERVICE_UPDATE_ENTITY,
            {ATTR_ENTITY_ID: [entity.entity_id for entity in self._sensors()[:3]]},
            blocking=True,
        )
        await self._pass()

    async def _refuse(self) -> None:
        """Have nothing listen where CryptoCloud should be."""
        with patch.object(CryptoCloudClient, "base_url", "http://127.0.0.1:1"):
            await self._pass()

    async def _revoke(self) -> None:
        """Have the key revoked, and a user enter another one."""
        self._sandbox.revoke(self._key)
        await self._pass()
        self._key = SECOND_KEY if self._key == GOOD_KEY else GOOD_KEY
        self._sandbox.restore(self._key)
        manager = self._hass.config_entries.flow
        flows = manager.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )
        if not flows:  # CryptoCloud had asked not to be polled.
            self._entry.async_start_reauth(self._hass)
            await self._hass.async_block_till_done()
            flows = manager.async_progress_by_handler(DOMAIN)
        [flow] = flows
        for key in (BAD_KEY, self._key):
            result = await manager.async_configure(flow["flow_id"], {"api_key": key})
        if result.get("reason") != "reauth_successful":
            raise SoakError(f"a good key was not accepted: {result}")
        await self._pass()

    async def _give_back(self) -> None:
        """Have the key revoked and made valid again, and a user reload."""
        self._sandbox.revoke(self._key)
        await self._pass()
        self._sandbox.restore(self._key)
        await self._reload()

    async def _reload(self) -> None:
        await self._hass.config_entries.async_reload(self._entry.entry_id)
        await self._pass()

    async def _reload_in_flight(self) -> None:
        """Have a user reload while a poll waits for its answer."""
        self._fault = Hang()
        for _ in range(400):
            await asyncio.sleep(1)
            if self._in_flight:
                break
        self._fault = None
        await self._reload()

    async def _disable(self) -> None:
        """Have a user disable the account for a while."""
        await self._hass.config_entries.async_unload(self._entry.entry_id)
        await self._pass()
        await self._hass.config_entries.async_setup(self._entry.entry_id)
        await self._pass()

    async def _set_options(self) -> None:
        """Have a user switch the pictures on or off."""
        manager = self._hass.config_entries.options
        flow = await manager.async_init(self._entry.entry_id)
        await manager.async_configure(
            flow["flow_id"],
            {
                "only_funded": False,
                "show_icons": not self._entry.options["show_icons"],
            },
        )
        await self._pass()


def _value(row: dict[str, Decimal], key: str) -> Decimal:
    """Return what a sensor should show of a row."""
    match key:
        case "balance":
            return row["balance_crypto"]
        case "usd_value" | "total_balance":
            return row["balance_usd"]
        case "available":
            return row["available_balance"]
        case "available_usd_value" | "total_available_balance":
            return row["available_balance_usd"]
        case "on_hold":
            return row["balance_crypto"] - row["available_balance"]
        case "total_on_hold":
            return row["balance_usd"] - row["available_balance_usd"]
    raise SoakError(f"{key} is no sensor that is known here")
