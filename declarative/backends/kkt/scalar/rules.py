"""What torch's operations do to tensors of names: (builder, func, *args, **kwargs) -> the result.

Operations that only move entries move the names, all others are written down entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate, product
from math import log, prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from declarative.backends.kkt.scalar import codes as op
from declarative.backends.kkt.scalar.listing import ZERO, Builder, NotScalar
from declarative.backends.kkt.scalar.named import Named, flattened, names_of
from declarative.backends.kkt.scalar.rounding import errors
from declarative.backends.kkt.scalar.sparse import nonzero_rows, sparse_product

MOVES = (
    "view _unsafe_view reshape expand permute transpose t unsqueeze squeeze select slice split split_with_sizes unbind"
    " flip roll diagonal diag_embed clone alias detach repeat tril triu unfold index_copy select_backward"
    " slice_backward diagonal_backward lift_fresh as_strided"
)
SAME_NUMBERS = "_to_copy to"
NEW = "new_zeros new_ones new_full new_empty zeros_like ones_like full_like empty_like"
SAME_NAMES = (
    "neg abs sign exp expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh erf lgamma mul div pow gt ge eq ne"
)
ENTRYWISE = {name: getattr(op, name.upper()) for name in SAME_NAMES.split()} | {
    "sgn": op.SIGN, "maximum": op.MAX, "minimum": op.MIN, "logical_and": op.AND, "bitwise_and": op.AND,
    "logical_or": op.OR, "bitwise_or": op.OR,
}  # fmt: skip
FEW = 32  # entries, of which it is not worth while to find the zeros


Rule = Callable[..., Any]


def _moves(builder: Builder, func: Any, *args, **kwargs):
    """What moves entries moves names; the zeros that it may put in are named 0 too."""

    def own(a: Any) -> Any:
        if isinstance(a, Named) or (isinstance(a, Tensor) and a.is_floating_point()):
            return names_of(builder, a)
        return a

    dtype = next(a.dtype for a in flattened(args) if isinstance(a, Named))
    found = func(*tree_map(own, args), **kwargs)
    return tree_map(lambda names: Named(names, dtype), found)


def _picks(builder: Builder, func: Any, value: Named, *where: Any, **kwargs):
    if any(isinstance(a, Named) for a in flattened(where)):
        raise NotScalar("entries that are chosen by numbers")
    return _moves(builder, func, value, *where, **kwargs)


def _joins(builder: Builder, func: Any, parts: Sequence[Tensor], *args, **kwargs):
    """Whole numbers and truths among the parts are numbers like the others."""
    found = func([names_of(builder, part) for part in parts], *args, **kwargs)
    return Named(found, torch.bool if _are_truths(*parts) else torch.float64)


def _padded(builder: Builder, func: Any, value: Named, pad: Any, number: float = 0.0):
    return Named(func(value.scalars, pad, builder.constant(float(number))), value.dtype)


def _same(builder: Builder, func: Any, value: Named, *args, dtype: torch.dtype | None = None, **kwargs):
    if dtype not in (None, torch.float64, torch.bool) and value.dtype != torch.bool:
        raise NotScalar(f"numbers of type {dtype}")
    if dtype is torch.bool and value.dtype != torch.bool:
        return _each(builder, op.NE, value, 0.0, dtype=torch.bool)
    return Named(value.scalars, torch.float64 if dtype is None or dtype != torch.bool else torch.bool)


def _new(builder: Builder, func: Any, like: Tensor, *args, **kwargs):
    made = func(torch.empty(like.shape, dtype=like.dtype), *args, **kwargs)
    return Named(names_of(builder, made), made.dtype) if made.dtype in (torch.float64, torch.bool) else made


def _each(builder: Builder, code: int, *args: Any, dtype: torch.dtype = torch.float64) -> Named:
    """An operation on every entry; of matrices most entries are 0, and give the same."""
    names = torch.broadcast_tensors(*(names_of(builder, a) for a in args))
    builder.meet(names[0].numel())
    columns = [name.reshape(-1).numpy() for name in names]
    found = np.empty(len(columns[0]), np.int64)
    if len(found) > FEW:
        found.fill(builder.emit(code, *(ZERO for _ in args)))
        others = np.flatnonzero(~_zeros(builder, code, *columns))
        columns = [name[others] for name in columns]
    else:
        others = slice(None)
    entries = zip(*(name.tolist() for name in columns), strict=True)
    found[others] = [builder.emit(code, *entry) for entry in entries]
    return Named(torch.from_numpy(found).reshape(names[0].shape), dtype)


def _zeros(builder: Builder, code: int, *columns: np.ndarray) -> np.ndarray:
    """Where an operation gives what it gives for zeros: at these, and where one of two factors is 0, the other none of
    the constants, which may be infinite.
    """
    zero = [column == ZERO for column in columns]
    if code != op.MUL:
        return reduce(np.logical_and, zero)
    plain = np.ones(len(builder.nodes), bool)
    plain[list(builder.values)] = False
    plain[ZERO] = True
    return (zero[0] & plain[columns[1]]) | (zero[1] & plain[columns[0]])


def _errors(builder: Builder, func: Any, value: Named) -> Named:
    found = errors(builder, value.scalars.flatten().tolist())
    return Named(torch.tensor(found, dtype=torch.int64).reshape(value.shape))


def _are_truths(*parts: Any) -> bool:
    return all(isinstance(part, Tensor) and part.dtype == torch.bool for part in parts)


def _entrywise(code: int) -> Rule:
    truth = code in (op.GT, op.GE, op.EQ, op.NE, op.AND, op.OR)

    def rule(builder: Builder, func: Any, *args, rounding_mode: None = None):
        if rounding_mode is not None:
            raise NotScalar("rounded division")
        own = truth or (code == op.MUL and _are_truths(*args))  # as in torch's isfinite
        return _each(builder, code, *args, dtype=torch.bool if own else torch.float64)

    return rule


def _swapped(code: int) -> Rule:
    return lambda builder, func, a, b: _each(builder, code, b, a, dtype=torch.bool)


def _sum_of_two(code: int) -> Rule:
    def rule(builder: Builder, func: Any, a: Any, b: Any, alpha: float = 1):
        if _are_truths(a, b):
            return _each(builder, op.OR, a, b, dtype=torch.bool)
        return _each(builder, code, a, b if alpha == 1 else _each(builder, op.MUL, b, float(alpha)))

    return rule


def _formula(formula: Callable[..., Named | tuple[Named, ...]]) -> Rule:
    """A function of tensors in terms of others, with E(code, *args) for what is done to each entry."""

    def rule(builder: Builder, func: Any, *args, **kwargs):
        def each(code: int, *parts: Any) -> Named:
            return _each(builder, code, *parts)

        return formula(each, *args, **kwargs)

    return rule


def _clamp(E: Callable, x: Any, low: Any = None, high: Any = None) -> Named:
    x = x if low is None else E(op.MAX, x, low)
    return x if high is None else E(op.MIN, x, high)


def _entr(E: Callable, x: Any) -> Named:
    """-x log x, and 0 at 0."""
    inside = E(op.NEG, E(op.MUL, x, E(op.LOG, x)))
    return E(op.WHERE, E(op.EQ, x, 0.0), 0.0, E(op.WHERE, E(op.GT, 0.0, x), -torch.inf, inside))


def _xlogy(E: Callable, x: Any, y: Any) -> Named:
    """x log y, and 0 for x = 0 unless y is not a number."""
    zero = E(op.AND, E(op.EQ, x, 0.0), E(op.EQ, y, y))
    return E(op.WHERE, zero, 0.0, E(op.MUL, x, E(op.LOG, y)))


def _log_sigmoid(E: Callable, x: Any) -> tuple[Named, Named]:
    """log(1/(1 + exp(-x))) without overflow, and what its derivative is made of."""
    small = E(op.EXP, E(op.NEG, E(op.ABS, x)))
    return E(op.SUB, E(op.MIN, x, 0.0), E(op.LOG1P, small)), small


def _log_sigmoid_backward(E: Callable, gradient: Any, x: Any, small: Any) -> Named:
    share = E(op.DIV, small, E(op.ADD, 1.0, small))
    return E(op.MUL, gradient, E(op.WHERE, E(op.GT, 0.0, x), E(op.SUB, 1.0, share), share))


def _nan_to_num(E: Callable, x: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Named:
    most = torch.finfo(torch.float64).max
    finite = E(op.WHERE, E(op.EQ, x, torch.inf), most if posinf is None else float(posinf), x)
    finite = E(op.WHERE, E(op.EQ, x, -torch.inf), -most if neginf is None else float(neginf), finite)
    return E(op.WHERE, E(op.NE, x, x), float(nan or 0.0), finite)


def _truth(named: Named) -> Named:
    return Named(named.scalars, torch.bool)


def _reduction(
    combine: Callable[[Builder, list[int]], int],
    nothing: float | None = None,
    split: Callable[[Tensor], list[list[int]]] = lambda rows: rows.numpy().tolist(),
) -> Rule:
    """Along the dimensions given, or along all; `nothing` is that of no entries. `split` gives the rows' names."""

    def rule(builder: Builder, func: Any, value: Named, dim: Any = None, keepdim: bool = False, **kwargs):
        names, rank = value.scalars, value.dim()
        dims = [dim] if isinstance(dim, int) else list(dim or range(rank))
        dims = sorted(d % rank for d in dims) if rank else []
        rest = [d for d in range(rank) if d not in dims]
        size, count = [names.shape[d] for d in rest], prod(names.shape[d] for d in dims)
        if count == 0 and nothing is None:
            raise NotScalar("a reduction of nothing")
        rows = names.permute(rest + dims).reshape(prod(size), count)
        found = [combine(builder, row) if row else builder.constant(nothing or 0.0) for row in split(rows)]
        result = torch.tensor(found, dtype=torch.int64).reshape(size)
        for d in dims if keepdim else []:
            result = result.unsqueeze(d)
        return Named(result)

    return rule


def _chain(code: int) -> Callable[[Builder, list[int]], int]:
    def combine(builder: Builder, row: list[int]) -> int:
        total, *rest = dict.fromkeys(row) if code in (op.MAX, op.MIN, op.AND, op.OR) else row  # of what is alike: one
        for name in rest:
            total = builder.emit(code, total, name)
        return total

    return combine


def _truths(code: int, start: float) -> Rule:
    """Whether any entry is not zero, or all."""

    def combine(builder: Builder, row: list[int]) -> int:
        return _chain(code)(builder, [builder.constant(start), *row])

    rule = _reduction(combine, start, nonzero_rows)
    return lambda *args, **kwargs: _truth(rule(*args, **kwargs))


def _mean(builder: Builder, row: list[int]) -> int:
    return builder.emit(op.DIV, builder.total(row), builder.constant(float(len(row))))


def _logsumexp(builder: Builder, row: list[int]) -> int:
    """log of the sum of exp, the largest taken out where it is finite."""
    most = _chain(op.MAX)(builder, row)
    finite = builder.emit(op.EQ, builder.emit(op.ABS, most), builder.constant(float("inf")))
    most = builder.emit(op.WHERE, finite, builder.constant(0.0), most)
    parts = [builder.emit(op.EXP, builder.emit(op.SUB, name, most)) for name in row]
    return builder.emit(op.ADD, builder.emit(op.LOG, builder.total(parts)), most)


def _running(code: int) -> Rule:
    def rule(builder: Builder, func: Any, value: Named, dim: int, **kwargs):
        rows = value.scalars.movedim(dim, -1)
        found = [list(accumulate(row, lambda a, b: builder.emit(code, a, b))) for row in rows.flatten(0, -2).tolist()]
        return Named(torch.tensor(found, dtype=torch.int64).reshape(rows.shape).movedim(-1, dim))

    return rule


def _matmul(builder: Builder, func: Any, left: Any, right: Any) -> Named:
    """Matrices, batches of matrices, or a matrix and a vector: row by row, zeros left out."""
    a, b = names_of(builder, left), names_of(builder, right)
    columns = b.unsqueeze(-1) if b.dim() < a.dim() or b.dim() == 1 else b
    rows = a.unsqueeze(0) if a.dim() == 1 else a
    shape, count = (*rows.shape[:-1], columns.shape[-1]), rows.shape[:-2].numel()
    pairs = zip(*(part.reshape(count, *part.shape[-2:]).numpy() for part in (rows, columns)), strict=True)
    found = [sparse_product(builder, *pair) for pair in pairs]
    result = torch.from_numpy(np.stack(found) if found else np.zeros(0, np.int64)).reshape(shape)
    result = result.squeeze(-1) if b.dim() < a.dim() or b.dim() == 1 else result
    return Named(result.squeeze(0) if a.dim() == 1 else result)


def _index_add(
    builder: Builder, func: Any, start: Any, dim: int, index: Tensor, source: Any, alpha: float = 1
) -> Named:
    names, parts = names_of(builder, start).movedim(dim, 0), names_of(builder, source).movedim(dim, 0)
    if alpha != 1:
        raise NotScalar("a scaled sum")
    width = prod(names.shape[1:])
    found, targets = names.flatten().tolist(), (index[:, None] * width + torch.arange(width)).flatten().tolist()
    for target, part in zip(targets, parts.flatten().tolist(), strict=True):
        found[target] = builder.emit(op.ADD, found[target], part)
    return Named(torch.tensor(found, dtype=torch.int64).reshape(names.shape).movedim(0, dim))


def _index_add_in_place(builder: Builder, func: Any, start: Named, *args, **kwargs) -> Named:
    """Into new zeros, which nothing else names: the pullback of a selection."""
    if bool((start.scalars != ZERO).any()):
        raise NotScalar("a change in place")
    start.scalars = _index_add(builder, func, start, *args, **kwargs).scalars
    return start


def _scatter_reduce(
    builder: Builder,
    func: Any,
    start: Any,
    dim: int,
    index: Tensor,
    source: Any,
    reduce: str,
    include_self: bool = True,
) -> Named:
    codes = {"sum": op.ADD, "prod": op.MUL, "amax": op.MAX, "amin": op.MIN}
    if reduce not in codes or not include_self:
        raise NotScalar(f"a scattered {reduce}")
    names, parts = names_of(builder, start).clone(), names_of(builder, source)
    for place in product(*map(range, index.shape)):
        target = (*place[:dim], int(index[place]), *place[dim + 1 :])
        names[target] = builder.emit(codes[reduce], int(names[target]), int(parts[place]))
    return Named(names)


def _fill(builder: Builder, func: Any, value: Named, mask: Any, number: float) -> Named:
    return Named(_each(builder, op.WHERE, mask, number, value).scalars, value.dtype)


RULES: dict[str, Rule] = {
    **dict.fromkeys(MOVES.split(), _moves),
    **dict.fromkeys(("index", "index_select", "gather"), _picks),
    **dict.fromkeys(("cat", "stack"), _joins),
    "constant_pad_nd": _padded,
    **dict.fromkeys(SAME_NUMBERS.split(), _same),
    **dict.fromkeys(NEW.split(), _new),
    **{name: _entrywise(code) for name, code in ENTRYWISE.items()},
    "add": _sum_of_two(op.ADD),
    "sub": _sum_of_two(op.SUB),
    "rsub": _formula(lambda E, a, b, alpha=1: E(op.SUB, b, E(op.MUL, a, float(alpha)))),
    "lt": _swapped(op.GT),
    "le": _swapped(op.GE),
    "where": _formula(lambda E, c, a, b: E(op.WHERE, c, a, b)),
    "masked_fill": _fill,
    "logical_not": _formula(lambda E, a: _truth(E(op.EQ, a, 0.0))),
    "bitwise_not": _formula(lambda E, a: _truth(E(op.EQ, a, 0.0))),
    "reciprocal": _formula(lambda E, a: E(op.DIV, 1.0, a)),
    "rsqrt": _formula(lambda E, a: E(op.DIV, 1.0, E(op.SQRT, a))),
    "log10": _formula(lambda E, a: E(op.DIV, E(op.LOG, a), log(10))),
    "special_entr": _formula(_entr),
    "xlogy": _formula(_xlogy),
    "log_sigmoid_forward": _formula(_log_sigmoid),
    "log_sigmoid_backward": _formula(_log_sigmoid_backward),
    "square": _formula(lambda E, a: E(op.MUL, a, a)),
    "exp2": _formula(lambda E, a: E(op.POW, 2.0, a)),
    "relu": _formula(lambda E, a: E(op.MAX, a, 0.0)),
    "sigmoid": _formula(lambda E, a: E(op.DIV, 1.0, E(op.ADD, 1.0, E(op.EXP, E(op.NEG, a))))),
    "isnan": _formula(lambda E, a: _truth(E(op.NE, a, a))),
    "isinf": _formula(lambda E, a: _truth(E(op.EQ, E(op.ABS, a), float("inf")))),
    "clamp": _formula(_clamp),
    "clamp_min": _formula(_clamp),
    "clamp_max": _formula(lambda E, a, high: E(op.MIN, a, high)),
    "sigmoid_backward": _formula(lambda E, g, s: E(op.MUL, g, E(op.MUL, s, E(op.SUB, 1.0, s)))),
    "tanh_backward": _formula(lambda E, g, t: E(op.MUL, g, E(op.SUB, 1.0, E(op.MUL, t, t)))),
    "sum": _reduction(_chain(op.ADD), 0.0, nonzero_rows),
    "mean": _reduction(_mean),
    "prod": _reduction(_chain(op.MUL), 1.0),
    "amax": _reduction(_chain(op.MAX), split=nonzero_rows),
    "amin": _reduction(_chain(op.MIN), split=nonzero_rows),
    "any": _truths(op.OR, 0.0),
    "all": _truths(op.AND, 1.0),
    "nan_to_num": _formula(_nan_to_num),
    "scatter_reduce": _scatter_reduce,
    "logsumexp": _reduction(_logsumexp),
    "cumsum": _running(op.ADD),
    "cumprod": _running(op.MUL),
    "mm": _matmul,
    "bmm": _matmul,
    "mv": _matmul,
    "dot": _matmul,
    "index_add": _index_add,
    "index_add_": _index_add_in_place,
    "rounding_error": _errors,
}
