"""Tests of what holds whatever CryptoCloud answers."""

from hypothesis import example, given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cryptocloud.api import CryptoCloudClient, CryptoCloudError
from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from custom_components.cryptocloud.coordinator import MAX_RETRY_AFTER
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from tools.sandbox import Sandbox

from .answers import Answer, RawAnswer, answers
from .common import API_KEY, Poll, make_entry, set_up, tracebacks
from .oracle import Account, read_rows

pytestmark = pytest.mark.heavy


async def next_answer(
    hass: HomeAssistant, entry: MockConfigEntry, poll: Poll, *, reload: bool
) -> None:
    """Let Home Assistant ask once more, by polling or after a reload."""
    flows = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )
    if entry.state is ConfigEntryState.LOADED and not flows and not reload:
        await poll(MAX_RETRY_AFTER + UPDATE_INTERVAL)
        return
    for flow in flows:
        hass.config_entries.flow.async_abort(flow["flow_id"])
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def of_btc(detail: str) -> Answer:
    """Return a good answer with one currency."""
    row = f'{{"currency":{{"code":"BTC",{detail}}},"balance_crypto":1}}'
    body = f'{{"status":"success","result":[{row}]}}'
    return Answer(body.encode(), is_good=True)


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@example(
    sequence=[
        (of_btc('"short_code":"BTC"'), False),
        (of_btc('"short_code":"XBT"'), True),
    ]
)
@example(sequence=[(of_btc('"icon_base":"https://xn--/"'), False)])
@given(sequence=st.lists(st.tuples(answers, st.booleans()), min_size=1, max_size=3))
async def test_values_are_as_answered_or_unknown(
    hass: HomeAssistant,
    sandbox: Sandbox,
    poll: Poll,
    caplog: pytest.LogCaptureFixture,
    sequence: list[tuple[Answer | RawAnswer, bool]],
) -> None:
    """Test that what is shown is what was answered, or nothing."""
    caplog.clear()
    hass.loop.set_debug(False)  # It costs half of the time.
    entry = make_entry(entry_id="account")
    units: dict[str, str] = {}
    try:
        for count, (answer, reload) in enumerate(sequence):
            sandbox.fault = answer
            requests = sandbox.request_count
            if count:
                await next_answer(hass, entry, poll, reload=reload)
            else:
                await set_up(hass, entry)
            assert sandbox.request_count > requests
            account = Account(hass, entry)
            assert account.is_shown or not answer.is_good
            if account.is_shown and isinstance(answer, Answer):
                found = read_rows(
                    answer.body, answer.headers.get("Content-Encoding", "")
                )
                assert found is not None
                account.check(found)
            units = account.units | units
            assert units == units | account.units
    finally:
        await hass.config_entries.async_remove(entry.entry_id)
        await hass.async_block_till_done()
        # Else what one example leaves would come back in the next.
        er.async_get(hass).deleted_entities.clear()

    assert tracebacks(caplog) == []


@pytest.mark.timeout(1800)
@given(answer=answers)
async def test_client_raises_only_its_own_errors(
    hass: HomeAssistant, sandbox: Sandbox, answer: Answer | RawAnswer
) -> None:
    """Test that the client returns balances or raises what it says it does."""
    hass.loop.set_debug(False)
    sandbox.fault = answer
    client = CryptoCloudClient(session=async_get_clientsession(hass), api_key=API_KEY)
    error = None
    try:
        await client.get_account()
    except CryptoCloudError as err:
        error = err

    assert not answer.is_good or error is None
    assert API_KEY not in str(error)
