"""Facts of symbols, indices, families and reductions, and of the forms of matrices."""

import pytest

from declarative import parse
from declarative.analysis import facts
from declarative.analysis.facts import FactsTable, facts_of
from declarative.analysis.levels import level_of
from declarative.analysis.smooth import kinks
from declarative.atoms.apply import apply
from declarative.ir.expr import (
    Attribute,
    Binder,
    Call,
    Constant,
    Expr,
    Extern,
    Index,
    IndexSymbol,
    Parameter,
    Reduce,
    Role,
    SizeValue,
    Stack,
    Variable,
)
from declarative.ir.facts import Curvature, Sign, Smoothness
from declarative.ir.size import Size
from declarative.ir.walk import postorder

n, T = Size.of("n"), Size.of("T")
i = IndexSymbol(0, "i")
over_n = Binder(i, Size.of(0), n)
x = Variable("x", (n,))
B = Parameter("B", (Size.of("m"), n), Role.PARAM)


def attribute(name, *args):
    return Attribute(name, tuple(Constant(float(a)) for a in args))


@pytest.mark.parametrize(
    "attributes, sign",
    [
        ((attribute("nonneg"),), Sign.NONNEG),
        ((attribute("pos"),), Sign.POS),
        ((attribute("simplex"),), Sign.NONNEG),
        ((attribute("binary"),), Sign.NONNEG),
        ((attribute("between", 0, 1),), Sign.NONNEG),
        ((attribute("between", 1, 2),), Sign.POS),
        ((attribute("between", -2, 0),), Sign.NONPOS),
        ((attribute("between", -2, -1),), Sign.NEG),
        ((attribute("between", -1, float("inf")),), Sign.ANY),
        ((attribute("between", 0, float("inf")), attribute("start", -1)), Sign.NONNEG),
        ((), Sign.ANY),
    ],
)
def test_attributes_tell_signs(attributes, sign):
    assert facts_of(Variable("v", (n,), attributes)).sign is sign
    assert facts_of(Parameter("p", (n,), Role.CONST, attributes)).sign is sign


def test_bounds_of_between_may_be_params():
    radius = Parameter("r", (), Role.PARAM, (attribute("pos"),))
    assert facts_of(Variable("v", (n,), (Attribute("between", (Constant(0.0), radius)),))).sign is Sign.NONNEG
    assert facts_of(Variable("v", (n,), (Attribute("between", (radius, Constant(9.0))),))).sign is Sign.POS


def test_indices_and_sizes():
    assert facts_of(SizeValue(n)).sign is Sign.POS
    assert facts_of(SizeValue(n - 1)).sign is Sign.NONNEG
    assert facts_of(SizeValue(n - T)).sign is Sign.ANY
    assert facts_of(i).sign is Sign.NONNEG
    assert facts_of(i, (Binder(i, Size.of(1), n),)).sign is Sign.POS
    assert facts_of(i, (Binder(i, Size.of(-2), n),)).sign is Sign.ANY
    weighted = apply("mul", i, apply("abs", Index(x, (i,), ())))
    assert facts_of(Reduce("sum", weighted, (over_n,))).curvature is Curvature.CONVEX
    assert facts_of(Reduce("sum", weighted, (Binder(i, Size.of(-1), n),))).curvature is Curvature.UNKNOWN


@pytest.mark.parametrize(
    "op, body, curvature, sign, smoothness",
    [
        ("sum", "abs", Curvature.CONVEX, Sign.NONNEG, Smoothness.KINKED),
        ("sum", "exp", Curvature.CONVEX, Sign.POS, Smoothness.SMOOTH),
        ("max", "exp", Curvature.CONVEX, Sign.POS, Smoothness.KINKED),
        ("max", "sqrt", Curvature.UNKNOWN, Sign.NONNEG, Smoothness.KINKED),
        ("min", "sqrt", Curvature.CONCAVE, Sign.NONNEG, Smoothness.KINKED),
        ("min", "exp", Curvature.UNKNOWN, Sign.POS, Smoothness.KINKED),
        ("prod", "exp", Curvature.UNKNOWN, Sign.POS, Smoothness.SMOOTH),
    ],
)
def test_reductions_over_an_index(op, body, curvature, sign, smoothness):
    found = facts_of(Reduce(op, apply(body, Index(x, (i,), ())), (over_n,)))
    assert (found.curvature, found.sign, found.smoothness) == (curvature, sign, smoothness)
    data = Index(Parameter("p", (n,), Role.PARAM), (i,), ())
    assert facts_of(Reduce(op, apply("exp", data), (over_n,))).curvature is Curvature.CONSTANT


def test_a_sum_that_may_be_empty_may_be_zero():
    body = apply("exp", Index(x, (i,), ()))
    assert facts_of(Reduce("sum", body, (Binder(i, Size.of(0), n - 1),))).sign is Sign.NONNEG


def test_stacks_and_parts_keep_what_is_known():
    stack = Stack(apply("square", Index(x, (i,), ())), (over_n,))
    assert facts_of(stack).curvature is Curvature.CONVEX and facts_of(stack).sign is Sign.NONNEG
    part = Index(apply("square", x), (Constant(0.0),), ())
    assert facts_of(part).curvature is Curvature.CONVEX and facts_of(part).degree == 2


PSD = (attribute("psd"),)
P = Parameter("P", (n, n), Role.PARAM, PSD, symmetric=True)
Q = Parameter("Q", (T, n, n), Role.PARAM, (attribute("pd"),), symmetric=True, family=1)
W = Parameter("W", (n, n), Role.PARAM)
v = Parameter("v", (n,), Role.PARAM, (attribute("nonneg"),))
transposed = apply("transpose", B)
C = Parameter("C", (Size.of("m"), Size.of("m")), Role.PARAM, PSD)


@pytest.mark.parametrize(
    "matrix, form",
    [
        (P, Sign.NONNEG),
        (W, Sign.ANY),
        (Index(Q, (i,), (n, n)), Sign.POS),
        (Index(P, (Constant(0.0),), (n,)), Sign.ANY),
        (apply("matmul", transposed, B), Sign.NONNEG),
        (apply("matmul", apply("matmul", transposed, C), B), Sign.NONNEG),
        (apply("matmul", transposed, apply("matmul", C, B)), Sign.NONNEG),
        (apply("matmul", P, P), Sign.NONNEG),
        (apply("matmul", W, W), Sign.ANY),
        (apply("add", P, apply("matmul", transposed, B)), Sign.NONNEG),
        (apply("add", P, apply("neg", P)), Sign.ANY),
        (apply("add", P, Constant(1.0)), Sign.ANY),
        (apply("neg", P), Sign.NONPOS),
        (apply("mul", Constant(-2.0), P), Sign.NONPOS),
        (apply("div", P, SizeValue(n)), Sign.NONNEG),
        (apply("outer", v, v), Sign.NONNEG),
        (apply("diag", v), Sign.NONNEG),
        (apply("diag", Parameter("u", (n,), Role.PARAM)), Sign.ANY),
        (Reduce("sum", Index(Q, (i,), (n, n)), (Binder(i, Size.of(0), T),)), Sign.POS),
        (apply("transpose", apply("matmul", transposed, B)), Sign.NONNEG),
    ],
)
def test_the_form_of_a_matrix(matrix, form):
    assert facts_of(matrix).form is form


def test_the_diagonal_of_a_definite_matrix_has_its_sign():
    assert facts_of(apply("diag", P)).sign is Sign.NONNEG
    assert facts_of(apply("trace", Variable("X", (n, n), PSD, symmetric=True))).sign is Sign.NONNEG


def test_functions_from_outside():
    assert facts_of(Extern("f", (v,), (n,))).curvature is Curvature.CONSTANT
    found = facts_of(Extern("f", (apply("abs", x),), (n,)))
    assert found.curvature is Curvature.UNKNOWN and found.smoothness is Smoothness.KINKED


def test_a_product_of_an_expression_with_itself_is_its_square():
    s = Variable("s", ())
    found = facts_of(apply("mul", s, s))
    assert (found.curvature, found.sign, found.degree) == (Curvature.CONVEX, Sign.NONNEG, 2)


def test_the_table_knows_every_node():
    problem = parse("dim n\nparam y : R^n\nvar x : R^n\nminimize sumsq(x - y) + sum(abs(x[i]) for i in n)")
    body = problem.objective.body
    assert body is not None
    look = FactsTable(body)
    assert all(look(node).shape == node.shape for node in postorder(body))


def test_what_holds_of_an_index_is_not_kept_for_another_range() -> None:
    i = IndexSymbol(0, "i")
    e = apply("add", i, Variable("x", ()), Constant(1.0))
    from_one, from_zero = (facts_of(i, [Binder(i, Size.of(lo), Size.of("n"))]).sign for lo in (1, 0))
    assert (from_one, from_zero) == (Sign.POS, Sign.NONNEG)
    assert facts_of(e).curvature is facts_of(e, [Binder(i, Size.of(1), Size.of("n"))]).curvature is Curvature.AFFINE


def test_a_term_has_the_same_facts_alone_and_in_a_sum() -> None:
    x = Variable("x", (), (Attribute("nonneg"),))
    term = apply("abs", apply("add", x, Constant(1.0)))
    alone = facts_of(term)
    total = apply("add", term, apply("neg", Variable("x", ())))
    look = FactsTable(total)
    assert look(term) == alone and look(term).sign.nonneg
    assert isinstance(total, Call) and look(total.args[1]).sign is Sign.ANY  # the other `x` is declared otherwise


def count_nodes(monkeypatch) -> list[Expr]:
    """The nodes whose facts are worked out from here on."""
    seen: list[Expr] = []
    own = FactsTable._node
    monkeypatch.setattr(FactsTable, "_node", lambda table, node: seen.append(node) or own(table, node))
    return seen


def test_what_is_known_of_a_part_is_not_worked_out_again(monkeypatch) -> None:
    total = apply("add", *(apply("abs", apply("mul", Constant(float(k)), Variable("t", ()))) for k in range(50)))
    facts_of(total)
    seen = count_nodes(monkeypatch)
    found = facts_of(apply("exp", total))
    assert found.curvature is Curvature.CONVEX and len(seen) == 1


def test_rules_are_asked_once_for_a_kind_of_nodes(monkeypatch) -> None:
    asked = []
    own = facts.composed
    monkeypatch.setattr(facts, "composed", lambda record, *rest: asked.append(record.name) or own(record, *rest))
    t, u = Variable("t", ()), Variable("u", ())
    terms = [apply("abs", apply("add", v, Constant(float(k + 1)))) for v in (t, u) for k in range(50)]
    look = FactsTable(apply("add", *terms))
    assert sorted(asked) == ["abs", "add", "add"]
    assert len({id(look.kind(term)) for term in terms}) == 1
    assert level_of(look).rows == 1 and len(kinks(look, 1)) == 100 and len(kinks(look, 1, every=False)) == 1
