"""A measurement of instant updates."""
