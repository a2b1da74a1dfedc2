"""Ridge regression with a penalty for each feature, the penalties learned through the solution; then put to the test.

`diabetes.opt` is the problem. Its layer gives the coefficients that are best for some penalties; the error of these
coefficients on patients left out (in five folds of the training part) is differentiated through the layer and walked
down by Adam. On held-out patients the result stands beside scikit-learn's RidgeCV and LassoCV, which choose one
penalty for all features on the same folds. Everything is repeated for several random splits of the data.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diabetes_picture import draw
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LassoCV, RidgeCV
from sklearn.model_selection import KFold
from torch import Tensor
from tqdm import tqdm

import declarative

PROBLEM = Path(__file__).with_name("diabetes.opt")
FOLDS = 5
TRAINING = 340  # patients of 442; a multiple of FOLDS, so that the folds are one batch


@dataclass(frozen=True)
class Split:
    """One random split, standardised by its training part. Rows are patients; `unit` is one deviation of the target."""

    A: np.ndarray
    b: np.ndarray
    A_test: np.ndarray
    b_test: np.ndarray
    unit: float


@dataclass(frozen=True)
class Result:
    """Penalties (n,), the validation error by step, and the held-out error of each method; errors are RMSE."""

    penalties: np.ndarray
    curve: list[float]
    errors: dict[str, float]
    ridge_penalty: float


def split_data(seed: int) -> Split:
    A, b = load_diabetes(return_X_y=True, scaled=False)
    order = np.random.default_rng(seed).permutation(len(b))
    train, test = order[:TRAINING], order[TRAINING:]
    A = (A - A[train].mean(0)) / A[train].std(0)
    middle, unit = b[train].mean(), b[train].std()
    b = (b - middle) / unit
    return Split(A[train], b[train], A[test], b[test], float(unit))


def folded(split: Split) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training and validation rows of each fold: A (folds, m, n), b (folds, m), and the same for validation."""
    folds = list(KFold(FOLDS).split(split.A))
    parts = [np.stack([rows[fold[part]] for fold in folds]) for part in (0, 1) for rows in (split.A, split.b)]
    A, b, A_val, b_val = map(torch.from_numpy, parts)
    return A, b, A_val, b_val


def error(x: Tensor, c: Tensor, A: Tensor, b: Tensor) -> Tensor:
    """The mean squared error of A x + c: x (*batch, n), c (*batch), A (*batch, m, n), b (*batch, m)."""
    return ((A @ x.unsqueeze(-1)).squeeze(-1) + c.unsqueeze(-1) - b).square().mean()


def learn(split: Split, steps: int, progress: tqdm) -> tuple[declarative.DeclarativeLayer, list[float]]:
    """A layer whose penalties make the validation error small, and that error by step (RMSE)."""
    start = torch.full((split.A.shape[1],), 0.1, dtype=torch.float64)
    layer = declarative.compile(PROBLEM, learn={"lam": start})
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.2)
    A, b, A_val, b_val = folded(split)
    curve = []
    for _ in range(steps):
        x, c = layer(A, b)
        loss = error(x, c, A_val, b_val)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(split.unit * loss.item() ** 0.5)
        progress.update()
        progress.set_postfix_str(f"validation error {curve[-1]:.2f}")
    return layer, curve


def compare(split: Split, steps: int, progress: tqdm) -> Result:
    """Learned penalties beside one penalty chosen by cross-validation, fitted to the whole training part."""
    layer, curve = learn(split, steps, progress)
    with torch.no_grad():
        x, c = layer(torch.from_numpy(split.A), torch.from_numpy(split.b))
        learned = float(error(x, c, torch.from_numpy(split.A_test), torch.from_numpy(split.b_test)))
        penalties = layer.value_of("lam").numpy()
    folds = list(KFold(FOLDS).split(split.A))
    ridge = RidgeCV(alphas=np.logspace(-3, 4, 71), cv=folds).fit(split.A, split.b)
    lasso = LassoCV(cv=folds).fit(split.A, split.b)
    squares = {
        "learned penalties": learned,
        "RidgeCV": np.square(ridge.predict(split.A_test) - split.b_test).mean(),
        "LassoCV": np.square(lasso.predict(split.A_test) - split.b_test).mean(),
        "the mean alone": np.square(split.b_test).mean(),
    }
    errors = {name: split.unit * float(square) ** 0.5 for name, square in squares.items()}
    return Result(penalties, curve, errors, float(np.asarray(ridge.alpha_)) / len(split.A))


def report(results: list[Result]) -> str:
    """A table: the mean held-out error, its spread, and how often the learned penalties were the better ones."""
    errors = {name: np.array([result.errors[name] for result in results]) for name in results[0].errors}
    ours = errors["learned penalties"]
    lines = [f"held-out RMSE over {len(results)} random splits     mean    spread   learned is better in"]
    for name, theirs in errors.items():
        better = "" if theirs is ours else f"{int((ours < theirs).sum())} of {len(results)}"
        lines.append(f"  {name:<36} {theirs.mean():8.2f} {theirs.std():8.2f}   {better}".rstrip())
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--splits", type=int, default=8, help="random splits of the data")
    arguments.add_argument("--steps", type=int, default=60, help="steps of Adam for each split")
    arguments.add_argument("--picture", type=Path, default=Path("build/diabetes.png"), help="where to save it")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)  # the systems are small: more threads cost more than they give
    began = time.monotonic()

    print(PROBLEM.read_text(encoding="utf-8"))
    print(declarative.compile(PROBLEM, dims={"n": 10}).explain(), end="\n\n")
    with tqdm(total=chosen.splits * chosen.steps, unit="step", disable=None) as progress:
        results = [compare(split_data(seed), chosen.steps, progress) for seed in range(chosen.splits)]

    print("\n" + report(results))
    draw(chosen.picture, results)
    print(f"\nthe picture: {chosen.picture}    ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
