"""Projections onto cones: Moreau's conditions to the last digits, and derivatives against central differences."""

import numpy as np
import pytest

from declarative.backends.cone.sets.cones import Block, Cones, Kind, psd_side, triangle
from declarative.backends.cone.sets.projections import other_part, project

CASES = [
    (Block(Kind.ZERO, 2), 1.0),
    (Block(Kind.NONNEG, 3), 1.0),
    (Block(Kind.SOC, 1), 1.0),
    (Block(Kind.SOC, 2), 1.0),
    (Block(Kind.SOC, 5), 1.0),
    (Block(Kind.ROTATED, 3), 1.0),
    (Block(Kind.ROTATED, 5), 1.0),
    (Block(Kind.PSD, 10), 1.0),
    (Block(Kind.EXP, 3), 1.0),
    (Block(Kind.EXP, 3), 0.01),
    (Block(Kind.POWER, 3, 0.3), 1.0),
    (Block(Kind.POWER, 3, 0.8), 0.1),
]


def samples(rows: int, spread: float, count: int = 60) -> np.ndarray:
    """Points of all signs, their entries of very different size where the spread is small."""
    rng = np.random.default_rng(rows)
    return rng.standard_normal((count, rows)) * spread ** rng.uniform(-1, 1, (count, rows))


@pytest.mark.parametrize(("block", "spread"), CASES)
def test_a_point_splits_into_a_point_of_the_cone_and_an_orthogonal_one_of_its_polar(block, spread):
    cones = Cones((block,))
    for v in samples(block.rows, spread):
        s, _ = project(cones, v)
        size = np.linalg.norm(v)
        assert abs(s @ (s - v)) <= 1e-13 * size**2
        assert np.abs(project(cones, s)[0] - s).max() <= 1e-13 * size
        assert np.abs(project(cones, v - s)[0]).max() <= 1e-13 * size


@pytest.mark.parametrize(("block", "spread"), CASES)
def test_the_derivative_equals_a_central_difference(block, spread):
    cones, eye = Cones((block,)), np.eye(block.rows)
    for v in samples(block.rows, spread):
        spectrum = project(cones, v)[1]
        D = spectrum.from_frame(spectrum.values * spectrum.to_frame(eye))
        h = 1e-6 * np.linalg.norm(v)
        numeric = np.stack([(project(cones, v + h * e)[0] - project(cones, v - h * e)[0]) / (2 * h) for e in eye], 1)
        curvature = np.abs(project(cones, v + h * eye[0])[1].values - spectrum.values).max()
        assert np.abs(D - numeric).max() <= 1e-6 + curvature  # near a kink the difference straddles it


@pytest.mark.parametrize(("block", "spread"), CASES)
@pytest.mark.parametrize("ratio", [0.0, 1.0, -1e3, 1e3])
def test_the_guess_decides_nothing(block, spread, ratio):
    cones, v = Cones((block,)), samples(block.rows, spread)
    guess = np.ones_like(v)
    guess[:, 0] = ratio
    plain, guided = project(cones, v), project(cones, v, guess)
    size = np.linalg.norm(v, axis=1, keepdims=True)
    assert np.abs((plain[0] - guided[0]) / size).max() <= 1e-14
    assert np.abs(plain[1].values - guided[1].values).max() <= 1e-13


@pytest.mark.parametrize(("block", "spread"), CASES)
def test_the_frame_is_orthogonal(block, spread):
    cones, eye = Cones((block,)), np.eye(block.rows)
    for v in samples(block.rows, spread, 50):
        U = project(cones, v)[1].from_frame(eye)
        assert np.abs(U.T @ U - eye).max() <= 1e-13


EDGES = [[0, 0, 0], [0, 0, 1], [0, 0, -1], [-1, 0, 0], [1, 0, 0], [0, -1, 0], [-5e3, 1, -1], [900, 1, 2]]
THREE_ROWS = [Block(Kind.EXP, 3), Block(Kind.POWER, 3, 0.5), Block(Kind.SOC, 3), Block(Kind.PSD, 3)]


@pytest.mark.parametrize("v", EDGES)
@pytest.mark.parametrize("block", THREE_ROWS)
def test_edges_and_extremes_stay_finite(block, v):
    s, spectrum = project(Cones((block,)), np.array(v, dtype=float))
    assert np.isfinite(s).all()
    assert np.isfinite(spectrum.values).all()
    assert all(np.isfinite(U).all() for U in spectrum.vectors)


def test_the_vector_form_of_a_matrix_keeps_inner_products():
    rng = np.random.default_rng(0)
    row, column, factor = triangle(4)
    A, B = (M + M.T for M in rng.standard_normal((2, 4, 4)))
    assert np.isclose((A[row, column] * factor) @ (B[row, column] * factor), np.sum(A * B), rtol=1e-14)
    assert psd_side(10) == 4
    assert list(zip(row, column, strict=True))[:3] == [(0, 0), (0, 1), (1, 1)]


def test_mixed_blocks_are_projected_each_on_its_own():
    blocks = (Block(Kind.NONNEG, 2), Block(Kind.SOC, 3), Block(Kind.ZERO, 1), Block(Kind.SOC, 3), Block(Kind.NONNEG, 1))
    cones, v = Cones(blocks), np.random.default_rng(3).standard_normal(10)
    s, start = project(cones, v)[0], 0
    for block in blocks:
        rows = slice(start, start + block.rows)
        assert np.array_equal(s[rows], project(Cones((block,)), v[rows])[0])
        start += block.rows
    assert list(cones.atomic) == [0, 1, 2, 2, 2, 3, 4, 4, 4, 5]
    assert list(cones.of_kind(Kind.NONNEG)) == [0, 1, 9]


@pytest.mark.parametrize("alpha", [0.25, 1 / 3, 0.75])
@pytest.mark.parametrize("z", [1e-3, -1e-8, 1e-20, -1e-60])
def test_near_the_faces_of_a_power_cone_nothing_is_lost(alpha, z):
    """(-1, 1, z) goes to (|z|^(1/a), 1, z), for small z: where t = |z|^(1/a) is least, its slope 0 is known."""
    for v, face in (([-1.0, 1.0, z], 0), ([1.0, -1.0, z], 1)):
        a = alpha if face == 0 else 1 - alpha
        s, spectrum = project(Cones((Block(Kind.POWER, 3, alpha),)), np.array(v))
        D = spectrum.from_frame(spectrum.values * spectrum.to_frame(np.eye(3)))
        assert np.isfinite(D).all() and abs(s[1 - face] - 1) < 1e-2
        assert s[face] == pytest.approx(abs(s[2]) ** (1 / a) * s[1 - face] ** (1 - 1 / a), rel=1e-10)
        if a < 0.5 and abs(z) < 1e-6:  # flat: z is free
            assert D[2, 2] == pytest.approx(1, abs=1e-2) and D[face, face] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("block", [b for b, _ in CASES if b.kind is not Kind.ZERO])
def test_inside_the_cone_nothing_moves_and_nothing_is_curved(block):
    """To the last bit: a multiplier or a curvature of 1e-16 would be taken for one."""
    cones = Cones((block,))
    for v in samples(block.rows, 1.0):
        inside = project(cones, v)[0] + 0.1 * np.linalg.norm(v) * interior(block)
        s, spectrum = project(cones, inside)
        assert np.array_equal(s, inside) and (spectrum.values == 1).all()


def interior(block: Block) -> np.ndarray:
    match block.kind:
        case Kind.SOC:
            return np.eye(block.rows)[0]
        case Kind.ROTATED:
            return np.eye(block.rows)[:2].sum(0)
        case Kind.PSD:
            row, column, _ = triangle(psd_side(block.rows))
            return (row == column).astype(float)
        case Kind.EXP:
            return np.array([-1.0, 1.0, 1.0])
        case Kind.POWER:
            return np.array([1.0, 1.0, 0.0])
        case _:
            return np.ones(block.rows)


@pytest.mark.parametrize("r", [-80.0, -30.0, -1.0, 0.5, 20.0])
def test_multipliers_of_an_exponential_cone_are_exact_entry_by_entry(r):
    """At (r, 1, e^r) they are a multiple of (-e^r, (r - 1) e^r, 1); and 1 - d has digits of its own too."""
    e = np.exp(r)
    normal = np.array([-e, (r - 1) * e, 1.0])
    normal *= 1 / np.abs(normal).max()
    s = np.array([r, 1.0, e]) / max(e, 1.0)
    cones = Cones((Block(Kind.EXP, 3),))
    found, spectrum = project(cones, s - normal)
    z = other_part(cones, s - normal, found)
    assert np.abs(z / np.where(normal == 0, 1.0, normal) - (normal != 0)).max() <= 1e-11
    middle = (spectrum.values > 0) & (spectrum.values < 1) | ((spectrum.rest > 0) & (spectrum.rest < 1))
    assert middle.any() and (spectrum.rest[middle] > 0).all()
    assert np.abs(spectrum.rest + spectrum.values - 1).max() <= 1e-15


def test_the_projection_of_what_is_no_number_is_none():
    s, spectrum = project(
        Cones((Block(Kind.PSD, 6),) * 2), np.append(np.eye(3)[np.triu_indices(3)], np.full(6, np.inf))
    )
    assert np.isfinite(s[:6]).all() and np.isnan(s[6:]).all() and np.isnan(spectrum.values[6:]).all()


@pytest.mark.parametrize("r", [2.0, 100.0, 350.0, 360.0, 699.0, 699.9, 700.1, 720.0, 5000.0])
@pytest.mark.parametrize("size", [1.0, 1e-6, 1e6])
def test_a_point_far_below_the_logarithm_splits_alike(r, size):
    """v = s - z with s = (r, 1, e^r) e^-r and z = (-1, r - 1, e^-r), a multiple of the normal, for any r."""
    down = np.exp(-r)
    s, z = np.array([r * down, down, 1.0]), size * np.array([-1.0, r - 1, down])
    cones, v = Cones((Block(Kind.EXP, 3),)), s - z
    found, spectrum = project(cones, v[None])
    assert np.allclose(found[0], s, rtol=1e-7, atol=1e-290)
    assert np.allclose(other_part(cones, v[None], found)[0], z, rtol=1e-7, atol=1e-290)
    assert np.abs(spectrum.values[0]).max() == 1 and (spectrum.values + spectrum.rest == 1).all()


def test_rows_of_a_batch_are_turned_by_the_eigenvectors_of_each():
    """Frames are not formed for that; here they are."""
    blocks = (Block(Kind.NONNEG, 2), *(block for block, spread in CASES if spread == 1.0), Block(Kind.PSD, 3))
    cones, rng = Cones(blocks), np.random.default_rng(1)
    spectrum = project(cones, rng.standard_normal((3, cones.rows)))[1]
    A = rng.standard_normal((3, 4, cones.rows)) * (rng.uniform(size=(3, 4, cones.rows)) < 0.3)
    found = A.copy()
    spectrum.each_to_frame(found)
    for k in range(3):
        U = np.eye(cones.rows)
        for group, own in zip(cones.curved, spectrum.some(k).vectors, strict=True):
            for places, vectors in zip(group.places, own, strict=True):
                U[np.ix_(places, places)] = vectors
        assert np.abs(found[k] - A[k] @ U).max() <= 1e-14
        assert np.abs(spectrum.some(k).from_frame(found[k]) - A[k]).max() <= 1e-14
