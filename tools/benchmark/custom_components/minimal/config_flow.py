"""A config flow, which Home Assistant wants; nobody uses it."""

from homeassistant.config_entries import ConfigFlow


class MinimalConfigFlow(ConfigFlow, domain="minimal"):
    """A flow without steps."""
