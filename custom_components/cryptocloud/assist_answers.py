"""What the names in a question stand for, and the answer."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
import re
from typing import NamedTuple

from homeassistant.components.homeassistant import async_should_expose
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.template import Template

from .assist_phrases import PHRASES, find_name
from .const import DOMAIN
from .coordinator import CryptoCloudConfigEntry
from .entity import async_get_registered
from .models import add

# Instead of a name: all the money of an account
MONEY: str | None = None

# The sensors that each name stands for in an account; those of one group are added up.
type Groups = list[list[er.RegistryEntry]]
type Named = dict[str | None, Groups]


class Names(NamedTuple):
    """What can be asked for in an account."""

    sensors: Named
    coins: set[str | None]
    """Names of coins; their amounts are never rounded."""
    with_state: set[str | None]
    """Names to answer "what is" for."""


@callback
def find_names(hass: HomeAssistant, entry: CryptoCloudConfigEntry) -> Names:
    """Return what each name stands for.

    An alias of the user goes before the name of a coin, and that before a sensor's own.
    """
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    total_id = f"{entry.entry_id}_total_balance"
    money: Named = {MONEY: [[s] for s in registered if s.unique_id == total_id]}

    sensors = [s for s in registered if s.domain == "sensor" and not s.disabled_by]
    aliases = _group((alias, [s]) for s in sensors for alias in s.aliases)
    named = [s for s in sensors if er.COMPUTED_NAME in s.aliases]
    full = _group((er.async_get_full_entity_name(hass, s), [s]) for s in named)
    short = _group((name, [s]) for s in named for name in (s.name, s.original_name))

    networks: defaultdict[str | None, dict[str, er.RegistryEntry]] = defaultdict(dict)
    for code, by_key in async_get_registered(hass, entry.entry_id).items():
        if balance := by_key.get("balance"):
            networks[balance.unit_of_measurement][code] = balance
    tickers = _group((unit, [*codes.values()]) for unit, codes in networks.items())
    coin_names = _group(
        (name, [*codes.values()])
        for code, name in _get_coin_names(hass)
        for codes in networks.values()
        if code in codes
    )
    coins = coin_names | tickers
    return Names(
        full | short | coins | aliases | money,
        coins=coins.keys() - aliases.keys(),
        # Home Assistant knows the full names and the aliases itself.
        with_state=(short.keys() | coins.keys()) - full.keys() - aliases.keys(),
    )


def _group(
    named: Iterable[tuple[object, list[er.RegistryEntry]]],
) -> Named:
    """Return what goes by each name, in the form in which Assist reads names."""
    # Loaded by Assist, and of no use without it
    from hassil.util import remove_punctuation  # noqa: PLC0415

    groups: defaultdict[str | None, Groups] = defaultdict(list)
    for name, sensors in named:
        key = remove_punctuation(name).strip() if isinstance(name, str) else ""
        key = key.lower()
        if key and sensors not in groups[key]:
            groups[key].append(sensors)
    return groups


@callback
def _get_coin_names(hass: HomeAssistant) -> list[tuple[str, str | None]]:
    """Return the currencies' codes and what CryptoCloud calls their coins: Bitcoin."""
    return [
        (code, balance.currency.name)
        for entry in hass.config_entries.async_entries(DOMAIN)
        # An account that is not loaded may have sensors, but no data.
        if (coordinator := getattr(entry, "runtime_data", None)) and coordinator.data
        for code, balance in coordinator.data.balances.items()
    ]


@callback
def answer_question(
    hass: HomeAssistant, question: str, sentence: str, language: str
) -> str:
    """Answer a sentence that matches a question, for all accounts."""
    # Only those who ask need it.
    from homeassistant.util.language import matches  # noqa: PLC0415

    phrases = PHRASES[next(iter(matches(language, PHRASES)), "en")]
    accounts = {
        entry.entry_id: find_names(hass, entry)
        for entry in hass.config_entries.async_entries(DOMAIN)
    }
    name = MONEY
    if "{name}" in question:
        known = set().union(*(names.sensors for names in accounts.values()))
        name = find_name(question, sentence, known)
    asked = [
        (entry_id, sensors)
        for entry_id, names in accounts.items()
        for sensors in names.sensors.get(name, ())
    ]
    if not asked:
        # The name has just changed.
        return phrases.unknown

    answers: list[tuple[str | None, str]] = []
    for entry_id, sensors in asked:
        exposed = [
            sensor.entity_id
            for sensor in sensors
            if not sensor.disabled_by
            and async_should_expose(hass, "conversation", sensor.entity_id)
        ]
        if exposed:
            [device] = dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
            amount = _tell(
                hass,
                exposed,
                sensors[0].unit_of_measurement,
                exact=name in accounts[entry_id].coins,
            )
            account = device.name_by_user or device.name
            answers.append((account, amount or phrases.unknown))
    if not answers:
        said = re.search(re.escape(name), sentence, re.IGNORECASE) if name else None
        full_name = er.async_get_full_entity_name(hass, asked[0][1][0])
        return phrases.not_exposed.format(name=said[0] if said else full_name)
    if len(answers) == 1:
        return answers[0][1]
    return ", ".join(f"{account}: {answer}" for account, answer in answers)


@callback
def _tell(
    hass: HomeAssistant, sensors: list[str], unit: str | None, *, exact: bool
) -> str | None:
    """Return the sum of sensors, or None if a part is unknown.

    It is rounded as Home Assistant shows it, but never to zero; if it is to be exact, it
    is only filled up with zeros.
    """
    states = [hass.states.get(sensor) for sensor in sensors]
    amounts = [
        Decimal(state.state)
        for state in states
        if state and state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    ]
    if len(amounts) < len(sensors):
        return None
    template = Template("{{ states(sensor, rounded=True) }}", hass)
    shown = [
        Decimal(template.async_render({"sensor": sensor}, parse_result=False))
        for sensor in sensors
    ]
    if not exact and (shown[0] or not amounts[0]):
        return f"{shown[0]:f} {unit}"
    total = add(*amounts, *(0 * a for a in shown))
    return f"{total:f} {unit}"
