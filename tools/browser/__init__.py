"""Tests of what people see, in a real browser on a real Home Assistant."""
