"""Tests of the questions to Assist in one's own words."""

from decimal import Decimal
from typing import Any

import pytest

from homeassistant.components.conversation import async_converse
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
from tests.common import Poll, Row, make_row
from tools.sandbox import Sandbox

from .common import EVIL, HARMLESS, Run


@pytest.mark.parametrize("inputs", [{}, {"unknown_answer": "No idea"}])
async def test_own_questions_are_answered(
    hass: HomeAssistant,
    sandbox: Sandbox,
    rows: list[Row],
    run: Run,
    elapse: Poll,
    inputs: dict[str, Any],
) -> None:
    """Test questions in one's own words."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await elapse()
    await run(
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
        result = await async_converse(hass, question, None, Context(), language)
        assert result.response.speech["plain"]["speech"] == "We have 900.50 USDT"
    rows[0]["balance_crypto"] = None
    for body in (b"no balances", None):
        sandbox.body = body
        await elapse()
        result = await async_converse(hass, question, None, Context(), language)
        assert result.response.speech["plain"]["speech"] == inputs.get(
            "unknown_answer", "The balance is currently unknown."
        )


async def test_unit_of_the_service_does_not_format_the_answer(
    hass: HomeAssistant, rows: list[Row], run: Run, elapse: Poll
) -> None:
    """Test a unit that would be a link in a chat."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    rows[0] = make_row("PAY", Decimal(-5))
    rows[0]["currency"]["short_code"] = EVIL
    await elapse()
    await run("ask_assist", sensor="sensor.cryptocloud_pay", questions=["how much"])
    result = await async_converse(hass, "How much?", None, Context(), "en")
    assert result.response.speech["plain"]["speech"] == f"-5.000 {HARMLESS}"
