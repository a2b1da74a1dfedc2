"""The demo's parts: its solution is the textbook's, its training goes down, its picture is drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from architecture import ROOT
from tqdm import tqdm

sys.path.insert(0, str(ROOT / "examples"))

import diabetes
from diabetes_picture import draw


@pytest.fixture(scope="module")
def split() -> diabetes.Split:
    return diabetes.split_data(seed=0)


def test_the_layer_is_ridge_regression_with_a_matrix_of_penalties(split):
    """With an intercept: the normal equations (A'A/m + diag(lam)) x = A'b/m of centred rows."""
    layer = diabetes.declarative.compile(diabetes.PROBLEM, learn={"lam": torch.linspace(0.01, 1, 10).double()})
    with torch.no_grad():
        x, c = layer(torch.from_numpy(split.A), torch.from_numpy(split.b))
        lam = layer.value_of("lam").numpy()
    A, b, m = split.A - split.A.mean(0), split.b - split.b.mean(), len(split.A)
    expected = np.linalg.solve(A.T @ A / m + np.diag(lam), A.T @ b / m)
    assert np.abs(x.numpy() - expected).max() < 1e-9
    assert abs(float(c) - (split.b.mean() - split.A.mean(0) @ expected)) < 1e-9


def test_training_lowers_the_validation_error(split, tmp_path: Path):
    with tqdm(disable=True) as progress:
        result = diabetes.compare(split, 8, progress)
    assert all(after < before for before, after in zip(result.curve, result.curve[1:], strict=False))
    assert (result.penalties > 0).all() and result.penalties.shape == (10,)
    assert result.errors["learned penalties"] < 0.9 * result.errors["the mean alone"]
    assert "learned penalties" in diabetes.report([result])
    draw(tmp_path / "deep" / "picture.png", [result, result])
    assert (tmp_path / "deep" / "picture.png").stat().st_size > 10_000


def test_splits_are_standardised_by_their_training_part_and_disjoint(split):
    assert split.A.shape == (340, 10) and split.A_test.shape == (102, 10)
    assert np.abs(split.A.mean(0)).max() < 1e-12 and np.abs(split.A.std(0) - 1).max() < 1e-12
    A, b, A_val, b_val = diabetes.folded(split)
    assert (A.shape, b.shape, A_val.shape, b_val.shape) == ((5, 272, 10), (5, 272), (5, 68, 10), (5, 68))
