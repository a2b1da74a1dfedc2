"""Index names do not count: alpha-equivalent expressions and constraints become equal."""

from declarative.elaborate.load import parse
from declarative.ir import condition
from declarative.ir.canonical import canonical, canonical_constraint
from declarative.ir.expr import Binder, Call, Constant, Expr, Index, IndexSymbol, Reduce, Stack, Variable
from declarative.ir.problem import Comparison, Relation
from declarative.ir.size import Size
from declarative.ir.walk import postorder

N = Size.of("n")
X = Variable("x", (N, N))


def binder(symbol: IndexSymbol) -> Binder:
    return Binder(symbol, Size.of(0), N)


def entry(i: IndexSymbol, j: IndexSymbol) -> Expr:
    return Index(X, (i, j), ())


def numbers(e: Expr) -> set[int]:
    return {node.number for node in postorder(e) if isinstance(node, IndexSymbol)}


def test_names_and_numbers_do_not_count():
    def double_sum(a: IndexSymbol, b: IndexSymbol) -> Expr:
        return canonical(Reduce("sum", Reduce("sum", entry(a, b), (binder(b),)), (binder(a),)))

    assert double_sum(IndexSymbol(-1, "i"), IndexSymbol(-2, "j")) == double_sum(
        IndexSymbol(7, "s"), IndexSymbol(3, "t")
    )
    assert double_sum(IndexSymbol(-1, "i"), IndexSymbol(-2, "j")) != double_sum(
        IndexSymbol(-1, "i"), IndexSymbol(-1, "i")
    )


def test_order_of_subscripts_counts():
    i, j = IndexSymbol(-1, "i"), IndexSymbol(-2, "j")
    rows = canonical(Reduce("sum", entry(i, j), (binder(i), binder(j))))
    columns = canonical(Reduce("sum", entry(j, i), (binder(i), binder(j))))
    assert rows != columns


def test_a_shared_node_gets_a_form_for_each_depth():
    """s = sum_i x[i,i] stands once at the top and once inside another sum."""
    i, j = IndexSymbol(-1, "i"), IndexSymbol(-2, "j")
    s = Reduce("sum", entry(i, i), (binder(i),))
    inside = Reduce("sum", Call("mul", (s, entry(j, j)), ()), (binder(j),))
    both = canonical(Call("add", (s, inside), ()))
    top, summed = both.args  # pyright: ignore
    assert numbers(top) == {0}
    assert numbers(summed) == {0, 1}
    assert summed.body.args[0].binders[0].index.number == 1
    assert summed.body.args[1] == entry(IndexSymbol(0, ""), IndexSymbol(0, ""))


def test_a_shared_body_under_two_numbers():
    """The same node x[i,i] at one depth, while its index is number 0 in one place and number 1 in the other."""
    i, j = IndexSymbol(-1, "i"), IndexSymbol(-2, "j")
    body = entry(i, i)
    first = Reduce("sum", Reduce("sum", body, (binder(j),)), (binder(i),))
    second = Reduce("sum", Reduce("sum", body, (binder(i),)), (binder(j),))
    pair = canonical(Call("add", (first, second), ()))
    found = [next(iter(numbers(arg.body.body))) for arg in pair.args]  # pyright: ignore
    assert found == [0, 1]


def test_binders_of_a_constraint_come_first():
    i, j = IndexSymbol(-5, "i"), IndexSymbol(-9, "j")
    row = Reduce("sum", entry(i, j), (binder(j),), condition.Test("!=", i, j))
    c = canonical_constraint(
        Comparison("rows", Relation.EQ, row, Constant(1.0), (binder(i),), condition.Test(">", i, Constant(0.0)))
    )
    assert c.binders[0].index.number == 0
    assert isinstance(c, Comparison) and isinstance(c.left, Reduce)
    assert c.left.binders[0].index.number == 1
    assert c.condition == condition.Test(">", IndexSymbol(0, ""), Constant(0.0))
    assert c.left.condition == condition.Test("!=", IndexSymbol(0, ""), IndexSymbol(1, ""))


def test_the_front_end_numbers_indices_by_depth_where_they_stand():
    from_text = parse(
        "dim n\nvar x : R^(n,n)\nlet r[k] = sum(x[k,l] for l in n) for k in n\n"
        "def f(y : R^n) : R = sum(y[k]^2 for k in n)\n"
        "minimize sum(sum(x[i,j]^2 for j in n) + sum(r[j]^2 for j in n) + f(x[i,:]) for i in n)"
    )
    body = from_text.objective.body
    assert body is not None
    (whole,) = [node for node in postorder(body) if isinstance(node, Reduce) and node.binders[0].index.number == 0]
    assert whole is body
    assert numbers(body) == {0, 1, 2}
    assert canonical(body) is body  # nothing is left to be done


def test_what_holds_no_index_is_left_as_it_is():
    e = Call("sumsq", (X,), ())
    assert canonical(e) is e
    i = IndexSymbol(4, "i")
    assert canonical(Stack(entry(i, i), (binder(i),)), 2).binders[0].index.number == 2  # pyright: ignore


def test_deep_and_wide_expressions():
    i = IndexSymbol(-1, "i")
    e: Expr = entry(i, i)
    for _ in range(5000):
        e = Call("neg", (e,), ())
    wide = Call("add", tuple(Call("mul", (Constant(float(k)), e), ()) for k in range(5000)), ())
    assert numbers(canonical(Reduce("sum", wide, (binder(i),)))) == {0}
