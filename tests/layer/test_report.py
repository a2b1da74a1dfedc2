"""The report of a solution: active set, rank, inertia, pivots, for points where all of them are known."""

import copy
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

import declarative
from declarative import AnsweredBy, Status
from declarative.backends.kkt.backend import KKTPlan


def solved(text: str, *data, **settings):
    numbers = [torch.tensor(value, dtype=torch.float64) for value in data]
    return declarative.compile(declarative.parse(text, name="report"), **settings).solve(*numbers)


def test_a_corner_of_a_quadratic_program():
    text = (
        "param c : R^3; var x : R^3, between(0, 2); minimize sumsq(x)/2 - c'*x; subject to; "
        "plane: sum(x) == 1; cap: x[0] - x[1] <= 5"
    )
    report = solved(text, [3.0, 0.0, -4.0]).report  # x = (1, 0, 0)
    assert report.active["x.lower"].tolist() == [False, True, True] and not report.active["x.upper"].any()
    assert report.active["plane"] and not report.active["cap"]
    assert (int(report.rank), int(report.positive), int(report.zero), int(report.negative)) == (3, 0, 0, 0)


def test_dependent_rows_count_once():
    text = "param b : R; var x : R^3; minimize sumsq(x); subject to; one: sum(x) == b; two: 2*sum(x) == 2*b"
    report = solved(text, 1.0).report
    assert (int(report.rank), int(report.positive), int(report.zero), int(report.negative)) == (1, 2, 0, 0)


def test_a_flat_direction_is_neither_positive_nor_negative():
    report = solved("param a : R; var x : R; var y : R; minimize (x + y - a)^2", 1.0).report
    assert (int(report.rank), int(report.positive), int(report.zero), int(report.negative)) == (0, 1, 1, 0)
    assert report.smallest_pivot < 1e-12


def test_the_inertia_of_eigenvectors():
    """On the sphere, u'Au at its largest eigenvalue: two directions left, both downhill of the maximum."""
    text = "param A : S^3; var u : R^3, start([1, 1, 1]); maximize u'*A*u; subject to; unit: u'*u == 1"
    report = solved(text, [[3.0, 0, 0], [0, 2, 0], [0, 0, 1]]).report
    assert (int(report.rank), int(report.positive), int(report.zero), int(report.negative)) == (1, 2, 0, 0)
    assert report.smallest_pivot > 1e-3


def test_a_batch_with_an_item_without_an_answer():
    text = "param a : R; var x : R; minimize (x - 3)^2 + exp(-x); subject to; low: x >= a; high: x <= 1"
    solution = solved(text, [[0.5, 2.0], [-1.0, torch.nan]], on_failure="mask")
    report = solution.report
    assert report.active["high"].tolist() == [[True, False], [True, False]] and not report.active["low"].any()
    assert report.rank.tolist() == [[1, 0], [1, 0]]
    assert solution.report is report


def test_a_solution_is_pickled_and_copied_with_its_report():
    text = "param a : R; var x : R, nonneg; minimize (x - a)^2"
    for copied in (lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy):
        solution = solved(text, 1.0)
        again = copied(solution)
        assert again.x == solution.x and int(again.report.positive) == 1
        assert copied(again).report.active.keys() == solution.report.active.keys() == {"x.lower"}


def test_the_report_is_worked_out_when_it_is_read_and_its_data_are_let_go():
    P = torch.eye(3, dtype=torch.float64, requires_grad=True)
    text = "param P : S^3, psd; param c : R^3; var x : R^3, nonneg; minimize quad(x, P)/2 - c'*x"
    layer = declarative.compile(declarative.parse(text, name="lazy"))
    solution = layer.solve(P.clone(), torch.ones(3).double())
    assert not any(t.requires_grad for t in solution.inspection._left.reads)
    data = [weakref.ref(t) for t in solution.inspection._left.reads]
    assert solution.report.iterations == solution.iterations and not solution.report.gap.requires_grad
    assert solution.report.primal_residual == solution.primal_residual
    assert all(reference() is None for reference in data) and solution.report is solution.report


def test_data_changed_in_place():
    """As autograd does: never figures of other data. Read before, the report stays."""
    text = "param c : R^2; var x : R^2; minimize sumsq(x)/2 - c'*x"
    layer = declarative.compile(declarative.parse(text, name="changed"))
    c = torch.ones(2, dtype=torch.float64)
    early, late = layer.solve(c), layer.solve(c)
    assert int(early.report.positive) == 2
    c += 1
    assert int(early.report.positive) == 2 and int(pickle.loads(pickle.dumps(early)).report.positive) == 2
    for changed in (late, pickle.loads(pickle.dumps(late))):
        with pytest.raises(RuntimeError, match="the data were changed in place after the solution"):
            changed.report  # noqa: B018
    with torch.inference_mode():
        c = torch.ones(2, dtype=torch.float64)
        solution = layer.solve(c)
        c.zero_()
    assert int(solution.report.positive) == 2


def test_a_report_is_read_by_many_threads_once():
    text = "param c : R^2; var x : R^2, nonneg; minimize sumsq(x)/2 - c'*x"
    solution = declarative.compile(declarative.parse(text, name="many")).solve(torch.rand(7, 2).double())
    with ThreadPoolExecutor(8) as pool:
        assert len({id(report) for report in pool.map(lambda _: solution.report, range(16))}) == 1


def test_items_that_the_cone_backend_answered_are_blank(monkeypatch):
    run = KKTPlan.run

    def fails_once(self, inputs, batch, start):
        outcome = run(self, inputs, batch, start)
        return replace(outcome, status=outcome.status.index_fill(0, torch.tensor([1]), int(Status.FAILED)))

    monkeypatch.setattr(KKTPlan, "run", fails_once)
    text = "param a : R^2, pos; param u : R; var p : R^2; maximize sum(a.*log(p)); subject to; budget: sum(p) <= u"
    layer = declarative.compile(declarative.parse(text, name="logs"), on_failure="mask")
    u = torch.tensor([0.5, 1.0, torch.nan, 2.0], dtype=torch.float64)
    solution = layer.solve(torch.tensor([1.0, 3.0], dtype=torch.float64), u)
    kkt, cone, none = AnsweredBy.KKT, AnsweredBy.CONE, AnsweredBy.NONE
    assert solution.answered_by.tolist() == [kkt, cone, none, kkt]
    report = solution.report
    assert report.known.tolist() == [True, False, False, True] and report.rank.tolist() == [1, 0, 0, 1]
    assert report.active["budget"].tolist() == [True, False, False, True]
    assert report.smallest_pivot.isnan().tolist() == [False, True, True, False]
    assert "items answered: 2 by kkt, 1 by cone" in layer.explain() and "is given on:" in layer.explain()
    lines = repr(report).splitlines()
    assert len(lines) == 5 and lines[0].split()[:3] == ["item", "iterations", "primal"]
    assert lines[1].endswith("budget 1/1") and lines[2].split() == ["1", "not", "answered", "by", "kkt"]
    monkeypatch.undo()
    many = repr(layer.solve(torch.tensor([1.0, 3.0]).double(), torch.arange(1, 30).double()).report).splitlines()
    assert many[0] == "known: 29 of 29 items, (29,)" and "rank: 1 to 1" in many
    assert many[-1] == "active budget: 29 of 29, (29,)"


def test_the_cone_backend_has_no_report():
    with pytest.raises(RuntimeError, match="no report"):
        solved("param y : R^2; var x : R^2; minimize norm(x - y) + sumsq(x)", [1.0, 2.0]).report  # noqa: B018


def test_the_report_of_no_items():
    text = "dim n; param b : R^n; var x : R^n, nonneg; minimize sumsq(x - b); subject to; cap: sum(x) <= 1"
    layer = declarative.compile(declarative.parse(text, name="none"))
    report = layer.solve(torch.zeros(2, 0, 3)).report
    assert report.rank.shape == (2, 0) and report.active["x.lower"].shape == (2, 0, 3)


def test_the_report_of_items_of_which_none_has_an_answer():
    text = "param a : R\nvar x : R^3\nminimize sum(sin(x[i])*x[2] for i in 2)\nsubject to\n  sumsq(x) <= a\n"
    solution = declarative.compile(declarative.parse(text), on_failure="mask").solve(-1.0)
    assert solution.status == Status.INFEASIBLE
    assert not solution.report.known and solution.report.rank == 0
