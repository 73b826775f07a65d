"""The books of an account, kept from what it reports and what was answered."""

from decimal import Context, Decimal
from typing import Any

from custom_components.cryptocloud.const import EVENT_BALANCE_CHANGE
from homeassistant.core import Event, HomeAssistant, callback
from tests.oracle import is_sane, read_amount, read_code

_EXACT = Context(prec=400)
_ROUND = Decimal("1e-18")
_SUMS = {"increased": "received", "decreased": "withdrawn"}


class Books:
    """What the balances and the sums must be, if each change was reported once."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Open the books with what is shown."""
        self._hass = hass
        self._rates: dict[str, Decimal] = {}
        self._shown = self._read_shown()
        hass.bus.async_listen(EVENT_BALANCE_CHANGE, self._book)

    def read_rates(self, answer: list[Any]) -> None:
        """Take the rates of an answer; a rate of zero only if there is no other."""
        rows: dict[str | None, list[Any]] = {}
        for row in answer:
            rows.setdefault(read_code(row), []).append(row)
        for code, same in rows.items():
            [balance, *others] = {read_amount(row, "balance_crypto") for row in same}
            usd = read_amount(same[0], "balance_usd")
            if not code or others or not (is_sane(balance) and is_sane(usd)):
                continue
            if balance and usd is not None:
                rate = _EXACT.divide(usd, balance)
                if rate > 0 or (rate == 0 and code not in self._rates):
                    self._rates[code] = rate

    @callback
    def _book(self, event: Event) -> None:
        """Add a report to the books."""
        data = event.data
        amount = Decimal(data["amount"])
        sign = 1 if data["event_type"] == "increased" else -1
        code = data["currency"]
        before = self._shown.get(code, Decimal())
        self._shown[code] = _EXACT.add(before, _EXACT.multiply(sign, amount))
        value = _EXACT.multiply(amount, self._rates[code])
        key = _SUMS[data["event_type"]]
        self._shown[key] = _EXACT.add(self._shown[key], _EXACT.quantize(value, _ROUND))

    def check(self) -> None:
        """Check that what is shown is what the books say, to the last digit."""
        shown = self._read_shown()
        wrong = {
            name: f"{value} is shown, not {self._shown.get(name)}"
            for name, value in shown.items()
            if value != self._shown.get(name, Decimal())
        }
        if wrong:
            raise AssertionError(wrong)

    def _read_shown(self) -> dict[str, Decimal]:
        """Return the balances by code, and the sums."""
        shown = {
            key: Decimal(state.state)
            for key in _SUMS.values()
            if (state := self._hass.states.get(f"sensor.cryptocloud_{key}"))
        }
        for state in self._hass.states.async_all("sensor"):
            if "balance_usd" in state.attributes:
                shown[state.attributes["currency"]] = Decimal(state.state)
        return shown
