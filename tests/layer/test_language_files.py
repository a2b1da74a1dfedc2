"""The programs of the language, on each backend that takes them: answers, gradients, batches, dtypes."""

import numpy as np
import pytest
import torch
from layer.cases import CASES, Case, tensors

from declarative import DiagnosticError

RUNS = [pytest.param(case, backend, id=f"{case.file}-{backend}") for case in CASES for backend in case.backends]
BATCH = 3


def _data(case: Case, batch: int = BATCH):
    return case.data(np.random.default_rng(3), batch)


def _relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_solutions_agree_with_an_independent_answer(case, backend):
    data = _data(case)
    solution = case.compile(backend).solve(**tensors(data))
    assert solution.status.tolist() == [0] * BATCH
    for k in range(BATCH):
        for name, expected in case.answer(case.item(data, k)).items():
            assert _relative(solution[name][k].detach().numpy(), expected) < 1e-6, (name, k)


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_gradients_agree_with_finite_differences(case, backend):
    layer = case.compile(backend)
    data = tensors(_data(case))
    inputs = {n: t.requires_grad_() for n, t in data.items()}
    torch.manual_seed(1)
    outputs = _outputs(layer, inputs)
    weights = [torch.randn_like(o) for o in outputs]
    _loss(outputs, weights).backward()
    h = 1e-5
    for name, tensor in inputs.items():
        step = torch.randn_like(tensor)
        step = _admissible(name, step, case)
        moved = [{**data, name: (tensor + sign * h * step)} for sign in (1, -1)]
        with torch.no_grad():
            up, down = (_loss(_outputs(layer, m), weights) for m in moved)
        expected = float((up - down) / (2 * h))
        found = float((tensor.grad * step).sum())
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-5), name


def _outputs(layer, inputs) -> list[torch.Tensor]:
    solution = layer.solve(**inputs)
    assert solution.status.max() == 0
    return [solution[name] for name in solution.output_names] + [solution.value]


def _loss(outputs, weights) -> torch.Tensor:
    return sum((o * w).sum() for o, w in zip(outputs, weights, strict=True))


def _admissible(name: str, step: torch.Tensor, case: Case) -> torch.Tensor:
    """Steps that keep promises: symmetric data stay symmetric, marginals keep their sum."""
    if (case.file, name) in {("entropic_ot", "a"), ("entropic_ot", "b")}:
        return step - step.mean(-1, keepdim=True)
    if name in ("C", "H", "Q", "R", "A") and step.shape[-1] == step.shape[-2] and case.file != "entropic_ot":
        return (step + step.mT) / 2
    return step


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_one_item_is_what_it_is_in_a_batch(case, backend):
    data = _data(case)
    layer = case.compile(backend)
    whole = layer.solve(**tensors(data))
    alone = layer.solve(**{n: t[1] for n, t in tensors(data).items()})
    for name in whole.output_names:
        assert alone[name].shape == whole[name].shape[1:]
        assert _relative(alone[name].detach().numpy(), whole[name][1].detach().numpy()) < 1e-8


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_single_precision_goes_in_and_comes_out(case, backend):
    data = _data(case)
    layer = case.compile(backend).float()
    single = {n: t.requires_grad_() for n, t in tensors(data, torch.float32).items()}
    result = layer(**single)
    first = result[0] if isinstance(result, tuple) else result
    assert first.dtype == torch.float32
    first.sum().backward()
    double = case.compile(backend).solve(**tensors(data))
    expected = double[double.output_names[0]].detach().numpy()
    assert _relative(first.detach().numpy(), expected) < 2e-4
    assert all(t.grad is None or (t.grad.dtype == torch.float32 and t.grad.isfinite().all()) for t in single.values())


@pytest.mark.parametrize("case", [c for c in CASES if len(c.backends) == 2], ids=lambda c: c.file)
def test_both_backends_agree(case):
    data = tensors(_data(case))
    results, grads = [], []
    for backend in ("kkt", "cone"):
        inputs = {n: t.clone().requires_grad_() for n, t in data.items()}
        outputs = _outputs(case.compile(backend), inputs)
        sum((o * torch.linspace(1, 2, o.numel()).reshape(o.shape)).sum() for o in outputs).backward()
        results.append(outputs)
        grads.append({n: t.grad for n, t in inputs.items()})
    for a, b in zip(*results, strict=True):
        assert _relative(b.detach().numpy(), a.detach().numpy()) < 1e-5
    for name in grads[0]:
        assert grads[1][name].numpy() == pytest.approx(grads[0][name].numpy(), rel=1e-5, abs=1e-5), name


@pytest.mark.parametrize("case", [c for c in CASES if len(c.backends) == 1], ids=lambda c: c.file)
def test_the_other_backend_says_why_not(case):
    other = "cone" if case.backends == ("kkt",) else "kkt"
    with pytest.raises(DiagnosticError) as refused:
        case.compile(other)
    assert all(d.span is not None for d in refused.value.diagnostics)
