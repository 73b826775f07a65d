"""Tests of the warnings about an account that cannot be reached."""

from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from tests.common import API_KEY, Messages, Poll, complaints
from tools.sandbox import Sandbox

from .common import EVENT, WITH_URL, Run, is_waiting

GONE = (
    "CryptoCloud",
    (
        "No balances received from CryptoCloud for a while. If CryptoCloud no longer"
        " accepts the API key, Home Assistant asks for a new one under Settings >"
        " Devices & services. Otherwise it keeps trying."
    ),
)
BACK = ("CryptoCloud", "Balances of CryptoCloud are available again.")


@pytest.mark.parametrize("tell_back", [True, False])
async def test_outage_is_told_once(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    tell_back: bool,
) -> None:
    """Test one warning for an outage, and word of its end."""
    await run(
        "account_unreachable",
        account=EVENT,
        duration={"hours": 2},
        tell_back=tell_back,
    )
    await elapse()
    # A short outage
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    assert is_waiting(hass)

    sandbox.body = None
    await elapse()
    assert not is_waiting(hass)

    # A long one
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    await elapse(timedelta(hours=1))
    assert is_waiting(hass)
    assert messages == []

    await elapse(timedelta(hours=1))
    assert messages == [GONE]

    await elapse(timedelta(hours=12))
    assert messages == [GONE]

    sandbox.body = None
    await elapse()
    assert messages == ([GONE, BACK] if tell_back else [GONE])
    assert not is_waiting(hass)


async def test_outage_from_the_start_is_told(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
) -> None:
    """Test an account that could not be set up, and a deleted one."""
    sandbox.revoke(API_KEY)
    await hass.config_entries.async_reload(loaded_entry.entry_id)
    assert loaded_entry.state is ConfigEntryState.SETUP_ERROR

    await run(
        "account_unreachable",
        account=EVENT,
        duration={"minutes": 10},
        notify=[WITH_URL],
    )
    await elapse()
    await elapse(timedelta(minutes=10))
    told = [(GONE[0], f"{GONE[1]} /dashboard-cryptocloud")]
    assert messages == told

    await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse(timedelta(hours=1))
    assert messages == told


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_account_given_up_during_an_outage_is_silent(
    hass: HomeAssistant,
    sandbox: Sandbox,
    run: Run,
    messages: Messages,
    elapse: Poll,
    loaded_entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    how: str,
    told: bool,
) -> None:
    """Test no word of an account that was disabled or deleted during an outage."""
    await run("account_unreachable", account=EVENT, duration={"hours": 2})
    sandbox.body = b"no balances"
    await elapse()
    await elapse()
    assert is_waiting(hass)

    if told:
        await elapse(timedelta(hours=2))
    caplog.clear()
    if how == "disable":
        assert await hass.config_entries.async_set_disabled_by(
            loaded_entry.entry_id, ConfigEntryDisabler.USER
        )
    else:
        await hass.config_entries.async_remove(loaded_entry.entry_id)
    await elapse(timedelta(hours=2))
    await elapse()
    assert is_waiting(hass) is (told and hass.states.get(EVENT) is not None)
    assert messages == [GONE] * told
    assert complaints(caplog) == []
