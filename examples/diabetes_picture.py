"""The picture of the diabetes example: how the validation error falls, and which features are held back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

if TYPE_CHECKING:
    from diabetes import Result

FEATURES = (
    "age",
    "sex",
    "body mass index",
    "blood pressure",
    "total cholesterol",
    "LDL",
    "HDL",
    "cholesterol / HDL",
    "log triglycerides",
    "blood sugar",
)
INK, PALE, ACCENT, OTHER = "#22313f", "#c8d3dc", "#0b7a75", "#d1495b"


def draw(path: Path, results: list[Result]) -> None:
    """Saves a PNG: on the left the curves of all splits, on the right the penalty of each feature."""
    plt.rcParams.update({"font.size": 10, "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(1, 1.25), layout="constrained")
    _curves(left, results)
    _penalties(right, results)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _curves(axes, results: list[Result]) -> None:
    curves = np.array([result.curve for result in results])
    axes.plot(curves.T, color=PALE, linewidth=1)
    axes.plot(curves.mean(0), color=ACCENT, linewidth=2.5)
    axes.set_title("Trained through the solution (grey: single splits)", loc="left", fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylabel("validation error (RMSE)")
    axes.annotate("mean", (curves.shape[1] - 1, curves.mean(0)[-1]), (0, 6), textcoords="offset points", color=ACCENT)
    _plain(axes)


def _penalties(axes, results: list[Result]) -> None:
    penalties = np.array([result.penalties for result in results])
    middle = np.exp(np.log(penalties).mean(0))
    order = np.argsort(middle)
    for row, feature in enumerate(order):
        axes.plot(penalties[:, feature], np.full(len(results), row), "o", color=PALE, markersize=5, zorder=2)
    axes.plot(middle[order], np.arange(len(FEATURES)), "o", color=ACCENT, markersize=9, zorder=3)
    ridge = np.exp(np.mean([np.log(result.ridge_penalty) for result in results]))
    axes.axvline(ridge, color=OTHER, linewidth=1.5, linestyle="--", zorder=1)
    axes.annotate(
        "RidgeCV's one penalty", (ridge, len(FEATURES) - 0.6), (5, 0), textcoords="offset points", color=OTHER
    )
    axes.set_xscale("log")
    axes.set_yticks(np.arange(len(FEATURES)), [FEATURES[feature] for feature in order])
    axes.set_ylim(-0.7, len(FEATURES) - 0.1)
    axes.set_title("The learned penalty of each feature", loc="left", fontsize=11)
    axes.set_xlabel("penalty (large: the feature is held back)")
    axes.grid(axis="y", color="#eef2f5", zorder=0)
    _plain(axes)


def _plain(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
