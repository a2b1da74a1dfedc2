"""Random programs, convex or not: what is solved is a local minimum, and what IPOPT solves is not called impossible."""

import warnings
from functools import cache

import pytest
import torch
from nonconvex.oracles import conditions, ipopt, point, violation
from nonconvex.programs import Program, random_program
from torch import Tensor

import declarative
from declarative import Solution, Status

EASY = (6, 7, 17, 18, 40, 59, 61, 78, 83, 110)
SEEDS = [pytest.param(n, marks=() if n in EASY else pytest.mark.slow) for n in range(120)]
STEEP = (135, 309, 350)  # idle rows with slopes of 1e20 and more, next to a pole
ITEMS = 4  # of a batch, which are looked at


@cache
def solved(seed: int) -> tuple[Program, declarative.DeclarativeLayer, dict[str, Tensor], Solution]:
    """The program, its layer, data that ask for gradients, and the solution."""
    program = random_program(seed)
    layer = declarative.compile(declarative.parse(program.text), on_failure="mask")
    data = {name: value.clone().requires_grad_() for name, value in program.data.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some items are inaccurate, and say so
        return program, layer, data, layer.solve(**data)


def good(solution: Solution, flagged: bool = True) -> Tensor:
    """(B,): the items that are solved; without those that have a flag unless `flagged`."""
    flags = solution.degenerate | solution.nonunique | solution.dual_nonunique
    return (solution.status == Status.SOLVED) & (flagged | ~flags)


def items(solution: Solution, flagged: bool = True) -> list[int]:
    """The first of them."""
    return good(solution, flagged).nonzero()[:ITEMS, 0].tolist()


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(n, marks=pytest.mark.slow) for n in STEEP)])
def test_a_solution_is_a_local_minimum(seed):
    """By first- and second-order conditions; a saddle has a flag."""
    program, _, _, solution = solved(seed)
    for i in items(solution):
        found = conditions(point(program, solution, i))
        assert max(found.feasible, found.stationary, found.sign, found.complementary) <= 1e-6
        assert found.curvature >= -1e-6 or found.weak or solution.degenerate[i]


@pytest.mark.parametrize("seed", SEEDS)
def test_ipopt_stays_at_a_solution(seed):
    pytest.importorskip("casadi")
    program, _, _, solution = solved(seed)
    for i in items(solution, flagged=False):
        at = point(program, solution, i)
        there, value = ipopt(at, at.x, stay=True), float(at.f(at.x))
        assert violation(at, there.x) > 1e-7 or there.value >= value - 1e-6 * max(abs(value), 1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_item_is_what_it_is_alone(seed):
    """To the last bit: one that rounds otherwise may end in another minimum."""
    program, layer, _, solution = solved(seed)
    for i in {0, program.batch - 1}:
        alone = layer.solve(**{name: value[i : i + 1] for name, value in program.data.items()})
        assert (alone.status[0], alone.iterations[0]) == (solution.status[i], solution.iterations[i])
        for name in program.sizes:
            torch.testing.assert_close(alone[name][0], solution[name][i].detach(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_against_central_differences(seed):
    """Of solutions found from the solution; where a flag says that there may be none, the numbers are finite."""
    program, layer, data, solution = solved(seed)
    answered = solution.status == Status.SOLVED
    if not answered.any():
        return
    seeded = torch.Generator().manual_seed(seed)

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=seeded, dtype=torch.float64)

    weights = {name: normal(solution[name]) for name in program.sizes}
    outputs = torch.cat([(weights[n] * solution[n]).reshape(program.batch, -1) for n in program.sizes], 1).sum(1)
    gradients = torch.autograd.grad(outputs[answered].sum(), list(data.values()), allow_unused=True, retain_graph=True)
    gradients = [torch.zeros_like(t) if g is None else g for g, t in zip(gradients, data.values(), strict=True)]
    assert all(g.isfinite().all() for g in gradients)
    for i in items(solution, flagged=False)[:1]:
        own = {name: value[i : i + 1] for name, value in program.data.items()}
        move = {n: normal(t) * (t.abs() + (0.0 if n == "s" else 0.1)) for n, t in own.items()}
        found = sum(float((g[i] * m[0]).sum()) for g, m in zip(gradients, move.values(), strict=True))
        first = layer.solve(**own)

        def along(step: float, own=own, move=move, first=first, i=i) -> float:
            there = layer.solve(**{n: own[n] + step * move[n] for n in own}, warm=first)
            return sum(float((weights[n][i] * there[n][0]).sum()) for n in program.sizes)

        size = sum(float((weights[n][i] * solution[n][i]).detach().abs().sum()) for n in program.sizes)
        slopes = [(8 * (along(h) - along(-h)) - along(2 * h) + along(-2 * h)) / (12 * h) for h in (1e-4, 1e-5)]
        off = min(abs(slope - found) for slope in slopes)
        assert off <= 1e-5 * max(abs(found), 1e-2 * size, 1e-6)
