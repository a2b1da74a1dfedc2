"""Wxxx: what is legal and probably not meant."""

from declarative.source.codes.record import Code

WARNINGS: tuple[Code, ...] = ()
