"""A smooth program as torch functions, and the result of solving it: what goes into the engine and what comes out.

The Lagrangian, whose signs every dual in this package follows (all z >= 0):

    L = f + y'c + z'g + z_lower'(lower - x) + z_upper'(x - upper)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.pattern import Pattern
from declarative.backends.kkt.linear.system import System
from declarative.backends.kkt.program.items import Items
from declarative.backends.method import AUTO, Forward
from declarative.backends.mode import IMPLICIT, Mode
from declarative.backends.push import differentiable
from declarative.backends.status import Status

Theta = tuple[Tensor, ...]
Function = Callable[[Tensor, Theta], Tensor]
Weights = tuple[Tensor | None, Tensor, Tensor]
AtOnce = Callable[..., Sequence[Tensor]]  # of a program's `Derivatives` and tensors (B, ...), as are its results
Everything = tuple[Tensor, ...]  # f, its gradient, c, g, the weighted Hessian, the Jacobians of c and of g


class Structure(Protocol):
    """The derivatives of a program's functions; of sums with weights for f (B,), c (B, p), g (B, q) where given.

    The weight None leaves f out, which may not be defined at x.
    """

    def gradient(self, x: Tensor, theta: Theta) -> Tensor: ...
    def jacobian_c(self, x: Tensor, theta: Theta) -> Tensor: ...
    def jacobian_g(self, x: Tensor, theta: Theta) -> Tensor: ...
    def slope(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor: ...
    def hessian(self, x: Tensor, theta: Theta, weights: Weights) -> Tensor: ...
    def local(self, x: Tensor, theta: Theta, weights: Weights) -> Everything: ...


class Listed(Protocol):
    """What calls a function of a program's derivatives, at theta, and of tensors as one list of operations; None where
    there is none.

    `of` does it for the program that is made from this one by a function of the module; `numeric` is that program for
    plain numbers.
    """

    def __call__(self, function: AtOnce, theta: Theta, args: Sequence[Tensor]) -> Sequence[Tensor] | None: ...
    def of(self, change: "Callable[[SmoothProgram], SmoothProgram]") -> "Listed": ...
    def numeric(self, change: "Callable[[SmoothProgram], SmoothProgram]") -> "SmoothProgram": ...

    def pattern(self, x: Tensor, theta: Theta) -> Pattern | None:
        """Which entries of the Lagrangian's Hessian and of all rows' Jacobian may be other than 0, where few are."""
        ...


@dataclass(frozen=True)
class SmoothProgram:
    """min f(x, theta)  s.t.  c(x, theta) == 0 (p rows), g(x, theta) <= 0 (q rows), lower <= x <= upper.

    Every function is batched over one leading axis B: x is (B, n), each entry of theta is (B, ...) or (1, ...) for
    data that the items share. They are made of torch operations that torch.func can differentiate and vmap over,
    without control flow that looks at data. `objective` gives (B,), `equalities` (B, p), `inequalities` (B, q),
    `bounds(theta)` a pair of (B, n) or (1, n), with infinities for an open side.

    `open_domain` (bool, 2 x n: lower, upper) marks bounds that are only the open domain of f (log, entr, 1/x): they
    are kept strictly and are never active.
    `kind`: "qp" where f is quadratic in x and c, g are affine (LPs included); "sphere" where f and the one constraint
    row (equality or inequality) are quadratic in x, the row with a positive definite Hessian; "nlp" otherwise.
    `blocks` (long, n) numbers the variable that each entry of x belongs to: an entry is measured by its block's norm.
    `hidden` (bool, n): the entries of x that are nobody's but a rewrite's, epigraph variables.
    `settled` gives x with these at what they stand for in terms of the others, where that is known.
    `affine`: c and g are known to be affine in x.
    `vanishing`: the objective is a violation, and where it has vanished nothing more is asked for.
    `explicit`: theta holds the data of a quadratic program themselves, in the order of `Quadratic`.
    `residuals` gives (B, m), where known, whose squares sum up to f but for a constant; where `linearised`, the Hessian
    of f is that of the squares of the linearised residuals (Gauss and Newton).
    `structure` has the derivatives where they are known; torch.func takes them otherwise.
    `numeric` is the same program for plain numbers in double precision on a CPU, where that is faster; it has `listed`.
    """

    n: int
    p: int
    q: int
    objective: Function
    equalities: Function
    inequalities: Function
    bounds: Callable[[Theta], tuple[Tensor, Tensor]]
    open_domain: Tensor
    kind: Literal["qp", "nlp", "sphere"] = "nlp"
    blocks: Tensor | None = None
    hidden: Tensor | None = None
    settled: Function | None = None
    affine: bool = False
    vanishing: bool = False
    explicit: bool = False
    residuals: Function | None = None
    linearised: bool = False
    structure: Structure | None = None
    numeric: "SmoothProgram | None" = None
    listed: "Listed | None" = None

    @cached_property
    def walled(self) -> bool:
        """Is the domain of f open anywhere?"""
        return bool(self.open_domain.any())


@dataclass(frozen=True)
class Options:
    """How, and how hard to try, and what derivative to give; `tolerance` is the certificate's, relative to each row's
    terms. The settings of `forward` that say how hard have been put in their places here. `brief`: another backend is
    asked for what the first attempt does not solve, so that no violation is minimised.
    """

    tolerance: float = 1e-6
    max_iterations: int = 300
    mode: Mode = IMPLICIT
    forward: Forward = AUTO
    brief: bool = False


@dataclass(frozen=True)
class Active(Items):
    """The rows that hold with equality and carry a multiplier: z (B, q), lower and upper (B, n), all bool."""

    z: Tensor
    lower: Tensor
    upper: Tensor


@dataclass(frozen=True)
class Result:
    """The answer for B items, detached from theta (`solve.connect` connects it).

    x (B, n), y (B, p), z (B, q), z_lower and z_upper (B, n), value (B,); `status` int8 (B,), `iterations` (B,);
    `primal`, `dual`, `gap` (B,): the worst residual of the feasibility, stationarity and complementarity rows, each
    relative to the largest term summed in its row. `degenerate`: some constraint is weakly active, or inequalities
    that are active depend on each other; `nonunique`: the solution is not locally unique; `dual_nonunique`: the active
    rows are dependent, or bounds fix a variable (multipliers of least norm); `minimum`: the second-order test holds
    (no negative curvature along the active constraints). `loose` bool (B, n): the entries that move where the solution
    is not unique. `least`: the multipliers are of least norm already, and the system is that of one piece.
    `messages` has an entry for each item that is not solved: what went wrong, and for an infeasible item the rows to
    blame in `blamed`, as pairs of a kind ("c", "g", "lower", "upper") and an index, the heaviest first.
    `system` solves with the factorisation at the solution, where there is one for every item that is solved.
    """

    x: Tensor
    y: Tensor
    z: Tensor
    z_lower: Tensor
    z_upper: Tensor
    value: Tensor
    status: Tensor
    iterations: Tensor
    primal: Tensor
    dual: Tensor
    gap: Tensor
    active: Active
    degenerate: Tensor
    nonunique: Tensor
    dual_nonunique: Tensor
    minimum: Tensor
    loose: Tensor
    least: Tensor
    messages: dict[int, str] = field(default_factory=dict)
    blamed: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    system: System | None = None

    @property
    def answered(self) -> Tensor | None:
        """Which items (bool, B) have an answer; None where all of them are solved."""
        return self.status <= Status.INACCURATE if self.messages or not len(self.status) else None


def repeated(theta: Theta, count: int) -> Theta:
    """The parameters of the items, so many times each, side by side."""
    return tuple(t if t.shape[0] == 1 else t.repeat_interleave(count, 0) for t in theta)


def take(theta: Theta, items: Tensor) -> Theta:
    """The parameters of some items (long, K); what the batch shares stays shared."""
    return tuple(t if t.shape[0] == 1 else taken(t, items) for t in theta)


def taken(t: Tensor, items: Tensor) -> Tensor:
    """Some items (long, K) of a tensor (B, ...); a view that shows one item to all shows it to these, unless each may
    be asked for a derivative of its own.
    """
    one = t if differentiable((t,)) else once(t)
    return t[items] if one is t else one.expand(len(items), *t.shape[1:])


def once(t: Tensor) -> Tensor:
    """The tensor (B, ...), or the one item (1, ...) that it shows to all."""
    return t[:1] if t.shape[0] > 1 and t.stride(0) == 0 else t


def no_rows(x: Tensor, theta: Theta) -> Tensor:
    """The constraint function of a program without rows: (B, 0)."""
    return x.new_zeros(x.shape[0], 0)


def free(n: int, device: torch.device | None = None) -> Callable[[Theta], tuple[Tensor, Tensor]]:
    """The bounds of a program without bounds."""
    infinite = torch.full((1, n), torch.inf, dtype=torch.float64, device=device)
    return lambda theta: (-infinite, infinite)
