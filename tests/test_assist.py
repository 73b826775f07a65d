"""Tests of the questions that Assist answers."""

import asyncio
from collections import Counter
from itertools import islice
import logging
from pathlib import Path
import re
import sys
from typing import Any
from unittest.mock import patch

from hassil import Intents, parse_sentence, recognize_all
from hassil.sample import sample_sentence
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.cryptocloud import assist
from custom_components.cryptocloud.assist_phrases import PHRASES, make_triggers
from custom_components.cryptocloud.const import DOMAIN
from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_registry import COMPUTED_NAME
from homeassistant.helpers.intent import IntentResponseType
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Shop,
    complaints,
    get_value,
    logged,
    make_entry,
    make_row,
    set_up,
)

BALANCE = "sensor.cryptocloud_usdt_trc20"
OTHER_BALANCE = "sensor.cryptocloud_2_usdt_trc20"
TOTAL = "sensor.cryptocloud_total_balance"
OTHER_TOTAL = "sensor.cryptocloud_2_total_balance"

AMOUNT_QUESTIONS = {
    "en": (
        "What is USDT TRC20?",
        "what's USDT",
        "tell me the value of USDT TRC20",
        "What is the balance of USDT TRC20?",
        "what's our USDT balance",
        "How much USDT TRC20?",
        "how much usdt trc20 do we have",
        "how many USDT TRC20 are there?",
        "How much CryptoCloud USDT TRC20 is there?",
        "how much do I have in USDT",
        "how much Tether is left",
        "What is Tether?",
    ),
    "ru": (
        "Что с USDT TRC20?",
        "какое состояние USDT TRC20",
        "Сколько USDT TRC20?",
        "сколько у нас usdt trc20",
        "сколько у меня CryptoCloud USDT TRC20",
        "какой у нас баланс USDT?",
        "сколько USDT на балансе",
        "сколько осталось USDT",
        "баланс по USDT",
    ),
    "uk": (
        "Скільки у нас USDT TRC20?",
        "скільки USDT є",
        "який у мене баланс USDT",
        "що з USDT TRC20",
    ),
    "de": (
        "Wie viel USDT TRC20 haben wir?",
        "wie viele USDT TRC20 habe ich",
        "wieviel USDT gibt es",
        "wie viel USDT ist noch da",
        "wie hoch ist das USDT-Guthaben",
        "was ist USDT TRC20",
    ),
    "es": (
        "¿Cuánto USDT TRC20 tenemos?",
        "cuántos USDT TRC20 hay",
        "¿Cuál es el saldo de USDT?",
        "cuál es el valor de USDT TRC20",
    ),
    "fr": (
        "Combien de USDT TRC20 avons-nous ?",
        "combien d’USDT TRC20",
        "combien de USDT y a-t-il",
        "on a combien de Tether",
        "quel est le solde de USDT",
        "quel est l'état de USDT TRC20",
    ),
    "pt-BR": (
        "Quanto USDT TRC20 temos?",
        "quanto USDT a gente tem",
        "qual é o saldo de USDT",
        "como está USDT TRC20",
    ),
    "tr": (
        "Ne kadar USDT TRC20 var?",
        "USDT ne kadar",
        "USDT bakiyesi ne kadar?",
        "USDT TRC20 nedir",
    ),
    "zh-Hans": (
        "我们有多少USDT TRC20？",
        "有多少 USDT TRC20",
        "USDT余额还有多少",
        "USDT TRC20是多少",
    ),
}
MONEY_QUESTIONS = {
    "en": (
        "How much money do we have?",
        "how much money is in our account",
        "What is our balance?",
        "what is the total balance",
        "how much do we have in total",
    ),
    "ru": (
        "Сколько у нас денег?",
        "сколько всего денег на счету",
        "сколько денег у нас осталось",
        "какой у нас баланс",
    ),
    "uk": ("Скільки у нас грошей?", "який у нас баланс"),
    "de": ("Wie viel Geld haben wir?", "wie hoch ist unser Guthaben"),
    "es": ("¿Cuánto dinero tenemos?", "cuál es nuestro saldo total"),
    "fr": (
        "Combien d'argent avons-nous ?",
        "on a combien d’argent",
        "quel est notre solde",
    ),
    "pt-BR": (
        "Quanto dinheiro temos?",
        "quanto temos de dinheiro",
        "qual é o nosso saldo",
    ),
    "tr": ("Ne kadar paramız var?", "bakiyemiz ne kadar"),
    "zh-Hans": ("我们有多少钱？", "我们一共有多少钱"),
}
UNKNOWN_ANSWERS = {
    "en": ("How much {}?", "not known at the moment"),
    "ru": ("Сколько у нас {}?", "сейчас неизвестно"),
    "uk": ("Скільки у нас {}?", "зараз невідомо"),
    "de": ("Wie viel {} haben wir?", "derzeit nicht bekannt"),
    "es": ("¿Cuánto {} tenemos?", "no se conoce en este momento"),
    "fr": ("Combien de {} avons-nous ?", "pas connu pour le moment"),
    "pt-BR": ("Quanto {} temos?", "desconhecido no momento"),
    "tr": ("{} ne kadar?", "şu anda bilinmiyor"),
    "zh-Hans": ("我们有多少{}？", "目前未知"),
    "it": ("how much {}", "not known at the moment"),
}
BOTH = "CryptoCloud: 1250.50 USDT, {}: 1250.50 USDT"
UNKNOWN = "not known at the moment"
NOT_EXPOSED_ANSWERS = (
    ("en", "How much ETH?", "Sorry, ETH is not exposed"),
    ("en-GB", "How much Ethereum?", "Sorry, Ethereum is not exposed"),
    ("en", "how much CryptoCloud-ETH", "Sorry, CryptoCloud ETH is not exposed"),
    ("ru", "Сколько у нас ETH?", "Доступ к объекту ETH не предоставлен"),
    ("uk", "Скільки у нас ETH?", "Вибачте, ETH не є доступним"),
    ("de", "Wie viel ETH haben wir?", "ETH ist nicht freigegeben"),
    ("es", "¿Cuánto ETH tenemos?", "Lo siento, ETH no se expone al asistente"),
    ("fr", "Combien d'ETH avons-nous ?", "Désolé, ETH n'est pas exposé"),
    ("pt-BR", "Quanto ETH temos?", "Desculpe, ETH não está exposto"),
    ("tr", "ETH ne kadar?", "ETH paylaşıma açık değil"),
    ("zh-CN", "我们有多少ETH？", "抱歉，ETH 没有暴露"),
    ("it", "How much ETH?", "Sorry, ETH is not exposed"),
)


async def set_up_assist(hass: HomeAssistant) -> None:
    """Set up Assist."""
    for domain in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, domain, {})
    await hass.async_block_till_done()


@pytest.fixture
async def shop(new_shop: Shop) -> Shop:
    """Return a shop with sensors that are exposed to Assist."""
    await set_up_assist(new_shop.hass)
    assert await set_up(new_shop.hass, new_shop.entry)
    expose(new_shop, BALANCE, TOTAL)
    return new_shop


@pytest.fixture
async def other_entry(shop: Shop) -> MockConfigEntry:
    """Return a second account, with sensors that are exposed to Assist, too."""
    entry = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    assert await set_up(shop.hass, entry)
    expose(shop, OTHER_BALANCE, OTHER_TOTAL)
    return entry


def expose(shop: Shop, *entity_ids: str, exposed: bool = True) -> None:
    """Expose sensors to Assist, or no longer."""
    for entity_id in entity_ids:
        async_expose_entity(shop.hass, "conversation", entity_id, exposed)


async def ask(shop: Shop, question: str, language: str = "en") -> str | None:
    """Return what Assist answers, unless it is an error."""
    await shop.hass.async_block_till_done()
    result = await async_converse(shop.hass, question, None, Context(), language)
    if result.response.response_type is IntentResponseType.ERROR:
        return None
    answer: str = result.response.speech["plain"]["speech"]
    return answer


def update(shop: Shop, entity_id: str, **changes: Any) -> None:
    """Do to a sensor what a user does in its settings."""
    er.async_get(shop.hass).async_update_entity(entity_id, **changes)


def call(shop: Shop, *aliases: str, entity_id: str = BALANCE) -> None:
    """Call a sensor by aliases only."""
    update(shop, entity_id, aliases=[*aliases])


def name_device(shop: Shop, entry: MockConfigEntry, name: str) -> None:
    """Give the device of an account another name."""
    devices = dr.async_get(shop.hass)
    [device] = dr.async_entries_for_config_entry(devices, entry.entry_id)
    devices.async_update_device(device.id, name_by_user=name)


async def fail(*_: Any) -> None:
    """Fail as a part of Assist may."""
    raise ValueError("no such sentence")


async def set_up_automation(shop: Shop, **config: Any) -> None:
    """Set up an automation with a question of the integration's."""
    automation = {
        "triggers": {"trigger": "conversation", "command": "how much USDT TRC20"},
        "actions": {"set_conversation_response": "Enough"},
    } | config
    config = {"automation": automation}
    assert await async_setup_component(shop.hass, "automation", config)


async def test_home_assistant_says_what_it_knows_the_name_of(shop: Shop) -> None:
    """Test Home Assistant's own questions for the state of a sensor."""
    usdt, total = "Cryptocloud usdt trc20", "Cryptocloud total balance"
    for language, question, answer in (
        ("en", "What is CryptoCloud USDT TRC20?", f"{usdt} is 1250.50 USDT"),
        ("en", "what is the CryptoCloud total balance", f"{total} is 1250.37 USD"),
        ("ru", "Что с CryptoCloud USDT TRC20?", f"{usdt} 1250.50 USDT"),
        ("ru", "какое состояние CryptoCloud Total balance", f"{total} 1250.37 USD"),
    ):
        assert await ask(shop, question, language) == answer


@pytest.mark.parametrize("language", AMOUNT_QUESTIONS)
async def test_amount_is_told(shop: Shop, language: str) -> None:
    """Test questions for a currency and for a coin, in the words that people use."""
    for question in AMOUNT_QUESTIONS[language]:
        assert await ask(shop, question, language) == "1250.50 USDT", question
        # Assist understands it, whatever language it is set to.
        assert await ask(shop, question, "it") == "1250.50 USDT", question


async def test_money_is_the_total(shop: Shop) -> None:
    """Test questions for the money as a whole."""
    for language, questions in MONEY_QUESTIONS.items():
        for question in questions:
            assert await ask(shop, question, language) == "1250.37 USD", question


async def test_documented_questions_are_answered(shop: Shop) -> None:
    """Test the questions of the documentation."""
    page = (Path(__file__).parents[1] / "docs" / "voice.md").read_text()
    rows = re.findall(r"^\| \w+ \| (\".+) \|$", page, re.MULTILINE)
    assert len(rows) == len(PHRASES)
    for language, row in zip(PHRASES, rows, strict=True):
        questions = re.findall(r'"(.+?)"', row)
        answers = [await ask(shop, question, language) for question in questions]
        assert answers == [*["1250.50 USDT"] * 3, "1250.37 USD"], questions


def test_question_matches_a_trigger_once() -> None:
    """Test that Assist gets to an automation with the same sentence.

    It looks no further than a trigger that a question matches in two ways.
    """
    names = ("usdt", "usdt trc20")
    triggers = make_triggers(names, names)
    sentences = {
        t["alias"]: {"data": [{"sentences": [t["command"]]}]} for t in triggers
    }
    intents = Intents.from_dict({"language": "en", "intents": sentences})
    for trigger in triggers:
        for question in islice(sample_sentence(parse_sentence(trigger["command"])), 99):
            matched = Counter(
                result.intent.name
                for result in recognize_all(" ".join(question.split()), intents)
            )
            assert matched[trigger["alias"]] == 1, question
            assert max(matched.values()) == 1, (question, matched)


async def test_hundreds_of_names_are_read_in_parts(shop: Shop) -> None:
    """Test that no sentence has so many names that reading it takes long."""
    names = {f"c{number} net" for number in range(400)}
    commands = [trigger["command"] for trigger in make_triggers(names, names)]
    counts = [len(re.findall(r"c\d+ net", command)) for command in commands]
    assert max(counts) == 100

    await shop.poll(*(make_row(f"C{number}_NET", number) for number in range(1, 102)))
    for number in (1, 101):
        expose(shop, f"sensor.cryptocloud_c{number}_net")
        assert await ask(shop, f"how much C{number} NET") == f"{number}.000 C{number}"


async def test_answer_is_up_to_date(shop: Shop) -> None:
    """Test that the answer follows the balances."""
    assert await ask(shop, "how much total balance") == "1250.37 USD"
    await shop.poll(USDT_TRC20=12)
    assert await ask(shop, "how much USDT TRC20") == "12.00 USDT"
    assert await ask(shop, "how much money do we have") == "12.00 USD"


async def test_unknown_amount_is_called_unknown(shop: Shop) -> None:
    """Test that an unknown amount is never given as zero."""
    row = make_row("USDT_TRC20", None)
    row["currency"]["name"] = "Tether"
    shop.set(row)
    for value in ("unknown", "unavailable"):
        await shop.poll()
        assert get_value(shop.hass, "usdt_trc20") == value
        for language, (question, answer) in UNKNOWN_ANSWERS.items():
            for name in ("USDT TRC20", "USDT", "Tether", "total balance"):
                assert await ask(shop, question.format(name), language) == answer
        shop.sandbox.body = b"no balances"


async def test_other_questions_are_not_answered(shop: Shop) -> None:
    """Test questions for something else."""
    for language, question in (
        ("language", "question"),
        ("en", "how much is the fish"),
        ("en", "how much"),
        ("en", "how much is USDT"),
        ("en", "what is the fish"),
        ("en", "how much balance change"),
        ("en", "what is the balance"),
        ("en", "how much do we have"),
        ("ru", "сколько"),
        ("ru", "сколько стоит USDT TRC20"),
        ("ru", "какой баланс"),
    ):
        assert await ask(shop, question, language) is None, question


async def test_time_is_told(shop: Shop) -> None:
    """Test that Home Assistant's own questions reach it."""
    for question in ("what time is it", "сколько времени", "который час"):
        answer = await ask(shop, question, "en" if question.isascii() else "ru")
        assert answer
        assert re.search(r"\d:\d\d", answer)


async def test_only_exposed_sensors_are_told(shop: Shop) -> None:
    """Test that the answer follows whether the sensor is exposed."""
    for question in ("what is {}", "how much {}", "что с {}", "сколько {}"):
        language = "en" if question.isascii() else "ru"
        for name in ("USDT TRC20", "CryptoCloud USDT TRC20", "USDT"):
            for exposed in (True, False, True):
                expose(shop, BALANCE, exposed=exposed)
                answer = await ask(shop, question.format(name), language) or ""
                assert ("1250.50 USDT" in answer) is exposed, answer


async def test_answer_says_what_is_not_exposed(shop: Shop) -> None:
    """Test that sensors are not exposed by default, and that the answer says so."""
    for language, question, answer in NOT_EXPOSED_ANSWERS:
        assert await ask(shop, question, language) == answer
    expose(shop, "sensor.cryptocloud_eth")
    for language, question, _ in NOT_EXPOSED_ANSWERS:
        assert await ask(shop, question, language) == "0.00000001 ETH"


async def test_answer_says_that_the_total_is_not_exposed(shop: Shop) -> None:
    """Test that the money as a whole has to be exposed, too."""
    not_exposed = "Sorry, CryptoCloud Total balance is not exposed"
    expose(shop, TOTAL, exposed=False)
    assert await ask(shop, "how much money do we have") == not_exposed

    expose(shop, TOTAL)
    update(shop, TOTAL, disabled_by=er.RegistryEntryDisabler.USER)
    assert await ask(shop, "how much money do we have") == not_exposed
    assert await ask(shop, "how much total balance") is None


async def test_coin_is_the_sum_of_its_networks(shop: Shop) -> None:
    """Test that amounts are added up exactly, of exposed sensors only."""
    rows = [
        make_row("USDT_TRC20", 0.1),
        make_row("USDT_ERC20", 0.2),
        make_row("USDT_TON", 12345678901234567890),
        make_row("BTC", 5),
        make_row("BTC_LN", 4),
    ]
    for row in rows:
        row["currency"]["stablecoin"] = True
    rows[2]["currency"]["name"] = "Another name"
    await shop.poll(*rows)
    erc, ton = "sensor.cryptocloud_usdt_erc20", "sensor.cryptocloud_usdt_ton"

    # The coin, though one of the sensors has the same name
    bitcoin = ("sensor.cryptocloud_btc", "sensor.cryptocloud_btc_ln")
    expose(shop, *bitcoin)
    assert await ask(shop, "how much BTC") == "9.00 BTC"
    expose(shop, *bitcoin, exposed=False)

    assert await ask(shop, "how much USDT") == "0.10 USDT"
    expose(shop, erc)
    assert await ask(shop, "how much USDT") == "0.30 USDT"
    assert await ask(shop, "how much USDT TRC20") == "0.10 USDT"
    expose(shop, ton)
    assert await ask(shop, "how much USDT") == "12345678901234567890.30 USDT"
    # Its networks are one coin, whatever the one or the other is called.
    assert await ask(shop, "how much another name") == "12345678901234567890.30 USDT"
    assert await ask(shop, "how much name") == "12345678901234567890.30 USDT"

    rows[1]["balance_crypto"] = "0.000000000000000001"
    await shop.poll()
    total = "12345678901234567890.100000000000000001 USDT"
    assert await ask(shop, "how much USDT") == total

    rows[2]["balance_crypto"] = "a lot"
    await shop.poll()
    assert await ask(shop, "how much USDT") == UNKNOWN
    expose(shop, ton, exposed=False)
    assert await ask(shop, "how much USDT") == "0.100000000000000001 USDT"


async def test_coin_is_exact_on_one_network(shop: Shop) -> None:
    """Test that a coin is not rounded, but the currency is, as on the dashboard."""
    await shop.poll(USDT_TRC20="1250.503")
    assert await ask(shop, "how much USDT") == "1250.503 USDT"
    assert await ask(shop, "how much USDT TRC20") == "1250.50 USDT"


async def test_coin_is_unknown_without_one_of_its_networks(shop: Shop) -> None:
    """Test a currency that is no longer reported."""
    await shop.poll(USDT_TRC20=1, USDT_ERC20=2)
    expose(shop, "sensor.cryptocloud_usdt_erc20")
    assert await ask(shop, "how much USDT") == "3.000 USDT"
    await shop.poll(USDT_TRC20=1)
    assert await ask(shop, "how much USDT") == UNKNOWN


@pytest.mark.usefixtures("other_entry")
async def test_same_currency_is_told_of_each_account(shop: Shop) -> None:
    """Test two accounts with the same currencies."""
    both = BOTH.format("CryptoCloud 2")
    for name in ("USDT TRC20", "USDT", "Tether"):
        assert await ask(shop, f"how much {name} do we have") == both
    assert await ask(shop, "what is USDT TRC20") == both
    money = "CryptoCloud: 1250.37 USD, CryptoCloud 2: 1250.37 USD"
    assert await ask(shop, "сколько у нас денег", "ru") == money
    for name in ("CryptoCloud USDT TRC20", "CryptoCloud 2 USDT TRC20"):
        assert await ask(shop, f"how much {name}") == "1250.50 USDT"
    answer = "Cryptocloud 2 usdt trc20 is 1250.50 USDT"
    assert await ask(shop, "what is CryptoCloud 2 USDT TRC20") == answer

    expose(shop, BALANCE, exposed=False)
    assert await ask(shop, "how much USDT TRC20") == "1250.50 USDT"
    answer = "Sorry, CryptoCloud USDT TRC20 is not exposed"
    assert await ask(shop, "how much CryptoCloud USDT TRC20") == answer


async def test_account_that_is_not_loaded_is_unknown(
    shop: Shop, other_entry: MockConfigEntry
) -> None:
    """Test that the money of one account is not reported as that of both."""
    shop.sandbox.valid_keys = {API_KEY}
    await shop.hass.config_entries.async_reload(other_entry.entry_id)
    for name, amount in (
        ("USDT", "1250.50 USDT"),
        ("Tether", "1250.50 USDT"),
        ("money do we have", "1250.37 USD"),
    ):
        answer = f"CryptoCloud: {amount}, CryptoCloud 2: {UNKNOWN}"
        assert await ask(shop, f"how much {name}") == answer


async def test_answer_has_the_accounts_own_name(
    shop: Shop, other_entry: MockConfigEntry
) -> None:
    """Test that names of accounts follow those of their devices."""
    name_device(shop, other_entry, "Shop")
    assert await ask(shop, "how much USDT TRC20") == BOTH.format("Shop")
    answer = "Shop usdt trc20 is 1250.50 USDT"
    assert await ask(shop, "what is Shop USDT TRC20") == answer
    assert await ask(shop, "how much Shop USDT TRC20") == "1250.50 USDT"
    assert await ask(shop, "how much CryptoCloud 2 USDT TRC20") is None


async def test_names_are_in_the_language_of_home_assistant(new_shop: Shop) -> None:
    """Test translated names of sensors."""
    new_shop.hass.config.language = "ru"
    await set_up_assist(new_shop.hass)
    await new_shop.set_up(A=5)
    expose(new_shop, TOTAL)
    assert await ask(new_shop, "сколько общий баланс", "ru") == "5.00 USD"


async def test_registry_is_left_alone(
    shop: Shop, entity_registry: er.EntityRegistry
) -> None:
    """Test that the names of a sensor are the user's alone."""
    sensors = er.async_entries_for_config_entry(entity_registry, shop.entry.entry_id)
    assert sensors
    assert all(sensor.aliases == [COMPUTED_NAME] for sensor in sensors)


async def test_own_names_work(shop: Shop) -> None:
    """Test that what the user makes of the names works, and nothing else does."""
    call(shop, "тезера")
    call(shop, entity_id=TOTAL)
    update(shop, BALANCE, new_entity_id="sensor.dollars")
    for _ in range(2):
        assert await ask(shop, "сколько у нас тезера", "ru") == "1250.50 USDT"
        assert await ask(shop, "what is тезера") == "Тезера is 1250.50 USDT"
        assert await ask(shop, "how much USDT TRC20") is None
        assert await ask(shop, "how much CryptoCloud total balance") is None
        await shop.reload()


async def test_renamed_sensor_goes_by_both_names(shop: Shop) -> None:
    """Test a sensor with a name of the user's."""
    update(shop, BALANCE, name="Dollars on Tron")
    for name in ("Dollars on Tron", "USDT TRC20"):
        assert await ask(shop, f"how much {name}") == "1250.50 USDT"
    assert await ask(shop, "how much CryptoCloud USDT TRC20") is None


async def test_alias_goes_before_a_coin(shop: Shop) -> None:
    """Test an alias that is a coin's name, and one that two sensors have."""
    shop.rows.append(make_row("USDT_ERC20", 7))
    await shop.poll()
    other = "sensor.cryptocloud_usdt_erc20"
    expose(shop, other)
    assert await ask(shop, "how much USDT") == "1257.500 USDT"

    update(shop, BALANCE, aliases=[COMPUTED_NAME, "USDT"])
    assert await ask(shop, "how much USDT") == "1250.50 USDT"
    assert await ask(shop, "what is USDT") == "Usdt is 1250.50 USDT"

    update(shop, other, aliases=[COMPUTED_NAME, "usdt"])
    answer = "CryptoCloud: 1250.50 USDT, CryptoCloud: 7.000 USDT"
    assert await ask(shop, "how much USDT") == answer


async def test_ticker_goes_before_a_coin_and_that_before_a_sensor(shop: Shop) -> None:
    """Test a ticker that is another coin's name, and a sensor with a coin's name."""
    row = make_row("BTC", 7)
    row["currency"]["name"] = "USDT"
    shop.rows.append(row)
    await shop.poll()
    assert await ask(shop, "how much USDT") == "1250.50 USDT"

    update(shop, TOTAL, name="Tether")
    assert await ask(shop, "how much Tether") == "1250.50 USDT"


async def test_longest_name_is_meant(shop: Shop) -> None:
    """Test names that are part of one another, or of a question."""
    call(shop, "balance", "USDT TRC20 balance", "our USDT", entity_id=TOTAL)
    assert await ask(shop, "what is the balance of USDT TRC20") == "1250.50 USDT"
    assert await ask(shop, "how much balance do we have") == "1250.37 USD"
    assert await ask(shop, "how much USDT TRC20 balance") == "1250.37 USD"
    assert await ask(shop, "what is our USDT balance") == "1250.37 USD"
    assert await ask(shop, "what is my USDT balance") == "1250.50 USDT"


async def test_new_currency_can_be_asked_for(shop: Shop) -> None:
    """Test a currency that appears later."""
    assert await ask(shop, "how much TON") is None
    shop.rows.append(make_row("TON", 7))
    await shop.poll()
    assert await ask(shop, "how much TON") == "Sorry, TON is not exposed"
    expose(shop, "sensor.cryptocloud_ton")
    assert await ask(shop, "how much TON") == "7.000 TON"
    assert await ask(shop, "what is TON") == "7.000 TON"


async def test_many_new_currencies_cost_few_updates(shop: Shop) -> None:
    """Test that questions are not read again for each sensor that appears."""
    with patch.object(assist, "make_triggers", wraps=make_triggers) as update_questions:
        shop.rows.extend(make_row(f"COIN{number}", 7) for number in range(40))
        await shop.poll()
        answer = await ask(shop, "how much COIN39")

    assert answer == "Sorry, COIN39 is not exposed"
    assert update_questions.call_count < 40


async def test_removed_sensor_cannot_be_asked_for(
    shop: Shop, entity_registry: er.EntityRegistry
) -> None:
    """Test a sensor that the user removes, and that comes back."""
    entity_registry.async_remove(BALANCE)
    assert await ask(shop, "how much USDT TRC20") is None
    await shop.reload()
    assert await ask(shop, "how much USDT TRC20") == "1250.50 USDT"


async def test_account_without_names(new_shop: Shop) -> None:
    """Test that the money as a whole needs no name."""
    await set_up_assist(new_shop.hass)
    await new_shop.set_up()
    expose(new_shop, TOTAL)
    for sensor in new_shop.hass.states.async_entity_ids("sensor"):
        call(new_shop, entity_id=sensor)
    assert await ask(new_shop, "how much money do we have") == "0.00 USD"
    assert await ask(new_shop, "how much total balance") is None


async def test_names_mean_nothing_but_themselves(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test names with characters that have a meaning in a sentence."""
    names = ("(", "}", "|", "a\\", "{name}", "{a} <b> [c] (d) | e;f @g \\")
    for name in (*names, "Shop: USDT, all!", "12:30", "İşletme", "Straße"):
        call(shop, name)
        assert await ask(shop, f"how much {name} do we have") == "1250.50 USDT", name
        assert await ask(shop, f"how much {name}") == "1250.50 USDT", name
    assert await ask(shop, "how much total balance") == "1250.37 USD"
    assert not logged(caplog, logging.WARNING)


async def test_names_that_nobody_can_say_are_left_out(shop: Shop) -> None:
    """Test names of punctuation."""
    for name in ("?", "? ?"):
        call(shop, name, "? Tether")
        assert await ask(shop, "how much do we have") is None
        assert await ask(shop, "how much tether") == "1250.50 USDT"


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("order", [1, -1])
async def test_automation_with_the_same_sentence_answers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, order: int, is_slow: bool
) -> None:
    """Test that the user's own answer is used, however long it takes."""
    has_started, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(_: ServiceCall) -> None:
        has_started.set()
        await may_answer.wait()

    shop.hass.services.async_register("test", "wait", wait)
    actions = [{"action": "test.wait"}] if is_slow else []
    await set_up_automation(
        shop, actions=[*actions, {"set_conversation_response": "Enough"}]
    )
    # Home Assistant starts those who answer in no particular order.
    as_completed = asyncio.as_completed
    monkeypatch.setattr(
        asyncio,
        "as_completed",
        lambda answers: as_completed([*map(asyncio.ensure_future, answers[::order])]),
    )
    for _ in range(2):
        answer = asyncio.create_task(ask(shop, "how much USDT TRC20"))
        if is_slow:
            await has_started.wait()
            for _ in range(100):
                await asyncio.sleep(0)
            assert not answer.done()
        may_answer.set()
        assert await answer == "Enough"
        has_started.clear()
        may_answer.clear()

    await shop.hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )
    assert await ask(shop, "how much USDT TRC20") == "1250.50 USDT"


async def test_automation_that_says_nothing_is_not_talked_over(shop: Shop) -> None:
    """Test that Home Assistant's own acknowledgment follows such an automation."""
    await set_up_automation(shop, actions=[])
    assert await ask(shop, "how much USDT TRC20") == "Done"


async def test_automation_that_does_not_run_leaves_the_answer(shop: Shop) -> None:
    """Test an automation whose conditions are not met."""
    await set_up_automation(shop, conditions="{{ false }}")
    assert await ask(shop, "how much USDT TRC20") == "1250.50 USDT"


async def test_other_automations_leave_the_answer(shop: Shop) -> None:
    """Test automations that run before, at the time of, and after a question."""
    events = {"trigger": "event", "event_type": "test"}
    await set_up_automation(shop, triggers=events)
    for _ in range(2):
        answer = asyncio.create_task(ask(shop, "how much USDT TRC20"))
        while not answer.done():
            shop.hass.bus.async_fire("test")
            await asyncio.sleep(0)
        assert await answer == "1250.50 USDT"


async def test_questions_end_with_the_account(
    shop: Shop, hass_ws_client: WebSocketGenerator
) -> None:
    """Test that no question is left behind."""
    client = await hass_ws_client(shop.hass)

    async def count() -> int:
        await shop.hass.async_block_till_done()
        await client.send_json_auto_id({"type": "conversation/sentences/list"})
        return len((await client.receive_json())["result"]["trigger_sentences"])

    assert (questions := await count())
    call(shop, "Dollars")
    assert await count() == questions
    await shop.reload()
    assert await count() == questions
    # Unloaded while the questions are updated
    call(shop, "Tether")
    await shop.unload()
    assert await count() == 0
    name_device(shop, shop.entry, "Shop")
    call(shop, "USDT")
    assert await count() == 0
    assert await set_up(shop.hass, shop.entry)
    assert await count() == questions
    await shop.hass.config_entries.async_remove(shop.entry.entry_id)
    assert await count() == 0


async def test_assist_may_be_set_up_later(
    new_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Test an account that is there before Assist, or without."""
    assert await async_setup_component(new_shop.hass, "homeassistant", {})
    await new_shop.set_up(USDT_TRC20=5)
    call(new_shop, "Dollars")
    expose(new_shop, BALANCE)
    await new_shop.hass.async_block_till_done()
    await set_up_assist(new_shop.hass)
    assert await ask(new_shop, "how much dollars") == "5.000 USDT"
    assert not logged(caplog, logging.WARNING)


async def test_assist_is_set_up_first(hass: HomeAssistant) -> None:
    """Test that Home Assistant starts Assist first, where it is used."""
    integration = await async_get_integration(hass, DOMAIN)
    assert "conversation" in integration.after_dependencies


@pytest.mark.parametrize(
    "name",
    [
        "import",
        "custom_components.cryptocloud.assist.async_validate_trigger_config",
        "custom_components.cryptocloud.assist.async_initialize_triggers",
        "homeassistant.components.conversation.trigger.async_attach_trigger",
    ],
)
async def test_failure_costs_a_warning(
    new_shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    """Test that the sensors do not depend on Assist."""
    await set_up_assist(new_shop.hass)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    if name == "import":
        monkeypatch.setitem(sys.modules, assist.__name__, None)
    else:
        monkeypatch.setattr(name, fail)
    await new_shop.set_up(USDT_TRC20=5)

    assert complaints(caplog) == ["Assist could not be set up"]
    assert name == "import" or "no such sentence" in caplog.text
    assert get_value(new_shop.hass, "usdt_trc20") == "5"
    assert await ask(new_shop, "how much USDT TRC20") is None


async def test_failed_update_costs_a_warning(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Test a name that Assist refuses: it keeps the questions it has."""
    with monkeypatch.context() as context:
        context.setattr(assist, "async_validate_trigger_config", fail)
        call(shop, "Dollars")
        assert await ask(shop, "how much total balance") == "1250.37 USD"
    assert complaints(caplog) == ["Assist could not be updated"]
    assert await ask(shop, "how much USDT TRC20") == UNKNOWN

    call(shop, "Euros")
    assert await ask(shop, "how much euros") == "1250.50 USDT"


def test_every_language_has_all_phrases() -> None:
    """Test that no phrase is missing."""
    for phrases in PHRASES.values():
        assert all(phrases)
        assert "{name}" in phrases.not_exposed
        assert all(q.count("{name}") == 1 for q in phrases.amount + phrases.state)
        assert all("{name}" not in question for question in phrases.total)
