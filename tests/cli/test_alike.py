"""Of many terms or constraints that differ only in numbers `check` reads some: the verdict is that of the whole."""

import pytest

from declarative.analysis.alike import may_stand_for_others
from declarative.cli import judge
from declarative.cli.check import _summary
from declarative.cli.judge import Judgement, _short, _whole
from declarative.cli.texts import check_source
from declarative.elaborate.unused import UNUSED
from declarative.source.span import Source
from declarative.syntax import alike
from declarative.syntax.alike import shorten
from declarative.syntax.parse import read_tree
from declarative.syntax.tokens.layout import Layout, lay_out
from declarative.syntax.tokens.lexer import Token, lex

MANY = 50
HEAD = (
    "dim n\nparam a : R^n\nparam A : R^(n,n)\nparam P : S^n, psd\nparam c : R, pos\nparam q : R, between(0, 1)\n"
    "var x : R^n\nvar t : R\nvar u : R\nvar v : R, pos\nvar w : R, pos\nvar s : R, between(-1, 3)\nvar y : R^500\n"
    "extern g : R, R -> R\ndef f(z : R, d : R) : R = abs(z - d) + z^2\n"
)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "LONG", 200)
    monkeypatch.setattr(alike, "FIRST", 2)


def summed(term: str, numbers=range(MANY)) -> str:
    return f"{HEAD}minimize t^2 + {' + '.join(term.format(k, k + 1) for k in numbers)}\n"


def rows(row: str, numbers=range(MANY), end: str = "") -> str:
    lines = "".join(f"  {row.format(k, k + 1)}\n" for k in numbers)
    return f"{HEAD}minimize t^2\nsubject to\n  u >= -2\n{lines}{end}"


def read(text: str) -> tuple[Source, list[Token], Layout]:
    source = Source("<stdin>", text)
    tokens = lex(text)
    return source, tokens, lay_out(source, tokens)


def short(text: str) -> Judgement | None:
    return _short("-", *read(text))


def whole(text: str) -> Judgement:
    return _whole("-", Source("<stdin>", text))


def told(found: Judgement) -> str:
    """What `check` says, but for how many rewrites there are."""
    assert found.problem is not None and found.repaired is not None
    text = _summary(found.problem, found.repaired, found.constraints)
    first, _, counts = text.partition("; ")
    return first.partition(" and ")[0] + "; " + counts


ALIKE = (
    *("{0}*t", "(t - {0})^2", "abs(u - {0})", "exp({0}*t - 1)", "norm(x - {0}*a)", "quad(x - {0}*a, P)", "{0}*t^3"),
    *("exp(x[0] - {0})*exp(x[1])", "(t-{0})^2/u", "(t-{0})^2/v", "(t-{0})^2/(u+{0})", "-log({1}*v + {0})"),
    *("sqrt({1} + t^2)", "sqrt((t-{0})^2+(u-{0})^2)", "log(exp(t)+exp(u-{0}))", "log(1+exp({0}*t))", "{1}/v"),
    *("sum((x[i] - {0}*a[i])^2 for i in n)", "sum(x[i]*{0} for i in n if i != 3)", "max(t, {0})", "f(t, {0})"),
    *("logsumexp([t+{0}, 2*u-{0}*t])", "{1}^2*(sqrt(1+(t/{1})^2)-1)", "g(t, {0})", "-min(t,{0})", "v*log(v/{1})"),
    *("(x - {0}*a)'*P*(x - {0}*a)", "{1}*v^2/w", "c*abs(t-{0})", "x[3]*{0}", "huber(t - {0}, {1})", "-{0}*t"),
    *("(t-{0})*(t-{0})", "(t-{0})*(t-{1})", "abs({0}*t)^3", "prod(x[i]-{0} for i in n)", "2*{1}*t", "log({1}/v)"),
    *("t*{0}.5", "1e-3*{0}*t", "perspective((t-{0})^2, v)", "t/{1}", "sumsq(A*x - {0}*a)", "entr(v + {1})"),
)


@pytest.mark.parametrize("term", ALIKE)
def test_a_sum_is_judged_by_some_of_its_terms(term):
    found = short(summed(term))
    assert found is not None and found.problem is not None
    assert told(found) == told(whole(summed(term)))


@pytest.mark.parametrize("term", ALIKE)
def test_constraints_are_judged_by_some_of_them(term):
    text = rows(f"c{{0}}: {term} <= {{1}}")
    found = short(text)
    assert found is not None and found.constraints > MANY - 12
    assert told(found) == told(whole(text))


NAMES = "".join(f"var z{k} : R\nparam p{k} : R\nconst q{k} : R, pos = {k + 1}\n" for k in range(MANY + 1))
NAMED = (
    *("p{0}*z{0}", "(z{0} - z{1})^2", "sqrt(1 + z{0}^2)", "exp(z{0})*exp(z{1})", "z{0}*z{1}", "z{0}^2/v", "z{0}*z{0}"),
    *("q{0}*abs(z{0} - p{0})", "x[{0}]*a[{0}]", "(x[{0}] - x[{1}])^2", "A[{0},{1}]*x[{1}]", "y[{0}]^2", "P[{0},{0}]*t"),
)


@pytest.mark.parametrize("term", NAMED)
def test_names_that_are_declared_alike_stand_for_each_other(term):
    for text in (summed(term), rows(f"{term} <= {{1}}"), rows(f"c{{0}}: p{{0}} >= {term}")):
        found = short(NAMES + text)
        assert found is not None and told(found) == told(whole(NAMES + text))


LISTS = {
    "max": "max({0})",
    "min": "-min({0})",
    "norm": "norm([{0}])",
    "logsumexp": "logsumexp([{0}])",
    "sumsq": "sumsq([t, {0}])",
    "a p-norm": "norm([{0}], 3)",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("part", ["{0}*t - {1}", "sqrt(1 + (t - {0})^2)", "x[{0}]", "{0}"])
def test_arguments_that_are_alike_stand_for_each_other(name, part):
    text = HEAD + f"minimize t^2 + {LISTS[name].format(', '.join(part.format(k, k + 1) for k in range(MANY)))}\n"
    found, all_of_it = short(text), whole(text)
    assert found is not None or all_of_it.repaired is None
    assert found is None or told(found) == told(all_of_it)


def test_the_shape_of_an_array_is_not_changed():
    text = HEAD + f"minimize sumsq([{', '.join(f'{k}*t' for k in range(MANY))}] - y)\n"
    assert shorten(*read(text)[1:]) is None and whole(text).problem is None


POSITIVE = "".join(f"  z{k} >= {k + 1}\n" for k in range(MANY + 1))
GEOMETRIC = f"minimize {' + '.join(f'z{k}/z{(k + 1) % MANY}^3' for k in range(MANY))}\nsubject to\n"


@pytest.mark.parametrize("left_out", ["", "  z7 >= 8\n", f"  z{MANY - 1} >= {MANY}\n"])
def test_bounds_that_make_variables_positive_all_count(left_out):
    text = NAMES + GEOMETRIC + POSITIVE.replace(left_out, "") if left_out else NAMES + GEOMETRIC + POSITIVE
    found = whole(text)
    assert found.repaired is not None and ("geometric" in told(found)) == (not left_out)
    assert (shorter := short(text)) is None or told(shorter) == told(found)


ROWS = (
    *("-{0} <= t - u <= {0} + 1", "t >= {0}*u - {0}", "b{0}: x[i] >= {0}*a[i] for i in n", "t == {0}*u"),
    *("(t, x - {0}*a) in SOC", "P*t - {0}*P in PSD", "v*w >= {1}", "x in Box({0}, {1})", "(t - {0}, u, v) in EXP"),
    *("sum({0}*x[i]*a[i] for i in n) <= {0}", "-{0} <= sum(x[i] for i in n if i != 3) <= {0}"),
    *("k{0}: {0} <= t <= {1}", "v^2*w + {0} <= {0}*v", "{1}*v^2*w == {1}"),
)


@pytest.mark.parametrize("row", ROWS)
def test_constraints_are_counted(row):
    found = short(rows(row))
    assert found is not None and told(found) == told(whole(rows(row)))


DOUBTFUL = {
    "a difference of numbers": summed("(20 - {0})*t^2"),
    "of two that differ": summed("({0} - {1})*t^2"),
    "a sum of two in an interval": summed("(q - {0}/50)*t^2"),
    "a number in an interval": summed("abs(s + {0})"),
    "an option": summed("sum_largest(x, {1})"),
    "a power": summed("abs(t)^{1}"),
    "a subscript": summed("y[{0}]"),
    "a subscript out of range": summed("y[{0}]", range(480, 530)),
    "a wrong value": summed("cvar(x, 0.{0})"),
    "a size": summed("sum(reshape(x, n, {1}))"),
    "a range": summed("sum(y[i] for i in 0..{1})"),
    "a condition": summed("sum(y[i] for i in 500 if i < {1})"),
    "numbers on both sides": rows("v*w + {0} >= 20"),
    "a sum below a logarithm": summed("log({0} + 0.5 + v)*t^2"),
    "names": rows("c{0}: t >= {0}", end="return t, c7.dual\n"),
    "not convex": rows("abs(t) >= {1}") + "solve by cone\n",
    "a sign": summed("{0}*t - abs(t - {0})"),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_sizes_of_numbers_decide_is_read_whole(name):
    """Or it is judged alike, for another reason."""
    found, all_of_it = short(DOUBTFUL[name]), whole(DOUBTFUL[name])
    if found is not None:
        assert found.diagnostics == all_of_it.diagnostics
        assert found.diagnostics or told(found) == told(all_of_it)


@pytest.mark.parametrize(
    "name", ["a difference of numbers", "a number in an interval", "an option", "numbers on both sides"]
)
def test_doubts(name):
    source, tokens, layout = read(DOUBTFUL[name])
    cut = shorten(tokens, layout)
    assert cut is not None
    problem, _ = check_source("-", source, read_tree(source, tokens, cut.layout))
    assert problem is None or not may_stand_for_others(problem, cut.numbers)


def left(text: str) -> tuple[str, list[str]]:
    """What is read of a text, and the numbers that stand for others."""
    cut = shorten(*read(text)[1:])
    assert cut is not None
    lines = [" ".join(token.text for token in line.tokens) for line in cut.layout.lines]
    return "\n".join(lines), [text[:end].split()[-1] for ends in cut.numbers for end in ends]


def test_the_least_and_the_greatest_numbers_stay():
    words, numbers = left(summed("{0} * t", [5, 7, *range(1000, 1050), 3, 9999, *range(10, 90)]))
    assert words.partition("minimize ")[2] == "t ^ 2 + 5 * t + 7 * t + 3 * t + 9999 * t"
    assert sorted(numbers) == ["3", "5", "7", "9999"]


def test_comments_and_lines_stay():
    text = summed("{0}*t").replace(" + 40*t", " +  # forty\n  40*t").replace(" + 45*t", "\n") + "# end\n"
    assert short(summed("{0}*t").replace(" + ", " +\n  ")) is not None
    assert short(text) is None  # the line ends where its sign is missing
    found = short(text.replace("44*t\n", "44*t +\n"))
    assert found is not None


def test_a_label_that_is_used_stays(run):
    text = rows("c{0}: t >= {0}", end="return t, c7.dual\n")
    words, _ = left(text)
    assert "c7 : t >= 7" in words and "c9 :" not in words
    done = run("check", "-", input=text)
    assert done.exit_code == 0 and f"{MANY + 1} constraints; ok" in done.stdout


def test_mistakes_are_told_of_all(run):
    text = rows("c{0}: t >= {0}").replace("t >= 37\n", "tt >= 37\n").replace("t >= 38\n", "tt >= 38\n")
    done = run("check", "-", input=text)
    assert done.exit_code == 1 and "`tt` is not declared" in done.stderr and "one more use" in done.stderr


def test_a_short_text_is_read_as_it_is():
    assert shorten(*read(summed("{0}*t", range(20)))[1:]) is None


BARRED = {
    "rows": rows("abs(t) >= {1}"),
    "rows of two kinds": rows("abs(t) >= {1}\n  c{0}: x[{0}]*norm(x) <= {0}"),
    "some among others": rows("t >= {0}\n  norm(x - {0}*a) >= 1"),
    "a sum": summed("x[0]*norm(x - {0}*a)"),
    "a sum among others": summed("(t - {0})^2 - abs(t - {0})"),
    "a def": rows("g2(t, {0}) <= 1").replace("var t", "def g2(z : R, d : R) : R = abs(abs(z) - d)\nvar t"),
    "cone": rows("sqrt(abs(t)) >= {0}", end="solve by cone\n"),
}


@pytest.mark.parametrize("name", BARRED)
@pytest.mark.parametrize("form", ["full", "concise", "json"])
def test_messages_are_those_of_the_whole(name, form, run, monkeypatch):
    text = BARRED[name].replace("var x", "var x0 : R\nvar x")
    monkeypatch.setattr(alike, "FIRST", 12)
    monkeypatch.setattr("declarative.source.render.MOST", 10)
    done = run("check", "-", "--format", form, input=text)
    monkeypatch.setattr(judge, "LONG", 10**9)
    whole = run("check", "-", "--format", form, input=text)
    assert whole.exit_code == 1 and (done.exit_code, done.stdout, done.stderr) == (1, whole.stdout, whole.stderr)


def test_messages_of_many_rows_are_counted():
    found = _short("-", *read(rows("abs(t) >= {1}")), every=False)
    errors = [d for d in found.diagnostics if d.code != UNUSED] if found else []
    assert found is not None and len(errors) + found.more == MANY


def test_names_that_are_not_used_are_those_of_the_whole():
    text = NAMES + rows("q{0}*abs(z{0}) <= {1}")
    found = short(text)
    assert found is not None and found.diagnostics == whole(text).diagnostics
    assert {d.code for d in found.diagnostics} == {UNUSED} and len(found.diagnostics) > MANY
