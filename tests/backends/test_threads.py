"""BLAS takes no more threads than torch has, in a call of a layer and in its backward pass, and has its own back."""

import pytest
import torch

import declarative
from declarative.backends.cone.methods import solve
from declarative.backends.threads import blas, blas_threads


def threads() -> set[int]:
    return {library.get_num_threads() for library in blas()}


def test_blas_has_the_threads_back_that_it_had_before():
    before = threads()
    with pytest.raises(ZeroDivisionError), blas_threads(3):
        assert threads() == {3}
        raise ZeroDivisionError
    assert before and threads() == before


def test_calls_may_end_in_another_order_than_they_began():
    before, first, second = threads(), blas_threads(3), blas_threads(2)
    first.__enter__()
    second.__enter__()
    assert threads() == {2}
    first.__exit__(None, None, None)
    assert threads() == {2}
    second.__exit__(None, None, None)
    assert threads() == before


def test_cone_programs_take_torchs_number(monkeypatch):
    seen, polish = [], solve.polish
    monkeypatch.setattr(solve, "polish", lambda *args, **named: seen.append(threads()) or polish(*args, **named))
    layer = declarative.compile(declarative.parse("dim n\nvar x : R^n\nparam c : R^n\nminimize norm(x - c) + sum(x)/9"))
    own, before = torch.get_num_threads(), threads()
    try:
        torch.set_num_threads(3)
        layer(torch.ones(3))
    finally:
        torch.set_num_threads(own)
    assert seen == [{3}] and threads() == before
