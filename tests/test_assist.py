"""Tests that Assist finds the balances by their names."""

import asyncio
from pathlib import Path
import re

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.const import DOMAIN
from homeassistant.components.conversation import async_converse
from homeassistant.components.conversation.agent_manager import get_agent_manager
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_registry import COMPUTED_NAME
from homeassistant.helpers.intent import IntentResponseType
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from tools.sandbox import Sandbox

from .common import OTHER_API_KEY, Poll, make_entry, make_row, set_up

BALANCE = "sensor.cryptocloud_usdt_trc20"
TOTAL = "sensor.cryptocloud_total_balance"


@pytest.fixture
async def assist(hass: HomeAssistant) -> None:
    """Set up Assist."""
    for domain in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, domain, {})


@pytest.fixture
async def account(
    hass: HomeAssistant, assist: None, sandbox: Sandbox, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return an account with sensors that are exposed to Assist."""
    await set_up(hass, entry)
    expose(hass, BALANCE, TOTAL)
    return entry


def expose(hass: HomeAssistant, *entity_ids: str, exposed: bool = True) -> None:
    """Expose sensors to Assist, or no longer."""
    for entity_id in entity_ids:
        async_expose_entity(hass, "conversation", entity_id, exposed)


async def ask(hass: HomeAssistant, question: str, language: str = "en") -> str | None:
    """Return what Assist answers, unless it is an error."""
    result = await async_converse(hass, question, None, Context(), language)
    if result.response.response_type is IntentResponseType.ERROR:
        return None
    answer: str = result.response.speech["plain"]["speech"]
    return answer


def sentences(hass: HomeAssistant) -> list[str]:
    """Return the sentences that Assist knows beside its own."""
    return get_agent_manager(hass).trigger_sentences


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
        ("en", "What is USDT TRC20?", "Usdt trc20 is 1250.50 USDT"),
        ("en", "what is the total balance", "Total balance is 1250.37 USD"),
        ("en", "tell me the value of USDT TRC20", "Usdt trc20 is 1250.50 USDT"),
        ("ru", "Что с CryptoCloud USDT TRC20?", "Cryptocloud usdt trc20 1250.50 USDT"),
        (
            "ru",
            "какое состояние у CryptoCloud Total balance",
            "Cryptocloud total balance 1250.37 USD",
        ),
        ("ru", "Что с USDT TRC20?", "Usdt trc20 1250.50 USDT"),
        ("ru", "какое состояние USDT TRC20", "Usdt trc20 1250.50 USDT"),
    ],
)
@pytest.mark.usefixtures("account")
async def test_state(
    hass: HomeAssistant, language: str, question: str, answer: str
) -> None:
    """Test Home Assistant's own questions for the state of a sensor."""
    assert await ask(hass, question, language) == answer


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "How much USDT TRC20?"),
        ("en", "how much usdt trc20 do we have"),
        ("en", "how many USDT TRC20 are there?"),
        ("en", "How much CryptoCloud USDT TRC20 is there?"),
        ("ru", "Сколько USDT TRC20?"),
        ("ru", "сколько у нас usdt trc20"),
        ("ru", "сколько у меня CryptoCloud USDT TRC20"),
        ("uk", "Скільки у нас USDT TRC20?"),
        ("de", "Wie viel USDT TRC20 haben wir?"),
        ("de", "wie viele USDT TRC20 habe ich"),
        ("es", "¿Cuánto USDT TRC20 tenemos?"),
        ("es", "cuántos USDT TRC20 hay"),
        ("fr", "Combien de USDT TRC20 avons-nous ?"),
        ("fr", "combien d’USDT TRC20"),
        ("pt-BR", "Quanto USDT TRC20 temos?"),
        ("tr", "Ne kadar USDT TRC20 var?"),
        ("zh-Hans", "我们有多少USDT TRC20？"),
        ("zh-Hans", "有多少 USDT TRC20"),
        ("en", "сколько USDT TRC20"),  # whatever language Assist is set to
    ],
)
@pytest.mark.usefixtures("account")
async def test_amount(hass: HomeAssistant, language: str, question: str) -> None:
    """Test questions for how much there is."""
    assert await ask(hass, question, language) == "1250.50 USDT"


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "English"),
        ("ru", "Russian"),
        ("uk", "Ukrainian"),
        ("de", "German"),
        ("es", "Spanish"),
        ("fr", "French"),
        ("pt-BR", "Portuguese"),
        ("tr", "Turkish"),
        ("zh-Hans", "Chinese"),
    ],
)
@pytest.mark.usefixtures("account")
async def test_documented_questions(
    hass: HomeAssistant, language: str, name: str
) -> None:
    """Test that the questions of the documentation are answered."""
    page = (Path(__file__).parents[1] / "docs" / "voice.md").read_text()
    [row] = re.findall(rf"^\| {name} \| (.+) \|$", page, re.MULTILINE)
    questions = re.findall(r'"(.+?)"', row)
    assert questions
    for question in questions:
        assert "1250.50 USDT" in (await ask(hass, question, language) or ""), question


@pytest.mark.usefixtures("account")
async def test_amount_now(hass: HomeAssistant, sandbox: Sandbox, poll: Poll) -> None:
    """Test that the answer is that of the moment."""
    assert await ask(hass, "how much total balance") == "1250.37 USD"
    sandbox.rows = [make_row("USDT_TRC20", 12)]
    await poll()
    assert await ask(hass, "how much USDT TRC20") == "12.00 USDT"
    assert await ask(hass, "how much total balance") == "12.00 USD"
    sandbox.body = b"no balances"
    await poll()
    assert await ask(hass, "how much USDT TRC20") == "unavailable"


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "how much is the fish"),
        ("en", "how much"),
        ("en", "how much USDT"),
        ("ru", "сколько"),
        ("ru", "сколько стоит USDT TRC20"),
    ],
)
@pytest.mark.usefixtures("account")
async def test_other_amount(hass: HomeAssistant, language: str, question: str) -> None:
    """Test that questions for something else are not answered."""
    assert await ask(hass, question, language) is None


@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "what time is it"), ("ru", "сколько времени"), ("ru", "который час")],
)
@pytest.mark.usefixtures("account")
async def test_time(hass: HomeAssistant, language: str, question: str) -> None:
    """Test that Home Assistant's own questions reach it."""
    answer = await ask(hass, question, language)
    assert answer
    assert re.search(r"\d:\d\d", answer)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "what is {}"),
        ("en", "how much {}"),
        ("ru", "что с {}"),
        ("ru", "сколько {}"),
    ],
)
@pytest.mark.usefixtures("account")
async def test_exposure(hass: HomeAssistant, language: str, question: str) -> None:
    """Test that nothing is told of what is not exposed."""

    async def told(name: str) -> bool:
        return "1250.50" in (await ask(hass, question.format(name), language) or "")

    for name in ("USDT TRC20", "CryptoCloud USDT TRC20"):
        assert await told(name)
        expose(hass, BALANCE, exposed=False)
        assert not await told(name)
        expose(hass, BALANCE)
        assert await told(name)


@pytest.mark.parametrize(
    ("language", "question"), [("en", "how much ETH"), ("ru", "сколько ETH")]
)
@pytest.mark.usefixtures("account")
async def test_not_exposed(hass: HomeAssistant, language: str, question: str) -> None:
    """Test that sensors are not exposed by themselves."""
    assert await ask(hass, question, language) is None
    expose(hass, "sensor.cryptocloud_eth")
    assert await ask(hass, question, language) == "0.00000001 ETH"


async def test_manifest(hass: HomeAssistant) -> None:
    """Test that Home Assistant starts Assist first, where it is used."""
    integration = await async_get_integration(hass, DOMAIN)
    assert "conversation" in integration.after_dependencies


async def test_aliases(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that sensors get their short names, be there Assist or not."""
    aliases = {
        entity.entity_id.partition("cryptocloud_")[2]: entity.aliases
        for entity in entity_registry.entities.values()
    }
    assert aliases.pop("total_balance") == [COMPUTED_NAME, "Total balance"]
    assert aliases.pop("total_available_balance") == [
        COMPUTED_NAME,
        "Total available balance",
    ]
    assert aliases.pop("bnb") == [COMPUTED_NAME, "BNB"]
    assert aliases.pop("eth") == [COMPUTED_NAME, "ETH"]
    assert aliases.pop("usdt_trc20") == [COMPUTED_NAME, "USDT TRC20"]
    # The event, and the sensors that are disabled by default
    assert "balance_change" in aliases
    assert "usdt_trc20_available" in aliases
    assert all(names == [COMPUTED_NAME] for names in aliases.values())


async def test_translated_alias(
    hass: HomeAssistant,
    sandbox: Sandbox,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that the short name is in Home Assistant's language."""
    hass.config.language = "ru"
    await set_up(hass, entry)
    assert entity_registry.entities[TOTAL].aliases == [COMPUTED_NAME, "Общий баланс"]


async def test_second_account(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that the short name is the first account's, and the full one works."""
    entity_registry.async_update_entity(TOTAL, aliases=[COMPUTED_NAME])
    other = make_entry(OTHER_API_KEY, title="CryptoCloud 2")
    other.add_to_hass(hass)
    await set_up(hass, other)
    balance = "sensor.cryptocloud_2_usdt_trc20"
    assert entity_registry.entities[balance].aliases == [COMPUTED_NAME]
    # That name is free again.
    total = entity_registry.entities["sensor.cryptocloud_2_total_balance"]
    assert total.aliases == [COMPUTED_NAME, "Total balance"]
    expose(hass, balance)
    assert await ask(hass, "what is USDT TRC20") == "Usdt trc20 is 1250.50 USDT"
    assert await ask(hass, "how much USDT TRC20") == "1250.50 USDT"
    assert (
        await ask(hass, "what is CryptoCloud 2 USDT TRC20")
        == "Cryptocloud 2 usdt trc20 is 1250.50 USDT"
    )
    expose(hass, BALANCE, exposed=False)
    assert await ask(hass, "how much USDT TRC20") is None
    assert await ask(hass, "сколько CryptoCloud 2 USDT TRC20") == "1250.50 USDT"


async def test_own_aliases(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that what the user makes of the names stays, and works."""
    entity_registry.async_update_entity(BALANCE, aliases=["тезера"])
    entity_registry.async_update_entity(TOTAL, aliases=[])
    # A new id makes Home Assistant add the sensor again.
    entity_registry.async_update_entity(BALANCE, new_entity_id="sensor.dollars")
    await hass.async_block_till_done()
    for _ in range(2):
        assert entity_registry.entities["sensor.dollars"].aliases == ["тезера"]
        assert entity_registry.entities[TOTAL].aliases == []
        assert await ask(hass, "сколько у нас тезера", "ru") == "1250.50 USDT"
        assert await ask(hass, "how much USDT TRC20") is None
        assert await ask(hass, "how much CryptoCloud total balance") is None
        assert await hass.config_entries.async_reload(account.entry_id)
        await hass.async_block_till_done()


async def test_restored_aliases(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that a sensor that comes back has the aliases it had."""
    entity_registry.async_update_entity(BALANCE, aliases=[COMPUTED_NAME])
    entity_registry.async_remove(BALANCE)
    await hass.async_block_till_done()
    assert await ask(hass, "how much CryptoCloud USDT TRC20") is None
    assert await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert entity_registry.entities[BALANCE].aliases == [COMPUTED_NAME]
    assert await ask(hass, "how much USDT TRC20") is None
    assert await ask(hass, "how much CryptoCloud USDT TRC20") == "1250.50 USDT"


@pytest.mark.usefixtures("account")
async def test_new_currency(hass: HomeAssistant, sandbox: Sandbox, poll: Poll) -> None:
    """Test a currency that appears later."""
    sandbox.rows.append(make_row("TON", 7))
    await poll()
    assert await ask(hass, "how much TON") is None
    expose(hass, "sensor.cryptocloud_ton")
    assert await ask(hass, "how much TON") == "7.00000000 TON"
    assert await ask(hass, "what is TON") == "Ton is 7.00000000 TON"


async def test_renamed_account(
    hass: HomeAssistant,
    account: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Test that the full name follows that of the account's device."""
    [device] = dr.async_entries_for_config_entry(device_registry, account.entry_id)
    device_registry.async_update_device(device.id, name_by_user="Shop")
    await hass.async_block_till_done()
    assert await ask(hass, "what is Shop USDT TRC20") == (
        "Shop usdt trc20 is 1250.50 USDT"
    )
    assert await ask(hass, "how much Shop USDT TRC20") == "1250.50 USDT"
    assert await ask(hass, "how much CryptoCloud USDT TRC20") is None


@pytest.mark.parametrize(
    "name", ["{a} <b> [c] (d) | e;f @g \\", "(", "}", "|", "a\\", "Shop: USDT, all!"]
)
@pytest.mark.usefixtures("account")
async def test_name_like_a_template(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, name: str
) -> None:
    """Test that names mean nothing but themselves."""
    entity_registry.async_update_entity(BALANCE, aliases=[name])
    assert await ask(hass, f"how much {name} do we have") == "1250.50 USDT"
    assert await ask(hass, "how much total balance") == "1250.37 USD"


@pytest.mark.usefixtures("account")
async def test_punctuation(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Test names with something that nobody says."""
    for name in ("?", "? ?"):
        entity_registry.async_update_entity(BALANCE, aliases=[name, "? Tether"])
        assert await ask(hass, "how much do we have") is None
        assert await ask(hass, "how much tether") == "1250.50 USDT"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.usefixtures("account")
async def test_automation(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    """Test that the user's own answer to a question is the one that is told."""
    triggers = {"trigger": "conversation", "command": "how much USDT TRC20"}
    actions = {"set_conversation_response": "Enough"}
    automation = {"triggers": triggers, "actions": actions}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    # Home Assistant starts those who answer in no particular order.
    as_completed = asyncio.as_completed
    monkeypatch.setattr(
        asyncio,
        "as_completed",
        lambda answers: as_completed(
            [asyncio.ensure_future(answer) for answer in answers[::order]]
        ),
    )
    assert await ask(hass, "how much USDT TRC20") == "Enough"


async def test_removal(
    hass: HomeAssistant,
    account: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that no question is left behind."""
    count = len(sentences(hass))
    assert count
    entity_registry.async_update_entity(
        TOTAL, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.async_block_till_done()
    assert len(sentences(hass)) == count / 2
    assert await hass.config_entries.async_unload(account.entry_id)
    assert sentences(hass) == []
    [device] = dr.async_entries_for_config_entry(device_registry, account.entry_id)
    device_registry.async_update_device(device.id, name_by_user="Shop")
    entity_registry.async_update_entity(BALANCE, aliases=["Tether"])
    assert sentences(hass) == []
    assert await ask(hass, "how much tether") is None
    await set_up(hass, account)
    assert len(sentences(hass)) == count / 2
    await hass.config_entries.async_remove(account.entry_id)
    assert sentences(hass) == []
