"""The table of cases that every law of the library runs over: each function at some shapes, over its whole domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice, product

import numpy as np
import torch

from declarative.atoms.perspectives import PERSPECTIVES
from declarative.atoms.record import Atom, Form
from declarative.atoms.registry import find
from declarative.ir.size import Size

Shape = tuple[int, ...]
KINKS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])  # where the functions of the library have kinks, at their defaults


def _anywhere(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(size=shape) * 2


def _nonneg(rng, shape):
    return np.abs(_anywhere(rng, shape))


def _positive(rng, shape):
    return _nonneg(rng, shape) + 0.1


def _negative(rng, shape):
    return -_positive(rng, shape)


def _contracting(rng, shape):
    """Nonnegative, with a spectral radius below 1."""
    return rng.uniform(0.02, 0.95 / shape[0], size=shape)


def _log_contracting(rng, shape):
    return np.log(_contracting(rng, shape))


def _unit(rng, shape):
    return rng.uniform(-0.95, 0.95, size=shape)


def _symmetric(rng, shape):
    a = rng.normal(size=shape)
    return (a + a.T) / 2


def _definite(rng, shape):
    a = rng.normal(size=shape)
    return a @ a.T + 0.3 * np.eye(shape[0])


@dataclass(frozen=True)
class Region:
    """Where an argument is sampled: inside, and the special points of the boundary or kinks that belong to it."""

    inside: Callable[[np.random.Generator, Shape], np.ndarray]
    special: tuple[float, ...] = ()
    signed: bool = False  # holds numbers of both signs, so that both halves are tested apart


ALL = Region(_anywhere, tuple(KINKS), signed=True)
NONNEG = Region(_nonneg, (0.0, 1.0))
POS = Region(_positive, (1.0,))
CLOSED = Region(_positive, (0.0, 1.0))  # an open domain whose value is also defined at 0
UNIT = Region(_unit, (-1.0, 0.0, 1.0), signed=True)
ABOVE = Region(_unit, (0.0,), signed=True)  # e > -1
BELOW_ONE = Region(_unit, (-1.0, 0.0), signed=True)
NEG = Region(_negative, (-1e-6, -1.0, -25.0, -700.0))
CONTRACTING = Region(_contracting, (0.0,))
LOG_CONTRACTING = Region(_log_contracting)
NONZERO = Region(lambda rng, shape: _positive(rng, shape) * rng.choice([-1.0, 1.0], size=shape), (), signed=True)
SYM = Region(_symmetric)
PD = Region(_definite)


@dataclass(frozen=True)
class Case:
    """A function with shapes and regions of its arguments. `fixed`: arguments that CVXPY wants constant."""

    name: str
    shapes: tuple[Shape, ...]
    regions: tuple[Region, ...]
    options: dict = field(default_factory=dict)
    fixed: tuple[int, ...] = ()

    def __str__(self) -> str:
        options = "".join(f",{k}={v}" for k, v in self.options.items())
        return f"{self.name}{list(self.shapes)}{options}"

    @property
    def atom(self) -> Atom:
        record = find(self.name)
        assert record is not None, self.name
        return record

    @property
    def symbolic(self) -> tuple:
        return tuple(tuple(Size.of(n) for n in shape) for shape in self.shapes)

    @property
    def form(self) -> Form:
        result = self.atom.shape(self.symbolic, self.options)
        return Form(self.shapes, tuple(size.evaluate({}) for size in result), self.options)

    def samples(self, count: int = 5, seed: int = 0, special: int = 30) -> list[tuple[np.ndarray, ...]]:
        """Inside points, then each special value (up to a number of them) everywhere and in one entry."""
        rng = np.random.default_rng(seed)
        found = [self.point(rng) for _ in range(count)]
        for values in islice(product(*[region.special or (None,) for region in self.regions]), special):
            if all(value is None for value in values):
                continue
            for whole in (True, False):
                found.append(tuple(self._special(rng, k, value, whole) for k, value in enumerate(values)))
        return found

    def point(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        return tuple(r.inside(rng, s) for r, s in zip(self.regions, self.shapes, strict=True))

    def _special(self, rng, k: int, value: float | None, whole: bool) -> np.ndarray:
        inside = self.regions[k].inside(rng, self.shapes[k])
        if value is None:
            return inside
        if whole:
            return np.full(self.shapes[k], value)
        array = np.array(inside)
        array.reshape(-1)[:1] = value
        return array

    def evaluate(self, *args: torch.Tensor) -> torch.Tensor:
        """The torch form; scalars of an elementwise function get axes, as the contract of the record says."""
        form = self.form
        if self.atom.elementwise:
            added = (..., *(None,) * len(form.shape))
            args = tuple(a if s else a[added] for a, s in zip(args, self.shapes, strict=True))
        return self.atom.torch(torch, form, *args)

    def value(self, *args: np.ndarray) -> np.ndarray:
        return self.evaluate(*(torch.as_tensor(a, dtype=torch.float64) for a in args)).numpy()


def one(name: str, region: Region = ALL, shapes: tuple[Shape, ...] = ((), (2, 3)), **options) -> list[Case]:
    """A function of one argument at several shapes."""
    return [Case(name, (shape,), (region,), options) for shape in shapes]


def two(name: str, first: Region, second: Region, *shapes: tuple[Shape, Shape], fixed=(), **options) -> list[Case]:
    return [Case(name, pair, (first, second), options, fixed) for pair in shapes]


VECTOR, MATRIX, SQUARE = ((4,),), ((2, 3),), ((3, 3),)
ENTRIES = (((4,), (4,)), ((), (4,)), ((2, 3), ()))

CASES: list[Case] = [
    # arithmetic
    *two("add", ALL, ALL, *ENTRIES),
    Case("add", ((3,), (), (3,)), (ALL, ALL, ALL)),
    *one("neg"),
    *two("mul", ALL, ALL, *ENTRIES),
    *two("div", ALL, NONZERO, *ENTRIES),
    *[case for p in (0.0, 1.0, 2.0, 3.0, 4.0) for case in one("power", ALL, ((), (4,)), p=p)],
    *[case for p in (0.5, 1.5, 0.3) for case in one("power", NONNEG, ((), (4,)), p=p)],
    *[case for p in (-0.5, -1.7) for case in one("power", POS, ((), (4,)), p=p)],
    *[case for p in (-1.0, -2.0) for case in one("power", NONZERO, ((), (4,)), p=p)],
    *two("pow", POS, ALL, *ENTRIES),
    # products
    *two("matmul", ALL, ALL, ((2, 3), (3,)), ((2, 3), (3, 4))),
    *two("dot", ALL, ALL, ((4,), (4,))),
    *two("outer", ALL, ALL, ((2,), (3,))),
    *one("transpose", shapes=MATRIX),
    *two("kron", ALL, ALL, ((2, 3), (3, 2))),
    *two("conv", ALL, ALL, ((3,), (5,)), ((5,), (2,))),
    # arrays
    Case("concat", ((2,), (), (3,)), (ALL, ALL, ALL)),
    Case("block", ((2, 2), (2,), (1, 2), ()), (ALL,) * 4, {"rows": (2, 2)}),
    Case("stack", ((3,), (3,)), (ALL, ALL)),
    Case("stack", ((2, 3), (2, 3)), (ALL, ALL)),
    *one("sum"),
    *one("mean"),
    *one("reshape", shapes=MATRIX, shape=(Size.of(3), Size.of(2))),
    *one("vec", shapes=MATRIX),
    *one("cumsum", shapes=VECTOR),
    *one("diff", shapes=VECTOR),
    *one("upper_tri", shapes=SQUARE),
    *[case for strict in (0, 1) for case in one("vec_to_upper_tri", shapes=((3,), (6,)), strict=strict)],
    *[
        case
        for name in ("partial_trace", "partial_transpose")
        for dims, axes in (((2, 3), (0, 1)), ((2, 1, 3), (0, 1, 2)), ((6,), (0,)))
        for axis in axes
        for case in one(name, shapes=((6, 6),), dims=dims, axis=axis)
    ],
    *one("diag", shapes=SQUARE),
    *one("diag_matrix", shapes=VECTOR),
    *one("trace", shapes=SQUARE),
    # quadratic
    *one("square"),
    *one("sumsq"),
    *two("quad", ALL, PD, ((3,), (3, 3)), fixed=(1,)),
    *two("quad_root", ALL, PD, ((3,), (3, 3)), fixed=(1,)),
    *two("quad_over_lin", ALL, POS, ((4,), ()), ((2, 3), ())),
    *two("matrix_frac", ALL, PD, ((3,), (3, 3))),
    # roots, exponentials, logarithms
    *one("sqrt", NONNEG),
    *one("inv_pos", POS),
    *one("exp"),
    *one("exp2"),
    *one("log", POS),
    *one("log10", POS),
    *one("log1p", ABOVE),
    *one("log1p", NONNEG, ((4,),)),
    *one("log1mexp", NEG),
    *one("logsumexp"),
    *one("entr", CLOSED),
    *one("xlogx", CLOSED),
    *two("rel_entr", CLOSED, POS, *ENTRIES),
    *two("kl_div", CLOSED, POS, *ENTRIES),
    *one("xexp"),
    *one("loggamma", POS),
    *one("log_normcdf"),
    # steps and ramps
    *one("logistic"),
    *one("softplus"),
    *one("sigmoid"),
    *one("tanh"),
    *one("erf"),
    # circular and hyperbolic
    *one("sin"),
    *one("cos"),
    *one("tan", UNIT),
    *one("asin", UNIT),
    *one("acos", UNIT),
    *one("atan"),
    *one("sinh"),
    *one("cosh"),
    # kinked
    *one("abs"),
    *one("pos"),
    *one("negpart"),
    *two("maximum", ALL, ALL, *ENTRIES),
    Case("maximum", ((3,), (), (3,)), (ALL, ALL, ALL)),
    *two("minimum", ALL, ALL, *ENTRIES),
    *two("huber", ALL, POS, ((4,), ()), ((), ()), ((2, 3), ()), fixed=(1,)),
    *two("pseudo_huber", ALL, POS, ((4,), ()), ((), ()), ((2, 3), ()), fixed=(1,)),
    *one("max"),
    *one("min"),
    *[case for k in (1, 2, 4) for case in one("sum_largest", shapes=VECTOR, k=k)],
    *[case for k in (1, 2, 4) for case in one("sum_smallest", shapes=VECTOR, k=k)],
    *one("cummax", shapes=VECTOR),
    *two("dotsort", ALL, ALL, ((4,), (4,)), fixed=(1,)),
    *[case for beta in (0.0, 0.3, 0.9) for case in one("cvar", shapes=((), (4,), (2, 3)), beta=beta)],
    *one("geo_mean", NONNEG, VECTOR),
    *two("geo_mean_weighted", NONNEG, POS, ((4,), (4,)), fixed=(1,)),
    *[case for p in (0.5, 0.3) for case in one("norm_below_one", NONNEG, VECTOR, p=p)],
    *[case for p in (-1.0, -1.7) for case in one("norm_below_one", POS, VECTOR, p=p)],
    *one("harmonic_mean", POS, VECTOR),
    *one("norm", shapes=VECTOR),
    *one("norm1"),
    *one("norminf"),
    *[case for p in (1.5, 3.0) for case in one("pnorm", shapes=VECTOR, p=p)],
    *one("normfro", shapes=MATRIX),
    *one("tv", shapes=VECTOR),
    *one("tv_image", shapes=((3, 4),)),
    # of geometric programs
    *one("cumprod", shapes=VECTOR),
    *one("one_minus_pos", BELOW_ONE),
    *one("pf_eigenvalue", POS, SQUARE),
    *one("eye_minus_inv", CONTRACTING, SQUARE),
    *one("log_pf_eigenvalue", shapes=SQUARE),
    *one("log_eye_minus_inv", LOG_CONTRACTING, SQUARE),
    # spectral
    *one("normnuc", shapes=MATRIX),
    *one("normspec", shapes=MATRIX),
    *one("sigma_max", shapes=MATRIX),
    *one("lambda_max", SYM, SQUARE),
    *one("lambda_min", SYM, SQUARE),
    *one("lambda_sum_largest", SYM, SQUARE, k=2),
    *one("von_neumann_entr", PD, SQUARE),
    *one("log_det", PD, SQUARE),
    *one("tr_inv", PD, SQUARE),
]
# Every perspective, over the cases of its function, for t > 0.
CASES += [
    Case(f"perspective of {case.name}", (*case.shapes, ()), (*case.regions, POS), case.options)
    for case in list(CASES)
    if f"perspective of {case.name}" in PERSPECTIVES
]
