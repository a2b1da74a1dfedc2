"""The compiled trust region against the same in torch; its quadratics against eigenvalues."""

import numpy as np
import pytest
import torch

import declarative
from declarative.backends.kkt.assemble import assemble
from declarative.backends.kkt.backend import KKTBackend, accept
from declarative.backends.kkt.compiled.ball import ball_memory, minimise
from declarative.backends.kkt.compiled.blas import ROUTINES
from declarative.backends.kkt.compiled.evaluate import Evaluator
from declarative.backends.kkt.compiled.jit import outer
from declarative.backends.kkt.methods import trust_region
from declarative.backends.kkt.methods.spherical import minimise_spherical
from declarative.backends.kkt.methods.variants import factors, scaled
from declarative.backends.status import Status

FLOAT = torch.float64
VALLEY = """
dim n; param a : R; param s : R^n; var x : R^n, start(s)
minimize sum(100*(x[i+1] - x[i]^2)^2 + (a - x[i])^2 for i in 0..n-2)
"""
WAVES = "param a : R; param s : R^2; var x : R^2, start(s); minimize sum(sin(x[i]*a) for i in 2) + sumsq(x)/20"


def prepared(text, **inputs):
    """The program in the method's units, its parameters and start."""
    backend = accept(declarative.parse(text, name="free"), {})
    assert isinstance(backend, KKTBackend)
    batch, n = inputs["s"].shape
    assembly = assemble(backend.standard, {"n": n}, {})
    program, theta, x0 = assembly.program.numeric, assembly.theta(inputs), assembly.start(inputs, batch)
    assert program is not None
    by = factors(program, theta, x0)
    return scaled(program), (*theta, *by.parts()), x0 / by.x


def inputs(batch, n, seed):
    generator = torch.Generator().manual_seed(seed)
    a, s = (torch.randn(batch, *k, generator=generator, dtype=FLOAT) for k in ((), (n,)))
    return {"a": 1 + a / 10, "s": s}


def both(text, given, iterations=200, tolerance=1e-9):
    """(x, stop, iterations) by compiled code, and by torch."""
    arguments = *prepared(text, **given), iterations, tolerance
    ours = trust_region.walked(*arguments)
    assert ours is not None
    return ours, trust_region.iterated(*arguments)


@pytest.mark.parametrize("batch", [1, 5, 64, 150])
@pytest.mark.parametrize(("text", "n"), [(VALLEY, 2), (VALLEY, 7), (WAVES, 2)])
def test_the_same_points_as_in_torch(text, n, batch):
    """In blocks that are filled up again and again; some steps end on the boundary, some go through saddles."""
    ours, theirs = both(text, inputs(batch, n, seed=batch))
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=1e-6)
    for mine, other in zip(ours[1].parts(), theirs[1].parts(), strict=True):
        assert (mine == other).all()
    assert (ours[2] - theirs[2]).abs().max() <= 1


def test_a_batch_is_its_items():
    given = inputs(70, 4, seed=0)
    arguments = *prepared(VALLEY, **given), 200, 1e-9
    together = trust_region.walked(*arguments)
    assert together is not None
    for i in range(0, 70, 9):
        alone = trust_region.walked(*prepared(VALLEY, **{k: v[i : i + 1] for k, v in given.items()}), 200, 1e-9)
        assert alone is not None
        assert (alone[0] == together[0][i]).all() and alone[2] == together[2][i]


def test_the_limit_of_iterations():
    ours, theirs = both(VALLEY, inputs(3, 4, seed=1), iterations=3)
    assert not any(part.any() for part in ours[1].parts())
    assert ours[2].tolist() == theirs[2].tolist() == [3, 3, 3]
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=1e-6)


def test_what_is_no_number_stops_its_item_alone():
    given = inputs(3, 2, seed=2)
    given["s"][1] = torch.nan
    ours, _ = both(WAVES, given)
    assert ours[1].stuck.tolist() == [False, True, False] and ours[1].converged.tolist() == [True, False, True]
    assert ours[2][1] == 1


def test_an_item_whose_steps_do_not_move_it_is_stuck():
    """Far out on a plateau, units are large, and so are rounding errors of slopes at the bottom of the well."""
    text = "param a : R; param s : R^1; var x : R^1, start(s); minimize 9 - exp(-sumsq(x - a)/2) - exp(-sumsq(x - 2)/2)"
    given = {"a": torch.tensor([1.0], dtype=FLOAT), "s": torch.tensor([[9.0]], dtype=FLOAT)}
    for x, stop, count in both(text, given, tolerance=1e-13):
        assert (stop.stuck | stop.converged).all() and count < 40
        assert (x[0, 0] - 1.5).abs() < 1e-6


def test_no_item_walks_where_only_rounding_errors_lead():
    """A tail falls for ever beside squares that are at rest, along two flat directions: x grows by one a step."""
    text = "dim n; param B : R^(2,n); param s : R^n; var x : R^n, start(s); minimize sumsq(B*x - 1) + exp(x[0] - x[3])"
    generator = torch.Generator().manual_seed(0)
    B = torch.randn(40, 2, 5, generator=generator, dtype=FLOAT)
    for x, _, _ in both(text, {"B": B, "s": torch.zeros(40, 5, dtype=FLOAT)}):
        assert x.abs().max() < 1e3


FLAT = """
dim n; param a : R; param s : R^n; var x : R^n, start(s)
minimize logsumexp(x) - x[0] + a*sum(exp(x[i] - x[i+1])/1000 for i in n-1)
"""


@pytest.mark.parametrize(("n", "batch"), [(3, 1), (3, 70), (12, 5)])
def test_no_step_goes_where_a_function_is_flat_everywhere(n, batch):
    """What depends on differences alone: all of x together stays where it began, as far down as slopes are numbers."""
    given = inputs(batch, n, seed=n) | {"a": torch.zeros(batch, dtype=FLOAT)}
    for x, _, _ in both(FLAT, given, tolerance=0):
        assert x.abs().max() > 10
        torch.testing.assert_close(x.sum(-1), given["s"].sum(-1), rtol=0, atol=1e-9)


def test_flat_directions_are_an_item_s_own():
    """Each lane finds those of its item, and of the one that comes after it."""
    text = (
        "param B : R^(2,4); param s : R^4; var x : R^4, start(s); minimize sumsq(B*x - 1) + sum((B*x)[i]^4 for i in 2)"
    )
    generator = torch.Generator().manual_seed(0)
    B, s = (torch.randn(150, *k, generator=generator, dtype=FLOAT) for k in ((2, 4), (4,)))
    B[::3] = 0  # here nothing at all moves
    for x, stop, _ in both(text, {"B": B, "s": s}):
        level = torch.linalg.svd(B)[2][:, 2:]
        torch.testing.assert_close(
            (level @ (x - s)[..., None]).abs().max(), torch.zeros((), dtype=FLOAT), rtol=0, atol=1e-8
        )
        assert stop.converged.all() and (x[::3] == s[::3]).all()


def test_a_direction_that_is_flat_only_at_the_start_is_not_given_up():
    """y comes to rest where x^2*y is a hill: at its top there is no slope, but a curvature."""
    text = "param s : R^2; var x : R^2, start(s); minimize (x[1] + 1)^2 + x[0]^2*x[1] + x[0]^4"
    s = torch.tensor([[1e-9, 0.0], [1e-3, 0.0]], dtype=FLOAT)
    for x, stop, _ in both(text, {"s": s}):
        assert stop.converged.all()
        torch.testing.assert_close(x, torch.tensor([[(2 / 3) ** 0.5, -4 / 3]] * 2, dtype=FLOAT), rtol=0, atol=1e-8)


def test_saddles_are_left():
    layer = declarative.compile(declarative.parse("var x : R^2; minimize (x[0]^2 - 1)^2 + x[1]^2", name="saddle"))
    solution = layer.solve()
    assert solution.status == Status.SOLVED
    torch.testing.assert_close(solution["x"].abs(), torch.tensor([1.0, 0.0]), rtol=0, atol=1e-7)


def test_a_regular_minimum_is_told_by_few_lists(monkeypatch):
    """Rows are asked for nothing where there are none, and curvatures that do not vanish once."""
    layer, asked = declarative.compile(declarative.parse(VALLEY, name="valley")), []
    given = inputs(1, 4, seed=3)
    first, call = layer.solve(**given), Evaluator.__call__
    monkeypatch.setattr(Evaluator, "__call__", lambda self, *args: asked.append(self) or call(self, *args))
    again = layer.solve(**given)
    assert len(asked) == len(set(asked)) == 8
    assert again.status == Status.SOLVED and (first["x"] == again["x"]).all()
    assert not again.degenerate and not again.nonunique


@outer
def minimise_all(routines, ball, H, g, radius, found):
    """All of a batch."""
    for b in range(len(H)):
        for i in range(len(ball.g)):
            ball.g[i], ball.noise[i] = g[b, i], 0.0
            for k in range(i + 1):
                ball.H[i, k] = H[b, i, k]
        minimise(routines, ball, radius[b])
        for i in range(len(ball.g)):
            found[b, i] = ball.s[i]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 30])
def test_quadratics_in_a_ball(n):
    """Of any curvature and size, also in the hard case, singular, or without a slope: the value is that of spectra."""
    rng, batch = np.random.default_rng(n), 300
    H = rng.normal(size=(batch, n, n))
    H = (H + H.transpose(0, 2, 1)) / 2 + 1.5 * np.sqrt(n) * np.eye(n) * rng.normal(size=(batch, 1, 1))
    H[::7] = H[::7] @ H[::7]
    H[::7, 0], H[::7, :, 0] = 0, 0  # singular
    H *= 10 ** rng.uniform(-6, 6, size=(batch, 1, 1))
    g = rng.normal(size=(batch, n)) * 10 ** rng.uniform(-6, 6, size=(batch, 1))
    g[::17] = 0
    lowest = np.linalg.eigh(H[3::19])[1][:, :, 0]
    g[3::19] -= lowest * (lowest * g[3::19]).sum(1, keepdims=True)
    radius, s = 10 ** rng.uniform(-4, 4, size=batch), np.zeros((batch, n))
    minimise_all(ROUTINES, ball_memory(n), H, g, radius, s)
    exact = minimise_spherical(
        torch.tensor(H), torch.tensor(g), torch.tensor(radius**2), torch.ones(batch, n, dtype=FLOAT), ball=True
    ).x.numpy()
    ours, theirs = ((x * np.einsum("bij,bj->bi", H, x)).sum(1) / 2 + (g * x).sum(1) for x in (s, exact))
    assert np.linalg.norm(s, axis=1) == pytest.approx(np.minimum(np.linalg.norm(s, axis=1), radius), rel=1e-6)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)
