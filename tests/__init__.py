"""Tests of CryptoCloud for Home Assistant."""
