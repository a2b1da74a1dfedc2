"""What the example files mean: their parts counted, and some exact expressions."""

from pathlib import Path

import pytest

import declarative
from declarative.atoms.apply import apply
from declarative.ir.condition import Negation, Test, Truth
from declarative.ir.expr import (
    Attribute,
    Binder,
    Constant,
    Dual,
    Expr,
    Extern,
    Index,
    IndexSymbol,
    Nested,
    OptimalValue,
    Parameter,
    Reduce,
    Role,
    SizeValue,
    Variable,
)
from declarative.ir.problem import Comparison, Membership, Method, Problem, Relation, Sense
from declarative.ir.size import Size
from declarative.ir.walk import postorder

Test.__test__ = False  # pyright: ignore[reportAttributeAccessIssue]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
e, m, n, v, T = (Size.of(name) for name in "emnvT")
ZERO = Size.of(0)

# name: dims, parameters, variables, constraints (chains count twice), outputs
COUNTS = {
    "arc_path": ("v e", "tail head b w tau", "f", 1, "f"),
    "babylonian": ("", "x", "y", 1, "y"),
    "box_design": ("", "wall floor aspect", "h w d", 4, "h w d"),
    "cantilever": ("n", "force stiffness strength sag slender", "w h", 3, "w h"),
    "chebyshev": ("m n", "A b", "x r", 1, "x r"),
    "completion": ("n", "known M", "X", 2, "X"),
    "covering_ellipsoid": ("m n", "p", "A b", 1, "A b"),
    "curve_fit": ("m", "x y w", "a b", 0, "a b"),
    "entropic_ot": ("m n", "C a b eps", "P", 2, "P"),
    "equilibrium": ("n d", "x", "z", 1, "z"),
    "follower": ("", "q1 a b c2", "q", 0, "q"),
    "frontier": ("n", "Sigma mu target", "w", 2, "w variance"),
    "knapsack": ("k n", "W cap v tau", "x", 1, "x"),
    "lasso": ("m n", "A b lam", "x", 0, "x"),
    "logistic_regression": ("m n", "X y lam", "w b", 0, "w b"),
    "max_cut": ("n", "W", "X", 2, "X bound"),
    "max_entropy": ("n", "y", "p", 1, "p"),
    "minimax": ("m n", "A b", "x", 0, "x"),
    "mpc": ("n m T", "x0 A B Q R umax", "x u", 4, "u_0"),
    "nearest_correlation": ("n", "C", "X", 2, "X"),
    "path_flow": ("v e", "N b w tau", "x", 1, "x"),
    "perron_frobenius": ("n", "known A", "X v radius", 4, "X radius"),
    "pnp": ("n", "p q w R0 t0", "R t", 0, "R t"),
    "portfolio": ("n k", "mu F gamma", "w", 3, "w price"),
    "power_control": ("n", "G noise ratio most", "p", 2, "p price"),
    "procrustes": ("d k", "H M U0 delta", "U", 0, "U"),
    "ridge": ("m n", "A b lam", "x", 0, "x"),
    "robust_lp": ("m n k", "c a P b", "x", 1, "x"),
    "robust_pool": ("n", "x d", "y", 0, "y"),
    "shortest_path": ("n", "E b c tau", "x", 2, "x"),
    "simplex_projection": ("n", "y", "x", 2, "x"),
    "stackelberg": ("", "c1 a b", "q1", 0, "q1 q2 profit"),
    "svm": ("m n", "X y C", "w b slack", 1, "w b weights"),
    "tomography": ("m n k", "A b K eps", "x", 1, "x"),
    "top_eigenvector": ("n", "A u0", "u", 1, "u eigval"),
    "trust_region": ("n", "H g r", "s", 1, "s v"),
    "tv_denoise": ("n", "y lam", "x", 0, "x"),
    "tv_image": ("h w", "y lam eps", "x", 0, "x"),
    "water_filling": ("n", "noise power", "x", 1, "x price"),
    "welsch_pool": ("n", "x d", "y", 0, "y"),
}


def load(name: str) -> Problem:
    return declarative.load(EXAMPLES / f"{name}.opt")


def variable(p: Problem, name: str) -> Variable:
    return next(d.symbol for d in p.variables if d.symbol.name == name)


def parameter(p: Problem, name: str) -> Parameter:
    return next(d.symbol for d in p.parameters if d.symbol.name == name)


def number(value: float) -> Constant:
    return Constant(float(value))


def i(k: int) -> IndexSymbol:
    return IndexSymbol(k, "")


def over(k: int, hi: Size, lo: Size = ZERO) -> Binder:
    return Binder(i(k), lo, hi)


def at(base: Expr, *subscripts: Expr) -> Index:
    return Index(base, subscripts, base.shape[len(subscripts) :])


def minus(x: Expr, y: Expr) -> Expr:
    return apply("add", x, apply("neg", y))


@pytest.mark.parametrize("name", COUNTS)
def test_parts(name: str):
    dims, parameters, variables, constraints, outputs = COUNTS[name]
    p = load(name)
    assert p.name == name
    assert [d.name for d in p.dims] == dims.split()
    assert [d.symbol.name for d in p.parameters] == parameters.split()
    assert [d.symbol.name for d in p.variables] == variables.split()
    assert len(p.constraints) == constraints
    assert [o.name for o in p.outputs] == outputs.split()


def test_every_example_is_counted():
    assert {path.stem for path in EXAMPLES.glob("*.opt")} - {"diabetes"} == COUNTS.keys()


def test_portfolio():
    p = load("portfolio")
    w, mu, F, gamma = variable(p, "w"), *(parameter(p, name) for name in ("mu", "F", "gamma"))
    assert F.shape == (Size.of("k"), n)
    assert gamma.attributes == (Attribute("pos"),)
    risk = apply("sumsq", apply("matmul", F, w))
    assert p.objective.sense is Sense.MAXIMIZE
    assert p.objective.body == minus(apply("dot", mu, w), apply("mul", gamma, risk))
    assert p.constraints == (
        Comparison("budget", Relation.EQ, apply("sum", w), number(1)),
        Comparison("box", Relation.GE, w, number(0), part="lower"),
        Comparison("box", Relation.LE, w, number(0.2), part="upper"),
    )
    assert [o.body for o in p.outputs] == [w, Dual(("budget",), ())]
    assert [d.doc for d in p.parameters] == ["expected returns", "factor loadings", "risk aversion"]


def test_mpc():
    p = load("mpc")
    x, u = variable(p, "x"), variable(p, "u")
    assert (x.shape, x.family) == ((T + 1, n), 1)
    assert (u.shape, u.family) == ((T, m), 1)
    assert p.dims[2].default == Size.of(20)
    A, B, Q, R = (parameter(p, name) for name in "ABQR")
    assert (A.role, R.symmetric) == (Role.LEARN, True)
    stage = apply("add", apply("quad", at(x, i(0)), Q), apply("quad", at(u, i(0)), R))
    final = apply("quad", at(x, SizeValue(T)), Q)
    assert p.objective.body == apply("add", final, Reduce("sum", stage, (over(0, T),)))
    step = apply("add", apply("matmul", A, at(x, i(0))), apply("matmul", B, at(u, i(0))))
    after = at(x, apply("add", i(0), number(1)))
    assert p.constraints[1] == Comparison("dyn", Relation.EQ, after, step, (over(0, T),))
    assert p.outputs[0].body == at(u, number(0))


def test_quadratic_forms_are_seen_behind_a_factor():
    p = load("trust_region")
    s, H, g = variable(p, "s"), parameter(p, "H"), parameter(p, "g")
    quadratic = apply("mul", number(0.5), apply("quad", s, H))
    assert p.objective.body == apply("add", quadratic, apply("dot", g, s))
    assert p.constraints[0] == Comparison(
        "ball", Relation.LE, apply("sumsq", s), apply("power", parameter(p, "r"), p=2.0)
    )
    assert p.outputs[1].body == OptimalValue()


def test_index_data_and_conditions():
    p = load("arc_path")
    tail, f = parameter(p, "tail"), variable(p, "f")
    assert (tail.shape, tail.index_range, tail.family) == ((e,), v, 1)
    (flow,) = p.constraints
    assert isinstance(flow, Comparison) and flow.binders == (over(0, v),)
    out = Reduce("sum", at(f, i(1)), (over(1, e),), Test("==", at(tail, i(1)), i(0)))
    assert flow.left.args[0] == out  # pyright: ignore[reportAttributeAccessIssue]
    off = load("shortest_path").constraints[0]
    entry = at(parameter(load("shortest_path"), "E"), i(0), i(1))
    assert off.condition == Negation(Truth(entry))


def test_memberships_and_defaults():
    p = load("nearest_correlation")
    X = variable(p, "X")
    assert X.symmetric
    assert p.constraints[1] == Membership("cone", (X,), "PSD")
    assert load("ridge").parameters[2].default == number(0)


def test_families_that_are_defined():
    """c[i][0] in `pnp` is the first entry of the body of `let c[i]`."""
    p = load("pnp")
    points, R, t = parameter(p, "p"), variable(p, "R"), variable(p, "t")
    camera = apply("add", apply("matmul", R, at(points, i(0))), t)
    assert at(camera, number(0)) in list(postorder(p.objective.body))
    assert R.attributes == (Attribute("orthonormal"), Attribute("start", (parameter(p, "R0"),)))


def test_functions_of_others():
    p = load("stackelberg")
    a, b, q1 = parameter(p, "a"), parameter(p, "b"), variable(p, "q1")
    assert [inner.name for inner in p.imports] == ["follower"]
    assert p.outputs[1].body == Nested("follower", (q1,), (("a", a), ("b", b)), "q", ())
    p = load("equilibrium")
    assert p.constraints[0].right == Extern("f", (variable(p, "z"), parameter(p, "x")), (n,))  # pyright: ignore
    assert p.solve == Method("anderson", (), (("memory", 5.0),))
    assert p.differentiate == Method("implicit")


def test_definitions_are_expanded():
    p = load("robust_pool")
    y, x, d = variable(p, "y"), parameter(p, "x"), parameter(p, "d")
    z = minus(y, at(x, i(0)))
    root = apply("sqrt", apply("add", number(1), apply("power", apply("div", z, d), p=2.0)))
    phi = apply("mul", apply("power", d, p=2.0), apply("add", root, number(-1)))
    assert p.objective.body == Reduce("sum", phi, (over(0, n),))
    assert load("welsch_pool").variables[0].symbol.attributes == (
        Attribute("start", (apply("div", apply("sum", x), SizeValue(n)),)),
    )
