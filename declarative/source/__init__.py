"""Texts with places, and diagnostics as data."""
