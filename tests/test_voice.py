"""Tests that Assist finds the balances by their names."""

import pytest

from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.intent import IntentResponseType
from homeassistant.setup import async_setup_component

BALANCE = "sensor.cryptocloud_usdt_trc20"
TOTAL = "sensor.cryptocloud_total_balance"


@pytest.fixture
async def assist(hass: HomeAssistant, loaded_entry: object) -> None:
    """Let Assist know the balances, by their names and one by an alias."""
    for domain in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, domain, {})
    registry = er.async_get(hass)
    for entity_id in (BALANCE, TOTAL):
        async_expose_entity(hass, "conversation", entity_id, True)
    aliases = registry.entities[BALANCE].aliases
    registry.async_update_entity(
        BALANCE, aliases=type(aliases)([*aliases, "USDT TRC20"])
    )
    await hass.async_block_till_done()


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
@pytest.mark.usefixtures("assist")
async def test_question(
    hass: HomeAssistant, language: str, question: str, answer: str
) -> None:
    """Test questions for the state of a sensor."""
    result = await async_converse(hass, question, None, Context(), language)
    assert result.response.response_type is IntentResponseType.QUERY_ANSWER
    assert result.response.speech["plain"]["speech"] == answer


@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "what is ETH"), ("ru", "что с ETH"), ("ru", "сколько USDT TRC20")],
)
@pytest.mark.usefixtures("assist")
async def test_unknown_question(
    hass: HomeAssistant, language: str, question: str
) -> None:
    """Test what needs an alias, or a blueprint, as the documentation says."""
    result = await async_converse(hass, question, None, Context(), language)
    assert result.response.response_type is IntentResponseType.ERROR
