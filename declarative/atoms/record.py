"""What a function of the library is: one record that checker, backends, printer and documentation read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from declarative.ir.expr import Expr
from declarative.ir.facts import Cone, Curvature, Domain, Monotonicity, Sign, Smoothness
from declarative.ir.problem import Comparison, Membership
from declarative.ir.size import Shape

Options: TypeAlias = dict[str, Any]


class ShapeMismatch(Exception):
    """Arguments whose shapes do not fit; the front ends turn it into a diagnostic at the culprit.

    `argument` is the position to blame (None: the call as a whole).
    """

    def __init__(self, message: str, argument: int | None = None, hints: tuple[str, ...] = ()):
        super().__init__(message)
        self.message, self.argument, self.hints = message, argument, hints


@dataclass(frozen=True)
class Facts:
    """What analysis knows of one argument. `degree`: as a polynomial in the variables, None where it is not one.

    `form`: of a square matrix A, the signs that x'Ax may have for x != 0 (POS: positive definite).
    """

    shape: Shape
    sign: Sign
    curvature: Curvature
    degree: int | None
    smoothness: Smoothness
    form: Sign = Sign.ANY


@dataclass(frozen=True)
class Form:
    """A call at concrete sizes, as the torch and CVXPY forms see it: integer shapes without leading axes.

    Options hold numbers only: a `Size` among them has been evaluated.
    """

    shapes: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    options: Options


@dataclass(frozen=True)
class Graph:
    """An equivalent linear (or conic) description of a value: `value` where `constraints` hold.

    For a convex function the value is the least, for a concave one the greatest, that the constraints allow.
    """

    value: Expr
    constraints: tuple[Comparison | Membership, ...]


Fresh: TypeAlias = Callable[[Shape], Expr]  # a new auxiliary variable of this shape (within the present indices)


@dataclass(frozen=True)
class Atom:
    """One function.

    torch: `(xp, form, *args)`; each arg has the same number of leading axes (batch, indices; they broadcast), then
        its own shape; so work on trailing axes only. The scalars of an `elementwise` atom come with axes added.
    cvxpy: `(cp, form, *args)` for one item without leading axes; None where CVXPY cannot say it.
    graph: `(fresh, *args, **options)` -> Graph with linear rows; None where the atom is smooth or has no such form.
        With rows of convex functions where CVXPY has no form (then `cone` says what these need).
    curvature: in all arguments jointly; the DCP composition rule is applied by the analysis. A `bilinear` atom is
        affine in each argument while the other one is constant.
    degree: from the degrees of the arguments, None: not a polynomial.
    cone: what the epigraph needs where the function is convex or concave and no polynomial of degree 2;
        None: linear or quadratic rows.
    domains: per argument (the last repeats), from the options; `domain` reads it.
    arity: the least and the greatest number of arguments (None: any).
    """

    name: str
    doc: str
    signature: str  # for people: "norm(x : R^n) : R"
    shape: Callable[[tuple[Shape, ...], Options], Shape]
    torch: Callable[..., Any]
    cvxpy: Callable[..., Any] | None
    sign: Callable[[tuple[Facts, ...], Options], Sign]
    curvature: Callable[[tuple[Facts, ...], Options], Curvature]
    monotonicity: Callable[[tuple[Facts, ...], Options], tuple[Monotonicity, ...]]
    degree: Callable[[tuple[int | None, ...], Options], int | None] = lambda degrees, options: None
    smoothness: Smoothness = Smoothness.SMOOTH
    domains: Callable[[Options], tuple[Domain, ...]] = lambda options: (Domain.ALL,)
    graph: Callable[..., Graph] | None = None
    cone: Cone | None = None
    bilinear: bool = False
    operator: bool = False  # written with a sign (`+`, `*`, `'`), not by its name
    python: bool = True  # offered by name in the embedded language
    latex: Callable[..., str] | None = None
    arity: tuple[int, int | None] = (1, 1)
    elementwise: bool = False  # entry by entry; scalars broadcast
    option_names: tuple[str, ...] = ()  # keywords (or trailing literal arguments) that are options, not arguments

    def domain(self, argument: int, options: Options) -> Domain:
        """Where one argument must lie."""
        domains = self.domains(options)
        return domains[min(argument, len(domains) - 1)]

    @property
    def written(self) -> str:
        """The name in a text, which several records share where their arguments tell them apart."""
        return self.name if self.operator else self.signature.partition("(")[0]


@dataclass(frozen=True)
class Definition:
    """A function that others define: a call of it is the expression that `expand` makes.

    expand: `(apply, *args, **options)`, where `apply(name, *args, **options)` calls the library. What it makes has the
    right curvature by the rules alone; the fields have the meaning that they have in `Atom`.
    """

    name: str
    doc: str
    signature: str
    expand: Callable[..., Expr]
    cvxpy: Callable[..., Any] | None
    arity: tuple[int, int | None] = (1, 1)
    option_names: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        return self.name
