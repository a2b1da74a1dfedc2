"""Derivatives written out from the tape, against the same by torch.func: of smooth programs and of their variants."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import declarative
from declarative.atoms.record import Form
from declarative.atoms.registry import find, names
from declarative.backends.kkt.assemble import assemble
from declarative.backends.kkt.backend import KKTBackend, accept
from declarative.backends.kkt.methods.variants import least_violation, scaled
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.partials import FORMULAS, partials
from declarative.backends.tape.tape import Apply, Input, Tape
from declarative.ir.facts import Smoothness
from declarative.rewrite.geometric import to_log_problem

EXAMPLES = Path(__file__).parents[3] / "examples"
FLOAT = torch.float64
BATCH = 3
FILES = {
    "box_design": {},
    "curve_fit": {"m": 5},
    "max_entropy": {"n": 4},
    "pnp": {"n": 4},
    "procrustes": {"d": 3, "k": 2},
    "robust_pool": {"n": 5},
    "top_eigenvector": {"n": 4},
    "trust_region": {"n": 4},
    "welsch_pool": {"n": 5},
}
HEAD = "param A : R^(2,3); param a : R^3; param s : R, pos; param w[2] : R^3; var x : R^3; var y : R^2; var X : R^(2,3)"
OBJECTIVES = [
    "sum(exp(A*x)) + sum(exp(x[i]*y[k]) for i in 3, k in 2 if i > k) - s*sum(sin(x + a) .* cos(x))",
    "sum(log(square(x) + s) .* a) + y[0]/(s + square(y[1])) + sumsq(X*x - y)*s + sum(A*sin(x))",
    "sum(sqrt(1 + square(w[k]'*x - y[k])) for k in 2) + (x[0]^2 + y[0])^3 + sum((x[i] + s)^(-2) for i in 3)",
    "sum(tanh(A*exp(x) + y)) + sum(logistic(X)) + sum(X*X')/s + quad(sin(x), s*a*a') + (a'*x)^4 + sumsq(X)^2",
    "sum(atan(cumsum(exp(x)))) + sumsq(X)",
    "s*logsumexp(A*sin(x) + y) + logsumexp(X) + sum(a[k]*logsumexp(w[k] .* x + y[k]) for k in 2)",
    "sum(x .^ 3) + sum(exp(y) .* (A*(x .* a))) + sum(diff(exp(x)))*s + mean(erf(X)) + exp(s)",
    "quad_over_lin(A*x - y, s + sumsq(x)) + sum(quad_over_lin(sin(x[i]), s + exp(y[0])) for i in 3)",
    "quad_over_lin(a, exp(x[1])) + sumsq(X*x)/(s + exp(y[1]))",
    "s*prod(x - 0.5)*prod(y)",
    "s*geo_mean(exp(A*x)) + sum(a[k]*geo_mean(square(X[k,:]) + s) for k in 2) + geo_mean(square(x) + a)^2",
    "prod(X[i,j] - a[j] for i in 2, j in 3) + sum(a[i]*prod(sin(X[k,i]) for k in 2) for i in 3)",
]
ROWS = """
    one: A*sin(x) == y
    two: sumsq(x) + sumsq(X) <= s
    three: exp(w[k]'*x) + y[k]*x[0] <= a[k] for k in 2
    four: X*exp(x) == a[0]*y
    five: x[i] >= -s for i in 3"""


def prepared(problem, sizes):
    """The program with its derivatives, and what its functions read of random parameters."""
    backend = accept(problem, {})
    assert isinstance(backend, KKTBackend)
    assembly = assemble(backend.standard, sizes, {})
    assert assembly.program.structure is not None
    inputs = {}
    for symbol in (d.symbol for d in problem.parameters):
        value = torch.rand(BATCH, *(size.evaluate(sizes) for size in symbol.shape), dtype=FLOAT) + 0.2
        inputs[symbol.name] = (value + value.mT if symbol.symmetric else value).requires_grad_()
    return assembly.program, assembly.theta(inputs), list(inputs.values())


def compare(program, theta, free=()):
    x, y, z = (torch.rand(BATCH, k, dtype=FLOAT) + 0.3 for k in (program.n, program.p, program.q))
    models = Derivatives(program, theta), Derivatives(replace(program, structure=None), theta)
    for read in (
        lambda d: d.gradient(x),
        lambda d: d.jacobian_c(x),
        lambda d: d.jacobian_g(x),
        lambda d: d.lagrangian_gradient(x, y, z),
        lambda d: d.lagrangian_hessian(x, y, z),
    ):
        found, wanted = (read(d) for d in models)
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)
        weight = torch.randn_like(found)
        for one, other in zip(*(_pulled((weight * value).sum(), free) for value in (found, wanted)), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)

    for found, wanted in zip(*(d.local(x, y, z) for d in models), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


def _pulled(total, free):
    if not total.requires_grad:
        return ()
    return torch.autograd.grad(total, free, allow_unused=True, materialize_grads=True, retain_graph=True)


@pytest.mark.parametrize("name", FILES)
def test_examples(name):
    compare(*prepared(declarative.load(EXAMPLES / f"{name}.opt"), FILES[name]))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives(objective):
    compare(*prepared(declarative.parse(f"{HEAD}; minimize {objective}", name="one"), {}))


def test_rows():
    text = f"{HEAD}; minimize {OBJECTIVES[0]}\nsubject to{ROWS}"
    compare(*prepared(declarative.parse(text, name="rows"), {}))


GEOMETRIC = """dim n
param c : R^n, pos; param d : R^(n,n), pos; var x : R^n, pos; var t : R, pos
minimize t + sum(c[i]/x[i] for i in n) + sum(d[i,j]*x[i]*t for i in n, j in n if i < j)
subject to
  each: sum(d[i,j]*x[j]^2 for j in n) + c[i]*t <= 5 for i in n
  some: sum(d[i,j]*x[i]/x[j] for j in n if j > i) <= 3 for i in n - 1"""


def test_logarithms_of_geometric_programs():
    """Logarithms of sums of exponentials, each over its own entries."""
    found = to_log_problem(declarative.parse(GEOMETRIC, name="geometric"))
    assert found is not None
    compare(*prepared(found.problem, {"n": 4}))


def test_variants():
    text = f"{HEAD}; minimize {OBJECTIVES[1]}\nsubject to{ROWS}"
    program, theta, _ = prepared(declarative.parse(text, name="rows"), {})
    theta = tuple(t.detach() for t in theta)
    factors = tuple(torch.rand(BATCH, k, dtype=FLOAT) + 0.5 for k in (1, program.p, program.q, program.n))
    compare(scaled(program), (*theta, *factors))
    compare(least_violation(program), theta)


ENTRYWISE = [
    name
    for name in names()
    if (atom := find(name)) and atom.elementwise and atom.smoothness is Smoothness.SMOOTH and atom.arity[0] < 3
]


@pytest.mark.parametrize("name", ENTRYWISE)
def test_partials(name):
    """Every smooth entrywise function, by formula or not, against autograd."""
    atom = find(name)
    assert atom is not None
    count = max(atom.arity[0], 2) if atom.arity[1] is None else atom.arity[0]
    for options in ({"p": 3.0}, {"p": -1.0}, {"p": 1.5}, {"p": 2.0}) if atom.option_names else ({},):
        arrays = Arrays([Input(f"v{k}", (4,)) for k in range(count)])
        call = Apply(name, tuple(range(count)), Form(((4,),) * count, (4,), options))
        first, second = partials(arrays, call, call.args, arrays.emit(call), list(range(count)))
        slots = [*first.values(), *second.values()]
        values = [torch.linspace(0.2, 0.9, 8, dtype=FLOAT).reshape(2, 4)[:, torch.randperm(4)] for _ in range(count)]
        inputs = {f"v{k}": v.requires_grad_() for k, v in enumerate(values)}
        found = dict(
            zip([*first, *second], Runner(Tape(tuple(arrays.instructions), tuple(slots)))(inputs), strict=True)
        )
        value = atom.torch(torch, call.form, *values)
        slopes = torch.autograd.grad(value.sum(), values, create_graph=True)
        for i in range(count):
            torch.testing.assert_close(found[i].expand(2, 4), slopes[i])
            if not slopes[i].requires_grad:
                continue
            bent = torch.autograd.grad(
                slopes[i].sum(), values, retain_graph=True, materialize_grads=True, allow_unused=True
            )
            for j in range(i, count):
                torch.testing.assert_close(found.get((i, j), torch.zeros(1, dtype=FLOAT)).expand(2, 4), bent[j])
    assert FORMULAS.keys() <= set(names())


def test_what_an_equation_fixes_to_zero_leaves_a_row_without_entries():
    """The arguments of cos at 0..T and at 0..T-1 read the same unknowns, and are not alike."""
    text = """dim T = 10; param a : R^2; var x[0..T] : R^2; var u[0..T-1] : R
    minimize sum(cos(x[t][0]) + x[t][1]^2 for t in 0..T) + sumsq(u)
    subject to
      first: x[0] == a
      steps: x[t+1][1] == x[t][1] + u[t]*cos(x[t][0]) for t in 0..T-1
      last: x[T] == 0"""
    compare(*prepared(declarative.parse(text, name="fixed"), {"T": 10}))
