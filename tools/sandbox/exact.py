"""JSON with exact numbers."""

from decimal import Decimal
import json
from typing import Any


class RawJson(str):
    """JSON that goes out as it is, right or not."""

    __slots__ = ()


def to_json(value: Any) -> str:
    """Return JSON with exact numbers in plain notation."""
    match value:
        case RawJson():
            return str(value)
        case dict():
            items = (f"{to_json(str(key))}: {to_json(value[key])}" for key in value)
            return f"{{{', '.join(items)}}}"
        case list() | tuple():
            return f"[{', '.join(map(to_json, value))}]"
        case float():
            return f"{Decimal(repr(value)):f}"
        case Decimal():
            return f"{value:f}"
        case _:
            return json.dumps(value)
