"""Quadratic programs on a CPU, item by item, in code compiled by numba; loaded when the first one is solved."""


def compiles() -> bool:
    """Does numba compile here? It is told not to by NUMBA_DISABLE_JIT, for debuggers."""
    from numba import config

    return not config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue]
