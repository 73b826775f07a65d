"""The life of one account, with everything that can happen to it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random
from time import sleep
from typing import Any

from aiohttp import web

from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntry,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_component import async_update_entity
from homeassistant.helpers.event import async_track_state_change_event
from tests.faults import REFUSALS, TABLE, Expected
from tests.oracle import Account, read_rows
from tools.sandbox import BAD_KEY, CASES, GOOD_KEY, SECOND_KEY, Fault, Hang, Sandbox
from tools.sandbox.currencies import CURRENCIES
from tools.sandbox.faults import ANSWER, Refuse

from .books import Books

# Polls that take longer than any Retry-After that the integration heeds.
_PATIENCE = 300
_TOTAL = "sensor.cryptocloud_total_balance"

_FAULTS = {
    f"{group}/{name}": fault
    for group, cases in CASES.items()
    for name, fault in cases.items()
}
# The first, for speed, and those that CryptoCloud lists later.
_CODES = {
    code
    for number, (code, currency) in enumerate(CURRENCIES.items())
    if number < 6 or currency.appears
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
        self._fault: Fault = _answer
        self._rows: list[Any] = []
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._key = GOOD_KEY
        self._latest = "set-up"
        self._books: Books | None = None
        self.events: Counter[str] = Counter()
        self.causes = 0
        """How often something changed that is worth a line in the log."""
        sandbox.fault = self._respond

    async def set_up(self) -> None:
        """Add the account as a user does, and let everything happen once."""
        for code in CURRENCIES:
            self._sandbox.merchant.list_currency(code, listed=code in _CODES)
        # Nothing moves it: with a new key, an account in which all has changed is another.
        self._sandbox.merchant.payment("USDT_ERC20", Decimal(1))
        result = await self._hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_USER},
            data={"api_key": self._key, "only_funded": False, "show_icons": True},
        )
        self._entry = result["result"]
        await self.calm_down()
        self._books = Books(self._hass)
        self._books.read_rates(self._rows)
        async_track_state_change_event(self._hass, _TOTAL, self._state_changed)
        async_dispatcher_connect(
            self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        # What is loaded or cached once is so before anything is measured.
        for name in _FAULTS:
            await self._suffer(name)
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
            self._suffer: 80,
            self._flicker: 20,
            self._refresh: 10,
            self._revoke: 5,
            self._reload: 3,
            self._reload_in_flight: 2,
            self._restart: 3,
            self._disable: 2,
            self._set_options: 2,
        }

    async def go_on(self) -> None:
        """Let one thing happen, and check what is shown then."""
        actions = self._actions
        [action] = self._random.choices([*actions], [*actions.values()])
        self._latest = action.__name__.strip("_")
        self.events[self._latest] += 1
        await action()
        await self.check()

    async def calm_down(self) -> None:
        """Wait until all is shown again."""
        for _ in range(_PATIENCE):
            await self._pass()
            if Account(self._hass, self._entry).codes == _CODES:
                await self._pass()
                await self.check(is_shown=True)
                if self._books:
                    self._books.check()
                    self.events["books checked"] += 1
                return
        raise SoakError("nothing is shown again a day after the last fault")

    async def check(self, *, is_shown: bool | None = None) -> None:
        """Check that what is shown is what was answered, as the oracle says."""
        try:
            self._check(is_shown)
        except AssertionError:
            # The kernel may still be handing over the answer: the clock waits for it.
            await asyncio.to_thread(sleep, 0.2)
            try:
                self._check(is_shown)
            except AssertionError as err:
                err.add_note(f"after {self._latest}")
                raise

    def _check(self, is_shown: bool | None) -> None:
        if self._in_flight:
            return
        account = Account(self._hass, self._entry)
        if is_shown not in (None, account.is_shown):
            raise AssertionError(account.states)
        if account.is_shown:
            self.events["sums checked"] += 1
            account.check(self._rows)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """Answer as the sandbox does, or as the current fault does."""
        self._in_flight += 1
        self._idle.clear()
        try:
            response = await self._fault(request)
            if response.status == 200 and isinstance(response, web.Response):
                body = response.body if isinstance(response.body, bytes) else b""
                encoding = response.headers.get("Content-Encoding", "")
                self._rows = read_rows(body, encoding) or []
                if self._books:
                    self._books.read_rates(self._rows)
            return response
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

    async def _suffer(self, name: str | None = None) -> None:
        """Have a fault for a while, which leads to what the fault table says."""
        self._latest = name or self._random.choice([*_FAULTS])
        expected = TABLE[self._latest]
        if isinstance(fault := _FAULTS[self._latest], Refuse):
            await self._sandbox.strike(fault)
        else:
            self._fault = fault
        for _ in range(self._random.randint(1, 3)):
            await self._pass()
            await self.check(is_shown=False if expected.error else None)
        self.causes += expected.unidentified
        if expected.name != Expected.name:
            self.causes += 5  # The other currency gets its sensors.
        await self._sandbox.strike(self._respond)
        self._fault = _answer
        if expected.error in REFUSALS:
            # The user enters the key again, or sees that it is good.
            await self._random.choice((self._enter_key, self._reload))()

    async def _flicker(self) -> None:
        """Have a currency missing for a while."""
        code = self._random.choice(sorted(_CODES))
        self._sandbox.merchant.list_currency(code, listed=False)
        await self._pass()
        await self.check()
        self._sandbox.merchant.list_currency(code, listed=True)
        await self._pass()

    async def _refresh(self) -> None:
        """Have a user ask for a refresh."""
        await async_update_entity(self._hass, _TOTAL)
        await self._pass()

    async def _revoke(self) -> None:
        """Have the key revoked, and a user enter another one."""
        self._sandbox.revoke(self._key)
        await self._pass()
        self._key = SECOND_KEY if self._key == GOOD_KEY else GOOD_KEY
        self._sandbox.restore(self._key)
        await self._enter_key()

    async def _enter_key(self) -> None:
        """Have a user enter the key, the second time the right one."""
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
        self._fault = _answer
        await self._reload()

    async def _restart(self) -> None:
        """Have the integration forget all but its files, while payments go on."""
        self._hass.data.pop("cryptocloud_ledgers")
        await self._disable()

    async def _disable(self) -> None:
        """Have a user disable the account for a while."""
        await self._hass.config_entries.async_unload(self._entry.entry_id)
        await self._pass()
        await self._hass.config_entries.async_setup(self._entry.entry_id)
        await self._pass()

    async def _set_options(self) -> None:
        """Have a user turn the pictures on or off."""
        manager = self._hass.config_entries.options
        flow = await manager.async_init(self._entry.entry_id)
        await manager.async_configure(
            flow["flow_id"],
            {"only_funded": False, "show_icons": not self._entry.options["show_icons"]},
        )
        await self._pass()


async def _answer(request: web.Request) -> web.StreamResponse:
    return await request.app[ANSWER](request)
