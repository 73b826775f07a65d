"""Tests of the config and options flow."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.cryptocloud.api import CryptoCloudClient
from custom_components.cryptocloud.const import DOMAIN
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from tools.sandbox import Sandbox, Status

from .common import (
    API_KEY,
    OTHER_API_KEY,
    Poll,
    Shop,
    get_state,
    get_value,
    hold,
    make_entry,
    make_row,
    set_options,
    set_up,
    start_flow,
    submit,
    suggested_values,
)

USER_INPUT = {"api_key": API_KEY, "only_funded": False, "show_icons": True}
FUNDED = {"only_funded": True, "show_icons": True}
NO_BALANCES = {"base": "no_balances"}


async def add_account(hass: HomeAssistant, **user_input: Any) -> ConfigFlowResult:
    """Fill in the form that adds an account."""
    return await submit(hass, await start_flow(hass, None, "user"), **user_input)


async def submit_twice(
    hass: HomeAssistant,
    sandbox: Sandbox,
    forms: list[ConfigFlowResult],
    user_input: dict[str, Any],
) -> list[str]:
    """Fill in two forms at a time, and return how they end."""
    sandbox.fault, sandbox.fault_count = hold(asyncio.Barrier(2).wait), 2
    configure = hass.config_entries.flow.async_configure
    results = await asyncio.gather(
        *(configure(form["flow_id"], user_input) for form in forms)
    )
    await hass.async_block_till_done()
    return sorted(str(result.get("reason")) for result in results)


def get_currencies(hass: HomeAssistant) -> set[str]:
    """Return the currencies that have a balance sensor."""
    states = hass.states.async_all("sensor")
    return {s.attributes["currency"] for s in states if "currency" in s.attributes}


async def test_full_flow(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test adding an account."""
    result = await start_flow(hass, None, "user")
    assert result["step_id"] == "user"
    assert result["description_placeholders"] == {
        "account_url": "https://app.cryptocloud.plus"
    }

    result = await submit(hass, result, **USER_INPUT)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "CryptoCloud"
    assert result["data"] == {"api_key": API_KEY}
    assert result["options"] == {"only_funded": False, "show_icons": True}
    assert result["result"].unique_id is None
    assert result["result"].state is ConfigEntryState.LOADED
    assert get_value(hass, "usdt_trc20") == "1250.5"


async def test_requests_go_to_cryptocloud(
    hass: HomeAssistant, aioclient_mock: AiohttpClientMocker
) -> None:
    """Test where requests go to."""
    aioclient_mock.post(
        "https://api.cryptocloud.plus/v2/merchant/wallet/balance/all",
        json={"status": "success", "result": []},
    )
    result = await add_account(hass, **USER_INPUT)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(aioclient_mock.mock_calls) == 2


async def test_request_sends_the_key_and_nothing_else(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test what is sent, and no more than that."""
    await add_account(hass, **USER_INPUT)

    assert len(sandbox.requests) == 2  # the check of the key and the first refresh
    for request in sandbox.requests:
        assert request.method == "POST"
        assert request.path == "/v2/merchant/wallet/balance/all"
        assert request.headers["Authorization"] == f"Token {API_KEY}"
        assert request.body_length == 0
        # The client unpacks nothing else.
        assert request.headers["Accept-Encoding"] == "gzip"


async def test_first_form_has_defaults(hass: HomeAssistant, sandbox: Sandbox) -> None:
    """Test that all currencies and their icons are shown unless one says otherwise."""
    result = await add_account(hass, api_key=API_KEY)

    assert result["options"] == {"only_funded": False, "show_icons": True}


async def test_options_of_the_first_form_take_effect(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test that the options make a difference before the first entity exists."""
    options = {"only_funded": True, "show_icons": False}
    result = await add_account(hass, api_key=API_KEY, **options)

    assert result["options"] == options
    assert not hass.states.get("sensor.cryptocloud_bnb")
    attributes = get_state(hass, "eth").attributes
    assert "entity_picture" not in attributes
    assert attributes["icon_base"].startswith("https://")


async def test_unexpected_error_is_logged_without_the_key(
    hass: HomeAssistant, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that an error of our own is logged, without the key."""
    result = await start_flow(hass, None, "user")
    with patch.object(CryptoCloudClient, "get_account", side_effect=ValueError("Oh")):
        result = await submit(hass, result, **USER_INPUT)
    assert result["errors"] == {"base": "unknown"}
    assert "ValueError: Oh" in caplog.text
    assert API_KEY not in caplog.text

    result = await submit(hass, result, **USER_INPUT)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_form_keeps_the_options_after_an_error(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test that after an error the user has to enter the key only."""
    sandbox.fault = Status(503)
    options = {"only_funded": True, "show_icons": False}
    result = await add_account(hass, api_key=API_KEY, **options)

    assert suggested_values(result) == options


@pytest.mark.parametrize("pasted", [" {}\n", "Token {}", "  token   {} ", "Token\t{}"])
async def test_pasted_key_is_cleaned(
    hass: HomeAssistant, sandbox: Sandbox, pasted: str
) -> None:
    """Test that a key is cleaned of what comes along with it."""
    result = await add_account(hass, api_key=pasted.format(API_KEY))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {"api_key": API_KEY}


@pytest.mark.parametrize(
    "api_key", ["", " ", "Token ", "ключ", "a\nb", "a\r\nHost: b", "a\x00b", "\ud800"]
)
async def test_impossible_key_is_refused_without_a_request(
    hass: HomeAssistant, sandbox: Sandbox, api_key: str
) -> None:
    """Test that a key that cannot stand in a header is refused without a request."""
    result = await add_account(hass, api_key=api_key)

    assert result["errors"] == {"base": "invalid_auth"}
    assert sandbox.request_count == 0


async def test_each_account_gets_its_own_title(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test that each account gets a title of its own."""
    titles = []
    for api_key in ("a", "b", "c"):
        sandbox.valid_keys.add(api_key)
        titles.append((await add_account(hass, api_key=api_key))["title"])

    assert titles == ["CryptoCloud", "CryptoCloud 2", "CryptoCloud 3"]
    assert get_value(hass, "3_usdt_trc20") == "1250.5"


@pytest.mark.usefixtures("loaded_entry")
async def test_same_key_is_added_once(hass: HomeAssistant) -> None:
    """Test that an account is added once."""
    result = await add_account(hass, api_key=f"Token {API_KEY}")

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_same_key_in_two_dialogs_is_added_once(
    hass: HomeAssistant, sandbox: Sandbox
) -> None:
    """Test that an account is added once, also from two windows at a time."""
    forms = [await start_flow(hass, None, "user") for _ in range(2)]
    ends = await submit_twice(hass, sandbox, forms, USER_INPUT)

    assert ends == ["None", "already_configured"]
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert entry.state is ConfigEntryState.LOADED


async def test_same_new_key_in_two_dialogs_replaces_one(
    hass: HomeAssistant, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Test that two accounts cannot get one key from two windows at a time."""
    entries = [make_entry("a"), make_entry("b", title="CryptoCloud 2")]
    forms = []
    for entry in entries:
        entry.add_to_hass(hass)
        forms.append(await start_flow(hass, entry, "reconfigure"))
    ends = await submit_twice(hass, sandbox, forms, {"api_key": OTHER_API_KEY})

    assert ends == ["already_configured", "reconfigure_successful"]
    assert len({entry.data["api_key"] for entry in entries}) == 2
    assert "already in use" not in caplog.text


@pytest.mark.parametrize("source", ["reauth", "reconfigure"])
@pytest.mark.parametrize("api_key", [API_KEY, OTHER_API_KEY])
async def test_new_key_keeps_entities_and_options(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    source: str,
    api_key: str,
) -> None:
    """Test that entities and options survive a new key, and the same one."""
    before = set(entity_registry.entities)
    options = dict(loaded_entry.options)
    result = await start_flow(hass, loaded_entry, source)
    assert suggested_values(result) == {}

    result = await submit(hass, result, api_key=f" Token {api_key}")

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == f"{source}_successful"
    assert loaded_entry.data == {"api_key": api_key}
    assert loaded_entry.options == options
    assert loaded_entry.unique_id is None
    assert loaded_entry.state is ConfigEntryState.LOADED
    assert set(entity_registry.entities) == before
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert sandbox.requests[-1].headers["Authorization"] == f"Token {api_key}"


@pytest.mark.parametrize("source", ["reauth", "reconfigure"])
async def test_key_of_another_account_is_refused(
    hass: HomeAssistant, sandbox: Sandbox, loaded_entry: MockConfigEntry, source: str
) -> None:
    """Test that two accounts cannot come to have one key."""
    make_entry(OTHER_API_KEY, title="CryptoCloud 2").add_to_hass(hass)
    result = await start_flow(hass, loaded_entry, source)
    result = await submit(hass, result, api_key=OTHER_API_KEY)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert loaded_entry.data == {"api_key": API_KEY}


@pytest.mark.parametrize("api_key", [API_KEY, OTHER_API_KEY])
async def test_revoked_key_asks_for_a_new_one(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    poll: Poll,
    api_key: str,
) -> None:
    """Test that Home Assistant asks for a key, which may be valid again."""
    sandbox.revoke(API_KEY)
    await poll()
    assert get_value(hass, "usdt_trc20") == "unavailable"
    [flow] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert flow["context"]["entry_id"] == loaded_entry.entry_id
    assert flow["step_id"] == "reauth_confirm"

    sandbox.restore(api_key)
    result = await submit(hass, flow, api_key=api_key)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert get_value(hass, "usdt_trc20") == "1250.5"
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_options_take_effect_at_once(
    hass: HomeAssistant,
    sandbox: Sandbox,
    loaded_entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Test that options take effect at once."""
    result = await hass.config_entries.options.async_init(loaded_entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "init"
    assert suggested_values(result) == {"only_funded": False, "show_icons": True}

    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"only_funded": True, "show_icons": False}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded_entry.options == {"only_funded": True, "show_icons": False}
    assert not entity_registry.async_get("sensor.cryptocloud_bnb")
    assert not entity_registry.async_get("sensor.cryptocloud_bnb_usd_value")
    state = get_state(hass, "usdt_trc20")
    assert state.state == "1250.5"
    assert "entity_picture" not in state.attributes

    # Off again: what was taken away is back.
    result = await set_options(hass, loaded_entry, only_funded=False, show_icons=True)
    assert get_value(hass, "bnb") == "0"


async def test_option_that_stays_on_removes_nothing(new_shop: Shop) -> None:
    """Test that another option changed takes no drained currency away."""
    hass, entry = new_shop.hass, new_shop.entry
    hass.config_entries.async_update_entry(entry, options=FUNDED)
    await new_shop.set_up(ETH=1)
    await new_shop.poll(ETH=0)
    assert get_value(hass, "eth") == "0"

    await set_options(hass, entry, **FUNDED | {"show_icons": False})
    assert get_value(hass, "eth") == "0"


async def test_option_needs_an_answer(new_shop: Shop) -> None:
    """Test that without any answer nobody knows what holds nothing."""
    hass, entry = new_shop.hass, new_shop.entry
    new_shop.sandbox.fault = Status(503)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    user_input = {"only_funded": True, "show_icons": False}
    result = await set_options(hass, entry, **user_input)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == NO_BALANCES
    assert suggested_values(result) == user_input

    new_shop.sandbox.fault = None
    await new_shop.reload(A=1, B=0)
    assert get_currencies(hass) == {"A", "B"}
    configure = hass.config_entries.options.async_configure
    result = await configure(result["flow_id"], user_input)
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert get_currencies(hass) == {"A"}


@pytest.mark.parametrize("is_empty", [False, True])
async def test_option_needs_a_present_answer(new_shop: Shop, is_empty: bool) -> None:
    """Test that no old answer decides what holds nothing."""
    hass = new_shop.hass
    await new_shop.set_up(A=1, B=0)
    if is_empty:
        new_shop.set()
        await new_shop.poll()
    else:
        await new_shop.fail()
    result = await set_options(hass, new_shop.entry, **FUNDED)
    assert result["errors"] == NO_BALANCES
    assert hass.states.get("sensor.cryptocloud_b")

    await new_shop.poll(A=1, B=0)
    await hass.config_entries.options.async_configure(result["flow_id"], FUNDED)
    await hass.async_block_till_done()
    assert not hass.states.get("sensor.cryptocloud_b")


async def test_option_keeps_what_is_unknown(new_shop: Shop) -> None:
    """Test that a currency whose amounts cannot be read is not taken away."""
    unknown = [make_row("A", None), make_row("B", 0, balance_usd="?")]
    await new_shop.set_up(*unknown, make_row("C", 1), make_row("C", 2), D=0)
    await set_options(new_shop.hass, new_shop.entry, **FUNDED)

    assert get_currencies(new_shop.hass) == {"A", "B", "C"}


async def test_option_that_is_missing_is_off(new_shop: Shop) -> None:
    """Test that the option takes currencies away though it was never set before."""
    new_shop.hass.config_entries.async_update_entry(new_shop.entry, options={})
    await new_shop.set_up(A=1, B=0)
    assert get_currencies(new_shop.hass) == {"A", "B"}

    await set_options(new_shop.hass, new_shop.entry, **FUNDED)

    assert get_currencies(new_shop.hass) == {"A"}


async def test_option_of_an_empty_account_is_saved(new_shop: Shop) -> None:
    """Test the option where there is nothing to take away."""
    await new_shop.set_up()
    result = await set_options(new_shop.hass, new_shop.entry, **FUNDED)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_option_waits_for_the_first_answer(new_shop: Shop) -> None:
    """Test the options while the account is being set up."""
    options = new_shop.hass.config_entries.options
    errors: list[dict[str, str] | None] = []

    async def set_option() -> None:
        result = await options.async_init(new_shop.entry.entry_id)
        result = await options.async_configure(result["flow_id"], FUNDED)
        errors.append(result["errors"])

    new_shop.sandbox.fault = hold(set_option)
    await new_shop.set_up(A=1, B=0)

    assert errors == [NO_BALANCES]


async def test_option_needs_an_account_that_was_loaded(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Test the options before the account was ever set up."""
    result = await set_options(hass, entry, **FUNDED)

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == NO_BALANCES
