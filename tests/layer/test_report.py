"""The report of a solution: active set, rank, inertia, pivots, for points where all of them are known."""

import pickle

import pytest
import torch

import declarative


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


def test_a_solution_is_pickled():
    solution = solved("param a : R; var x : R, nonneg; minimize (x - a)^2", 1.0)
    assert int(solution.report.positive) == 1
    again = pickle.loads(pickle.dumps(solution))
    assert again.x == solution.x
    assert int(again.report.positive) == 1
    other = pickle.loads(pickle.dumps(solved("param a : R; var x : R, nonneg; minimize (x - a)^2", 1.0)))
    with pytest.raises(RuntimeError, match="before a solution is copied"):
        other.report  # noqa: B018


def test_the_cone_backend_has_no_report():
    with pytest.raises(RuntimeError, match="no report"):
        solved("param y : R^2; var x : R^2; minimize norm(x - y) + sumsq(x)", [1.0, 2.0]).report  # noqa: B018


def test_the_report_of_no_items():
    text = "dim n; param b : R^n; var x : R^n, nonneg; minimize sumsq(x - b); subject to; cap: sum(x) <= 1"
    layer = declarative.compile(declarative.parse(text, name="none"))
    report = layer.solve(torch.zeros(2, 0, 3)).report
    assert report.rank.shape == (2, 0) and report.active["x.lower"].shape == (2, 0, 3)
