"""Calls come in one canonical form, and shapes that do not fit are told in the user's terms."""

import math
import pickle

import pytest

from declarative.atoms.apply import apply
from declarative.atoms.record import ShapeMismatch
from declarative.ir.expr import Call, Constant, Expr, Index, IndexSymbol, Parameter, Role, SizeValue, Variable
from declarative.ir.size import Size

n, m, k = map(Size.of, "nmk")
x, y, z = (Variable(name, (n,)) for name in "xyz")
s, t = (Variable(name, ()) for name in "st")
A = Parameter("A", (m, n), Role.PARAM)
C = Parameter("C", (n, n), Role.PARAM)
S = Parameter("S", (n, n), Role.PARAM, symmetric=True)
F = Parameter("F", (k, n, n), Role.PARAM, symmetric=True, family=1)
one, two, half = map(Constant, (1.0, 2.0, 0.5))


def test_sums_are_flat_and_leading_numbers_fold():
    assert apply("add", apply("add", x, y), z) == Call("add", (x, y, z), (n,)) == apply("add", x, apply("add", y, z))
    assert apply("add", one, two, s) == apply("add", Constant(3.0), s)
    assert apply("add", s, one, two) == Call("add", (s, one, two), ())
    assert apply("add", one, two) == Constant(3.0)


def test_numbers_fold_and_signs_cancel():
    assert apply("div", one, two) == half
    assert apply("mul", half, two) == one
    assert apply("neg", two) == Constant(-2.0)
    assert apply("neg", apply("neg", x)) is x
    assert apply("power", two, Constant(-1.0)) == half
    assert isinstance(apply("div", one, Constant(0.0)), Call)
    assert isinstance(apply("power", Constant(-8.0), Constant(0.5)), Call)


def test_powers_tell_numbers_from_expressions():
    assert apply("power", x, two) == Call("power", (x,), (n,), (("p", 2.0),))
    assert apply("power", x, s) == apply("pow", x, s) == Call("pow", (x, s), (n,))
    assert apply("pow", x, two) == apply("power", x, p=2.0)


def test_quadratic_forms_are_recognised():
    assert apply("dot", x, x) == apply("sumsq", x)
    assert apply("dot", x, apply("matmul", C, x)) == apply("quad", x, C)
    assert apply("dot", apply("matmul", apply("transpose", C), x), x) == apply("quad", x, C)
    assert apply("dot", apply("matmul", S, x), x) == apply("quad", x, S)
    assert apply("dot", x, y).atom == "dot"


def test_quadratic_forms_are_recognised_however_they_are_bracketed():
    Ax = apply("matmul", A, x)
    back = apply("matmul", apply("transpose", A), Ax)
    assert apply("dot", back, x) == apply("dot", x, back) == apply("sumsq", Ax)
    D = Parameter("D", (m, m), Role.PARAM)
    weighted = apply("matmul", apply("transpose", A), apply("matmul", D, Ax))
    assert apply("dot", x, weighted) == apply("quad", Ax, D)
    assert apply("dot", weighted, y).atom == "dot"


def test_transposes_cancel():
    assert apply("transpose", apply("transpose", A)) is A
    assert apply("transpose", S) is S
    member = Index(F, (IndexSymbol(0, "i"),), (n, n))
    assert apply("transpose", member) is member
    assert apply("transpose", A).shape == (n, m)


def test_names_that_several_records_share():
    assert apply("max", s, t) == apply("maximum", s, t)
    assert apply("max", x).atom == "max"
    assert [apply("norm", x, p).atom for p in (one, two, Constant(math.inf))] == ["norm1", "norm", "norminf"]
    assert apply("norm", x, Constant(3.0)) == apply("norm", x, p=3) == apply("pnorm", x, p=3.0)
    assert apply("sum_largest", x, two) == apply("sum_largest", x, k=2)
    assert apply("sum_largest", x, apply("add", SizeValue(n), Constant(-1.0))).option("k") == n - 1


def test_a_space_of_a_product_of_spaces_is_a_number():
    B = apply("kron", C, A)
    assert apply("partial_trace", C, SizeValue(n), one) == apply("partial_trace", C, SizeValue(n), one, axis=0)
    assert apply("partial_trace", apply("kron", C, C), SizeValue(n), SizeValue(n), axis=one).shape == (n, n)
    with pytest.raises(ShapeMismatch, match="`axis` of `partial_trace` is a number from 0 to 1"):
        apply("partial_trace", C, SizeValue(n), one, axis=two)
    with pytest.raises(ShapeMismatch, match="needs a square matrix"):
        apply("partial_trace", B, SizeValue(n), SizeValue(n))


@pytest.mark.parametrize(
    "name, args, message",
    [
        ("add", (x, Variable("u", (m,))), "`+` needs equal shapes, or a scalar: R^n and R^m"),
        (
            "matmul",
            (apply("transpose", A), x),
            "`*` needs the columns of the left side to match the right side: R^(n,m) times R^n",
        ),
        (
            "matmul",
            (x, y),
            "`*` multiplies a matrix with a matrix or a vector, these are a vector of R^n and a vector of R^n",
        ),
        ("quad", (x, A), "the second argument of `quad` needs a square matrix, this is R^(m,n)"),
        ("norm1", (x, y, z), "`norm1` takes 1 argument, this has 3"),
        ("norm", (x, s), "the second argument of `norm` is a number other than 0, or `inf`"),
        ("norm", (A,), "`norm` of a matrix is ambiguous"),
        ("diag", (x, two), "`diag` takes 1 argument, this has 2"),
        ("partial_trace", (C,), "`partial_trace` needs the dimensions of the spaces, whole and at least 1"),
        ("partial_trace", (C, two), "the dimensions in `partial_trace` multiply to 2, the matrix has n rows"),
        ("partial_transpose", (A, two), "`partial_transpose` needs a square matrix, this is R^(m,n)"),
        ("vec_to_upper_tri", (x,), "`vec_to_upper_tri` needs a vector whose length is a number"),
        ("vec_to_upper_tri", (apply("concat", s, t),), "no triangle has 2 entries: there are 1, 3, 6, 10, ..."),
        ("sum_largest", (x, s), "`k` of `sum_largest` is a number or a size"),
        ("sum_largest", (x,), "`sum_largest` needs its option `k`"),
    ],
)
def test_what_does_not_fit_is_told_in_the_terms_of_the_user(name, args, message):
    with pytest.raises(ShapeMismatch) as found:
        apply(name, *args)
    assert found.value.message == message


def test_ten_thousand_terms_make_one_node():
    total = apply("add", *(x for _ in range(10_000)))
    assert isinstance(total, Call) and len(total.args) == 10_000


def grown(terms: int) -> Expr:
    """y + x[0]^2, and so on, as a chain of `let`s or a loop in Python makes it."""
    total: Expr = Variable("y", ())
    for _ in range(terms):
        total = apply("add", total, apply("power", Variable("t", ()), p=2.0))
    return total


def test_a_sum_that_grows_term_by_term_takes_steps_in_proportion_to_its_terms(monkeypatch):
    steps = 0

    def counted(node):
        nonlocal steps
        steps += 1
        return node._hash

    monkeypatch.setattr(Call, "__hash__", counted)
    total = grown(2_000)
    assert isinstance(total, Call) and len(total.args) == 2_001
    assert steps < 10 * 2_000


def test_however_a_sum_is_put_together_it_is_the_same_sum():
    a, b, c = (Variable(name, ()) for name in "abc")
    flat = apply("add", a, b, c, a)
    left = apply("add", apply("add", apply("add", a, b), c), a)
    right = apply("add", a, apply("add", b, apply("add", c, a)))
    halves = apply("add", apply("add", a, b), apply("add", c, a))
    for other in (left, right, halves):
        assert hash(other) == hash(flat) and other == flat and other.args == (a, b, c, a)  # pyright: ignore
        assert pickle.loads(pickle.dumps(other)) == flat
    assert apply("add", apply("add", b, a), apply("add", c, a)) != flat
    assert apply("add", Constant(1.0), apply("add", Constant(2.0), a)) == apply("add", Constant(3.0), a)
    assert apply("add", apply("add", a, Constant(1.0)), Constant(2.0)).args == (a, Constant(1.0), Constant(2.0))  # pyright: ignore
