"""A convex problem before and after: what the conic form looks like, as text."""

import declarative
from declarative.backends.cone.rows.epigraph import to_epigraphs
from declarative.ir.walk import variables
from declarative.rewrite.standard import problem_to_standard


def conic(text: str):
    return to_epigraphs(problem_to_standard(declarative.parse(text)))


BASE = "dim n\nparam g : R, pos\nparam y : R^n\nvar x : R^n\n"


def test_squares_stay_in_the_objective():
    found = conic(BASE + "minimize g*sumsq(x - y) + x'*y")
    assert not found.atoms
    assert [v.name for v in found.curved] == ["x"]
    assert not found.standard.auxiliaries


def test_a_function_becomes_a_variable_with_its_factor_left_outside():
    found = conic(BASE + "minimize g*norm(x - y) + sumsq(x)")
    (row,) = found.atoms
    assert (row.call.atom, row.convex, row.value.shape) == ("norm", True, ())
    (auxiliary,) = found.standard.auxiliaries
    assert row.value == auxiliary.variable
    assert auxiliary.variable in variables(found.standard.objective)


def test_functions_inside_functions_are_taken_from_the_inside():
    found = conic(BASE + "minimize exp(g*norm(x) - sum(sqrt(x)))")
    assert [(row.call.atom, row.convex) for row in found.atoms] == [("norm", True), ("sqrt", False), ("exp", True)]


def test_a_bound_on_a_function_is_a_row_of_its_own_with_the_users_dual():
    found = conic(BASE + "minimize sum(x)\nsubject to\n  ball: sumsq(x) <= g + x[0]")
    (row,) = found.atoms
    assert (row.call.atom, row.row.path) == ("sumsq", ("ball",))
    assert not found.standard.rows and not found.standard.auxiliaries


def test_of_several_functions_in_a_constraint_all_but_one_become_variables():
    found = conic(BASE + "minimize sum(x)\nsubject to\n  ball: norm(x) + g*norm(x - y) + exp(x[0]) <= 1")
    assert sorted(row.call.atom for row in found.atoms if row.row is None) in (["exp", "norm"], ["norm", "norm"])
    assert [row.row.path for row in found.atoms if row.row is not None] == [("ball",)]
    assert not found.standard.rows


def test_a_family_has_a_variable_for_each_index_tuple():
    found = conic(BASE + "minimize sum(abs(x[i+1] - x[i]) for i in 0..n-2)")
    (row,) = found.atoms
    (auxiliary,) = found.standard.auxiliaries
    assert [str(b.length) for b in row.binders] == ["n-1"]
    assert [str(size) for size in auxiliary.variable.shape] == ["n-1"]


def test_a_max_over_an_index_is_linear_rows():
    found = conic(BASE + "minimize max(x[i] - y[i] for i in n)")
    assert not found.atoms
    (row,) = found.standard.rows
    assert (row.path, len(row.binders)) == ((), 1)


def test_the_square_of_a_norm_is_a_sum_of_squares():
    found = conic(BASE + "minimize g*norm(x - y)^2 + sum(norm(x[i]*y)^2 for i in n)\nsubject to\n  c: norm(x)^2 <= g")
    assert [row.call.atom for row in found.atoms] == ["sumsq"]
    assert [v.name for v in found.curved] == ["x"] * len(found.curved) and found.curved
