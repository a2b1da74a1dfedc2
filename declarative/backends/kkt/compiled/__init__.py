"""Quadratic programs on a CPU, item by item, in code compiled by numba; loaded when the first one is solved."""
