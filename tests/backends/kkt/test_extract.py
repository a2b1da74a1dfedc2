"""The data of quadratic programs read off the tape, against the same by torch.func: values and gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch

import declarative
from declarative.atoms.registry import find, names
from declarative.backends.kkt.assemble import assemble, differentiated
from declarative.backends.kkt.backend import KKTBackend, accept
from declarative.backends.kkt.program.extract import extracted
from declarative.backends.kkt.program.rows import RowBuilder
from declarative.backends.layout import lay_out
from declarative.backends.tape.coefficients import Coefficients
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.polynomial import Polynomials
from declarative.backends.tape.polynomial_rules import RULES
from declarative.backends.tape.vectorise import Vectoriser

EXAMPLES = Path(__file__).parents[3] / "examples"
FLOAT = torch.float64
BATCH = 2
CYCLE = [[0.0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0]]
FILES = {
    "arc_path": ({"v": 3, "e": 4}, {"tail": [0, 0, 1, 2], "head": [1, 2, 2, 0], "b": [1.0, 0, -1]}),
    "diabetes": ({"m": 4, "n": 3}, {}),
    "lasso": ({"m": 4, "n": 3}, {}),
    "minimax": ({"m": 4, "n": 3}, {}),
    "mpc": ({"n": 3, "m": 2, "T": 4}, {"umax": 0.7}),
    "path_flow": ({"v": 3, "e": 4}, {"N": [[1.0, 0, 0, 1], [-1, 1, 0, 0], [0, -1, 1, 0]], "b": [1.0, 0, -1]}),
    "portfolio": ({"n": 4, "k": 2}, {}),
    "ridge": ({"m": 4, "n": 3}, {}),
    "shortest_path": ({"n": 4}, {"E": CYCLE, "b": [1.0, 0, 0, -1]}),
    "simplex_projection": ({"n": 4}, {}),
    "tv_denoise": ({"n": 5}, {}),
}
HEAD = "param Q : S^3, psd; param M : R^(3,3); param A : R^(2,3); param B[2] : S^3, psd; param a : R^3"
HEAD += "; param b : R^2; param s : R, pos; param w[2] : R^3; var x : R^3; var y : R^2; var X : R^(2,3); var Z : S^2"
OBJECTIVES = [
    "quad(x, Q) + quad(M*x - a, Q) + sum(quad(x, B[k])/s for k in 2)",
    "s*sumsq(A*x - y) + sumsq(A*(x - a) + X*a - b) + sumsq(Z)",
    "sum((x[i] - y[k])^2*s for i in 3, k in 2 if i >= k) + mean(X) + sumsq(Z*b) - trace(Z)",
    "sumsq(A*(Q*x) - y) + s*sumsq(M*x - A'*y) + a'*x",
    "sumsq(cumsum(x) - a) + sumsq(diff(x)/s) + sumsq(conv(a, y)) + sumsq(kron(A, X)) + dot(A*x, b)",
    "sumsq([x, y]) + sumsq([X; A]) + sumsq(stack(x, a)) + sumsq(diag(x)*a) + sumsq(vec(X) - reshape(A, 6))",
    "sumsq(upper_tri(x*a')) + sumsq(upper_tri(M))*sum(y) + sumsq(X[0,:])",
    "quad_over_lin(A*x + b, s) + sumsq(outer(y, a)) + sumsq(X*Q) + sumsq(A*X') + quad(a, M)*sum(y) + sumsq(X')",
    "sum(sumsq(w[k]*y[k] - x) for k in 2) + sum(square(w[k]'*x - y[k]) for k in 2) + sum(2*x .^ 2)",
    "x'*x - y'*b + (a'*x - s)^2 + (x + a)'*(x + a) + sum(X .* X) + sum(square(x) .* square(a))",
]
ROWS = """
    one: A*x - y == b
    two: Q*(x - a) + X'*b == A'*(A*x)
    three: X*a <= s*y
    four: sum(w[k][i]*x[i] for i in 3) <= b[k] for k in 2
    five: -s <= x[i] <= a[i] for i in 3
    six: sum(X[k,i] for k in 2 if k <= i) + i*x[0] == 0 for i in 3
    seven: cumsum(x) <= M*a
    eight: Z*b == y
    nine: y >= 0"""


def readers(problem, sizes, consts, shared=()):
    """The parameters, the tensors they are made of, and readers of the data: the tape's, and torch.func's."""
    backend = accept(problem, {})
    assert isinstance(backend, KKTBackend)
    constants = {name: np.asarray(value, dtype=float) for name, value in consts.items()}
    assembly = assemble(backend.standard, sizes, constants)
    assert assembly.program.kind == "qp"
    assert isinstance(assembly.read, Runner)
    inputs = {name: torch.tensor(value).unsqueeze(0) for name, value in constants.items()}
    free = []
    for symbol in (d.symbol for d in problem.parameters if d.symbol.name not in inputs):
        shape = [size.evaluate(sizes) for size in symbol.shape]
        value = torch.randn(1 if symbol.name in shared else BATCH, *shape, dtype=FLOAT, requires_grad=True)
        free.append(value)
        inputs[symbol.name] = (value + value.mT) / 2 if symbol.symmetric else value
    return inputs, free, assembly.read, differentiated(assembly.functions, assembly.runner)


def agree(problem, sizes, consts, shared=()):
    inputs, free, tape, derivatives = readers(problem, sizes, consts, shared)
    found, wanted = tape(inputs), derivatives(inputs)
    total = [torch.zeros((), dtype=FLOAT), torch.zeros((), dtype=FLOAT)]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.expand(other.shape), other, rtol=1e-12, atol=1e-12)
        weight = torch.randn_like(other)
        for k, part in enumerate((one, other)):
            finite = torch.where(part.isfinite(), part, 0).expand(other.shape)
            total[k] = total[k] + (weight * finite).sum()
    gradients = [
        torch.autograd.grad(t, free, allow_unused=True, retain_graph=True, materialize_grads=True) for t in total
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shared", ["nothing", "everything"])
@pytest.mark.parametrize("name", FILES)
def test_examples(name, shared):
    problem = declarative.load(EXAMPLES / f"{name}.opt")
    names = [d.symbol.name for d in problem.parameters] if shared == "everything" else ()
    sizes, consts = FILES[name]
    agree(problem, sizes, consts, names)


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # of torch.func
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_function_of_degree_two(objective):
    agree(declarative.parse(f"{HEAD}; minimize {objective}", name="one"), {}, {}, shared=("A", "s"))


def test_every_polynomial_has_a_rule():
    options = {"p": 2.0, "k": 1}
    known = {
        name for name in names() if (atom := find(name)) and atom.degree((1,) * atom.arity[0], options) is not None
    }
    assert known <= RULES.keys()


@pytest.mark.parametrize("shared", [(), ("A", "M", "w"), ("Q", "a", "b", "s")])
def test_rows(shared):
    agree(declarative.parse(f"{HEAD}; minimize sumsq(x)\nsubject to{ROWS}", name="rows"), {}, {}, shared)


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("arc_path", {"P": 4, "A": 8, "G": 0}),  # a square for each arc, which leaves a node and reaches another
        ("tv_denoise", {"P": 5, "A": 0, "G": 2 * 4 * 3}),  # two rows for each pair of neighbours and its bound
        ("simplex_projection", {"P": 4, "A": 4, "G": 0}),
    ],
)
def test_matrices_are_sparse_before_they_are_dense(name, entries):
    sizes, consts = FILES[name]
    backend = accept(declarative.load(EXAMPLES / f"{name}.opt"), {})
    assert isinstance(backend, KKTBackend)
    standard = backend.standard
    vectoriser = Vectoriser(sizes, {key: np.asarray(value, dtype=float) for key, value in consts.items()})
    objective = vectoriser.value(standard.objective).slot
    builder = RowBuilder(vectoriser)
    blocks = tuple(block for row in standard.rows if (block := builder.block(row)) is not None)
    shapes = {v.name: vectoriser.shape(v.shape) for v in standard.variables}
    added = {a.variable.name for a in standard.auxiliaries}
    layout = lay_out(standard.variables, shapes, vectoriser.tape((objective, *(b.slot for b in blocks))), added)
    polynomials = Polynomials(vectoriser.instructions, layout.places, frozenset(), RULES)
    found = extracted(polynomials, Coefficients(polynomials.maps, layout.size), layout, objective, blocks)
    matrices = {"P": found.P, "A": found.A, "G": found.G}
    assert {key: sum(map(len, matrix.places)) for key, matrix in matrices.items()} == entries
