"""What stands in several places, as what a `let` names, is worked out once: doubling 40 times costs 40 steps."""

import pytest
import torch

import declarative
from declarative import DiagnosticError

DOUBLINGS = range(40)


def doubled(step: str, last: str) -> declarative.Problem:
    lets = "".join(f"let y{k + 1} = {step.format(f'y{k}')}\n" for k in DOUBLINGS)
    return declarative.parse(f"param a : R\nvar y0 : R\n{lets}{last}")


@pytest.mark.parametrize(
    ("step", "last"),
    [
        ("exp({0} - 30) + exp({0} - 30)", "minimize y40 - y0"),
        ("abs({0}) + abs({0})", "minimize y40 - a*y0"),
        ("sqrt({0} + 1)*1e-3 + sqrt({0} + 1)*1e-3", "maximize y40 - (y0 - a)^2"),
        ("{0}*{0}", "minimize y40"),
    ],
)
def test_explain_answers_for_what_is_doubled_forty_times(step, last):
    lines = declarative.explain(doubled(step, last))
    assert any(line.startswith("kkt: takes it") for line in lines) or "cone: takes it" in lines
    assert len(lines) < 200


@pytest.mark.parametrize("backend", ["kkt", "cone"])
@pytest.mark.parametrize(
    "text", ["minimize r + sumsq(x - a) + 2*r", "minimize sumsq(x - a); subject to; low: r + exp(r) + 2*r <= 4"]
)
def test_one_new_variable_serves_all_places_of_an_expression(text, backend):
    """The same answers as where the expression is written out in each place."""
    head = "param a : R^3; var x : R^3; "
    a = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    with_let = declarative.compile(declarative.parse(f"{head}let r = norm1(x - 1); {text}"), backend=backend)
    written = text.replace("r ", "norm1(x - 1) ").replace("(r)", "(norm1(x - 1))").replace("2*r", "2*norm1(x - 1)")
    plain = declarative.compile(declarative.parse(f"{head}{written}"), backend=backend)
    one, other = with_let.solve(a), plain.solve(a)
    assert one.solved and other.solved
    torch.testing.assert_close(one["x"], other["x"], rtol=1e-8, atol=1e-8)
    c = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    gradients = [torch.autograd.grad(found["x"] @ c, a)[0] for found in (one, other)]
    torch.testing.assert_close(*gradients, rtol=1e-7, atol=1e-7)


def test_a_sum_that_doubles_is_refused_where_it_grows_too_long():
    with pytest.raises(
        DiagnosticError, match="written out, this sum has 262,144 terms; 200,000 are the most"
    ) as raised:
        doubled("{0} + {0}", "minimize y40^2")
    (told,) = raised.value.diagnostics
    assert told.span is not None
    assert told.span.text == "y17 + y17"
    assert told.hints == ("a term that is added to itself is a multiple of it: `2*e`",)
    y = declarative.var("y")
    with pytest.raises(DiagnosticError, match="written out, this sum has 262,144 terms"):
        for _ in DOUBLINGS:
            y = y + y


def test_what_is_left_out_is_counted_though_its_shortened_text_repeats():
    deep = "abs(" * 100 + "x" + ")" * 100
    lines = declarative.explain(declarative.parse(f"var x : R; minimize {deep}"))
    assert [line for line in lines if "more" in line] == ["  and 80 more", "  and 80 more"]
