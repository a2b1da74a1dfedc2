from dataclasses import dataclass
from declarative.source.diagnostic import *
from declarative.source.span import Span
@dataclass(frozen=True)
class Mistake:
    diagnostic: Diagnostic
    repaired: tuple = ()
def explain(source, line, stuck):
    t = line.tokens[min(stuck.index, len(line.tokens)-1)]
    return Mistake(error("E113", Span(source, t.start, t.end), f"`{t.text}` was not expected here"))
