"""Every code that a diagnostic may carry, with what it means, a text that earns it and one that does not."""

from declarative.source.codes.convexity import CONVEXITY
from declarative.source.codes.embedded import EMBEDDED
from declarative.source.codes.meaning import MEANING
from declarative.source.codes.record import Code
from declarative.source.codes.running import RUNNING
from declarative.source.codes.syntax import SYNTAX
from declarative.source.codes.warnings import WARNINGS

CODES: dict[str, Code] = {code.code: code for code in (*SYNTAX, *MEANING, *CONVEXITY, *RUNNING, *EMBEDDED, *WARNINGS)}

__all__ = ["CODES", "Code"]
