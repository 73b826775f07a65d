"""A benchmark of the integration."""
