"""Functions of differences of entries: flat along (1, ..., 1), and with a minimum, or an infimum at infinity alone."""

import pytest
import torch

import declarative
from declarative import Status


def found(objective: str):
    """What there is from 41 starts in R^4."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([0.1, 1.0], dtype=torch.float64).repeat_interleave(20)
    near = sizes[:, None] * torch.randn(40, 4, generator=generator, dtype=torch.float64)
    text = f"param s : R^4; var x : R^4, start(s); minimize {objective}"
    layer = declarative.compile(declarative.parse(text), backend="kkt", on_failure="mask")
    return layer.solve(torch.cat([torch.zeros(1, 4, dtype=torch.float64), near]))


@pytest.mark.parametrize("weights", [(0.3, 0.7), (0.5, 0.5), (0.9, 0.1)])
def test_weights_of_a_part_of_the_entries_are_met_at_infinity_alone(weights):
    """The others have to go to minus infinity; rounding errors of the slopes along (1, ..., 1) hide theirs."""
    solution = found("logsumexp(x) - " + " - ".join(f"{weight}*x[{i}]" for i, weight in enumerate(weights)))
    assert not (solution.status == Status.SOLVED).any()


@pytest.mark.parametrize("weights", [(0.3, 0.3, 0.2, 0.2), (0.97, 0.01, 0.01, 0.01)])
def test_weights_of_all_entries_have_a_minimum(weights):
    """The entropy of the weights."""
    solution = found("logsumexp(x) - " + " - ".join(f"{weight}*x[{i}]" for i, weight in enumerate(weights)))
    w = torch.tensor(weights, dtype=torch.float64)
    assert (solution.status == Status.SOLVED).all() and solution.nonunique.all()
    torch.testing.assert_close(solution.value, -(w * w.log()).sum().expand(41), rtol=1e-9, atol=0)
    torch.testing.assert_close(solution.values["x"].softmax(-1), w.expand(41, 4), rtol=1e-7, atol=0)
