"""Gradients through every kind of cone: closed forms, accurate differences over random programs, scales, sharing."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, root
from torch import Tensor
from torch.autograd.functional import jacobian

import declarative
from declarative import Status
from declarative.backends.cone.linear.symmetric import SymmetricMatrix


def compiled(text: str, **settings):
    return declarative.compile(declarative.parse(text, name="part"), backend="cone", **settings)


def differences(function, x: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """The Jacobian of a numpy function by central differences, extrapolated twice (error h^6)."""

    def slope(h: float) -> np.ndarray:
        return np.stack([(function(x + h * e) - function(x - h * e)) / (2 * h) for e in np.eye(len(x))], -1)

    coarse, middle, fine = slope(h), slope(h / 2), slope(h / 4)
    return (16 * (4 * fine - middle) / 3 - (4 * middle - coarse) / 3) / 15


# --- projections onto cones ---------------------------------------------------------------------------------


def onto_second_order(v: np.ndarray) -> np.ndarray:
    t, w = v[0], v[1:]
    r = np.linalg.norm(w)
    return (1 + t / r) / 2 * np.concatenate([[r], w])


def onto_semidefinite(v: np.ndarray) -> np.ndarray:
    values, Q = np.linalg.eigh((v.reshape(4, 4) + v.reshape(4, 4).T) / 2)
    return ((Q * np.maximum(values, 0)) @ Q.T).reshape(-1)


def onto_simplex(v: np.ndarray) -> np.ndarray:
    return np.maximum(v - brentq(lambda t: np.maximum(v - t, 0).sum() - 1, -9, 9, xtol=1e-15), 0)


def by_stationarity(v: np.ndarray, start: list[float], g, slope) -> np.ndarray:
    """min |p - v|^2/2 with g(p) = 0: p - v + mu g'(p) = 0."""
    found = root(lambda u: np.append(u[:3] - v + u[3] * slope(u[:3]), g(u[:3])), [*start, 1.0], tol=1e-15)
    assert np.abs(found.fun).max() < 1e-13
    return found.x[:3]


def onto_exponential(v: np.ndarray) -> np.ndarray:
    def slope(p: np.ndarray) -> np.ndarray:
        e = np.exp(p[0] / p[1])
        return np.array([e, e * (1 - p[0] / p[1]), -1.0])

    return by_stationarity(v, [0.5, 1.0, 1.6], lambda p: p[1] * np.exp(p[0] / p[1]) - p[2], slope)


def onto_power(v: np.ndarray) -> np.ndarray:
    def slope(p: np.ndarray) -> np.ndarray:
        m = p[0] ** 0.3 * p[1] ** 0.7
        return np.array([-0.3 * m / p[0], -0.7 * m / p[1], 1.0])

    return by_stationarity(v, [0.6, 0.8, 0.7], lambda p: p[2] - p[0] ** 0.3 * p[1] ** 0.7, slope)


ROOT = np.random.default_rng(5).standard_normal((4, 4))
PROJECTIONS = {
    "second-order": ("R^4", "(x[0], x[1:4]) in SOC", onto_second_order, [0.4, 1.0, -2.0, 0.5]),
    "semidefinite": ("S^4", "x in PSD", onto_semidefinite, (ROOT + ROOT.T).reshape(-1)),
    "simplex": ("R^4", "x in Simplex", onto_simplex, [0.9, 0.7, -0.4, 0.1]),
    "exponential": ("R^3", "(x[0], x[1], x[2]) in EXP", onto_exponential, [1.0, 0.4, 0.9]),
    "power": ("R^3", "(x[0], x[1], x[2]) in POW(0.3)", onto_power, [0.2, 0.5, 1.0]),
}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_and_their_jacobians(name):
    """The multiplier of `x in K` is x - y, so its Jacobian is that of x less the identity."""
    space, member, closed, at = PROJECTIONS[name]
    layer = compiled(f"param y : {space}; var x : {space}; minimize sumsq(x - y)/2; subject to; c: {member}")
    y = torch.tensor(np.array(at), dtype=torch.float64)
    y = y.reshape(4, 4) if space == "S^4" else y
    expected = differences(closed, np.array(at, dtype=float))
    assert np.abs(layer(y).numpy().reshape(-1) - closed(np.array(at, dtype=float))).max() < 1e-10
    for what, J in (("x", expected), ("c", expected - np.eye(len(expected)))):
        take = lambda t, what=what: layer.solve(t)[what] if what == "x" else layer.solve(t).duals["c"]  # noqa: E731
        found = jacobian(take, y).reshape(len(J), -1).numpy()
        if space == "S^4":  # differences move one entry, and the data are symmetrised
            J = (J.reshape(-1, 4, 4) + J.reshape(-1, 4, 4).transpose(0, 2, 1)).reshape(16, 16) / 2
        if name != "simplex" or what == "x":
            assert np.abs(found - J).max() < 1e-7


@pytest.mark.parametrize("n", [4, 5])
def test_the_nearest_correlation_matrix(n):
    """X = (C + diag(l))+ with the l that makes its diagonal one (Qi, Sun 2006), and l is the multiplier, up to sign."""
    C = np.random.default_rng(n).uniform(-1, 1, (n, n)) * 1.5
    C = (C + C.T) / 2 + np.eye(n) * 0.3

    def closed(flat: np.ndarray) -> np.ndarray:
        matrix = (flat.reshape(n, n) + flat.reshape(n, n).T) / 2

        def positive(l: np.ndarray) -> np.ndarray:
            values, Q = np.linalg.eigh(matrix + np.diag(l))
            return (Q * np.maximum(values, 0)) @ Q.T

        found = root(lambda l: np.diag(positive(l)) - 1, np.zeros(n), tol=1e-15)
        assert np.abs(found.fun).max() < 1e-13
        return np.concatenate([positive(found.x).reshape(-1), -found.x])

    layer = compiled(
        "dim n; param C : S^n; var X : S^n; minimize sumsq(X - C)/2; subject to; one: diag(X) == 1; X in PSD"
        "; return X, one.dual"
    )
    flat = lambda t: torch.cat([part.reshape(-1) for part in layer(t)])  # noqa: E731
    y = torch.tensor(C)
    assert np.abs(flat(y).numpy() - closed(C.reshape(-1))).max() < 1e-10
    J = differences(closed, C.reshape(-1)).reshape(-1, n, n)
    found = jacobian(flat, y).numpy()
    assert np.abs(found - (J + J.transpose(0, 2, 1)) / 2).max() < 1e-7


# --- random programs ----------------------------------------------------------------------------------------

RANDOM = {
    "zero and nonneg": "param A : R^(2,4); param b : R^2; param c : R^4; var x : R^4, between(-1, 1)"
    "; minimize sumsq(x)/2 + c'*x; subject to; e: A*x == b/4; i: x[0] + x[1] <= b[0]/8",
    "linear program": "param A : R^(5,3); param b : R^5, pos; param c : R^3; var x : R^3"
    "; minimize c'*x; subject to; i: A*x <= b; lo: x >= -2; hi: x <= 2",
    "second-order": "param F : R^(3,4); param g : R^3; param r : R, pos; param c : R^4; var x : R^4"
    "; minimize c'*x + sumsq(x)/4; subject to; a: norm(F*x - g) <= 1 + r; e: sum(x) == 0.1*r",
    "two norms": "param F : R^(3,4); param g : R^3; param r : R, pos; var x : R^4"
    "; minimize norm(F*x - g) + r*norm(x - 1)/2 + sumsq(x)/9",
    "semidefinite": "param C : R^(4,4); param d : R^4, pos; var X : S^4"
    "; minimize sum(C .* X) + sumsq(X)/4; subject to; e: diag(X) == d; p: X in PSD",
    "linear matrix inequality": "param C : R^(4,4); param c : R^2, pos; const E : S^4; const H : S^4; var x : R^2"
    "; minimize c'*x + sumsq(x)/20; subject to; p: x[0]*E + x[1]*H - C - C' in PSD",
    "exponential": "param A : R^(4,3); param b : R^4; param c : R^3; var x : R^3"
    "; minimize logsumexp(A*x + b) + sum(exp(c .* x))/5; subject to; e: sum(x) == b[0]/9; i: x[0] <= 0.1",
    "logarithms": "param w : R^4, pos; param p : R^4, pos; param d : R, pos; var x : R^4"
    "; maximize w'*log(x) + sum(entr(x)); subject to; e: (p + 0.5)'*x <= 1 + d",
    "powers": "param c : R^3; param d : R, pos; var x : R^3"
    "; minimize sum(abs(x - c) .^ 1.5) + sum(abs(x) .^ 3)/9; subject to; e: sum(x) == d",
    "power cone": "param y : R^3; param d : R, pos; var x : R^3; minimize sumsq(x - y)/2 - x[2]*(1 + d)"
    "; subject to; a: (x[0], x[1], x[2]) in POW(0.4); b: x[0] + 2*x[1] <= 1 + d",
}
SHAPES = {"R": (), "R^2": (2,), "R^3": (3,), "R^4": (4,), "R^5": (5,), "R^(2,4)": (2, 4), "R^(3,4)": (3, 4)}
SHAPES |= {"R^(4,4)": (4, 4), "R^(5,3)": (5, 3), "R^(4,3)": (4, 3)}
CONSTS = {"E": np.eye(4), "H": np.diag([1.0, -0.5, 0.5, 2.0])}


def drawn(text: str, seed: int, batch: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    data = {}
    for statement in text.split("; "):
        if statement.startswith("param"):
            name, _, space = statement.removeprefix("param ").partition(" : ")
            space, _, attribute = space.partition(", ")
            value = torch.randn(batch, *SHAPES[space], generator=generator, dtype=torch.float64)
            data[name] = value.abs() + 0.3 if attribute == "pos" else value
    return data


def program(name: str, **settings):
    consts = {k: v for k, v in CONSTS.items() if f"const {k}" in RANDOM[name]}
    return compiled(RANDOM[name], consts=consts, **settings)


def everything(solution, weights: int) -> Tensor:
    """A random combination of variables, duals and value, an entry for each item."""
    generator = torch.Generator().manual_seed(weights)
    parts = [solution[n] for n in solution.output_names] + list(solution.duals.values()) + [solution.value]
    draws = [torch.randn(part.shape[1:], generator=generator, dtype=torch.float64) for part in parts]
    return sum((part * d).reshape(len(part), -1).sum(1) for part, d in zip(parts, draws, strict=True))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", RANDOM)
def test_gradients_of_random_programs_in_batches(name, seed):
    layer, data = program(name), drawn(RANDOM[name], seed)
    inputs = {k: t.clone().requires_grad_() for k, t in data.items()}
    solution = layer.solve(**inputs)
    assert (solution.status == Status.SOLVED).all()
    regular = ~(solution.degenerate | solution.nonunique | solution.dual_nonunique)
    gradients = torch.autograd.grad(everything(solution, seed).sum(), list(inputs.values()))
    moves = drawn(RANDOM[name], seed + 100)

    def slope(h: float) -> Tensor:
        ends = (everything(layer.solve(**{k: t + s * moves[k] for k, t in data.items()}), seed) for s in (h, -h))
        return (next(ends) - next(ends)) / (2 * h)

    expected = (4 * slope(5e-5) - slope(1e-4)) / 3
    found = sum((g * moves[k]).reshape(len(g), -1).sum(1) for k, g in zip(data, gradients, strict=True))
    lengths = [
        (t.reshape(len(t), -1).norm(dim=1) for t in pair) for pair in zip(gradients, moves.values(), strict=True)
    ]
    size = sum(a * b for a, b in lengths)
    assert ((found - expected).abs() <= 1e-6 * size)[regular].all()


@pytest.mark.parametrize("name", RANDOM)
def test_gradients_are_linear_in_what_comes_in(name):
    layer, data = program(name), drawn(RANDOM[name], 0, batch=1)
    inputs = [t.requires_grad_() for t in data.values()]
    total = everything(layer.solve(**data), 7).sum()
    base = torch.autograd.grad(total, inputs, retain_graph=True)
    for scale in (1e-12, 1e-6, 1e12):
        scaled = torch.autograd.grad(total, inputs, torch.tensor(scale, dtype=torch.float64), retain_graph=True)
        assert all((s - scale * b).norm() <= 1e-12 * scale * b.norm() for s, b in zip(scaled, base, strict=True))


@pytest.mark.parametrize("name", RANDOM)
def test_what_the_batch_shares_receives_the_sum(name):
    layer, data = program(name), drawn(RANDOM[name], 0)
    shared = {k: t[0] if k == next(iter(data)) else t for k, t in data.items()}
    first = next(iter(data))
    one = shared[first].clone().requires_grad_()
    each = one.detach().expand(3, *one.shape).clone().requires_grad_()
    (together,) = torch.autograd.grad(everything(layer.solve(**{**shared, first: one}), 3).sum(), one)
    (apart,) = torch.autograd.grad(everything(layer.solve(**{**shared, first: each}), 3).sum(), each)
    assert torch.allclose(together, apart.sum(0), rtol=1e-9, atol=1e-12 * float(apart.abs().sum()))


@pytest.mark.parametrize("name", RANDOM)
def test_the_gradient_of_the_value_solves_no_linear_system(name, monkeypatch):
    layer, data = program(name), drawn(RANDOM[name], 1)
    inputs = [t.requires_grad_() for t in data.values()]
    value = layer.solve(**data).value

    def refuse(*_):
        raise AssertionError("a linear system was solved")

    with monkeypatch.context() as patch:
        patch.setattr(SymmetricMatrix, "solve", refuse)
        gradients = torch.autograd.grad(value.sum(), inputs)
    moves, h = drawn(RANDOM[name], 101), 1e-4
    with torch.no_grad():
        at = [layer.solve(**{k: t + s * moves[k] for k, t in data.items()}).value for s in (h, -h, h / 2, -h / 2)]
    expected = (4 * (at[2] - at[3]) / h - (at[0] - at[1]) / (2 * h)) / 3
    found = sum((g * moves[k]).reshape(len(g), -1).sum(1) for k, g in zip(data, gradients, strict=True))
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-8)
