"""Tools to develop the integration with."""
