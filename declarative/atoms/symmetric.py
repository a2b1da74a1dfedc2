"""Is a matrix symmetric, as far as its form tells?"""

from __future__ import annotations

from declarative.atoms.apply import apply
from declarative.ir.expr import Call, Expr, Index, Parameter, Variable


def is_symmetric(e: Expr) -> bool:
    """Sums, multiples and transposes of symmetric data; M'M; a scalar."""
    match e:
        case Parameter(symmetric=symmetric, family=0) | Variable(symmetric=symmetric, family=0):
            return symmetric
        case Index(base=Parameter() | Variable() as base, subscripts=subscripts) if base.symmetric:
            return len(subscripts) == base.family
        case Call(atom="add" | "neg" | "mul" | "div" | "transpose" | "kron", args=args):
            return all(not a.shape or is_symmetric(a) for a in args)
        case Call(atom="matmul", args=(left, right)):
            return len(right.shape) == 2 and apply("transpose", left) == right
        case Call(atom="outer", args=(left, right)):
            return left == right
        case Call(atom="partial_trace" | "partial_transpose", args=(x,)):
            return is_symmetric(x)
        case Call(atom="diag_matrix"):
            return True
        case _:
            return not e.shape
