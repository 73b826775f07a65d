"""Constants for CryptoCloud."""

from datetime import timedelta
import logging

from homeassistant.const import Platform

DOMAIN = "cryptocloud"
LOGGER = logging.getLogger(__package__)
PLATFORMS = [Platform.EVENT, Platform.SENSOR]

ACCOUNT_URL = "https://app.cryptocloud.plus"
CONF_INSTANT_UPDATES = "instant_updates"
CONF_ONLY_FUNDED = "only_funded"
CONF_SHOW_ICONS = "show_icons"
EVENT_BALANCE_CHANGE = f"{DOMAIN}_balance_change"
UPDATE_INTERVAL = timedelta(minutes=5)
