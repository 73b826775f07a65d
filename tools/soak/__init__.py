"""Tens of thousands of polls in compressed time."""
