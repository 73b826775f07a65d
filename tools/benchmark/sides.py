"""What is compared: the integration, `rest` and the least that must be done."""

from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, override

import orjson

import custom_components
from custom_components.cryptocloud.api import CryptoCloudClient
from custom_components.cryptocloud.const import DOMAIN, UPDATE_INTERVAL
from homeassistant.components.rest.const import COORDINATOR
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.setup import async_setup_component
from tools.sandbox import BALANCE_PATH, GOOD_KEY

from .server import make_code

# Where Home Assistant looks for integrations
custom_components.__path__.append(str(Path(__file__).parent / "custom_components"))


_USD = {
    "device_class": "monetary",
    "state_class": "total",
    "unit_of_measurement": "USD",
}


class Side(Protocol):
    """A way to get the balances into Home Assistant."""

    def __init__(self, hass: HomeAssistant, url: str, currencies: int) -> None:
        """Initialize the side."""

    async def set_up(self) -> None:
        """Set up, including the first poll."""

    async def poll(self) -> None:
        """Fetch the balances and write the states."""


class FromEntry(Side):
    """An integration that is set up from a config entry."""

    domain: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    @override
    def __init__(self, hass: HomeAssistant, url: str, currencies: int) -> None:
        """Initialize the side."""
        self._hass = hass
        self._entry: ConfigEntry[DataUpdateCoordinator[Any]] = ConfigEntry(
            data={"api_key": GOOD_KEY, "url": f"{url}{BALANCE_PATH}"},
            discovery_keys=MappingProxyType({}),
            domain=self.domain,
            minor_version=2,
            options=self.options,
            source=SOURCE_USER,
            subentries_data=None,
            title="CryptoCloud",
            unique_id=None,
            version=1,
        )

    @override
    async def set_up(self) -> None:
        """Set up the entry as the config flow makes it."""
        await self._hass.config_entries.async_add(self._entry)
        self._check()

    @override
    async def poll(self) -> None:
        """Refresh the coordinator."""
        await _refresh(self._entry.runtime_data)

    async def stop(self) -> None:
        """Unload the entry; its entities stay registered."""
        await self._hass.config_entries.async_unload(self._entry.entry_id)
        # A new process knows nothing of the last one.
        self._hass.data.pop(f"{DOMAIN}_ledgers", None)

    async def start(self) -> None:
        """Set up the entry again."""
        await self._hass.config_entries.async_setup(self._entry.entry_id)
        self._check()

    def _check(self) -> None:
        if self._entry.state is not ConfigEntryState.LOADED:
            raise RuntimeError(f"the entry is {self._entry.state}")


class Integration(FromEntry):
    """The integration, as a new user has it."""

    domain = DOMAIN
    options: ClassVar[dict[str, Any]] = {"only_funded": False, "show_icons": True}

    @override
    def __init__(self, hass: HomeAssistant, url: str, currencies: int) -> None:
        """Initialize the side."""
        CryptoCloudClient.base_url = url
        super().__init__(hass, url, currencies)


class Minimal(FromEntry):
    """The least that an integration with a coordinator does."""

    domain = "minimal"


class Rest(Side):
    """Home Assistant's `rest` integration, with the integration's sensors."""

    @override
    def __init__(self, hass: HomeAssistant, url: str, currencies: int) -> None:
        """Initialize the side."""
        self._hass = hass
        self._config = make_rest_config(url, currencies)

    @override
    async def set_up(self) -> None:
        """Set up the integration."""
        if not await async_setup_component(self._hass, "rest", self._config):
            raise RuntimeError("rest could not be set up")

    @override
    async def poll(self) -> None:
        """Refresh the coordinator."""
        await _refresh(self._hass.data["rest"][COORDINATOR][0])


class Floor(Side):
    """The same request and states, and nothing else."""

    @override
    def __init__(self, hass: HomeAssistant, url: str, currencies: int) -> None:
        """Initialize the side."""
        self._hass = hass
        self._url = f"{url}{BALANCE_PATH}"
        self._session = async_get_clientsession(hass)

    @override
    async def set_up(self) -> None:
        """Poll."""
        await self.poll()

    @override
    async def poll(self) -> None:
        """Write what the rows say."""
        async with self._session.post(
            self._url, headers={"Authorization": f"Token {GOOD_KEY}"}
        ) as response:
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"HTTP status {response.status}")
            answer = orjson.loads(await response.read())
        for row in answer["result"]:
            currency = row["currency"]
            code = currency["code"]
            self._hass.states.async_set(
                f"sensor.cryptocloud_{code.lower()}_balance",
                str(row["balance_crypto"]),
                {
                    "state_class": "total",
                    "balance_usd": row["balance_usd"],
                    "available_balance": row["available_balance"],
                    "available_balance_usd": row["available_balance_usd"],
                    "currency": code,
                    "currency_name": currency["name"],
                    "network": currency["obj_network"]["code"],
                    "network_name": currency["obj_network"]["fullname"],
                    "icon_base": currency["icon_base"],
                    "icon_network": currency["icon_network"],
                    "unit_of_measurement": currency["short_code"],
                    "entity_picture": currency["icon_network"],
                    "friendly_name": f"CryptoCloud {code} balance",
                },
            )


def make_rest_config(url: str, currencies: int) -> dict[str, Any]:
    """Return a configuration as a reader of the documentation of `rest` writes it."""
    return {
        "rest": [
            {
                "resource": f"{url}{BALANCE_PATH}",
                "method": "POST",
                "headers": {"Authorization": f"Token {GOOD_KEY}"},
                "scan_interval": UPDATE_INTERVAL.total_seconds(),
                "sensor": [
                    *map(_make_rest_total, ("balance_usd", "available_balance_usd")),
                    *map(_make_rest_balance, range(currencies)),
                    *map(_make_rest_usd_value, range(currencies)),
                ],
            }
        ]
    }


def _make_rest_total(key: str) -> dict[str, Any]:
    template = f"{{{{ value_json.result | map(attribute='{key}') | sum }}}}"
    return {"name": f"CryptoCloud total {key}", **_USD, "value_template": template}


def _make_rest_balance(index: int) -> dict[str, Any]:
    code = make_code(index)
    return {
        "name": f"CryptoCloud {code} balance",
        "unit_of_measurement": f"C{index}",
        "state_class": "total",
        "value_template": _pick(code, "balance_crypto"),
        "json_attributes_path": f"$.result[?(@.currency.code=='{code}')]",
        "json_attributes": [
            "balance_usd",
            "available_balance",
            "available_balance_usd",
            "currency",
        ],
    }


def _make_rest_usd_value(index: int) -> dict[str, Any]:
    code = make_code(index)
    template = _pick(code, "balance_usd")
    return {"name": f"CryptoCloud {code} USD value", **_USD, "value_template": template}


def _pick(code: str, key: str) -> str:
    return (
        f"{{{{ value_json.result | selectattr('currency.code', 'eq', '{code}')"
        f" | map(attribute='{key}') | first }}}}"
    )


async def _refresh(coordinator: DataUpdateCoordinator[Any]) -> None:
    await coordinator.async_refresh()
    if not coordinator.last_update_success:
        raise RuntimeError("the poll failed")
