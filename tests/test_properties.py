"""Tests of what holds whatever CryptoCloud answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
import gzip
import json
import logging
import re
from typing import Any

from aiohttp import web
from hypothesis import example, given, strategies as st
from hypothesis.strategies import SearchStrategy
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.api import CryptoCloudClient, CryptoCloudError
from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from custom_components.cryptocloud.coordinator import MAX_RETRY_AFTER
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from tools.sandbox import Sandbox

from .common import API_KEY, Poll, make_row, set_up

AMOUNTS = {
    "balance": "balance_crypto",
    "usd_value": "balance_usd",
    "available": "available_balance",
    "available_usd_value": "available_balance_usd",
}
TOTALS = {
    "total_balance": "balance_usd",
    "total_available_balance": "available_balance_usd",
}
# What must be understood, and no more than that.
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
PLAIN_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
MAX_DIGITS = 78

EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True)
class Answer:
    """An answer of a server that may be anybody's."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_good: bool = False
    """Whether it must be understood."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer over HTTP."""
        headers = {"Content-Type": "application/json"} | self.headers
        return web.Response(body=self.body, status=self.status, headers=headers)


@dataclass(frozen=True)
class RawAnswer:
    """Bytes in the place of an answer over HTTP."""

    raw: bytes
    is_good: bool = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Send the bytes and hang up."""
        assert request.transport
        request.transport.write(self.raw)
        request.transport.close()
        return web.Response()


def joined(brackets: str, items: Iterable[str]) -> str:
    """Return an array or an object of items that are JSON already."""
    return brackets[0] + ",".join(items) + brackets[1]


def as_object(pairs: Iterable[tuple[str, str]]) -> str:
    """Return an object; a key may be in it twice."""
    return joined("{}", (f"{json.dumps(key)}:{value}" for key, value in pairs))


# Everything is built as JSON text, so that numbers can be written in any way.
any_text = (
    st.text(max_size=8)
    | st.sampled_from(
        [
            "None",
            "null",
            "\x00",
            "\ud800",
            "\u202etxt.exe",
            "<b>x</b>",
            "{{ 1 }}",
            "'\"\\",
            "🪙",
            "https://example.com/a b.svg",
            "https://[",
            "javascript:alert()",
            "data:image/png;base64,",
            "https://xn--/%zz",
            "10.0",
            "1e5",
            "-0",
            "٣",
            "1_000",
        ]
    )
    | st.sampled_from([100, 101, 2000, 5000]).map("x".__mul__)
)
sane_numbers = st.builds(
    lambda amount, form: form(amount),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent, EXACT),
        st.integers(-(10**38), 10**38) | st.integers(-1000, 1000),
        st.integers(-38, 0) | st.sampled_from([-2, 0, 20]),
    ),
    st.sampled_from([lambda a: f"{a:f}", lambda a: f"{a:.50e}", lambda a: f'"{a:f}"']),
)
odd_numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,90})(\.[0-9]{1,90})?([eE][-+]?[0-9]{1,20})?", fullmatch=True
) | st.sampled_from(
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "-0",
        "-0.0",
        "0e999999",
        "1e999999",
        "1e-999999",
        "1e" + "9" * 20,
        "1e77",
        "1e78",
        "1e-77",
        "1e-78",
        "true",
        "null",
    ]
)
long_numbers = st.builds(
    lambda form, length: form(length),
    st.sampled_from([lambda n: "9" * n, lambda n: f"0.{'0' * (n - 2)}1"]),
    st.sampled_from([77, 78, 79, 999, 1000, 1001, 5000]),
)
any_json = st.recursive(
    odd_numbers | long_numbers | any_text.map(json.dumps),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: joined("[]", items)),
        st.lists(st.tuples(any_text, inner), max_size=3).map(as_object),
    ),
    max_leaves=6,
)
amounts = st.one_of(
    sane_numbers, sane_numbers, sane_numbers, odd_numbers, long_numbers, any_json
)
codes = st.one_of(
    st.sampled_from(["BTC", "ETH", "USDT_TRC20", "USDT_TON"]),
    st.sampled_from(["BTC", "BTC ", " BTC", "a:b", ":", "total_balance", "None", ""]),
    any_text,
).map(json.dumps)


def objects(sane: dict[str, SearchStrategy[str]]) -> SearchStrategy[str]:
    """Return objects with keys in any order, some missing, twice or with anything."""
    pair = st.sampled_from([*sane]).flatmap(
        lambda key: st.tuples(st.just(key), any_json)
    )
    whole = st.tuples(*(st.tuples(st.just(key), sane[key]) for key in sane))
    return st.one_of(
        whole.map(as_object),
        whole.map(as_object),
        st.builds(
            lambda pairs, more, dropped: as_object(
                [*pairs[:dropped], *pairs[dropped + 1 :], *more]
            ),
            whole,
            st.lists(pair | st.tuples(any_text, any_json), max_size=2),
            st.integers(0, len(sane)),
        ),
    )


texts = any_text.map(json.dumps)
networks = objects({"code": texts, "fullname": texts})
currencies = objects(
    {
        "code": codes,
        "short_code": st.sampled_from(['"BTC"', '"BTC"', '"XBT"']) | texts,
        "name": texts,
        "stablecoin": st.sampled_from(["true", "false"]),
        "icon_base": texts,
        "obj_network": networks,
    }
)
rows = objects({"currency": currencies} | dict.fromkeys(AMOUNTS.values(), amounts))
# Few of a kind, so that they meet: in one answer, and in one after another.
similar_rows = st.builds(
    '{{"currency":{{"code":"{}","short_code":"{}"}},"balance_crypto":{},"balance_usd":{},'
    '"available_balance":1,"available_balance_usd":{}}}'.format,
    st.sampled_from(["BTC", "ETH"]),
    st.sampled_from(["BTC", "XBT"]),
    *[st.sampled_from(["1", "1.0", "2", "null"])] * 3,
)
result = st.lists(similar_rows, max_size=3).map(
    lambda items: joined("[]", items)
) | st.lists(st.one_of(rows, rows, rows, rows, any_json), max_size=5).map(
    lambda items: joined("[]", items)
)
good_bodies = result.map(lambda rows: f'{{"status":"success","result":{rows}}}')
nested = st.builds(
    lambda depth, brackets: brackets[0] * depth + brackets[1] * depth,
    st.sampled_from([10, 1000, 100_000]),
    st.sampled_from(["[]", ('{"a":[', "]}")]),
)
any_bodies = st.one_of(
    objects({"status": st.sampled_from(['"success"', '"error"']), "result": result}),
    objects({"detail": any_json}),
    objects(
        {"status": st.just('"error"'), "result": objects({"authorization": texts})}
    ),
    nested.map(lambda deep: f'{{"status":"success","result":[{{"currency":{deep}}}]}}'),
    any_json,
    nested,
).map(str.encode)
documented = json.dumps(
    {
        "status": "success",
        "result": [make_row("BTC", 1.5), make_row("ETH", 20), make_row(None, 0.25)],
    }
).encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a good body of which some bytes are others."""
    body = bytearray(draw(good_bodies.map(str.encode) | st.just(documented)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        length = draw(st.sampled_from([0, 1, 1, 2, 50]))
        body[start : start + length] = draw(
            st.binary(max_size=3)
            | st.sampled_from([b"9", b'"', b"]", b"e9", b"\\ud800"])
        )
    return bytes(body)


header_text = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]
    ),
    max_size=30,
)
dates = st.builds(
    "{}{} {} {} {:02}:{:02}:{:02} {}".format,
    st.sampled_from(["Sun, ", "", "Sunday, "]),
    st.integers(0, 40),
    st.sampled_from(["Nov", "Feb", "Xyz", "12"]),
    st.sampled_from([0, 1, 69, 1994, 2099, 9999, 10000, 10**30]),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["GMT", "-0000", "+2359", "-2359", "+9999", "+" + "9" * 30, ""]),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": st.one_of(header_text, st.integers(-10, 10**30).map(str), dates),
        "Content-Encoding": header_text
        | st.sampled_from(["gzip", "GZIP", "identity", "br", "deflate", "zstd", ""]),
        "Content-Type": header_text,
        "Location": header_text,
        "Set-Cookie": header_text,
        "X-Any": header_text,
    },
)
statuses = st.sampled_from(
    [200, 200, 200, 200, 400, 401, 403, 404, 429, 503]
) | st.integers(200, 599)
raw_answers = st.builds(
    lambda line, fields, body: RawAnswer(line + fields + b"\r\n" + body),
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/1.1 999 \xff\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
            b"HTTP/9.9 -1 OK\r\n",
            b"",
        ]
    ),
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    b"Content-Length: 5",
                    b"Content-Length: -1",
                    b"Content-Length: " + b"9" * 30,
                    b"Transfer-Encoding: chunked",
                    b"Content-Encoding: gzip",
                    b"Content-Type: \xff",
                    b"Set-Cookie: a=\xff; expires=never; max-age=" + b"9" * 30,
                    b"Retry-After: \xff",
                    b"Connection: upgrade\r\nUpgrade: websocket",
                ]
            ),
            st.binary(max_size=20),
            st.integers(8000, 9000).map(lambda length: b"X:" + b"x" * length),
        ),
        max_size=3,
    ).map(lambda lines: b"".join(line + b"\r\n" for line in lines)),
    st.one_of(
        st.just(documented),
        st.just(b"5\r\n[1,2,\r\n0\r\n\r\n"),
        st.just(b"FFFFFFFFFFFFFFFFFF\r\n"),
        st.binary(max_size=50),
    ),
) | st.binary(max_size=100).map(RawAnswer)

good_answers = st.builds(
    lambda body, encoding: Answer(
        gzip.compress(body.encode(), 1) if encoding == "gzip" else body.encode(),
        headers={"Content-Encoding": encoding} if encoding else {},
        is_good=True,
    ),
    good_bodies,
    st.sampled_from(["", "", "gzip", "identity"]),
)
other_answers = st.one_of(
    st.builds(Answer, mutated()),
    st.builds(Answer, nested.map(str.encode)),
    st.builds(
        Answer,
        st.one_of(
            st.binary(max_size=100),
            any_bodies,
            any_bodies,
            good_bodies.map(str.encode),
            good_bodies.map(lambda body: gzip.compress(body.encode(), 1)),
        ),
        statuses,
        headers,
    ),
    raw_answers,
)
answers = st.one_of(good_answers, other_answers)


def decimal(token: str) -> Decimal | None:
    """Return a number, whatever its size."""
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


def read_rows(answer: Answer | RawAnswer) -> list[Any] | None:
    """Return the rows of an answer in which every number is exact."""
    if isinstance(answer, RawAnswer):
        return None
    body = answer.body
    try:
        if answer.headers.get("Content-Encoding", "").lower() == "gzip":
            body = gzip.decompress(body)
        content = json.loads(
            body.decode("utf-8-sig"),
            parse_float=decimal,
            parse_int=decimal,
            parse_constant=lambda _: None,
        )
    except ValueError, OSError, EOFError, RecursionError:
        return None
    found = content.get("result") if isinstance(content, dict) else None
    return found if isinstance(found, list) else None


def read_amount(row: Any, key: str) -> Decimal | None:
    """Return an amount, where there is one, whatever its size."""
    value = row.get(key) if isinstance(row, dict) else None
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return decimal(value)
    return value if isinstance(value, Decimal) else None


def read_code(row: Any) -> str | None:
    """Return the code of a row, where there is one."""
    currency = row.get("currency") if isinstance(row, dict) else None
    code = currency.get("code") if isinstance(currency, dict) else None
    return code if isinstance(code, str) else None


def is_sane(amount: Decimal | None) -> bool:
    """Return whether an amount is one that must be shown."""
    if amount is None or not -MAX_DIGITS < amount.adjusted() < MAX_DIGITS:
        return False
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and (
        max(amount.adjusted() + 1, 1) + max(-exponent, 0) <= MAX_DIGITS
    )


class Account:
    """What Home Assistant shows of an account."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        """Read the states."""
        self.units: dict[str, str] = {}
        self.is_shown = False
        self.states: dict[str, str] = {}
        for entity in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        ):
            name = entity.unique_id.removeprefix(f"{entry.entry_id}_")
            if (
                entity.domain != "sensor"
                or (state := hass.states.get(entity.entity_id)) is None
            ):
                continue
            self.states[name] = state.state
            if state.state != STATE_UNAVAILABLE:
                self.is_shown = True
                self.units[name] = state.attributes["unit_of_measurement"]
                assert self.units[name]
                # As long as the registry knows it
                assert self.units[name] == entity.unit_of_measurement
        self.codes = {
            code
            for code, colon, _ in (name.rpartition(":") for name in self.states)
            if colon and self.states[f"{code}:balance"] != STATE_UNAVAILABLE
        }

    def value(self, name: str) -> Decimal | None:
        """Return a value that is shown."""
        state = self.states[name]
        assert len(state) <= 255
        if state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return None
        assert PLAIN.fullmatch(state), state
        return Decimal(state)

    def check(self, answer: Answer | RawAnswer) -> None:
        """Check what is shown after an answer."""
        for name in self.states:
            self.value(name)
        if answer.is_good:
            assert self.is_shown
        if not self.is_shown:
            return
        if (found := read_rows(answer)) is None:
            assert isinstance(answer, RawAnswer)
            return
        by_code = {
            code: [row for row in found if read_code(row) == code]
            for code in self.codes
        }
        assert self.codes >= {
            code for row in found if PLAIN_CODE.fullmatch(code := read_code(row) or "")
        }
        for code, same in by_code.items():
            assert same
            for key, name in AMOUNTS.items():
                self._check_amount(
                    f"{code}:{key}", [read_amount(row, name) for row in same]
                )
            self._check_difference(
                f"{code}:on_hold", f"{code}:balance", f"{code}:available"
            )
        unidentified = [row for row in found if read_code(row) not in self.codes]
        is_contradicted = any(
            len({amount if is_sane(amount) else None for amount in amounts}) > 1
            for amounts in (
                [read_amount(row, name) for row in same]
                for same in by_code.values()
                for name in AMOUNTS.values()
            )
        )
        counted = [*(same[0] for same in by_code.values()), *unidentified]
        for key, name in TOTALS.items():
            self._check_total(
                key, [read_amount(row, name) for row in counted], is_contradicted
            )
        self._check_difference("total_on_hold", *TOTALS)

    def _check_amount(self, name: str, amounts: list[Decimal | None]) -> None:
        value = self.value(name)
        if value is not None:
            assert set(amounts) == {value}
        else:
            # Of rows that agree, 0 and 0e999999, one may still be out of all proportion.
            assert len(set(amounts)) > 1 or not all(map(is_sane, amounts))

    def _check_total(
        self, name: str, parts: list[Decimal | None], is_contradicted: bool
    ) -> None:
        value = self.value(name)
        if value is None:
            # That no currency is left is no proof of an empty account.
            assert is_contradicted or not self.codes or not all(map(is_sane, parts))
            return
        assert not is_contradicted
        total = Decimal()
        for part in parts:
            assert part is not None
            total = EXACT.add(total, part)
        assert value == total

    def _check_difference(self, name: str, minuend: str, subtrahend: str) -> None:
        value, whole, part = map(self.value, (name, minuend, subtrahend))
        if whole is None or part is None:
            assert value is None
        else:
            assert value == EXACT.subtract(whole, part)


async def next_answer(
    hass: HomeAssistant, entry: MockConfigEntry, poll: Poll, *, reload: bool
) -> None:
    """Let Home Assistant ask once more, by itself or after a reload."""
    flows = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )
    if entry.state is ConfigEntryState.LOADED and not flows and not reload:
        await poll(MAX_RETRY_AFTER + UPDATE_INTERVAL)
        return
    for flow in flows:
        hass.config_entries.flow.async_abort(flow["flow_id"])
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def of_btc(detail: str) -> Answer:
    """Return a good answer with one currency."""
    row = f'{{"currency":{{"code":"BTC",{detail}}},"balance_crypto":1}}'
    body = f'{{"status":"success","result":[{row}]}}'
    return Answer(body.encode(), is_good=True)


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@example(
    sequence=[
        (of_btc('"short_code":"BTC"'), False),
        (of_btc('"short_code":"XBT"'), True),
    ]
)
@example(sequence=[(of_btc('"icon_base":"https://xn--/"'), False)])
@given(sequence=st.lists(st.tuples(answers, st.booleans()), min_size=1, max_size=3))
async def test_what_is_shown(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
    sequence: list[tuple[Answer | RawAnswer, bool]],
) -> None:
    """Test that what is shown is what was answered, or nothing."""
    caplog.clear()
    hass.loop.set_debug(False)  # It costs half of the time.
    entry = MockConfigEntry(
        domain=DOMAIN, data={"api_key": API_KEY}, entry_id="account", unique_id="id"
    )
    entry.add_to_hass(hass)
    units: dict[str, str] = {}
    try:
        for count, (answer, reload) in enumerate(sequence):
            sandbox.fault = answer
            requests = sandbox.request_count
            if count:
                await next_answer(hass, entry, poll, reload=reload)
            else:
                await set_up(hass, entry)
            assert sandbox.request_count > requests
            account = Account(hass, entry)
            account.check(answer)
            units = account.units | units
            assert units == units | account.units
    finally:
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        # Else what one example leaves would come back in the next.
        er.async_get(hass).deleted_entities.clear()
    assert not [
        record
        for record in caplog.records
        if record.exc_info and record.levelno > logging.DEBUG
    ]


@pytest.mark.timeout(1800)
@given(answer=answers)
async def test_what_leaves_the_client(
    hass: HomeAssistant, sandbox: Sandbox, answer: Answer | RawAnswer
) -> None:
    """Test that the client returns balances or raises what it says it does."""
    hass.loop.set_debug(False)
    sandbox.fault = answer
    client = CryptoCloudClient(session=async_get_clientsession(hass), api_key=API_KEY)
    error = None
    try:
        await client.get_account()
    except CryptoCloudError as err:
        error = err
    assert not answer.is_good or error is None
    assert API_KEY not in str(error)
