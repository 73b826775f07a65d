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
# One more attempt
_BROKEN = Expected(error="cannot_connect", requests=2)
_TIMEOUT = Expected(error="timeout_connect")
_INVALID = Expected(error="invalid_response")
_ACCEPTED = Expected()


def _wait(minutes: int) -> Expected:
    return Expected(error="http_error", minutes=minutes)


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
        "dns_failure": Expected(error="cannot_connect", requests=0),
        "connection_refused": Expected(error="cannot_connect", requests=0),
        "tls_failure": Expected(error="cannot_connect", requests=0),
        "reset_before_headers": _BROKEN,
        "closed_before_headers": _BROKEN,
        "closed_in_mid_headers": _NO_CONNECTION,
        "closed_kept_connection": Expected(kept_requests=2),
        "reset_in_mid_body": _NO_CONNECTION,
        "body_too_short": _NO_CONNECTION,
        "never_answers": _TIMEOUT,
        "one_byte_a_second": _TIMEOUT,
        "answer_after_the_timeout": _TIMEOUT,
    },
    "status": {
        "200_detail": _MAYBE_BAD_KEY,
        "200_authorization": _BAD_KEY,
        "200_other_error": _INVALID,
        "204": _HTTP_ERROR,
        "301_elsewhere": _HTTP_ERROR,
        "302_elsewhere": _HTTP_ERROR,
        "307_elsewhere": _HTTP_ERROR,
        "400_page": _HTTP_ERROR,
        "400_list": _MAYBE_BAD_KEY,
        "400_other_error": _MAYBE_BAD_KEY,
        "400_detail": _MAYBE_BAD_KEY,
        "400_authorization": _BAD_KEY,
        "401_page": _MAYBE_BAD_KEY,
        "401_empty": _MAYBE_BAD_KEY,
        "401_list": _MAYBE_BAD_KEY,
        "401_detail": _BAD_KEY,
        "401_detail_object": _MAYBE_BAD_KEY,
        "401_other_json": _MAYBE_BAD_KEY,
        "401_problem": _MAYBE_BAD_KEY,
        "401_authorization": _BAD_KEY,
        "403_page": _HTTP_ERROR,
        "403_list": _MAYBE_BAD_KEY,
        "403_null": _MAYBE_BAD_KEY,
        "403_detail": _BAD_KEY,
        "403_problem": _MAYBE_BAD_KEY,
        "403_authorization": _BAD_KEY,
        "403_other_json": _MAYBE_BAD_KEY,
        "404": _HTTP_ERROR,
        "405": _HTTP_ERROR,
        "429_without_retry_after": _wait(5),
        "429_seconds": _wait(10),
        "429_date": _wait(30),
        "429_rubbish": _wait(5),
        "429_week": _wait(24 * 60),
        "500": _HTTP_ERROR,
        "500_authorization": _BAD_KEY,
        "502": _HTTP_ERROR,
        "503_page": _HTTP_ERROR,
        "503_cut_off": _HTTP_ERROR,
    },
    "body": {
        "empty": _INVALID,
        "null": _INVALID,
        "list": _INVALID,
        "text": _INVALID,
        "page": _INVALID,
        "truncated": _INVALID,
        "invalid_utf8": _INVALID,
        "nested_100000": _INVALID,
        "rows_nested_100000": _INVALID,
        "64_mebibytes": _INVALID,
        "gzip_bomb": _INVALID,
        "no_status": _INVALID,
        "another_status": _INVALID,
        "no_result": _INVALID,
        "result_object": _INVALID,
        "authorization_in_a_success": _INVALID,
        "detail_and_more": _INVALID,
        "not_gzip": _INVALID,
        "gzip_ends_early": _INVALID,
        "gzip_members": _ACCEPTED,
        "gzip_and_more": _INVALID,
        "x_gzip": _ACCEPTED,
        "gzip_and_identity": _ACCEPTED,
        "empty_encoding": _ACCEPTED,
        "another_encoding": _INVALID,
        "byte_order_mark": _ACCEPTED,
        "wrong_content_type": _ACCEPTED,
        "duplicate_keys": _ACCEPTED,
    },
    "rows": {
        "row_null": _left_out(**_ALL_UNKNOWN),
        "row_text": _left_out(**_ALL_UNKNOWN),
        "row_list": _left_out(**_ALL_UNKNOWN),
        "row_empty": _left_out(**_ALL_UNKNOWN),
        "currency_missing": _left_out(),
        "currency_null": _left_out(),
        "currency_text": _left_out(),
        "code_missing": _left_out(),
        "code_null": _left_out(),
        "code_empty": _left_out(),
        "code_blank": _left_out(),
        "code_none": _left_out(),
        "code_number": _left_out(),
        "code_list": _left_out(),
        "code_5000_characters": _left_out(),
        "code_control_characters": _left_out(),
        "code_right_to_left": _left_out(),
        "code_lone_surrogate": _left_out(),
        "code_quotes": _named("a_b_c", "A\"B'C"),
        "code_html": _named("b_a_b", "<b>A</b>"),
        "code_emoji": _named("", "🚀"),
        "code_twice": _ACCEPTED,
        "code_twice_but_different": Expected(
            states={
                "usdt_trc20": STATE_UNKNOWN,
                "usdt_trc20_on_hold": STATE_UNKNOWN,
                **_ALL_UNKNOWN,
            }
        ),
        "network_missing": _NO_NETWORK,
        "network_null": _NO_NETWORK,
        "network_none": _NO_NETWORK,
        "network_empty": _NO_NETWORK,
        "network_code_none": _shown(network=None, network_name="Tron"),
        "names_null": _shown(
            currency_name=None,
            network="TRC20",
            network_name=None,
            unit_of_measurement="USDT",
        ),
        "unknown_keys": _ACCEPTED,
        "not_enabled": _ACCEPTED,
        "icons_javascript": _NO_PICTURE,
        "icons_data": _NO_PICTURE,
        "icons_http": _NO_PICTURE,
        "icons_none": _NO_PICTURE,
        "icons_no_url": _NO_PICTURE,
        "icons_number": _NO_PICTURE,
    },
    "numbers": {
        "string": _amount("10"),
        "string_empty": _amount(None),
        "string_of_words": _amount(None),
        "missing": _amount(None),
        "null": _amount(None),
        "true": _amount(None),
        "false": _amount(None),
        "list": _amount(None),
        "object": _amount(None),
        "nan": _amount(None),
        "infinity": _amount(None),
        "minus_infinity": _amount(None),
        "minus_zero": _amount("0"),
        "minus_zero_float": _amount("0"),
        "negative": _amount("-12.5"),
        "1e-18": _amount("0.000000000000000001"),
        "1e30": _amount("1" + "0" * 30),
        "1e999999": _amount(None),
        "1e-999999": _amount(None),
        "exponent_of_20_digits": _amount(None),
        "10000_digits": _amount(None),
        "10000_decimals": _amount(None),
        "10000_digits_in_a_string": _amount(None),
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
