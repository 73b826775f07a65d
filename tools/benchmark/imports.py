"""Prints the modules that the integration adds to Home Assistant's: python -m tools.benchmark.imports."""

import importlib
import json
import pkgutil
import sys

# Home Assistant's loader looks for integrations there, whether or not there are any.
import custom_components
from homeassistant import bootstrap
import homeassistant.components.backup
import homeassistant.components.diagnostics
import homeassistant.components.sensor
import homeassistant.components.system_health
import homeassistant.components.webhook

# What every start sets up: backup is one of Home Assistant's default integrations.
BASE = (
    bootstrap,
    custom_components,
    homeassistant.components.backup,
    homeassistant.components.diagnostics,
    homeassistant.components.sensor,
    homeassistant.components.system_health,
    # Only with instant updates; the default configuration has it.
    homeassistant.components.webhook,
)


def main() -> None:
    """Import all of the integration's modules."""
    before = set(sys.modules)
    package = importlib.import_module("custom_components.cryptocloud")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    print(json.dumps(sorted(set(sys.modules) - before)))


if __name__ == "__main__":
    main()
