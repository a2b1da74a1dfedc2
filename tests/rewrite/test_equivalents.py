"""Equivalent forms: the texts before and after, equal values wherever both are defined, and what is left alone."""

import numpy as np
import pytest
import torch
from rewrite.equivalent_forms import DECLARATIONS, FORMS, LEFT_ALONE

from declarative import parse
from declarative.analysis.facts import facts_of
from declarative.atoms.apply import apply
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.vectorise import Vectoriser
from declarative.elaborate.to_text import expression_to_text
from declarative.ir.expr import Call, Constant, Index, Reduce, Stack
from declarative.ir.walk import postorder
from declarative.rewrite.equivalents import to_equivalents

SIZES = {"n": 3, "m": 4}


def body(text):
    return parse(DECLARATIONS + f"minimize {text}").objective.body


@pytest.mark.parametrize("before, after", FORMS, ids=[before for before, _ in FORMS])
def test_before_and_after(before, after):
    found, log = to_equivalents(body(before))
    assert expression_to_text(found) == after
    assert log and all(line.startswith("`") for line in log)


@pytest.mark.parametrize("before", [before for before, _ in FORMS])
def test_the_form_is_convex_by_the_rules_where_the_text_was_not(before):
    root = body(before)
    assert not facts_of(root).curvature.convex
    assert facts_of(to_equivalents(root)[0]).curvature.convex


def points(seed):
    """Fifty values of everything, of both signs where the declaration allows them, some of them 0."""
    rng = np.random.default_rng(seed)
    signed = {"A": (4, 3), "b": (4,), "c": (), "x": (3,), "s": ()}
    positive = {"a": (), "d": (), "w": (3,), "t": (), "p": (3,)}
    found = {
        name: rng.normal(size=(50, *shape)) * rng.choice([0, 1, 5], (50, *shape)) for name, shape in signed.items()
    }
    found |= {name: rng.lognormal(size=(50, *shape)) for name, shape in positive.items()}
    return {name: torch.tensor(array, requires_grad=True) for name, array in found.items()}


def values_and_gradients(root, inputs):
    vectoriser = Vectoriser(SIZES, {})
    (value,) = Runner(vectoriser.tape((vectoriser.value(root).slot,)))(inputs)
    moved = torch.autograd.grad(value.sum(), list(inputs.values()), allow_unused=True)
    gradients = [torch.zeros_like(t) if g is None else g for g, t in zip(moved, inputs.values(), strict=True)]
    return value, torch.cat([g.reshape(50, -1) for g in gradients], 1)


@pytest.mark.parametrize("before", [before for before, _ in FORMS])
def test_values_and_gradients_are_those_of_the_text(before):
    root = body(before)
    inputs = points(sum(map(ord, before)))
    old, old_gradient = values_and_gradients(root, inputs)
    new, new_gradient = values_and_gradients(to_equivalents(root)[0], inputs)
    assert old.isfinite().sum() > 20
    torch.testing.assert_close(new[old.isfinite()], old[old.isfinite()], rtol=1e-11, atol=1e-11)
    both = old_gradient.isfinite().all(1)
    torch.testing.assert_close(new_gradient[both], old_gradient[both], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_would_change_the_meaning_is_left_alone(text):
    root = body(text)
    assert to_equivalents(root) == (root, ())


@pytest.mark.parametrize("before", [before for before, _ in FORMS])
def test_every_new_node_stands_where_the_old_one_stood(before):
    found, _ = to_equivalents(body(before))
    assert all(n.origin is not None for n in postorder(found) if isinstance(n, Call | Stack | Reduce | Index))


def test_long_products_and_deep_nests_are_walked_without_recursion():
    long = "*".join(["c"] * 1500)
    assert expression_to_text(to_equivalents(body(f"{long}*t*log(t)"))[0]).endswith("xlogx(t)")
    deep = body("s^2")
    for _ in range(3000):
        deep = apply("mul", Constant(2.0), deep)
    root = apply("sqrt", deep)
    assert to_equivalents(root) == (root, ())
