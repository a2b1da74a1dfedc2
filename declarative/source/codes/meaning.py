"""E2xx: names, sizes and shapes."""

from declarative.source.codes.record import Code

MEANING: tuple[Code, ...] = ()
