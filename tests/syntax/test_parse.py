"""Reading: precedence, spellings, where statements end, comments, size without recursion, and speed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from declarative.source.span import Source
from declarative.syntax import parse_tree
from declarative.syntax import tree as t
from declarative.syntax.tree import Expression, File, Let

ROOT = Path(__file__).resolve().parent.parent.parent
AT = {"span": t.Number("0", span=None).span}  # spans do not count in equality
a, b, c = (t.Name(name, **AT) for name in "abc")
two = t.Number("2", **AT)


def read(text: str) -> File:
    file, diagnostics = parse_tree(Source("text", text))
    assert diagnostics == []
    return file


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parse_tree(Source("text", text))[1]]


def body(text: str) -> Expression:
    statement = read(f"let f = {text}\nfind z").statements[0]
    assert isinstance(statement, Let)
    return statement.body


def power(base: Expression, exponent: Expression) -> t.Power:
    return t.Power("^", base, exponent, **AT)


def minus(inner: Expression) -> t.Unary:
    return t.Unary("-", inner, **AT)


def part(lo: Expression | None, hi: Expression | None) -> t.Slice:
    return t.Slice(lo, hi, **AT)


def transposed(inner: Expression) -> t.Transpose:
    return t.Transpose(inner, **AT)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-a^2", minus(power(a, two))),
        ("a^-b", power(a, minus(b))),
        ("a^-b^c", power(a, minus(power(b, c)))),
        ("a^b^c", power(a, power(b, c))),
        ("a'^2", power(transposed(a), two)),
        ("a^b'", power(a, transposed(b))),
        ("-a*b", t.Product(minus(a), (("*", b),), **AT)),
        ("a*-b", t.Product(a, (("*", minus(b)),), **AT)),
        ("a/b*c", t.Product(a, (("/", b), ("*", c)), **AT)),
        ("a - b + c", t.Sum(a, (("-", b), ("+", c)), **AT)),
        ("a + b*c", t.Sum(a, (("+", t.Product(b, (("*", c),), **AT)),), **AT)),
        ("a.b.c", t.Attribute(t.Attribute(a, "b", **AT), "c", **AT)),
        ("a[b]'", transposed(t.Subscript(a, (b,), **AT))),
        ("a[b:c, :, 2:]", t.Subscript(a, (part(b, c), part(None, None), part(two, None)), **AT)),
        ("(a)", t.Paren(a, **AT)),
        ("[a, b; c]", t.Array(((a, b), (c,)), **AT)),
        ("a(b, c = 2)", t.Call(a, (b, t.Keyword("c", two, **AT)), **AT)),
    ],
)
def test_how_tightly_things_bind(text: str, tree: Expression) -> None:
    assert body(text) == tree


def test_conditions_bind_or_loosest() -> None:
    statement = read("assume a == b for i in n if a or b and not c <= 2 < a\nfind z").statements[0]
    assert isinstance(statement, t.Assume) and statement.fors
    chain = t.Compare(c, (("<=", two), ("<", a)), **AT)
    both = t.Logic("and", (b, t.Not(chain, **AT)), **AT)
    assert statement.fors.condition == t.Logic("or", (a, both), **AT)


@pytest.mark.parametrize(
    ("plain", "other"),
    [("a'*b", "a.T*b"), ("a'*b", "aᵀ*b"), ("a^2", "a**2"), ("[a, b]", "[a,\n\n b]"), ("a*b", "a\u00a0*\u2009b")],
)
def test_other_spellings_are_read_as_the_plain_ones(plain: str, other: str) -> None:
    assert body(plain) == body(other)


def test_relations_may_be_written_with_their_signs() -> None:
    head = "find x\nsubject to\n"
    assert read(head + "0 ≤ x ≤ 1; x ≥ 2; x ∈ PSD") == read(head + "0 <= x <= 1\nx >= 2\nx in PSD")


def test_the_field_t_of_an_imported_problem_is_no_transpose() -> None:
    file = read("import g\nlet f = g(x).T*g(x).y.T*h(x).T\nfind z")
    statement = file.statements[1]
    assert isinstance(statement, Let) and isinstance(statement.body, t.Product)
    call = t.Call(t.Name("g", **AT), (t.Name("x", **AT),), **AT)
    factors = [statement.body.first, *(factor for _, factor in statement.body.rest)]
    assert factors[0] == t.Attribute(call, "T", **AT)
    assert factors[1] == transposed(t.Attribute(call, "y", **AT))
    assert isinstance(factors[2], t.Transpose)


def test_a_call_without_brackets_differs_from_one_without_arguments() -> None:
    bare, empty = (read(f"find z\nsolve by newton{brackets}").statements[1] for brackets in ("", "()"))
    assert isinstance(bare, t.Clause) and bare.args is None
    assert isinstance(empty, t.Clause) and empty.args == ()


def test_spaces_hold_their_sizes() -> None:
    sizes = []
    for space in ("R", "R^2", "R^n", "R^(n+1,2)", "index(n)"):
        statement = read(f"param x : {space}\nfind z").statements[0]
        assert isinstance(statement, t.Declaration)
        sizes.append((statement.space.name, len(statement.space.sizes)))
    assert sizes == [("R", 0), ("R", 1), ("R", 1), ("R", 2), ("index", 1)]


def test_spans_are_places_in_the_text() -> None:
    source = Source("text", "dim n\nlet f = sum(a[i] for i in n)\nfind z")
    file, _ = parse_tree(source)
    let = file.statements[1]
    assert isinstance(let, Let)
    assert (let.span.line, let.span.column, let.span.text) == (2, 1, "let f = sum(a[i] for i in n)")
    assert let.body.span.text == "sum(a[i] for i in n)"


def test_comments_go_with_their_statements() -> None:
    first = "# one\n\n# two\ndim n # three\n\n\n"
    file = read(first + "let f = ( # four\n  n) # five\nfind z; # six\n# seven\n\n")
    assert [(s.comments, s.trailing) for s in file.statements] == [
        (("# one", "", "# two"), "# three"),
        (("", "# four"), "# five"),
        ((), "# six"),
    ]
    assert file.comments == ("# seven",)


def test_a_mistake_does_not_hide_the_next_line() -> None:
    text = "dim n\nparam x R^n\nvar y : R^n\nminimize 2y + (x]\nsubject to\n  y = 1\n  y >= >= 2\nreturn x +"
    assert codes(text) == ["E113", "E104", "E106", "E112", "E112"]


def test_several_mistakes_in_one_statement_are_all_reported() -> None:
    assert codes("minimize 2x + 3y @ z") == ["E105", "E105", "E101"]


def test_the_tree_holds_what_was_meant() -> None:
    repaired, _ = parse_tree(Source("text", "parm x : R\nminimise 2x\nst\nx = 1"))
    assert repaired == read("param x : R\nminimize 2*x\nsubject to\nx == 1")


@pytest.mark.parametrize("sign", [" + ", " - ", "*", " .* "])
def test_ten_thousand_terms_are_read_at_once(sign: str) -> None:
    start = time.process_time()
    whole = body(sign.join(["a"] * 10_000))
    assert time.process_time() - start < 2
    assert isinstance(whole, t.Sum | t.Product) and len(whole.rest) == 9_999


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "x" + ")" * 2000,
        "-" * 2000 + "x",
        "x" + "'" * 2000,
        "x" + "^x" * 2000,
        "x" + "[0]" * 2000,
        "x" + ".y" * 2000,
        "f(" * 2000 + "x" + ")" * 2000,
        "[" * 2000 + "x" + "]" * 2000,
        "(1 + " * 2000 + "x" + ")" * 2000,
    ],
)
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    start = time.process_time()
    assert codes(f"minimize {text}") == ["E121"]
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "minimize (x +" + "\n" * 20_000 + "1)",
        "minimize x\n" * 3_000,
        "x = 1\n" * 3_000,
        "minimize (" * 3_000,
        "|x|" * 3_000,
    ],
)
def test_long_texts_take_time_in_proportion(text: str) -> None:
    start = time.process_time()
    parse_tree(Source("text", text))
    assert time.process_time() - start < 3


def test_a_hundred_brackets_are_fine() -> None:
    assert codes("minimize " + "(" * 100 + "x" + ")" * 100) == []


def test_reading_a_file_is_fast_and_needs_no_grammar() -> None:
    program = (
        "import sys, time; from declarative.syntax import parse_tree; from declarative.source.span import Source\n"
        "source = Source('text', open('examples/mpc.opt').read())\n"
        "start = time.process_time()\n"
        "assert not parse_tree(source)[1]\n"
        "assert not {'lark', 'torch', 'cvxpy'} & set(sys.modules)\n"
        "print(time.process_time() - start)\n"
    )
    command = [sys.executable, "-c", program]
    assert float(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout) < 0.05
