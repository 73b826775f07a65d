"""What the names in a question stand for, and the answer."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from homeassistant.components.homeassistant import async_should_expose
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.template import Template
from homeassistant.util.language import matches

from .assist_phrases import PHRASES
from .const import DOMAIN
from .coordinator import CryptoCloudConfigEntry
from .entity import async_get_registered
from .models import add

# Stands for all the money of an account; no other name is empty.
MONEY = ""

# The sensors that a name stands for in an account; those of one group are added up.
type Groups = list[list[er.RegistryEntry]]


@callback
def find_names(
    hass: HomeAssistant, entry: CryptoCloudConfigEntry
) -> tuple[dict[str, Groups], set[str]]:
    """Return what each name stands for, and the names to answer "what is" for.

    An alias of the user goes before the name of a coin, and that before a sensor's own.
    """
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    total_id = f"{entry.entry_id}_total_balance"
    money = {MONEY: [[s] for s in registered if s.unique_id == total_id]}

    sensors = [s for s in registered if s.domain == "sensor" and not s.disabled_by]
    aliases = _group((alias, [s]) for s in sensors for alias in s.aliases)
    named = [s for s in sensors if er.COMPUTED_NAME in s.aliases]
    full = _group((er.async_get_full_entity_name(hass, s), [s]) for s in named)
    short = _group((name, [s]) for s in named for name in (s.name, s.original_name))

    networks: defaultdict[str | None, dict[str, er.RegistryEntry]] = defaultdict(dict)
    for code, by_key in async_get_registered(hass, entry.entry_id).items():
        if (balance := by_key.get("balance")) and not balance.disabled_by:
            networks[balance.unit_of_measurement][code] = balance
    tickers = _group((unit, [*codes.values()]) for unit, codes in networks.items())
    coin_names = _get_coin_names(hass)
    coins = _group(
        (name, [*codes.values()])
        for codes in networks.values()
        for code, name in coin_names
        if code in codes
    )
    # Home Assistant knows the full names and the aliases itself, and a question such
    # as "what is Bitcoin" asks for something else.
    with_state = (short.keys() | tickers.keys()) - full.keys() - aliases.keys()
    return full | short | coins | tickers | aliases | money, with_state


def _group(
    named: Iterable[tuple[object, list[er.RegistryEntry]]],
) -> defaultdict[str, Groups]:
    """Return what goes by each name, in the form in which Assist reads names."""
    # Loaded by Assist, and of no use without it
    from hassil.util import remove_punctuation  # noqa: PLC0415

    groups: defaultdict[str, Groups] = defaultdict(list)
    for name, sensors in named:
        key = remove_punctuation(name).strip() if isinstance(name, str) else ""
        # Lower case turns the Turkish İ into two letters, which Assist does not.
        key = key.lower().replace("i̇", "i")
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
    hass: HomeAssistant, template: str, question: str, language: str
) -> str:
    """Answer a question that matches a template, for all accounts."""
    phrases = PHRASES[next(iter(matches(language, PHRASES)), "en")]
    accounts = {
        entry.entry_id: find_names(hass, entry)[0]
        for entry in hass.config_entries.async_entries(DOMAIN)
    }
    name, said = MONEY, ""
    if "{name}" in template:
        name, said = _recognize(template, question, set().union(*accounts.values()))
    device_registry = dr.async_get(hass)
    answers: list[tuple[str | None, str]] = []
    for entry_id, names in accounts.items():
        for sensors in names.get(name, ()):
            said = said or er.async_get_full_entity_name(hass, sensors[0])
            exposed = [
                sensor.entity_id
                for sensor in sensors
                if not sensor.disabled_by
                and async_should_expose(hass, "conversation", sensor.entity_id)
            ]
            if exposed:
                [device] = dr.async_entries_for_config_entry(device_registry, entry_id)
                account = device.name_by_user or device.name
                amount = _tell(hass, exposed, sensors[0].unit_of_measurement)
                answers.append((account, amount or phrases.unknown))
    if not answers:
        return phrases.not_exposed.format(name=said)
    if len(answers) == 1:
        return answers[0][1]
    return ", ".join(f"{account}: {answer}" for account, answer in answers)


def _recognize(template: str, question: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the name in a question that matches a template, and as it was said."""
    # Loaded by Assist, and of no use without it
    from hassil import Intents, TextSlotList, recognize_all  # noqa: PLC0415

    intents = {DOMAIN: {"data": [{"sentences": [template]}]}}
    values = TextSlotList.from_tuples(
        ((name, name) for name in names), allow_template=False, name="name"
    )
    found = (
        (result.entities["name"].value, result.entities["name"].text.strip())
        for result in recognize_all(
            question,
            Intents.from_dict({"language": "en", "intents": intents}),
            slot_lists={"name": values},
        )
    )
    # The longer one, if a template has room for the rest of it. None, if the sensor
    # has been renamed since.
    return max(found, key=lambda name: len(name[1]), default=(question, question))


@callback
def _tell(hass: HomeAssistant, sensors: list[str], unit: str | None) -> str | None:
    """Return the exact sum of sensors, or None if a part is unknown.

    A single one is rounded as Home Assistant shows it, a sum only filled up with zeros.
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
    total = shown[0] if len(shown) == 1 else add(*amounts, *(0 * a for a in shown))
    return f"{total:f} {unit}"
