"""Tests that Assist finds the balances by their names."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_registry import COMPUTED_NAME
from homeassistant.helpers.intent import IntentResponseType
from homeassistant.setup import async_setup_component
from sandbox import Sandbox

from .common import OTHER_API_KEY, make_entry

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


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up an account."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


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
    [("en", "how much USDT TRC20"), ("ru", "сколько USDT TRC20")],
)
@pytest.mark.usefixtures("account")
async def test_unknown_question(
    hass: HomeAssistant, language: str, question: str
) -> None:
    """Test what needs a blueprint, as the documentation says."""
    assert await ask(hass, question, language) is None


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
    assert (
        await ask(hass, "what is CryptoCloud 2 USDT TRC20")
        == "Cryptocloud 2 usdt trc20 is 1250.50 USDT"
    )


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
    assert await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert entity_registry.entities[BALANCE].aliases == [COMPUTED_NAME]
