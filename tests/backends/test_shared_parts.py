"""What `let`s name and use again and again stays as small as it is written, in tapes too; deep nests cost no stack."""

import pytest
import torch

import declarative as dc
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.evaluate import static_value
from declarative.backends.tape.tape import Input, Tape
from declarative.backends.tape.terms import MANY, Maps, Term, Unknowns

DOUBLE = torch.float64


def steps(n: int, step: str, last: str, head: str) -> dc.Problem:
    lines = "".join(step.format(new=k + 1, old=k) + "\n" for k in range(n))
    return dc.parse(f"{head}\n{lines}{last.format(n=n)}\n")


@pytest.mark.parametrize("n", [1, 2, 7, 40, 100])
def test_a_chain_that_uses_each_part_twice(n: int):
    """y = (1 + c)^n t, so that t = a/(1 + c)^n where (y - a)^2 is least."""
    step, head = "let y{new} = y{old} + y{old}*c", "param c : R\nparam a : R\nvar t : R\nlet y0 = t"
    layer = dc.compile(steps(n, step, "minimize (y{n} - a)^2", head))
    c = torch.tensor(0.01, dtype=DOUBLE, requires_grad=True)
    t = layer(c, 2.0)
    torch.testing.assert_close(t, 2 / (1 + c) ** n)
    (slope,) = torch.autograd.grad(t, c)
    torch.testing.assert_close(slope, -2 * n / (1 + c.detach()) ** (n + 1))


@pytest.mark.parametrize("n", [1, 3, 20])
def test_a_chain_of_families_and_matrices_read_in_another_order(n: int):
    """y_{k+1} = y_k + c P y_k + A y_k for the reversal P; the answer against torch's own solution."""
    head = "dim m\nparam c : R\nparam A : R^(m,m)\nparam a : R^m\nvar x : R^m\nlet y0 = x"
    step = "let r{old} = stack(y{old}[m-1-i] for i in m)\nlet y{new} = y{old} + c*r{old} + A*y{old}"
    layer = dc.compile(steps(n, step, "minimize sumsq(y{n} - a)", head))
    generator = torch.Generator().manual_seed(n)
    A = torch.randn(3, 3, generator=generator, dtype=DOUBLE) / (10 * n)
    a = torch.randn(3, generator=generator, dtype=DOUBLE)
    one = torch.eye(3, dtype=DOUBLE)
    whole = torch.linalg.matrix_power(one + 0.2 / n * one.flip(0) + A, n)
    torch.testing.assert_close(layer(0.2 / n, A, a), torch.linalg.solve(whole, a), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [2, 30])
def test_a_smooth_chain_that_uses_each_part_twice(n: int):
    """y_{k+1} = y_k + h tanh(y_k) from t, which is to reach a; t is found backwards by Newton's method."""
    head = "param h : R\nparam a : R\nvar t : R\nlet y0 = t"
    layer = dc.compile(steps(n, "let y{new} = y{old} + h*tanh(y{old})", "minimize (y{n} - a)^2", head))
    h, y = 0.5 / n, torch.tensor(1.5, dtype=DOUBLE)
    for _ in range(n):
        target = y
        for _ in range(50):
            y = y - (y + h * torch.tanh(y) - target) / (1 + h / torch.cosh(y) ** 2)
    torch.testing.assert_close(layer(h, torch.tensor(1.5, dtype=DOUBLE)), y, rtol=1e-7, atol=1e-7)


def test_deep_nests_are_differentiated_without_a_stack():
    """500 functions in one another: what each needs of the one inside is found first."""
    head = "param a : R\nvar t : R\nlet y0 = t"
    problem = steps(500, "let y{new} = {old}/100 - sin(y{old})/2", "minimize (t - a)^2 + 0*y{n}", head)
    plan = dc.compile(problem, backend="kkt")
    torch.testing.assert_close(plan(0.25), torch.tensor(0.25), rtol=1e-6, atol=1e-6)


def test_deep_nests_of_minus_signs_are_read_without_a_stack():
    head = "param a : R\nvar t : R, nonneg\nlet y0 = t"
    problem = steps(2000, "let y{new} = {old} - y{old}", "minimize (t - a)^2 + y{n}", head)
    torch.testing.assert_close(dc.compile(problem)(2.0), torch.tensor(1.5))


@pytest.mark.parametrize("seed", range(20))
def test_merged_terms_are_the_same_map(seed: int):
    """Random terms, with numbers and with data, beside the dense matrix that they stand for."""
    generator = torch.Generator().manual_seed(seed)

    def whole(most: int, *sizes: int) -> torch.Tensor:
        return torch.randint(0, most, sizes, generator=generator)

    source, instructions, terms = Unknowns(), [], []
    arrays = Arrays(instructions)
    count = int(whole(MANY, 1)) + (MANY if seed % 2 else 2)
    inputs = {f"d{k}": torch.randn(2, 1, 1, generator=generator, dtype=DOUBLE).numpy() for k in range(3)}
    slots = [None, *(arrays.emit(Input(name, (2, 1, 1))) for name in inputs)]
    rows = [torch.randperm(5, generator=generator)[:2, None].numpy() for _ in range(4)]
    cols = [whole(6, 2, 1).numpy() for _ in range(4)]
    for _ in range(count):
        places, which = whole(4, 2), int(whole(4, 1))
        terms.append(Term(source, rows[places[0]], cols[places[1]], float(whole(9, 1)) - 4, slots[which]))

    def matrix(some: tuple[Term, ...]) -> torch.Tensor:
        total, maps = torch.zeros(5, 6, dtype=DOUBLE), Maps(arrays)
        for term in some:
            slot = maps.values(term)
            values = torch.from_numpy(static_value(Tape(tuple(instructions), (slot,)), inputs)[0])
            for k, (r, c) in enumerate(zip(term.rows, term.cols, strict=True)):
                total[r[:, None], c[None, :]] += values.reshape(term.sizes)[k]
        return total

    merged = Maps(arrays).merged(tuple(terms))
    assert len(merged) <= 16
    torch.testing.assert_close(matrix(merged), matrix(tuple(terms)))
