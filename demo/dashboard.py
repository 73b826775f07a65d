"""The demo's dashboard."""

from collections.abc import Iterable
from itertools import cycle
from typing import Any

# In the order of value, on the tiles as in the distribution.
COLORS = (
    "blue",
    "amber",
    "teal",
    "deep-orange",
    "purple",
    "green",
    "pink",
    "cyan",
    "indigo",
    "lime",
)

type State = dict[str, Any]


def totals(states: Iterable[State]) -> list[str]:
    """Return the entities of the total balance and the total available balance."""
    entity_ids = [state["entity_id"] for state in states]
    return [
        entity_id
        for suffix in ("_total_balance", "_total_available_balance")
        for entity_id in entity_ids
        if entity_id.endswith(suffix)
    ]


def currencies(states: Iterable[State], *, funded: bool = False) -> list[State]:
    """Return the states of the currencies, the most valuable first."""
    return sorted(
        (
            state
            for state in states
            if "balance_usd" in state["attributes"]
            and (not funded or _is_funded(state))
        ),
        key=lambda state: (
            -(state["attributes"]["balance_usd"] or 0),
            state["entity_id"],
        ),
    )


def usd_value(state: State) -> str:
    """Return the entity of a currency's value in USD."""
    return f"{state['entity_id']}_usd_value"


def make_dashboard(states: Iterable[State], hours: float) -> dict[str, Any]:
    """Return a dashboard with the totals and every funded currency."""
    states = list(states)
    total, available = totals(states)
    entity_ids = {state["entity_id"] for state in states}
    funded = list(zip(currencies(states, funded=True), cycle(COLORS)))
    usd_values = [
        {"entity": usd_value(state), "name": _name(state), "color": color}
        for state, color in funded
        if usd_value(state) in entity_ids
    ]
    account: list[dict[str, Any]] = [
        {"type": "heading", "heading": "Account", "icon": "mdi:wallet"},
        _tile(total, hours, name="Total balance", color="blue"),
        _tile(available, hours, name="Available", color="green"),
    ]
    if usd_values:
        account.append(
            {"type": "distribution", "title": "Value in USD", "entities": usd_values}
        )
    account.append(
        {
            "type": "history-graph",
            "title": "Total and available",
            "hours_to_show": hours,
            "entities": [
                {"entity": total, "name": "Total balance"},
                {"entity": available, "name": "Available"},
            ],
        }
    )
    balances: list[dict[str, Any]] = [
        {
            "type": "heading",
            "heading": "Balances, and their value in USD",
            "icon": "mdi:hand-coin",
        },
        *(
            _tile(
                state["entity_id"],
                hours,
                name=_name(state),
                state_content=["state", "balance_usd"],
                color=color,
                columns=12,
                features_position="inline",
                show_entity_picture=True,
            )
            for state, color in funded
        ),
    ]
    if not funded:
        balances.append(
            {"type": "markdown", "content": "No currency holds anything yet."}
        )
    return {
        "views": [
            {
                "title": "CryptoCloud",
                "path": "balances",
                "type": "sections",
                "max_columns": 2,
                "sections": [
                    {"type": "grid", "cards": account},
                    {"type": "grid", "cards": balances},
                ],
            }
        ]
    }


def _is_funded(state: State) -> bool:
    try:
        return float(state["state"]) != 0
    except ValueError:
        return False


def _name(state: State) -> str:
    attributes = state["attributes"]
    name = attributes["currency_name"] or attributes["currency"]
    network = attributes["network_name"]
    return name if network in (None, name) else f"{name} on {network}"


def _tile(
    entity_id: str, hours: float, *, columns: int = 6, **options: Any
) -> dict[str, Any]:
    return {
        "type": "tile",
        "entity": entity_id,
        "features": [{"type": "trend-graph", "hours_to_show": hours}],
        "grid_options": {"columns": columns},
        **options,
    }
