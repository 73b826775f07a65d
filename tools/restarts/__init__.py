"""Payments around restarts and kills of a real Home Assistant."""
