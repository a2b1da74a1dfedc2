"""D1xx: convexity, where it was needed."""

from declarative.source.codes.record import Code

CONVEXITY: tuple[Code, ...] = ()
