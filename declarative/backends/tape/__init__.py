"""Expressions at concrete sizes: a flat list of array instructions, its derivatives and coefficients."""
