"""Promises about data, checked before solving: no NaN, `pos`, `psd`, `simplex`, `assume`, symmetric S^n data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from declarative.analysis.parameters import may_be_infinite
from declarative.backends.kkt.compiled import compiles
from declarative.backends.kkt.symmetric import definite_items
from declarative.backends.numbers import plain
from declarative.backends.tape.evaluate import Runner
from declarative.backends.tape.vectorise import Vectoriser
from declarative.ir.expr import Attribute, Parameter, Role
from declarative.ir.problem import Comparison, Problem, Relation
from declarative.layer.culprits import apart, asymmetric, culprit
from declarative.source.diagnostic import DiagnosticError, error

SYMMETRY = 1e-6  # S^n data may be asymmetric by this, relative
DEFINITE = 1e-9  # psd data may have eigenvalues below 0 by this, relative
DEFINITENESS = ("psd", "pd")
EQUAL = 1e-6  # simplex, unit, orthonormal and assumed equations hold to this, relative


@dataclass(frozen=True)
class Breach:
    """Items (bool, batch or 1) whose data break a promise, and the words for it; `found` adds those of one item."""

    items: Tensor
    message: str
    found: Callable[[int], str] | None = None

    def of(self, item: int) -> str:
        """What is said of one item; those of a batch may share the data."""
        return (
            self.message if self.found is None else f"{self.message}, {self.found(item if len(self.items) > 1 else 0)}"
        )


class Promises:
    """What the data of a problem have to keep."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self._unbounded = may_be_infinite(problem)
        self._symbols = [d.symbol for d in problem.parameters]
        self._indices = [symbol for symbol in self._symbols if symbol.index_range is not None]
        self._declaring = [symbol for symbol in self._symbols if symbol.symmetric or symbol.attributes]

    def breaches(
        self,
        inputs: Mapping[str, Tensor],
        raw: Mapping[str, Tensor],
        sizes: Mapping[str, int],
        full: bool,
        kept: Collection[str],
    ) -> list[Breach]:
        """All broken promises of a call; numbers only, unless `full`. `raw` is the data before symmetrisation.

        The data named in `kept` are known to keep their own.
        """
        given, declaring, indices = (
            [symbol for symbol in some if symbol.name in inputs and symbol.name not in kept]
            for some in (self._symbols, self._declaring, self._indices)
        )
        check_indices(indices, {s.name: inputs[s.name][0] for s in indices}, sizes)
        found = [b for s in declaring for b in _declared(s, inputs[s.name], _turned(s, inputs, raw))] if full else []
        if full and self.problem.promises:
            found.extend(_assumed(self.problem, inputs, sizes))
        if given and not _all_finite([inputs[symbol.name] for symbol in given]):
            found = [b for s in given for b in _not_numbers(s, inputs[s.name], self._unbounded.get(s.name))] + found
        if not found or not bool(torch.stack([b.items.any() for b in found]).any()):
            return []
        return [b for b in found if bool(b.items.any())]


def check_indices(symbols: Iterable[Parameter], values: Mapping[str, Tensor], sizes: Mapping[str, int]) -> None:
    """Raises E305 for `index(v)` data outside 0..v-1, also where it is only compared; sizes may be missing."""
    for symbol in symbols:
        range_ = symbol.index_range
        if range_ is None or symbol.name not in values or not range_.names <= sizes.keys():
            continue
        value, length = values[symbol.name], range_.evaluate(sizes)
        bad = ((value < 0) | (value >= length)).nonzero()
        if len(bad):
            place = bad[0].tolist()
            entry = f"`{symbol.name}{place if place else ''}` is {int(value[tuple(place)])}"
            text = f"{entry}; `index({range_})` data lies in 0..{length - 1}: indices start at 0"
            from_one = int(value.min()) > 0 and int(value.max()) == length
            hints = [f"these count from 1, as it seems: give `{symbol.name} - 1`"] if from_one else []
            raise DiagnosticError([error("E305", symbol.origin, text, hints=hints)])


def unlike_numbers(name: str, data: Tensor) -> Breach:
    """Of weights (batch or 1, *shape) that an external module reads, which declare nothing."""
    return Breach(~data.flatten(1).isfinite().all(1) if data.dim() > 1 else ~data.isfinite(), f"`{name}` is not finite")


def _turned(symbol: Parameter, inputs: Mapping[str, Tensor], raw: Mapping[str, Tensor]) -> Tensor | None:
    """What the mean with its transpose was taken of, where that has changed it."""
    given = raw.get(symbol.name) if symbol.symmetric else None
    return None if given is None or torch.equal(given, inputs[symbol.name]) else given


def _all_finite(values: list[Tensor]) -> bool:
    """By one number, which is not finite either where finite entries add up to infinity."""
    return isfinite(sum((value.sum() for value in values[1:]), values[0].sum()).item())


def broken_by(symbol: Parameter, value: Tensor) -> str | None:
    """What a value given when compiling breaks, in words; None where it keeps what is declared."""
    one = value.unsqueeze(0)
    found = [*_not_numbers(symbol, one), *_declared(symbol, one, one)]
    return next((breach.of(0) for breach in found if bool(breach.items.any())), None)


def _declared(symbol: Parameter, value: Tensor, raw: Tensor | None) -> list[Breach]:
    definite = _surely_definite(symbol, value if raw is None else raw)
    found = [_asymmetric(symbol, raw)] if symbol.symmetric and raw is not None and not definite else []
    for attribute in symbol.attributes:
        if definite and attribute.name in DEFINITENESS:
            continue
        bad = _broken(attribute, value, symbol)
        if bad is not None:
            line = f" (line {attribute.origin.line})" if attribute.origin else ""
            message = f"`{symbol.name}` is declared {attribute.name}{line}: {_DEMANDS[attribute.name]}"
            found.append(Breach(bad, message, partial(_culprit, attribute, symbol, value)))
    return found


def _not_numbers(symbol: Parameter, value: Tensor, legal: frozenset[int] | None = None) -> list[Breach]:
    """Each message names the first entry of its items that is NaN, or infinite where that is not legal.

    `legal`: the signs that infinity may have, where it may stand at all.
    """
    if bool(value.sum().isfinite()):
        return []
    flat = value.flatten(1) if value.dim() > 1 else value.unsqueeze(1)
    bad = ~flat.isfinite()
    for sign in legal or ():
        bad &= flat != sign * torch.inf
    items, first = bad.any(1), bad.int().argmax(1)
    found = []
    for place in map(int, first[items].unique()):
        index = [int(k) for k in np.unravel_index(place, value.shape[1:])]
        entry, here, numbers = f"`{symbol.name}{index if index else ''}`", items & (first == place), flat[:, place]
        kinds = (numbers.isnan(), numbers == -torch.inf, numbers == torch.inf)
        told = zip(kinds, _wrong_numbers(legal), strict=True)
        found += [Breach(here & kind, f"{entry} is {words}") for kind, words in told if bool((here & kind).any())]
    return found


def _wrong_numbers(legal: frozenset[int] | None) -> tuple[str, str, str]:
    """What is said of NaN, of -inf and of inf."""
    if legal is None:
        infinite = "infinite, which only a whole side of an inequality may be"
        return "NaN", infinite, infinite
    return "NaN", "-inf, and no number is below it", "inf, and no number is above it"


def _surely_definite(symbol: Parameter, given: Tensor) -> bool:
    """Are all matrices symmetric and positive definite, as promised? By compiled code, where it can tell."""
    promised = symbol.symmetric and any(attribute.name in DEFINITENESS for attribute in symbol.attributes)
    if not promised or not compiles() or not given.numel() or not plain((given,)):
        return False
    return bool(definite_items(given.flatten(0, -3), SYMMETRY).all())


def _asymmetric(symbol: Parameter, value: Tensor) -> Breach:
    gap, scale = ((value - value.mT).abs_(), value.abs()) if value.numel() else (value, value)
    gap, scale = (part.flatten(1).amax(1) if part.numel() else part.new_zeros(len(part)) for part in (gap, scale))
    message = f"`{symbol.name}` is declared symmetric (S^n), and is not"
    return Breach(gap > SYMMETRY * scale, message, lambda item: asymmetric(symbol, value[item]))


def _culprit(attribute: Attribute, symbol: Parameter, value: Tensor, item: int) -> str:
    return f"and {culprit(attribute, symbol, value[item])}"


_DEMANDS = {
    "nonneg": "no entry may be negative",
    "pos": "every entry must be greater than 0",
    "binary": "every entry must be 0 or 1",
    "between": "every entry must lie between the bounds",
    "simplex": "the entries must be nonnegative and sum to 1",
    "unit": "its length must be 1",
    "orthonormal": "its columns must be orthonormal",
    "psd": "no eigenvalue may be negative",
    "pd": "every eigenvalue must be greater than 0",
}


def _broken(attribute: Attribute, value: Tensor, symbol: Parameter) -> Tensor | None:
    """Which items (bool, batch or 1) break the attribute; None where it promises nothing."""
    members = value.flatten(1, symbol.family) if symbol.family > 1 else value if symbol.family else value.unsqueeze(1)
    flat = value.reshape(value.shape[0], -1)
    match attribute.name:
        case "nonneg":
            return (flat < 0).any(1)
        case "pos":
            return (flat <= 0).any(1)
        case "binary":
            return ((flat != 0) & (flat != 1)).any(1)
        case "between":
            lo, hi = (_number(a) for a in attribute.args)
            return None if lo is None or hi is None else ((flat < lo) | (flat > hi)).any(1)
        case "simplex":
            total = members.flatten(2).sum(2)
            return (flat < 0).any(1) | ((total - 1).abs() > EQUAL).any(1)
        case "unit":
            return ((members.flatten(2).square().sum(2) - 1).abs() > EQUAL).any(1)
        case "orthonormal":
            gram = members.mT @ members
            eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
            return ((gram - eye).abs() > EQUAL).flatten(1).any(1)
        case "psd" | "pd":
            return _indefinite(members, strict=attribute.name == "pd")
        case _:
            return None


def _indefinite(members: Tensor, strict: bool) -> Tensor:
    """Items (bool, batch) with a member that is not definite: by a factorisation, by eigenvalues where that fails."""
    definite = torch.linalg.cholesky_ex(members).info == 0
    if definite.all():
        return ~definite.all(1)
    shifted = members.clone()
    diagonal = shifted.diagonal(dim1=-2, dim2=-1)
    diagonal.add_(0 if strict else DEFINITE / 2 * diagonal.abs().amax(-1, keepdim=True))
    items = (torch.linalg.cholesky_ex(shifted).info != 0).any(1)
    if not items.any():
        return items
    return items.index_put((items.nonzero()[:, 0],), _negative(members[items], strict))


def _negative(members: Tensor, strict: bool) -> Tensor:
    known = members.isfinite().flatten(1).all(1)
    safe = torch.where(known[:, None, None, None], members, torch.zeros_like(members))
    values = torch.linalg.eigvalsh(safe)
    scale = values.abs().amax(-1)
    low = values.amin(-1)
    bad = low <= 0 if strict else low < -DEFINITE * scale
    return bad.any(1) & known


def _number(e) -> float | None:
    return e.value if hasattr(e, "value") else None


def _assumed(problem: Problem, inputs: Mapping[str, Tensor], sizes: Mapping[str, int]) -> list[Breach]:
    fixed = {d.symbol.name for d in problem.parameters if d.symbol.role is Role.CONST}
    constants = {name: t[0].detach().cpu().numpy() for name, t in inputs.items() if name in fixed}
    return [_promise(p, inputs, Vectoriser(sizes, constants)) for p in problem.promises if isinstance(p, Comparison)]


def _promise(promise: Comparison, inputs: Mapping[str, Tensor], vectoriser: Vectoriser) -> Breach:
    selection = vectoriser.select(promise.binders, promise.condition)
    shape = vectoriser.shape(promise.left.shape or promise.right.shape)
    sides = [vectoriser.value(side, selection.environment) for side in (promise.left, promise.right)]
    slots = [vectoriser.flat(side, selection.axes, shape) for side in sides]
    left, right = Runner(vectoriser.tape(slots), device=next(iter(inputs.values())).device)(inputs)
    scale = torch.maximum(left.abs(), right.abs()) * EQUAL
    gap = {Relation.EQ: (left - right).abs(), Relation.LE: left - right, Relation.GE: right - left}
    words = " ".join(promise.origin.text.split()) if promise.origin else "a promise"
    line = f" (line {promise.origin.line})" if promise.origin else ""

    def found(item: int) -> str:
        k = int((gap[promise.relation] - scale)[item].argmax())
        a, b = (float(side[min(item, len(side) - 1), min(k, side.shape[1] - 1)]) for side in (left, right))
        return f"its sides are {apart(a, b)} and {apart(b, a)}"

    return Breach((gap[promise.relation] > scale).any(1), f"`{words}`{line} does not hold", found)
