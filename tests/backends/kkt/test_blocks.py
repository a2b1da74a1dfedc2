"""The compiled barrier method against the same in torch: its iterates' ends, and its blocks."""

from functools import partial

import pytest
import torch
from hock_schittkowski.problems import engine

import declarative
from declarative.backends.kkt.assemble import assemble
from declarative.backends.kkt.backend import KKTBackend, accept
from declarative.backends.kkt.methods import nlp
from declarative.backends.kkt.methods.variants import factors, factors_at_once, scaled
from declarative.backends.kkt.program.numeric import with_theta
from declarative.backends.kkt.scalar.trace import trace
from declarative.backends.kkt.solve import solve
from declarative.backends.status import Status

FLOAT = torch.float64
# Equations, inequalities, bounds, an open domain; a fixed variable; negative curvature on the way.
TEXT = """
param a : R^3; param r : R, pos
var x : R^3, start(a); var w : R^2, nonneg, start([1, 1]); var k : R
minimize sum(sin(x[i] + a[i]) for i in 3) + (x[0]*x[1])^2 + w[0]*log(w[0]) + exp(w[1] - x[2]) + (k - x[0])^2
subject to
    one: sumsq(x) == r
    two: x[0] + w[0]^2 <= 2
    three: w[1] <= 3 + a[0]
    four: k == 1
"""
# Where Waechter and Biegler (2000) show that methods with slacks do not come to a feasible point.
BARRED = """
param a : R
var x : R, start(-2); var s : R^2, nonneg, start([3, 1])
minimize x
subject to
    one: x^2 - s[0] + a == 0
    two: x - s[1] == 1/2
"""


def prepared(batch, text=TEXT, inputs=None):
    """The program for random items, its parameters and start."""
    backend = accept(declarative.parse(text, name="mixed"), {})
    assert isinstance(backend, KKTBackend)
    assembly = assemble(backend.standard, {}, {})
    inputs = inputs or {"a": torch.randn(batch, 3, dtype=FLOAT), "r": torch.rand(batch, dtype=FLOAT) + 0.5}
    return assembly.program, assembly.theta(inputs), assembly.start(inputs, batch)


def methods(program, theta, x0, monkeypatch, tolerance=1e-9, iterations=100):
    """(point, stop, iterations) by the compiled method, and by torch's."""
    program = program.numeric
    by = factors(program, theta, x0)
    arguments = scaled(program), (*theta, *by.parts()), x0 / by.x, iterations, tolerance
    ours = nlp.barrier_method(*arguments)
    with monkeypatch.context() as patch:
        patch.setattr(nlp, "functions", lambda *args: None)
        return ours, nlp.barrier_method(*arguments)


def by_compiled_code(monkeypatch):
    """A list to which each call adds the items that converge in compiled code."""
    found, compiled = [], nlp.compiled

    def spied(problem, run, iterations):
        ends = compiled(problem, run, iterations)
        if ends is not None:
            found.append(ends[0].stop.converged)
        return ends

    monkeypatch.setattr(nlp, "compiled", spied)
    return found


@pytest.mark.parametrize("batch", [1, 5, 64, 150])
def test_the_same_points_as_in_torch(batch, monkeypatch):
    """In blocks that are filled up again and again."""
    torch.manual_seed(batch)
    converged = by_compiled_code(monkeypatch)
    ours, theirs = methods(*prepared(batch), monkeypatch)
    assert converged[0].double().mean() > 0.7  # the others are stuck in torch too
    assert (converged[0] == theirs[1].converged).double().mean() > 0.97
    same = ((ours[0].x - theirs[0].x).abs().amax(-1) < 1e-6) & converged[0] & theirs[1].converged
    assert same.double().sum() > 0.97 * converged[0].sum()
    for one, other in zip(ours[0].parts(), theirs[0].parts(), strict=True):
        torch.testing.assert_close(one[same], other[same], rtol=1e-5, atol=1e-5)
    assert (ours[2] == theirs[2])[same].double().mean() > 0.9


def test_items_do_not_touch_each_other(monkeypatch):
    """Alone, in another order, in several threads, and beside one without numbers."""
    program, theta, x0 = prepared(100)
    whole = methods(program, theta, x0, monkeypatch)[0]
    order = torch.randperm(100)
    other = methods(program, tuple(t if len(t) == 1 else t[order] for t in theta), x0[order], monkeypatch)[0]
    assert torch.equal(whole[0].x[order], other[0].x)
    alone = methods(program, tuple(t if len(t) == 1 else t[7:8] for t in theta), x0[7:8], monkeypatch)[0]
    torch.testing.assert_close(alone[0].x[0], whole[0].x[7], rtol=1e-9, atol=1e-9)
    bad = tuple(t.index_fill(0, torch.tensor([3]), torch.nan) if len(t) > 1 else t for t in theta)
    beside = methods(program, bad, x0, monkeypatch)[0]
    assert torch.equal(beside[0].x[4:], whole[0].x[4:])
    monkeypatch.setattr("declarative.backends.kkt.compiled.lanes.ENOUGH", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert torch.equal(methods(program, theta, x0, monkeypatch)[0][0].x, whole[0].x)


@pytest.mark.parametrize("number", [1, 7, 12, 14, 16, 19, 23, 27, 32, 38, 43, 47, 55, 60, 65, 71, 73, 80, 100, 113])
def test_hock_schittkowski(number, monkeypatch):
    """The same answers, in as many iterations, and without help from torch's method."""
    problem = engine(number)
    converged = by_compiled_code(monkeypatch)
    ours = solve(problem.program, problem.theta, problem.start)
    assert converged[0].all()
    monkeypatch.setattr(nlp, "functions", lambda *args: None)
    theirs = solve(problem.program, problem.theta, problem.start)
    assert ours.status.item() == Status.SOLVED
    torch.testing.assert_close(ours.x, theirs.x, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours.value, theirs.value, rtol=1e-9, atol=1e-9)
    assert abs(int(ours.iterations) - int(theirs.iterations)) <= 2


@pytest.mark.parametrize("iterations", [2, 100])
def test_what_does_not_converge_stops_as_in_torch(iterations, monkeypatch):
    """Out of iterations, or at slacks that bar all steps, where rounding errors decide when: for the same reason."""
    a = torch.linspace(-1.5, -0.5, 20, dtype=FLOAT)
    ours, theirs = methods(*prepared(20, BARRED, {"a": a}), monkeypatch, iterations=iterations)
    assert iterations == 2 or ours[1].stuck.all()
    for one, other in zip(ours[1].parts(), theirs[1].parts(), strict=True):
        assert torch.equal(one, other)
    if iterations == 2:
        assert torch.equal(ours[2], theirs[2])
        torch.testing.assert_close(ours[0].x, theirs[0].x)


def test_an_item_that_needs_many_iterations_takes_them_in_compiled_code(monkeypatch):
    """The second one, in a ball of radius 1000, from 1."""
    text = "param a : R; var x : R^4, start(1); minimize sum(exp(x[i]) + a*x[i] for i in 4)\n"
    text += "subject to\n  c: x[0]*x[1] == 1\n  d: sumsq(x) <= 3 + a\n  e: x[2] + x[3]^3 >= 0.5"
    layer = declarative.compile(declarative.parse(text), on_failure="mask")
    converged = by_compiled_code(monkeypatch)
    solution = layer.solve(a=torch.tensor([0.5, 1e6], dtype=FLOAT))
    assert solution.solved.all() and converged[0].all() and solution.iterations[1] > 30


def test_where_to_begin_is_a_list_of_operations():
    """What scales matrices of numbers in compiled code must not stop a trace."""
    program, theta, x0 = prepared(2)
    shapes = [(1, *t.shape[1:]) for t in (x0, *theta)]
    assert len(trace(partial(with_theta, program, factors_at_once, 1), *shapes)[0].operations) > 0
