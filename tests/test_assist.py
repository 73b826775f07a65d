"""Tests of the questions that Assist answers."""

import asyncio
from collections import Counter
from itertools import islice
import logging
from pathlib import Path
import re
import sys
from typing import Any

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
from tools.sandbox import Sandbox

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Poll,
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
    "uk": (
        "Скільки у нас грошей?",
        "який у нас баланс",
    ),
    "de": (
        "Wie viel Geld haben wir?",
        "wie hoch ist unser Guthaben",
    ),
    "es": (
        "¿Cuánto dinero tenemos?",
        "cuál es nuestro saldo total",
    ),
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
    "tr": (
        "Ne kadar paramız var?",
        "bakiyemiz ne kadar",
    ),
    "zh-Hans": (
        "我们有多少钱？",
        "我们一共有多少钱",
    ),
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
NOT_EXPOSED_ANSWERS = (
    ("en", "How much ETH?", "Sorry, ETH is not exposed"),
    ("en-GB", "How much Ethereum?", "Sorry, Ethereum is not exposed"),
    (
        "en",
        "how much CryptoCloud-ETH do we have",
        "Sorry, CryptoCloud ETH is not exposed",
    ),
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
async def account(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return an account with sensors that are exposed to Assist."""
    await set_up_assist(hass)
    assert await set_up(hass, entry)
    expose(hass, BALANCE, TOTAL)
    return entry


@pytest.fixture
async def other_account(
    hass: HomeAssistant, account: MockConfigEntry
) -> MockConfigEntry:
    """Return a second account, with sensors that are exposed to Assist, too."""
    entry = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    assert await set_up(hass, entry)
    expose(hass, OTHER_BALANCE, OTHER_TOTAL)
    return entry


def expose(hass: HomeAssistant, *entity_ids: str, exposed: bool = True) -> None:
    """Expose sensors to Assist, or no longer."""
    for entity_id in entity_ids:
        async_expose_entity(hass, "conversation", entity_id, exposed)


async def ask(hass: HomeAssistant, question: str, language: str = "en") -> str | None:
    """Return what Assist answers, unless it is an error."""
    await hass.async_block_till_done()
    result = await async_converse(hass, question, None, Context(), language)
    if result.response.response_type is IntentResponseType.ERROR:
        return None
    answer: str = result.response.speech["plain"]["speech"]
    return answer


async def set_up_automation(hass: HomeAssistant, **config: Any) -> None:
    """Set up an automation with a question of the integration's."""
    automation = {
        "triggers": {"trigger": "conversation", "command": "how much USDT TRC20"},
        "actions": {"set_conversation_response": "Enough"},
    } | config
    assert await async_setup_component(hass, "automation", {"automation": automation})


@pytest.mark.parametrize(
    ("language", "question", "answer"),
    [
        (
            "en",
            "What is CryptoCloud USDT TRC20?",
            "Cryptocloud usdt trc20 is 1250.50 USDT",
        ),
        (
            "en",
            "what is the CryptoCloud total balance",
            "Cryptocloud total balance is 1250.37 USD",
        ),
        ("ru", "Что с CryptoCloud USDT TRC20?", "Cryptocloud usdt trc20 1250.50 USDT"),
        (
            "ru",
            "какое состояние у CryptoCloud Total balance",
            "Cryptocloud total balance 1250.37 USD",
        ),
    ],
)
@pytest.mark.usefixtures("account")
async def test_home_assistant_says_what_it_knows_the_name_of(
    hass: HomeAssistant, language: str, question: str, answer: str
) -> None:
    """Test Home Assistant's own questions for the state of a sensor."""
    assert await ask(hass, question, language) == answer


@pytest.mark.parametrize("language", AMOUNT_QUESTIONS)
@pytest.mark.usefixtures("account")
async def test_amount_is_told(hass: HomeAssistant, language: str) -> None:
    """Test questions for a currency and for a coin, in the words that people use."""
    for question in AMOUNT_QUESTIONS[language]:
        assert await ask(hass, question, language) == "1250.50 USDT", question
        # Assist understands it, whatever language it is set to.
        assert await ask(hass, question, "it") == "1250.50 USDT", question


@pytest.mark.usefixtures("account")
async def test_money_is_the_total(hass: HomeAssistant) -> None:
    """Test questions for the money as a whole."""
    for language, questions in MONEY_QUESTIONS.items():
        for question in questions:
            assert await ask(hass, question, language) == "1250.37 USD", question


@pytest.mark.usefixtures("account")
async def test_documented_questions_are_answered(hass: HomeAssistant) -> None:
    """Test the questions of the documentation."""
    page = (Path(__file__).parents[1] / "docs" / "voice.md").read_text()
    rows = re.findall(r"^\| \w+ \| (\".+) \|$", page, re.MULTILINE)
    assert len(rows) == len(PHRASES)
    for language, row in zip(PHRASES, rows, strict=True):
        questions = re.findall(r'"(.+?)"', row)
        answers = [await ask(hass, question, language) for question in questions]
        assert answers == [*["1250.50 USDT"] * 3, "1250.37 USD"], questions


def test_question_matches_a_trigger_once() -> None:
    """Test that Assist gets to an automation with the same sentence.

    It looks no further than a trigger that a question matches in two ways.
    """
    names = ("usdt", "usdt trc20")
    triggers = make_triggers(names, names)
    intents = Intents.from_dict(
        {
            "language": "en",
            "intents": {
                trigger["alias"]: {"data": [{"sentences": [trigger["command"]]}]}
                for trigger in triggers
            },
        }
    )
    for trigger in triggers:
        for question in islice(sample_sentence(parse_sentence(trigger["command"])), 99):
            matched = Counter(
                result.intent.name
                for result in recognize_all(" ".join(question.split()), intents)
            )
            assert matched[trigger["alias"]] == 1, question
            assert max(matched.values()) == 1, (question, matched)


@pytest.mark.usefixtures("account")
async def test_answer_is_up_to_date(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that the answer follows the balances."""
    assert await ask(hass, "how much total balance") == "1250.37 USD"
    sandbox.rows = [make_row("USDT_TRC20", 12)]
    await poll()
    assert await ask(hass, "how much USDT TRC20") == "12.00 USDT"
    assert await ask(hass, "how much money do we have") == "12.00 USD"


@pytest.mark.usefixtures("account")
async def test_unknown_amount_is_called_unknown(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that an unknown amount is never given as zero."""
    sandbox.rows = [make_row("USDT_TRC20", None)]
    sandbox.rows[0]["currency"]["name"] = "Tether"
    for value in ("unknown", "unavailable"):
        await poll()
        assert get_value(hass, "usdt_trc20") == value
        for language, (question, answer) in UNKNOWN_ANSWERS.items():
            for name in ("USDT TRC20", "USDT", "Tether", "total balance"):
                assert await ask(hass, question.format(name), language) == answer
        sandbox.body = b"no balances"


@pytest.mark.usefixtures("account")
async def test_other_questions_are_not_answered(hass: HomeAssistant) -> None:
    """Test questions for something else."""
    for language, question in (
        ("language", "question"),
        ("en", "how much is the fish"),
        ("en", "how much"),
        ("en", "how much is USDT"),
        ("en", "what is Tether"),
        ("en", "how much balance change"),
        ("en", "what is the balance"),
        ("en", "how much do we have"),
        ("ru", "сколько"),
        ("ru", "сколько стоит USDT TRC20"),
        ("ru", "какой баланс"),
    ):
        assert await ask(hass, question, language) is None, question


@pytest.mark.usefixtures("account")
async def test_time_is_told(hass: HomeAssistant) -> None:
    """Test that Home Assistant's own questions reach it."""
    for language, question in (
        ("en", "what time is it"),
        ("ru", "сколько времени"),
        ("ru", "который час"),
    ):
        answer = await ask(hass, question, language)
        assert answer
        assert re.search(r"\d:\d\d", answer)


@pytest.mark.usefixtures("account")
async def test_only_exposed_sensors_are_told(hass: HomeAssistant) -> None:
    """Test that the answer follows whether the sensor is exposed."""
    for question in ("what is {}", "how much {}", "что с {}", "сколько {}"):
        language = "en" if question.isascii() else "ru"
        for name in ("USDT TRC20", "CryptoCloud USDT TRC20", "USDT"):
            for exposed in (True, False, True):
                expose(hass, BALANCE, exposed=exposed)
                answer = await ask(hass, question.format(name), language) or ""
                assert ("1250.50 USDT" in answer) is exposed, answer


@pytest.mark.usefixtures("account")
async def test_answer_says_what_is_not_exposed(hass: HomeAssistant) -> None:
    """Test that sensors are not exposed by default, and that the answer says so."""
    for language, question, answer in NOT_EXPOSED_ANSWERS:
        assert await ask(hass, question, language) == answer
    expose(hass, "sensor.cryptocloud_eth")
    for language, question, _ in NOT_EXPOSED_ANSWERS:
        assert await ask(hass, question, language) == "0.00000001 ETH"


@pytest.mark.usefixtures("account")
async def test_answer_says_that_the_total_is_not_exposed(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Test that the money as a whole has to be exposed, too."""
    not_exposed = "Sorry, CryptoCloud Total balance is not exposed"
    expose(hass, TOTAL, exposed=False)
    assert await ask(hass, "how much money do we have") == not_exposed

    expose(hass, TOTAL)
    entity_registry.async_update_entity(
        TOTAL, disabled_by=er.RegistryEntryDisabler.USER
    )
    assert await ask(hass, "how much money do we have") == not_exposed
    assert await ask(hass, "how much total balance") is None


@pytest.mark.usefixtures("account")
async def test_coin_is_the_sum_of_its_networks(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test that amounts are added up exactly, of exposed sensors only."""
    sandbox.rows = [
        make_row("USDT_TRC20", 0.1),
        make_row("USDT_ERC20", 0.2),
        make_row("USDT_TON", 12345678901234567890),
        make_row("BTC", 5),
        make_row("BTC_LN", 4),
    ]
    for row in sandbox.rows:
        row["currency"]["stablecoin"] = True
    sandbox.rows[2]["currency"]["name"] = "Another name"
    await poll()
    erc, ton = "sensor.cryptocloud_usdt_erc20", "sensor.cryptocloud_usdt_ton"

    # The coin, though one of the sensors has the same name
    expose(hass, "sensor.cryptocloud_btc", "sensor.cryptocloud_btc_ln")
    assert await ask(hass, "how much BTC") == "9.00 BTC"
    expose(hass, "sensor.cryptocloud_btc", "sensor.cryptocloud_btc_ln", exposed=False)

    assert await ask(hass, "how much USDT") == "0.10 USDT"
    expose(hass, erc)
    assert await ask(hass, "how much USDT") == "0.30 USDT"
    assert await ask(hass, "how much USDT TRC20") == "0.10 USDT"
    expose(hass, ton)
    assert await ask(hass, "how much USDT") == "12345678901234567890.30 USDT"
    # Its networks are one coin, whatever the one or the other is called.
    assert await ask(hass, "how much another name") == "12345678901234567890.30 USDT"
    assert await ask(hass, "how much name") == "12345678901234567890.30 USDT"

    sandbox.rows[1]["balance_crypto"] = "0.000000000000000001"
    await poll()
    assert await ask(hass, "how much USDT") == (
        "12345678901234567890.100000000000000001 USDT"
    )
    sandbox.rows[2]["balance_crypto"] = "a lot"
    await poll()
    assert await ask(hass, "how much USDT") == "not known at the moment"
    expose(hass, ton, exposed=False)
    assert await ask(hass, "how much USDT") == "0.100000000000000001 USDT"


@pytest.mark.usefixtures("account")
async def test_coin_is_unknown_without_one_of_its_networks(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test a currency that is no longer reported."""
    sandbox.rows = [make_row("USDT_TRC20", 1), make_row("USDT_ERC20", 2)]
    await poll()
    expose(hass, "sensor.cryptocloud_usdt_erc20")
    assert await ask(hass, "how much USDT") == "3.000 USDT"
    del sandbox.rows[1]
    await poll()
    assert await ask(hass, "how much USDT") == "not known at the moment"


@pytest.mark.usefixtures("other_account")
async def test_same_currency_is_told_of_each_account(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test two accounts with the same currencies."""
    both = "CryptoCloud: 1250.50 USDT, CryptoCloud 2: 1250.50 USDT"
    for name in ("USDT TRC20", "USDT", "Tether"):
        assert await ask(hass, f"how much {name} do we have") == both
    assert await ask(hass, "what is USDT TRC20") == both
    assert await ask(hass, "сколько у нас денег", "ru") == (
        "CryptoCloud: 1250.37 USD, CryptoCloud 2: 1250.37 USD"
    )
    assert await ask(hass, "how much CryptoCloud USDT TRC20") == "1250.50 USDT"
    assert await ask(hass, "how much CryptoCloud 2 USDT TRC20") == "1250.50 USDT"
    assert (
        await ask(hass, "what is CryptoCloud 2 USDT TRC20")
        == "Cryptocloud 2 usdt trc20 is 1250.50 USDT"
    )
    expose(hass, BALANCE, exposed=False)
    assert await ask(hass, "how much USDT TRC20") == "1250.50 USDT"
    assert await ask(hass, "how much CryptoCloud USDT TRC20") == (
        "Sorry, CryptoCloud USDT TRC20 is not exposed"
    )


async def test_account_that_is_not_loaded_is_unknown(
    hass: HomeAssistant, other_account: MockConfigEntry, sandbox: Sandbox
) -> None:
    """Test that the money of one account is not told as that of both."""
    sandbox.valid_keys = {API_KEY}
    await hass.config_entries.async_reload(other_account.entry_id)
    unknown = "CryptoCloud 2: not known at the moment"
    for name, amount in (("USDT", "1250.50 USDT"), ("Tether", "1250.50 USDT")):
        assert (
            await ask(hass, f"how much {name}") == f"CryptoCloud: {amount}, {unknown}"
        )
    assert await ask(hass, "how much money do we have") == (
        f"CryptoCloud: 1250.37 USD, {unknown}"
    )


async def test_answer_has_the_accounts_own_name(
    hass: HomeAssistant,
    other_account: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Test that names of accounts follow those of their devices."""
    [device] = dr.async_entries_for_config_entry(
        device_registry, other_account.entry_id
    )
    device_registry.async_update_device(device.id, name_by_user="Shop")
    assert await ask(hass, "how much USDT TRC20") == (
        "CryptoCloud: 1250.50 USDT, Shop: 1250.50 USDT"
    )
    assert await ask(hass, "what is Shop USDT TRC20") == (
        "Shop usdt trc20 is 1250.50 USDT"
    )
    assert await ask(hass, "how much Shop USDT TRC20") == "1250.50 USDT"
    assert await ask(hass, "how much CryptoCloud 2 USDT TRC20") is None


async def test_names_are_in_the_language_of_home_assistant(
    hass: HomeAssistant, sandbox: Sandbox, entry: MockConfigEntry
) -> None:
    """Test translated names of sensors."""
    hass.config.language = "ru"
    await set_up_assist(hass)
    await set_up(hass, entry)
    expose(hass, TOTAL)
    assert await ask(hass, "сколько общий баланс", "ru") == "1250.37 USD"


async def test_registry_is_left_alone(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that the names of a sensor are the user's alone."""
    sensors = er.async_entries_for_config_entry(entity_registry, account.entry_id)
    assert sensors
    assert all(sensor.aliases == [COMPUTED_NAME] for sensor in sensors)


async def test_own_names_work(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that what the user makes of the names works, and nothing else does."""
    entity_registry.async_update_entity(BALANCE, aliases=["тезера"])
    entity_registry.async_update_entity(TOTAL, aliases=[])
    entity_registry.async_update_entity(BALANCE, new_entity_id="sensor.dollars")
    for _ in range(2):
        assert await ask(hass, "сколько у нас тезера", "ru") == "1250.50 USDT"
        assert await ask(hass, "what is тезера") == "Тезера is 1250.50 USDT"
        assert await ask(hass, "how much USDT TRC20") is None
        assert await ask(hass, "how much CryptoCloud total balance") is None
        assert await hass.config_entries.async_reload(account.entry_id)


@pytest.mark.usefixtures("account")
async def test_renamed_sensor_goes_by_both_names(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Test a sensor with a name of the user's."""
    entity_registry.async_update_entity(BALANCE, name="Dollars on Tron")
    for name in ("Dollars on Tron", "USDT TRC20"):
        assert await ask(hass, f"how much {name}") == "1250.50 USDT"
    assert await ask(hass, "how much CryptoCloud USDT TRC20") is None


@pytest.mark.usefixtures("account")
async def test_alias_goes_before_a_coin(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test an alias that is a coin's name, and one that two sensors have."""
    assert sandbox.rows
    sandbox.rows.append(make_row("USDT_ERC20", 7))
    await poll()
    other = "sensor.cryptocloud_usdt_erc20"
    expose(hass, other)
    assert await ask(hass, "how much USDT") == "1257.500 USDT"

    entity_registry.async_update_entity(BALANCE, aliases=[COMPUTED_NAME, "USDT"])
    assert await ask(hass, "how much USDT") == "1250.50 USDT"
    assert await ask(hass, "what is USDT") == "Usdt is 1250.50 USDT"

    entity_registry.async_update_entity(other, aliases=[COMPUTED_NAME, "usdt"])
    assert await ask(hass, "how much USDT") == (
        "CryptoCloud: 1250.50 USDT, CryptoCloud: 7.000 USDT"
    )


@pytest.mark.usefixtures("account")
async def test_longest_name_is_meant(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Test names that are part of one another, or of a question."""
    entity_registry.async_update_entity(
        TOTAL, aliases=["balance", "USDT TRC20 balance", "our USDT"]
    )
    assert await ask(hass, "what is the balance of USDT TRC20") == "1250.50 USDT"
    assert await ask(hass, "how much balance do we have") == "1250.37 USD"
    assert await ask(hass, "how much USDT TRC20 balance") == "1250.37 USD"
    assert await ask(hass, "what is our USDT balance") == "1250.37 USD"
    assert await ask(hass, "what is my USDT balance") == "1250.50 USDT"


@pytest.mark.usefixtures("account")
async def test_new_currency_can_be_asked_for(
    hass: HomeAssistant, sandbox: Sandbox, poll: Poll
) -> None:
    """Test a currency that appears later."""
    assert await ask(hass, "how much TON") is None
    assert sandbox.rows
    sandbox.rows.append(make_row("TON", 7))
    await poll()
    assert await ask(hass, "how much TON") == "Sorry, TON is not exposed"
    expose(hass, "sensor.cryptocloud_ton")
    assert await ask(hass, "how much TON") == "7.000 TON"
    assert await ask(hass, "what is TON") == "7.000 TON"


async def test_removed_sensor_cannot_be_asked_for(
    hass: HomeAssistant, account: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """Test a sensor that the user removes, and that comes back."""
    entity_registry.async_remove(BALANCE)
    assert await ask(hass, "how much USDT TRC20") is None
    assert await hass.config_entries.async_reload(account.entry_id)
    assert await ask(hass, "how much USDT TRC20") == "1250.50 USDT"


async def test_account_without_names(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that the money as a whole needs no name."""
    sandbox.rows = []
    await set_up_assist(hass)
    assert await set_up(hass, entry)
    expose(hass, TOTAL)
    for sensor in er.async_entries_for_config_entry(entity_registry, entry.entry_id):
        entity_registry.async_update_entity(sensor.entity_id, aliases=[])
    assert await ask(hass, "how much money do we have") == "0.00 USD"
    assert await ask(hass, "how much total balance") is None


@pytest.mark.usefixtures("account")
async def test_names_mean_nothing_but_themselves(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test names with characters that have a meaning in a sentence."""
    for name in (
        "{a} <b> [c] (d) | e;f @g \\",
        "(",
        "}",
        "|",
        "a\\",
        "Shop: USDT, all!",
        "12:30",
        "{name}",
        "İşletme",
        "Straße",
    ):
        entity_registry.async_update_entity(BALANCE, aliases=[name])
        assert await ask(hass, f"how much {name} do we have") == "1250.50 USDT", name
        assert await ask(hass, f"how much {name}") == "1250.50 USDT", name
    assert await ask(hass, "how much total balance") == "1250.37 USD"
    assert not logged(caplog, logging.WARNING)


@pytest.mark.usefixtures("account")
async def test_names_that_nobody_can_say_are_left_out(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Test names of punctuation."""
    for name in ("?", "? ?"):
        entity_registry.async_update_entity(BALANCE, aliases=[name, "? Tether"])
        assert await ask(hass, "how much do we have") is None
        assert await ask(hass, "how much tether") == "1250.50 USDT"


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.usefixtures("account")
async def test_automation_with_the_same_sentence_answers(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, order: int, is_slow: bool
) -> None:
    """Test that the user's own answer is used, however long it takes."""
    has_started, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(_: ServiceCall) -> None:
        has_started.set()
        await may_answer.wait()

    hass.services.async_register("test", "wait", wait)
    actions = [{"action": "test.wait"}] if is_slow else []
    await set_up_automation(
        hass, actions=[*actions, {"set_conversation_response": "Enough"}]
    )
    # Home Assistant starts those who answer in no particular order.
    as_completed = asyncio.as_completed
    monkeypatch.setattr(
        asyncio,
        "as_completed",
        lambda answers: as_completed(
            [asyncio.ensure_future(answer) for answer in answers[::order]]
        ),
    )
    for _ in range(2):
        answer = asyncio.create_task(ask(hass, "how much USDT TRC20"))
        if is_slow:
            await has_started.wait()
            for _ in range(100):
                await asyncio.sleep(0)
            assert not answer.done()
        may_answer.set()
        assert await answer == "Enough"
        has_started.clear()
        may_answer.clear()


@pytest.mark.usefixtures("account")
async def test_automation_that_says_nothing_is_not_talked_over(
    hass: HomeAssistant,
) -> None:
    """Test that Home Assistant's own acknowledgment follows such an automation."""
    await set_up_automation(hass, actions=[])
    assert await ask(hass, "how much USDT TRC20") == "Done"


@pytest.mark.usefixtures("account")
async def test_automation_that_does_not_run_leaves_the_answer(
    hass: HomeAssistant,
) -> None:
    """Test an automation whose conditions are not met."""
    await set_up_automation(hass, conditions="{{ false }}")
    assert await ask(hass, "how much USDT TRC20") == "1250.50 USDT"


@pytest.mark.usefixtures("account")
async def test_other_automations_leave_the_answer(hass: HomeAssistant) -> None:
    """Test automations that run before, at the time of, and after a question."""
    events = {"trigger": "event", "event_type": "test"}
    await set_up_automation(hass, triggers=events)
    for _ in range(2):
        answer = asyncio.create_task(ask(hass, "how much USDT TRC20"))
        while not answer.done():
            hass.bus.async_fire("test")
            await asyncio.sleep(0)
        assert await answer == "1250.50 USDT"


async def test_questions_end_with_the_account(
    hass: HomeAssistant,
    account: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Test that no question is left behind."""
    client = await hass_ws_client(hass)

    async def count() -> int:
        await hass.async_block_till_done()
        await client.send_json_auto_id({"type": "conversation/sentences/list"})
        return len((await client.receive_json())["result"]["trigger_sentences"])

    assert (questions := await count())
    entity_registry.async_update_entity(BALANCE, aliases=["Dollars"])
    assert await count() == questions
    assert await hass.config_entries.async_reload(account.entry_id)
    assert await count() == questions
    # Unloaded while the questions are updated
    entity_registry.async_update_entity(BALANCE, aliases=["Tether"])
    assert await hass.config_entries.async_unload(account.entry_id)
    assert await count() == 0
    [device] = dr.async_entries_for_config_entry(device_registry, account.entry_id)
    device_registry.async_update_device(device.id, name_by_user="Shop")
    entity_registry.async_update_entity(BALANCE, aliases=["USDT"])
    assert await count() == 0
    assert await set_up(hass, account)
    assert await count() == questions
    await hass.config_entries.async_remove(account.entry_id)
    assert await count() == 0


async def test_assist_may_be_set_up_later(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test an account that is there before Assist, or without."""
    entity_registry.async_update_entity(BALANCE, aliases=["Dollars"])
    await hass.async_block_till_done()
    await set_up_assist(hass)
    expose(hass, BALANCE)
    assert await ask(hass, "how much dollars") == "1250.50 USDT"
    assert not logged(caplog, logging.WARNING)


async def test_assist_is_set_up_first(hass: HomeAssistant) -> None:
    """Test that Home Assistant starts Assist first, where it is used."""
    integration = await async_get_integration(hass, DOMAIN)
    assert "conversation" in integration.after_dependencies


@pytest.mark.parametrize(
    "name", ["async_validate_trigger_config", "async_initialize_triggers", "import"]
)
async def test_failure_costs_a_warning(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    name: str,
) -> None:
    """Test that the sensors do not depend on Assist."""
    await set_up_assist(hass)
    caplog.clear()

    async def fail(*_: Any) -> None:
        raise ValueError("no such sentence")

    if name == "import":
        monkeypatch.setitem(sys.modules, assist.__name__, None)
    else:
        monkeypatch.setattr(assist, name, fail)
    assert await set_up(hass, entry)
    assert complaints(caplog) == ["Assist could not be set up"]
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert await ask(hass, "how much USDT TRC20") is None


async def test_refused_questions_cost_a_warning(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sandbox: Sandbox,
    entry: MockConfigEntry,
) -> None:
    """Test a sentence trigger that Assist does not attach."""
    await set_up_assist(hass)
    caplog.clear()
    caplog.set_level(logging.DEBUG)

    async def fail(*_: Any) -> None:
        raise ValueError("no such sentence")

    monkeypatch.setattr(
        "homeassistant.components.conversation.trigger.async_attach_trigger", fail
    )
    assert await set_up(hass, entry)
    assert complaints(caplog) == ["Assist could not be set up"]
    assert "no such sentence" in caplog.text
    assert get_value(hass, "usdt_trc20") == "1250.5"


@pytest.mark.usefixtures("account")
async def test_failed_update_costs_a_warning(
    hass: HomeAssistant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test a name that Assist refuses: it keeps the questions it has."""

    async def fail(*_: Any) -> None:
        raise ValueError("no such sentence")

    with monkeypatch.context() as context:
        context.setattr(assist, "async_validate_trigger_config", fail)
        entity_registry.async_update_entity(BALANCE, aliases=["Dollars"])
        assert await ask(hass, "how much total balance") == "1250.37 USD"
    assert complaints(caplog) == ["Assist could not be updated"]
    assert await ask(hass, "how much USDT TRC20") == "not known at the moment"
    entity_registry.async_update_entity(BALANCE, aliases=["Euros"])
    assert await ask(hass, "how much euros") == "1250.50 USDT"


def test_every_language_has_all_phrases() -> None:
    """Test that no phrase is missing."""
    for phrases in PHRASES.values():
        assert all(phrases)
        assert "{name}" in phrases.not_exposed
        assert all(q.count("{name}") == 1 for q in phrases.amount + phrases.state)
        assert all("{name}" not in question for question in phrases.total)
