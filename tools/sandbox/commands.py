"""Calls with arguments from JSON."""

from collections.abc import Callable
import inspect
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

_JSON_TYPES = {
    bool: "true or false",
    bytes: "a string",
    dict: "an object",
    float: "a number",
    int: "an integer",
    list: "a list",
    NoneType: "null",
    str: "a string",
}


def call[R](function: Callable[..., R], arguments: dict[str, Any]) -> R:
    """Call a function, or raise a ValueError that names the remedy."""
    known = parameters(function)
    anything = any(
        parameter.kind is parameter.VAR_KEYWORD
        for parameter in inspect.signature(function).parameters.values()
    )
    for name, value in arguments.items():
        if name in known:
            if not _fits(value, known[name].annotation):
                raise ValueError(f"{name} must be {_describe(known[name].annotation)}")
        elif not anything:
            raise ValueError(
                f"{name} is unknown here; known: {', '.join(known) or 'nothing'}"
            )
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ValueError(f"{name} is missing: {_describe(parameter.annotation)}")
    return function(**arguments)


def usage(function: Callable[..., Any]) -> dict[str, str]:
    """Return what a function takes, in words."""
    return {
        name: _describe(parameter.annotation)
        + ("" if parameter.default is parameter.empty else ", optional")
        for name, parameter in parameters(function).items()
    }


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return a function's named parameters."""
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }


def _describe(annotation: Any) -> str:
    if isinstance(annotation, UnionType):
        kinds = dict.fromkeys(_describe(kind) for kind in get_args(annotation))
        return " or ".join(kinds)
    return _JSON_TYPES[get_origin(annotation) or annotation]


def _fits(value: Any, annotation: Any) -> bool:
    if isinstance(annotation, UnionType):
        return any(_fits(value, kind) for kind in get_args(annotation))
    kind = get_origin(annotation) or annotation
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and abs(value) < 1e300  # No NaN either.
    if kind is dict and (kinds := get_args(annotation)) and kinds[1] is not Any:
        return isinstance(value, dict) and all(
            _fits(item, kinds[1]) for item in value.values()
        )
    return isinstance(value, kind)
