"""Made-up answers: good ones, odd ones, and what is no answer at all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
import gzip
import json

from aiohttp import web
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .common import make_row
from .oracle import AMOUNT_KEYS, EXACT


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
) | st.from_regex(
    r"NaN|-?Infinity|-0(\.0)?|0e9{6}|1e-?9{6}|1e9{20}|1e-?7[78]|true|null",
    fullmatch=True,
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
rows = objects({"currency": currencies} | dict.fromkeys(AMOUNT_KEYS.values(), amounts))

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
        | st.sampled_from(
            ["gzip", "X-GZip", "identity", "gzip, identity", "br", "zstd", ""]
        ),
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
        gzip.compress(body.encode(), 1) if "gzip" in encoding else body.encode(),
        headers={"Content-Encoding": encoding} if encoding else {},
        is_good=True,
    ),
    good_bodies,
    st.sampled_from(["", "", "gzip", "x-gzip", "gzip, identity", "identity"]),
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
