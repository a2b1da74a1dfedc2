"""E3xx: compiling for a backend and running on data."""

from declarative.source.codes.record import Code

RUNNING: tuple[Code, ...] = ()
