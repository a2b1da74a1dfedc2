"""Functions as lists of scalar operations, against the same in torch: atoms, programs, and what only numbers show."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from atoms.cases import CASES, Case
from backends.kkt.test_structure import EXAMPLES, FILES, FLOAT, HEAD, OBJECTIVES, ROWS, prepared

import declarative
from declarative.atoms.record import Form
from declarative.atoms.registry import find, names
from declarative.backends.kkt.compiled.evaluate import Evaluator
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.numeric import Traced, on_numbers
from declarative.backends.kkt.scalar import codes as op
from declarative.backends.kkt.scalar.listing import Builder, NotScalar
from declarative.backends.kkt.scalar.trace import trace
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.partials import partials
from declarative.backends.tape.tape import Apply, Input, Tape

EDGES = [-torch.inf, -30.0, -2.0, -1.0, -0.5, -0.0, 0.0, 1e-300, 0.5, 1.0, 2.0, 40.0, 800.0, torch.inf, torch.nan]
UNTRACED = {"log_normcdf": "none of the operations", "loggamma": "its derivative, the digamma function, is none"}
FACTORED = {
    "matrix_frac", "eye_minus_inv", "log_eye_minus_inv", "log_det", "tr_inv", "perspective of log_det",
    "perspective of tr_inv", "pf_eigenvalue", "log_pf_eigenvalue", "normnuc", "normspec", "sigma_max", "lambda_max",
    "lambda_min", "lambda_sum_largest", "von_neumann_entr",
}  # fmt: skip
SORTED = {"sum_largest", "sum_smallest", "cummax", "dotsort", "cvar"}
LISTED = [case for case in CASES if case.name not in FACTORED | SORTED | {"log_normcdf"}]


def evaluated(function, *arguments):
    """By way of a list."""
    shapes = [(1, *a.shape[1:]) for a in arguments]
    listing, results = trace(function, *shapes)
    evaluator = Evaluator(listing, [shape[1:] for shape in shapes], results)
    return evaluator(arguments, max(len(a) for a in arguments))


ENTRYWISE = [name for name in names() if (atom := find(name)) and atom.elementwise]


@pytest.mark.parametrize("name", ENTRYWISE)
def test_atoms_at_the_edges_of_their_domains(name):
    """Values and derivatives, not a number and infinite ones too; what cannot be traced says so."""
    atom = find(name)
    assert atom is not None
    count = max(atom.arity[0], 2) if atom.arity[1] is None else atom.arity[0]
    edges = torch.tensor(EDGES, dtype=FLOAT)
    arguments = [a.reshape(-1, 1) for a in torch.meshgrid(*[edges] * count, indexing="ij")]
    for p in (3.0, -1.0, 1.5, 2.0, 0.5, 4.0, -2.0) if "p" in atom.option_names else (None,):
        options = {} if p is None else {"p": p}
        arrays = Arrays([Input(f"v{k}", (1,)) for k in range(count)])
        call = Apply(name, tuple(range(count)), Form(((1,),) * count, (1,), options))
        value = arrays.emit(call)
        slots = [value]
        if atom.smoothness.name == "SMOOTH":
            first, second = partials(arrays, call, call.args, value, list(range(count)))
            slots += [*first.values(), *second.values()]
        runner = Runner(Tape(tuple(arrays.instructions), tuple(slots)))

        def function(*values, runner=runner):
            return runner({f"v{k}": value for k, value in enumerate(values)})

        wanted = [torch.as_tensor(w).expand(len(arguments[0]), 1) for w in function(*arguments)]
        if name in UNTRACED:
            with pytest.raises(NotScalar):
                evaluated(function, *arguments)
            continue
        for found, right in zip(evaluated(function, *arguments), wanted, strict=True):
            torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-15, equal_nan=True)


@pytest.mark.parametrize("case", LISTED, ids=str)
def test_functions_that_need_no_factorisation_are_listed(case: Case):
    for sample in case.samples():
        arguments = [torch.as_tensor(a, dtype=FLOAT).unsqueeze(0) for a in sample]
        (found,) = evaluated(lambda *a: (case.atom.torch(torch, case.form, *a),), *arguments)
        torch.testing.assert_close(found[0].numpy(), case.value(*sample), rtol=1e-12, atol=1e-15, equal_nan=True)


def agree(program, theta, batch):
    """The program and its numeric twin: every function, at a batch of this size; theta may be shared."""
    x, y, z = (torch.rand(batch, k, dtype=FLOAT) + 0.3 for k in (program.n, program.p, program.q))
    models = Derivatives(program, theta), Derivatives(on_numbers(program), theta)
    for read in (
        lambda d: d.f(x),
        lambda d: d.c(x),
        lambda d: d.g(x),
        lambda d: d.gradient(x),
        lambda d: d.jacobian_c(x),
        lambda d: d.jacobian_g(x),
        lambda d: d.lagrangian_gradient(x, y, z),
        lambda d: d.lagrangian_hessian(x, y, z),
        lambda d: torch.cat([part.flatten() for part in d.local(x, y, z)]),
    ):
        wanted, found = (read(d) for d in models)
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-11)
    traced = vars(models[1].program.structure).values()
    assert all(t.evaluator is not None for t in traced if isinstance(t, Traced) and t.tried)
    return models[1].program


@pytest.mark.parametrize("name", FILES)
def test_examples(name):
    program, theta, _ = prepared(declarative.load(EXAMPLES / f"{name}.opt"), FILES[name])
    theta = tuple(t.detach() for t in theta)
    agree(program, theta, 3)
    agree(program, tuple(t[:1] for t in theta), 70)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives(objective):
    program, theta, _ = prepared(declarative.parse(f"{HEAD}; minimize {objective}", name="one"), {})
    agree(program, tuple(t.detach() for t in theta), 3)


@pytest.mark.parametrize("batch", [1, 2, 63, 64, 65, 200])
def test_rows_in_batches_of_every_size(batch):
    text = f"{HEAD}; minimize {OBJECTIVES[0]}\nsubject to{ROWS}"
    program, theta, _ = prepared(declarative.parse(text, name="rows"), {})
    items = torch.arange(batch) % 3
    agree(program, tuple((t if len(t) == 1 else t[items]).detach() for t in theta), batch)
    agree(program, tuple((t[:1] if k % 2 or len(t) == 1 else t[items]).detach() for k, t in enumerate(theta)), batch)


def test_items_do_not_touch_each_other():
    (found,) = evaluated(lambda x: (x.exp().sum(-1),), torch.tensor([[1.0], [torch.nan], [1e3], [2.0]], dtype=FLOAT))
    torch.testing.assert_close(found, torch.tensor([1.0, torch.nan, torch.inf, 2.0], dtype=FLOAT).exp(), equal_nan=True)


def test_several_threads(monkeypatch):
    """Of one call, and calls at the same time."""
    x = torch.rand(1000, 40, dtype=FLOAT)
    (wanted,) = evaluated(lambda x: (x.cumsum(-1).sin(),), x)
    monkeypatch.setattr("declarative.backends.kkt.compiled.evaluate.ENOUGH", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    with ThreadPoolExecutor(2) as pool:
        for (found,) in pool.map(lambda _: evaluated(lambda x: (x.cumsum(-1).sin(),), x), range(4)):
            assert torch.equal(found, wanted)


def test_derivatives_by_torch_are_traced_too():
    x = torch.rand(5, 4, dtype=FLOAT)

    def slope(x):
        return (torch.func.grad(lambda v: (v.prod(-1) * v.tanh().sum(-1)).sum())(x),)

    torch.testing.assert_close(evaluated(slope, x)[0], slope(x)[0])


def test_what_looks_at_numbers_or_is_too_long_is_no_list():
    for function in (lambda x: (x if x.sum() > 0 else -x,), lambda x: (torch.linalg.svdvals(x),)):
        with pytest.raises(NotScalar):
            trace(function, (1, 3, 3))
    with pytest.raises(NotScalar):
        trace(lambda x: (x @ x,), (1, 100, 100))


def test_operations_are_shared_folded_and_fused():
    b = Builder()
    x, y, one = b.input(0), b.input(1), b.constant(1.0)
    assert b.emit(op.ADD, x, y) == b.emit(op.ADD, y, x) and b.emit(op.SUB, x, y) != b.emit(op.SUB, y, x)
    assert b.emit(op.MUL, x, 0) == b.emit(op.ADD, 0, 0) == 0 and b.emit(op.MUL, one, x) == b.emit(op.DIV, x, one) == x
    assert b.emit(op.NEG, b.emit(op.NEG, x)) == x and b.emit(op.POW, x, b.constant(2.0)) == b.emit(op.MUL, x, x)
    assert b.values[b.emit(op.EXP, 0)] == 1 and b.constant(-0.0) != b.constant(0.0)
    b.emit(op.EXP, x)  # which nothing needs
    listing = b.listing([b.emit(op.ADD, b.emit(op.MUL, x, y), b.emit(op.EXP, y))])
    assert listing.operations[:, 0].tolist() == [op.EXP, op.MULADD]
    assert not any(target in arguments for *arguments, target in listing.operations[:, 1:].tolist())


def test_products_of_no_matrices_are_none():
    listing, kinds = trace(lambda A, x: (torch.bmm(A, x),), (0, 2, 3), (0, 3, 1))
    assert kinds[0].shape == (2, 1) and len(listing.operations) == len(listing.results) == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.nn.functional.pad(x, (1, 1), value=2.0),
        lambda x: torch.nn.functional.pad(x, (1, 1), value=-2.5).cumsum(1),
        lambda x: torch.cat([x, torch.full((len(x), 2), 3)], 1),
        lambda x: torch.cat([x > 0, x], 1),
        lambda x: torch.stack([torch.ones_like(x, dtype=torch.bool), x], 1),
        lambda x: ((x > 0) + (x > -10)) * x,
        lambda x: torch.cat([x.isfinite(), x > 0], 1) & True,
    ],
)
def test_numbers_that_are_put_beside_names_are_numbers(function):
    """Padding, whole numbers and truths; a sum of truths is one."""
    x = torch.tensor([[0.5, -1.0, 2.0], [-0.3, 0.0, 1e3]], dtype=FLOAT)
    assert torch.equal(evaluated(lambda x: (function(x),), x)[0], function(x).to(FLOAT))


@pytest.mark.parametrize("choice", [lambda x: x[:, x[0] > 0], lambda x: x.gather(1, (x[:, :1] > 0).long())])
def test_what_is_chosen_by_a_number_is_no_list(choice):
    with pytest.raises(NotScalar, match="chosen by numbers"):
        trace(lambda x: (choice(x),), (1, 3))
