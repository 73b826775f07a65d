"""Tests of the warnings about an account that cannot be reached."""

from datetime import timedelta

import pytest

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from tests.common import API_KEY, complaints

from .common import EVENT, WITH_URL, Home

GONE = (
    "CryptoCloud",
    (
        "No balances received from CryptoCloud for a while. If CryptoCloud no longer"
        " accepts the API key, Home Assistant asks for a new one under Settings >"
        " Devices & services. Otherwise it keeps trying."
    ),
)
BACK = ("CryptoCloud", "Balances of CryptoCloud are available again.")
TWO_HOURS = {"hours": 2}


@pytest.mark.parametrize("tell_back", [True, False])
async def test_outage_is_told_once(home: Home, tell_back: bool) -> None:
    """Test one warning for an outage, and word of its end."""
    await home.run(
        "account_unreachable", account=EVENT, duration=TWO_HOURS, tell_back=tell_back
    )
    await home.elapse()
    # A short outage
    await home.fail()
    await home.elapse()
    assert home.is_waiting

    await home.recover()
    assert not home.is_waiting

    # A long one
    await home.fail()
    await home.elapse()
    await home.elapse(timedelta(hours=1))
    assert home.is_waiting
    assert home.messages == []

    await home.elapse(timedelta(hours=1))
    assert home.messages == [GONE]

    await home.elapse(timedelta(hours=12))
    assert home.messages == [GONE]

    await home.recover()
    assert home.messages == ([GONE, BACK] if tell_back else [GONE])
    assert not home.is_waiting


async def test_outage_from_the_start_is_told(home: Home) -> None:
    """Test an account that could not be set up, and a deleted one."""
    entries = home.hass.config_entries
    home.sandbox.revoke(API_KEY)
    await entries.async_reload(home.entry.entry_id)
    assert home.entry.state is ConfigEntryState.SETUP_ERROR

    ten_minutes = {"minutes": 10}
    await home.run(
        "account_unreachable", account=EVENT, duration=ten_minutes, notify=[WITH_URL]
    )
    await home.elapse()
    await home.elapse(timedelta(minutes=10))
    told = [(GONE[0], f"{GONE[1]} /dashboard-cryptocloud")]
    assert home.messages == told

    await entries.async_remove(home.entry.entry_id)
    await home.elapse(timedelta(hours=1))
    assert home.messages == told


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_account_given_up_during_an_outage_is_silent(
    home: Home, caplog: pytest.LogCaptureFixture, how: str, told: bool
) -> None:
    """Test no word of an account that was disabled or deleted during an outage."""
    entries = home.hass.config_entries
    await home.run("account_unreachable", account=EVENT, duration=TWO_HOURS)
    await home.fail()
    await home.elapse()
    assert home.is_waiting

    if told:
        await home.elapse(timedelta(hours=2))
    caplog.clear()
    if how == "disable":
        disabled_by = ConfigEntryDisabler.USER
        assert await entries.async_set_disabled_by(home.entry.entry_id, disabled_by)
    else:
        await entries.async_remove(home.entry.entry_id)
    await home.elapse(timedelta(hours=2))
    await home.elapse()
    assert home.is_waiting is (told and home.hass.states.get(EVENT) is not None)
    assert home.messages == [GONE] * told
    assert complaints(caplog) == []
