"""Early pytest plugin that fits the test plugin to a newer Home Assistant.

pytest-homeassistant-custom-component 0.13.375 is made for Home Assistant 2026.10 and
imports this helper from where it was until then.
"""

import homeassistant  # noqa: F401 # puts its engine in voluptuous' place
from homeassistant.components import logger

if not hasattr(logger, "_clear_logger_overwrites"):
    from homeassistant.components.logger.helpers import _clear_logger_overwrites

    logger._clear_logger_overwrites = _clear_logger_overwrites  # type: ignore[attr-defined] # see above
