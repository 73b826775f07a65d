"""The faults that tests, soak and demo know by name."""

import gzip

from .faults import (
    Body,
    Close,
    CloseKept,
    Delay,
    Fault,
    GzipBomb,
    Hang,
    Huge,
    Redirect,
    Refuse,
    Reset,
    ResetBody,
    RetryDate,
    Row,
    ShortBody,
    Slow,
    Status,
    Tls,
    Twist,
)

_DETAIL = {"detail": "Signature verification failed"}
_UPDATING = {"detail": "Service is being updated"}
# As gateways answer since RFC 9457
_PROBLEM = {
    "type": "about:blank",
    "title": "Access denied",
    "status": 403,
    "detail": "The site owner has blocked access",
}
_UNAUTHORIZED = {
    "status": "error",
    "result": {"authorization": "Unauthorized request."},
}


def _code(code: str) -> Fault:
    return Row({"currency.code": code})


def _icons(address: str) -> Fault:
    return Row({"currency.icon_base": address, "currency.icon_network": address})


def _balance(amount: str | None) -> Fault:
    return Row({"balance_crypto": amount, "balance_usd": amount})


def _status_too_many(retry_after: str) -> Fault:
    return Status(429, headers={"Retry-After": retry_after})


CASES: dict[str, dict[str, Fault]] = {
    "transport": {
        "connection_refused": Refuse(),
        "tls_failure": Tls(),
        "reset_before_headers": Reset(),
        "closed_before_headers": Close(),
        "closed_in_mid_headers": Close(b"HTTP/1.1 200 OK\r\nContent-"),
        "closed_kept_connection": CloseKept(),
        "reset_in_mid_body": ResetBody(),
        "body_too_short": ShortBody(),
        "never_answers": Hang(),
        "one_byte_a_second": Slow(1),
        "answer_after_the_timeout": Delay(31),
    },
    "status": {
        "200_detail": Status(200, _UPDATING),
        "200_authorization": Status(200, _UNAUTHORIZED),
        "200_other_error": Status(200, {"status": "error", "result": {"a": "b"}}),
        "204": Status(204, ""),
        "301_elsewhere": Redirect(status=301),
        "302_elsewhere": Redirect(status=302),
        "307_elsewhere": Redirect(status=307),
        "400_page": Status(400),
        "400_list": Status(400, ["authorization"]),
        "400_other_error": Status(400, {"status": "error", "result": {"a": "b"}}),
        "400_detail": Status(400, _UPDATING),
        "400_authorization": Status(400, _UNAUTHORIZED),
        "401_page": Status(401),
        "401_empty": Status(401, ""),
        "401_list": Status(401, []),
        "401_detail": Status(401, _DETAIL),
        "401_detail_object": Status(401, {"detail": {}}),
        "401_other_json": Status(401, {"message": "Unauthorized"}),
        "401_problem": Status(401, _PROBLEM),
        "401_authorization": Status(401, _UNAUTHORIZED),
        "403_page": Status(403),
        "403_list": Status(403, []),
        "403_null": Body("null", status=403),
        "403_detail": Status(403, _DETAIL),
        "403_problem": Status(403, _PROBLEM),
        "403_authorization": Status(403, _UNAUTHORIZED),
        "403_other_json": Status(403, {"message": "Forbidden"}),
        "404": Status(404),
        "405": Status(405, _DETAIL),
        "429_without_retry_after": Status(429),
        "429_seconds": _status_too_many("600"),
        "429_date": RetryDate(1800),
        "429_rubbish": _status_too_many("soon"),
        "429_week": _status_too_many("604800"),
        "500": Status(500, _DETAIL),
        "500_authorization": Status(500, _UNAUTHORIZED),
        "502": Status(502),
        "503_page": Status(503),
        "503_cut_off": Close(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nSorry"
        ),
    },
    "body": {
        "empty": Body(""),
        "null": Body("null"),
        "list": Body("[]"),
        "text": Body('"text"'),
        "page": Body("<html><body>Be right back</body></html>", "text/html"),
        "truncated": Twist(lambda body: body[:-1]),
        "invalid_utf8": Twist(lambda body: body[:-1] + b', "more": "\xff"}'),
        "nested_100000": Body("[" * 100_000),
        "rows_nested_100000": Body(
            '{"status": "success", "result": ' + "[" * 100_000 + "]" * 100_000 + "}"
        ),
        "64_mebibytes": Huge(64),
        "gzip_bomb": GzipBomb(64),
        "no_status": Body('{"result": []}'),
        "another_status": Body('{"status": "error", "result": []}'),
        "no_result": Body('{"status": "success"}'),
        "result_object": Body('{"status": "success", "result": {}}'),
        "authorization_in_a_success": Body(
            '{"status": "success", "result": {"authorization": ""}}'
        ),
        "detail_and_more": Body('{"status": "success", "detail": "", "result": 1}'),
        "not_gzip": Twist(lambda body: body, encoding="gzip"),
        "gzip_ends_early": Twist(
            lambda body: gzip.compress(body)[:-9], encoding="gzip"
        ),
        "gzip_members": Twist(
            lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:]),
            encoding="gzip",
        ),
        "gzip_and_more": Twist(
            lambda body: gzip.compress(body) + b"more", encoding="gzip"
        ),
        "x_gzip": Twist(gzip.compress, encoding="x-gzip"),
        "gzip_and_identity": Twist(gzip.compress, encoding="gzip, identity"),
        "empty_encoding": Twist(lambda body: body, encoding=""),
        "another_encoding": Twist(lambda body: body, encoding="br"),
        "byte_order_mark": Twist(lambda body: b"\xef\xbb\xbf" + body),
        "wrong_content_type": Twist(lambda body: body, "text/html"),
        "duplicate_keys": Twist(lambda body: body.replace(b"{", b'{"result": [], ', 1)),
    },
    "rows": {
        "row_null": Row({"": "null"}),
        "row_text": Row({"": '"BTC"'}),
        "row_list": Row({"": "[[]]"}),
        "row_empty": Row({"": "{}"}),
        "currency_missing": Row({"currency": None}),
        "currency_null": Row({"currency": "null"}),
        "currency_text": Row({"currency": '"BTC"'}),
        "code_missing": Row({"currency.code": None}),
        "code_null": _code("null"),
        "code_empty": _code('""'),
        "code_blank": _code('"  "'),
        "code_none": _code('"None"'),
        "code_number": _code("5"),
        "code_list": _code('["BTC"]'),
        "code_5000_characters": _code('"' + "X" * 5000 + '"'),
        "code_control_characters": _code(r'"BT\u0007C"'),
        "code_right_to_left": _code(r'"BTC\u202e"'),
        "code_lone_surrogate": _code(r'"\ud800"'),
        "code_quotes": _code(r'"A\"B\u0027C"'),
        "code_html": _code('"<b>A</b>"'),
        "code_emoji": _code('"🚀"'),
        "code_twice": Row({}, repeated=True),
        "code_twice_but_different": Row({"balance_crypto": "2"}, repeated=True),
        "network_missing": Row({"currency.obj_network": None}),
        "network_null": Row({"currency.obj_network": "null"}),
        "network_none": Row({"currency.obj_network": '"None"'}),
        "network_empty": Row({"currency.obj_network": "{}"}),
        "network_code_none": Row({"currency.obj_network.code": '"None"'}),
        "names_null": Row(
            {
                "currency.name": "null",
                "currency.short_code": "null",
                "currency.obj_network.fullname": "null",
            }
        ),
        "unknown_keys": Row({"more": "[{}]", "currency.more": '{"code": "BTC"}'}),
        "not_enabled": Row({"currency.enable": "false"}),
        "icons_javascript": _icons('"javascript:alert(1)"'),
        "icons_data": _icons('"data:image/svg+xml,<svg/>"'),
        "icons_http": _icons('"http://a.example/a.svg"'),
        "icons_none": _icons('"None"'),
        "icons_no_url": _icons('"https://[a/a.svg"'),
        "icons_number": _icons("7"),
    },
    "numbers": {
        "string": _balance('"10.0"'),
        "string_empty": _balance('""'),
        "string_of_words": _balance('"ten"'),
        "missing": _balance(None),
        "null": _balance("null"),
        "true": _balance("true"),
        "false": _balance("false"),
        "list": _balance("[1]"),
        "object": _balance('{"amount": 1}'),
        "nan": _balance("NaN"),
        "infinity": _balance("Infinity"),
        "minus_infinity": _balance("-Infinity"),
        "minus_zero": _balance("-0"),
        "minus_zero_float": _balance("-0.0"),
        "negative": _balance("-12.50"),
        "1e-18": _balance("1e-18"),
        "1e30": _balance("1e30"),
        "1e999999": _balance("1e999999"),
        "1e-999999": _balance("1e-999999"),
        "exponent_of_20_digits": _balance("1e99999999999999999999"),
        "10000_digits": _balance("1" * 10_000),
        "10000_decimals": _balance("0." + "1" * 10_000),
        "10000_digits_in_a_string": _balance('"' + "1" * 10_000 + '"'),
        "available_above_balance": Row(
            {"available_balance": "2000.25", "available_balance_usd": "2000.5"}
        ),
    },
}
