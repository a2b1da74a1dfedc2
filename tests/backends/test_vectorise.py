"""Indexed expressions on a tape against the same expressions written out in numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from declarative.atoms.apply import apply
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.tape import Gather, needs
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.condition import Connective, Negation, Truth
from declarative.ir.condition import Test as Compare
from declarative.ir.expr import Binder, Constant, Index, IndexSymbol, Parameter, Reduce, Role, Stack, Variable
from declarative.ir.size import Size
from declarative.source.diagnostic import DiagnosticError

n, m, e = Size.of("n"), Size.of("m"), Size.of("e")
SIZES = {"n": 4, "m": 3, "e": 5}
zero = Size.of(0)
i, j, k = IndexSymbol(0, "i"), IndexSymbol(1, "j"), IndexSymbol(2, "k")
x, X = Variable("x", (n,)), Variable("X", (n, m))
c = Parameter("c", (n, m), Role.PARAM)
E = Parameter("E", (n, m), Role.CONST)
tail = Parameter("tail", (e,), Role.CONST, family=1, index_range=n)
f = Variable("f", (e,))
MASK = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
TAIL = np.array([0, 3, 0, 2, 0])


def at(base, *subscripts):
    return Index(base, tuple(subscripts), base.shape[len(subscripts) :])


def minus(a, b):
    return apply("add", a, apply("neg", b))


def run(expression, **data):
    vectoriser = Vectoriser(SIZES, {"E": MASK, "tail": TAIL})
    value = vectoriser.value(expression)
    assert value.scope == ()
    constants = {"E": torch.tensor(MASK[None]).double(), "tail": torch.tensor(TAIL[None]).double()}
    return Runner(vectoriser.tape((value.slot,)))({**constants, **data})[0]


@pytest.fixture
def data():
    torch.manual_seed(0)
    shapes = {"x": (2, 4), "X": (2, 4, 3), "c": (1, 4, 3), "f": (2, 5)}
    return {name: torch.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()}


def test_neighbours_in_a_sum(data):
    difference = minus(at(x, apply("add", i, Constant(1.0))), at(x, i))
    tv = Reduce("sum", apply("abs", difference), (Binder(i, zero, n - 1),))
    assert torch.allclose(run(tv, **data), data["x"].diff(dim=1).abs().sum(1), atol=1e-14)


def test_a_condition_selects_terms(data):
    body = apply("mul", at(c, i, j), at(X, i, j))
    total = Reduce("sum", body, (Binder(i, zero, n), Binder(j, zero, m)), Truth(at(E, i, j)))
    expected = (data["c"] * data["X"] * torch.tensor(MASK)).sum((1, 2))
    assert torch.allclose(run(total, **data), expected, atol=1e-14)


def test_a_condition_over_an_outer_index_groups_terms(data):
    inner = Reduce("sum", at(f, k), (Binder(k, zero, e),), Compare("==", at(tail, k), i))
    out = run(Stack(inner, (Binder(i, zero, n),)), **data)
    expected = torch.stack([data["f"][:, node == TAIL].sum(1) for node in range(4)], dim=1)
    assert torch.allclose(out, expected, atol=1e-14)


@pytest.mark.parametrize("op", ["sum", "max", "min", "prod"])
def test_reductions_of_a_row_with_a_mask(op, data):
    inner = Reduce(op, at(X, i, j), (Binder(j, zero, m),), Negation(Truth(at(E, i, j))))
    rows = [0, 1, 3]  # row 2 has no term
    out = run(Stack(inner, (Binder(i, zero, n),)), **data)[:, rows]
    reduce = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}[op]
    values = data["X"].numpy()
    expected = [[reduce(values[b, r][MASK[r] == 0]) for r in rows] for b in range(2)]
    assert np.allclose(out.numpy(), expected, atol=1e-14)


def test_indices_as_numbers_and_connected_conditions(data):
    weight = apply("add", i, apply("mul", Constant(10.0), j))
    condition = Connective(
        "or", (Compare("<", i, j), Connective("and", (Compare("==", i, Constant(3.0)), Compare(">=", j, i))))
    )
    total = Reduce("sum", apply("mul", weight, at(X, i, j)), (Binder(i, zero, n), Binder(j, zero, m)), condition)
    values = data["X"].numpy()
    expected = [sum((a + 10 * b) * v[a, b] for a in range(4) for b in range(3) if a < b) for v in values]
    assert np.allclose(run(total, **data).numpy(), expected, atol=1e-13)


def test_index_data_gathers(data):
    gathered = Stack(at(x, at(tail, k)), (Binder(k, zero, e),))
    assert torch.equal(run(gathered, **data), data["x"][:, TAIL])


def test_a_family_inside_a_family(data):
    inner = Stack(apply("mul", at(X, i, j), at(x, i)), (Binder(j, zero, m),))
    outer = Stack(apply("norm", inner), (Binder(i, zero, n),))
    expected = (data["X"] * data["x"][:, :, None]).norm(dim=2)
    assert torch.allclose(run(outer, **data), expected, atol=1e-14)


def test_parameters_are_prepared_once_and_gradients_flow(data):
    vectoriser = Vectoriser(SIZES, {})
    value = vectoriser.value(
        Reduce("sum", apply("mul", apply("exp", at(c, i, j)), at(X, i, j)), (Binder(i, zero, n), Binder(j, zero, m)))
    )
    runner = Runner(vectoriser.tape((value.slot,)), ["X"])
    weights = data["c"].requires_grad_()
    (total,) = runner.finish(runner.prepare({"c": weights}), {"X": data["X"]})
    total.sum().backward()
    assert torch.allclose(weights.grad, data["c"].exp() * data["X"].sum(0, keepdim=True), atol=1e-13)


def test_an_index_out_of_range_is_a_diagnostic(data):
    with pytest.raises(DiagnosticError, match="index 9 is out of range: there are 4 entries, 0 to 3"):
        run(at(x, Constant(9.0)), **data)


def test_a_runner_looks_at_nothing_that_its_results_do_not_need():
    """A program makes a runner for each of many rows, all of one tape: their cost must not be that of its square."""
    vectoriser = Vectoriser(SIZES, {})
    wanted = vectoriser.value(apply("exp", x)).slot
    tape = vectoriser.tape((wanted,))
    broken = replace(tape, instructions=(*tape.instructions, Gather(10**9, np.zeros(3, dtype=np.int64))))
    point = torch.arange(4, dtype=torch.float64)[None]
    torch.testing.assert_close(Runner(broken)({"x": point})[0], point.exp())
    assert needs(broken, (wanted,)) == sorted({0, wanted})
