"""The fault table: what each fault of the sandbox makes of the integration."""

from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from homeassistant.const import STATE_UNKNOWN
from tools.sandbox import CASES, Fault


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is expected of the integration under a fault.

    Either an error, or sensors that differ from the usual ones; None stands for a
    sensor that is not reported.
    """

    error: str | None = None
    minutes: int = 5
    """Until the next poll."""
    requests: int = 1
    """How many requests of one attempt reach the server."""
    kept_requests: int | None = None
    """The same, where the connection of the last attempt is kept."""
    states: dict[str, str | None] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    """Of the first currency's balance; None also stands for one that is not there."""
    name: str = "usdt_trc20"
    """Of the first currency's sensors."""
    unidentified: int = 0


_TOTALS = ("total_balance", "total_available_balance", "total_on_hold")
_KEYS = ("", "_usd_value", "_available", "_available_usd_value", "_on_hold")
_FIRST = ("1250.5", "1250.37", "1000.5", "1000.4", "250")

# The sensors of tests/fixtures/balance_composed.json
USUAL: dict[str, str | None] = {
    **{f"usdt_trc20{key}": value for key, value in zip(_KEYS, _FIRST, strict=True)},
    "eth": "0.00000001",
    "eth_available_usd_value": "0.00003",
    "bnb": "0",
    "bnb_on_hold": "0",
    "total_balance": "1250.37003",
    "total_available_balance": "1000.40003",
    "total_on_hold": "249.97",
}
CURRENCIES = 3

# After how many of these errors in a row Home Assistant asks for a new key
REFUSALS = {"invalid_auth": 1, "maybe_invalid_auth": 2}

_BAD_KEY = Expected(error="invalid_auth")
_MAYBE_BAD_KEY = Expected(error="maybe_invalid_auth", minutes=1)
_HTTP_ERROR = Expected(error="http_error")
_NO_CONNECTION = Expected(error="cannot_connect")
_NOBODY_THERE = Expected(error="cannot_connect", requests=0)
# One more attempt
_BROKEN = Expected(error="cannot_connect", requests=2)
_TIMEOUT = Expected(error="timeout_connect")
_INVALID = Expected(error="invalid_response")
_ACCEPTED = Expected()


def _all(names: str, expected: Expected) -> dict[str, Expected]:
    """Return faults that all make the same of the integration."""
    return dict.fromkeys(names.split(), expected)


def _left_out(**states: str | None) -> Expected:
    gone: dict[str, str | None] = {f"usdt_trc20{key}": None for key in _KEYS}
    return Expected(states={**gone, **states}, unidentified=1)


def _named(name: str, code: str) -> Expected:
    """Return what becomes of a row with another code."""
    gone: dict[str, str | None] = {f"usdt_trc20{key}": None for key in _KEYS}
    renamed: dict[str, str | None] = {
        f"{name}{key}": value for key, value in zip(_KEYS, _FIRST, strict=True)
    }
    return Expected(
        states={**gone, **renamed},
        attributes={"currency": code, "friendly_name": f"CryptoCloud {code}"},
        name=name,
    )


def _shown(**attributes: Any) -> Expected:
    return Expected(attributes=attributes)


def _amount(value: str | None) -> Expected:
    """Return what becomes of a balance, in the currency and in USD."""
    if value is None:
        states = dict.fromkeys(
            (
                "usdt_trc20",
                "usdt_trc20_usd_value",
                "usdt_trc20_on_hold",
                "total_balance",
                "total_on_hold",
            ),
            STATE_UNKNOWN,
        )
        return Expected(states={**states}, attributes={"balance_usd": None})

    def plus(other: str) -> str:
        total = Context(prec=100).add(Decimal(value), Decimal(other))
        return f"{total.normalize(Context(prec=100)):f}"

    return Expected(
        states={
            "usdt_trc20": value,
            "usdt_trc20_usd_value": value,
            "usdt_trc20_on_hold": plus("-1000.5"),
            "total_balance": plus("0.00003"),
            "total_on_hold": plus("-1000.4"),
        },
        attributes={"balance_usd": float(value), "available_balance": 1000.5},
    )


_ALL_UNKNOWN = dict.fromkeys(_TOTALS, STATE_UNKNOWN)
_NO_NETWORK = _shown(network=None, network_name=None, currency_name="Tether")
_NO_PICTURE = _shown(icon_base=None, icon_network=None, entity_picture=None)

EXPECTED: dict[str, dict[str, Expected]] = {
    "transport": {
        **_all("dns_failure connection_refused tls_failure", _NOBODY_THERE),
        **_all("reset_before_headers closed_before_headers", _BROKEN),
        **_all(
            "closed_in_mid_headers reset_in_mid_body body_too_short", _NO_CONNECTION
        ),
        **_all("never_answers one_byte_a_second answer_after_the_timeout", _TIMEOUT),
        "closed_kept_connection": Expected(kept_requests=2),
    },
    "status": {
        **_all(
            """200_authorization 400_authorization 401_authorization 401_detail
            403_authorization 403_detail 500_authorization""",
            _BAD_KEY,
        ),
        **_all(
            """200_detail 400_list 400_other_error 400_detail 401_page 401_empty 401_list
            401_detail_object 401_other_json 401_problem 403_list 403_null 403_problem
            403_other_json""",
            _MAYBE_BAD_KEY,
        ),
        **_all(
            """204 301_elsewhere 302_elsewhere 307_elsewhere 400_page 403_page 404 405
            429_without_retry_after 429_rubbish 500 502 503_page 503_cut_off""",
            _HTTP_ERROR,
        ),
        "200_other_error": _INVALID,
        "429_seconds": Expected(error="http_error", minutes=10),
        "429_date": Expected(error="http_error", minutes=30),
        "429_week": Expected(error="http_error", minutes=24 * 60),
    },
    "body": {
        **_all(
            """empty null list text page truncated invalid_utf8 nested_100000
            rows_nested_100000 64_mebibytes gzip_bomb no_status another_status no_result
            result_object authorization_in_a_success detail_and_more not_gzip
            gzip_ends_early gzip_and_more another_encoding""",
            _INVALID,
        ),
        **_all(
            """gzip_members x_gzip gzip_and_identity empty_encoding byte_order_mark
            wrong_content_type duplicate_keys""",
            _ACCEPTED,
        ),
    },
    "rows": {
        **_all("row_null row_text row_list row_empty", _left_out(**_ALL_UNKNOWN)),
        **_all(
            """currency_missing currency_null currency_text code_missing code_null
            code_empty code_blank code_none code_number code_list code_5000_characters
            code_control_characters code_right_to_left code_lone_surrogate""",
            _left_out(),
        ),
        **_all("network_missing network_null network_none network_empty", _NO_NETWORK),
        **_all(
            """icons_javascript icons_data icons_http icons_none icons_no_url
            icons_number""",
            _NO_PICTURE,
        ),
        **_all("code_twice unknown_keys not_enabled", _ACCEPTED),
        "code_quotes": _named("a_b_c", "A\"B'C"),
        "code_html": _named("b_a_b", "<b>A</b>"),
        "code_emoji": _named("", "🚀"),
        "code_twice_but_different": Expected(
            states={
                "usdt_trc20": STATE_UNKNOWN,
                "usdt_trc20_on_hold": STATE_UNKNOWN,
                **_ALL_UNKNOWN,
            }
        ),
        "network_code_none": _shown(network=None, network_name="Tron"),
        "names_null": _shown(
            currency_name=None,
            network="TRC20",
            network_name=None,
            unit_of_measurement="USDT",
        ),
    },
    "numbers": {
        **_all(
            """string_empty string_of_words missing null true false list object nan
            infinity minus_infinity 1e999999 1e-999999 exponent_of_20_digits 10000_digits
            10000_decimals 10000_digits_in_a_string""",
            _amount(None),
        ),
        **_all("minus_zero minus_zero_float", _amount("0")),
        "string": _amount("10"),
        "negative": _amount("-12.5"),
        "1e-18": _amount("0.000000000000000001"),
        "1e30": _amount("1" + "0" * 30),
        "available_above_balance": Expected(
            states={
                "usdt_trc20_available": "2000.25",
                "usdt_trc20_available_usd_value": "2000.5",
                "usdt_trc20_on_hold": "-749.75",
                "total_available_balance": "2000.50003",
                "total_on_hold": "-750.13",
            }
        ),
    },
}

TABLE = {
    f"{group}/{name}": expected
    for group, cases in EXPECTED.items()
    for name, expected in cases.items()
}

# The sandbox's faults that are errors
FAULTS: dict[str, tuple[Fault, str]] = {
    f"{group}/{name}": (fault, error)
    for group, cases in CASES.items()
    for name, fault in cases.items()
    if (error := EXPECTED[group][name].error)
}
