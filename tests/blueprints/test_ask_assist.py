"""Tests of the questions to Assist in one's own words."""

from decimal import Decimal
from typing import Any

import pytest

from homeassistant.components.conversation import async_converse
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
from tests.common import make_row

from .common import EVIL, HARMLESS, Home


@pytest.fixture(autouse=True)
async def set_up_assist(hass: HomeAssistant) -> None:
    """Set up Assist."""
    for domain in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, domain, {})


async def ask(hass: HomeAssistant, question: str, language: str = "en") -> Any:
    """Return what Assist answers."""
    result = await async_converse(hass, question, None, Context(), language)
    return result.response.speech["plain"]["speech"]


@pytest.mark.parametrize("inputs", [{}, {"unknown_answer": "No idea"}])
async def test_own_questions_are_answered(home: Home, inputs: dict[str, Any]) -> None:
    """Test questions in one's own words."""
    await home.run(
        "ask_assist",
        sensor="sensor.cryptocloud_usdt_trc20",
        questions=["how much USDT TRC20 [do (I|we) have]", "сколько USDT TRC20"],
        answer="We have {balance}",
        **inputs,
    )
    for language, question in (
        ("en", "How much USDT TRC20?"),
        ("en", "how much usdt trc20 do we have"),
        ("ru", "Сколько USDT TRC20?"),
    ):
        assert await ask(home.hass, question, language) == "We have 900.50 USDT"

    home.rows[0]["balance_crypto"] = None
    unknown = inputs.get("unknown_answer", "The balance is currently unknown.")
    for wait in (home.fail, home.recover):
        await wait()
        assert await ask(home.hass, "How much USDT TRC20?") == unknown


async def test_unit_of_the_service_does_not_format_the_answer(home: Home) -> None:
    """Test a unit that would be a link in a chat."""
    home.rows[0] = make_row("PAY", Decimal(-5))
    home.rows[0]["currency"]["short_code"] = EVIL
    await home.elapse()
    await home.run(
        "ask_assist", sensor="sensor.cryptocloud_pay", questions=["how much"]
    )

    assert await ask(home.hass, "How much?") == f"-5.000 {HARMLESS}"
