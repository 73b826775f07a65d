"""A demo: the integration in a real Home Assistant."""
