"""A layer at one set of data to its gradients beside central finite differences, direction by direction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from declarative.backends.status import Status
from declarative.cli.layers import solve
from declarative.ir.expr import Dual
from declarative.ir.walk import postorder
from declarative.layer.layer import DeclarativeLayer
from declarative.layer.solution import Solution

STEPS = (1e-3, 1e-4, 1e-5)  # relative to the data; the one whose two differences agree best counts
TOLERANCE = 1e-5  # relative to the largest derivative of the parameter
SMOOTH = 1e-5  # where the differences are in more doubt, there is no derivative to compare with
MOST = 32  # directions: each entry of a small parameter, random directions of a large one
PROMISED = {"pos", "nonneg", "psd", "pd", "simplex", "between", "binary"}


@dataclass(frozen=True)
class Row:
    """One parameter: how far its gradient is from the differences, relative to the largest derivative."""

    name: str
    directions: int
    kinks: int  # directions without a derivative, or without a solution beside the point
    difference: float | None  # None: no direction was left to compare

    @property
    def agrees(self) -> bool | None:
        return None if self.difference is None else self.difference <= TOLERANCE


class Probe:
    """A random weighing of all outputs: one number for each item of a solution, and its gradient."""

    def __init__(self, layer: DeclarativeLayer, params: Mapping[str, Tensor], seed: int = 0):
        self.layer = layer
        self.params: dict[str, Any] = {name: value.requires_grad_() for name, value in params.items()}
        self.generator = torch.Generator().manual_seed(seed)
        self.solution = solve(layer, self.params)
        self.weights = {name: self.random(self.solution[name].shape) for name in self.unique_outputs()}
        self.floor = 0.01 * float(sum((self.solution[n].detach() * w).abs().sum() for n, w in self.weights.items()))

    def random(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def unique_outputs(self) -> list[str]:
        """The outputs that have a derivative: where duals are not unique, those that read none."""
        fickle = bool(self.solution.dual_nonunique.any())
        outputs = self.layer.problem.outputs
        return [o.name for o in outputs if not (fickle and any(isinstance(e, Dual) for e in postorder(o.body)))]

    @property
    def is_choice(self) -> bool:
        """Is the solution not differentiable here, by the layer's own word? Its gradient is a choice then."""
        return bool((self.solution.degenerate | self.solution.nonunique).any())

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The parameters, and then the learned ones, by name."""
        return {**self.params, **dict(self.layer.learn.named_parameters())}

    def weigh(self, solution: Solution, leading: int) -> Tensor:
        """The weighted sum of all outputs, for each entry of the `leading` first axes."""
        parts = [solution[name] * weight for name, weight in self.weights.items()]
        return torch.stack([part.reshape(*part.shape[:leading], -1).sum(-1) for part in parts]).sum(0)

    def rows(self) -> Iterator[Row]:
        """A row for each parameter and each learned one."""
        names, inputs = list(self.inputs), list(self.inputs.values())
        if not inputs or not self.weights:
            return
        found = torch.autograd.grad(self.weigh(self.solution, 0), inputs, allow_unused=True)
        gradients = [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]
        for name, x, gradient in zip(names, inputs, gradients, strict=True):
            batched = name in self.params
            directions = self.directions(name, x.detach())
            measured = [self.difference(name, x.detach(), directions, h, batched) for h in STEPS]
            along = (gradient * directions).reshape(len(directions), -1).sum(1)
            yield self.row(name, along, *_best(measured))

    def directions(self, name: str, x: Tensor) -> Tensor:
        """(k, *shape of x): along single entries or at random, in proportion to the data."""
        many = x.numel() > MOST
        units = (
            self.random(torch.Size((MOST, *x.shape)))
            if many
            else torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape)
        )
        symbol = next(d.symbol for d in self.layer.problem.parameters if d.symbol.name == name)
        if symbol.symmetric:
            units = (units + units.mT) / 2
        largest = float(x.abs().max()) if x.numel() else 0.0
        promised = name in self.params and PROMISED & {a.name for a in symbol.attributes}
        least = 0.0 if promised and not symbol.symmetric else 0.1 * largest or 1.0
        scaled = units * x.abs().clamp(min=least)
        return (scaled + scaled.mT) / 2 if symbol.symmetric else scaled

    def difference(self, name: str, x: Tensor, directions: Tensor, h: float, batched: bool) -> tuple[Tensor, Tensor]:
        """Derivatives along k directions by Richardson's rule on central differences, and how far off they may be.

        The jump of the one-sided derivatives, 0 where the function is smooth, is 2 D(h/2) - D(h) for the second
        difference D(h) = (f(h) - 2 f(0) + f(-h))/h.
        """
        steps = torch.tensor([h, -h, h / 2, -h / 2], dtype=x.dtype).view(4, 1, *[1] * x.dim())
        points = (x + steps * directions).flatten(0, 1)
        with torch.no_grad():
            values = (self.at_once if batched else self.one_by_one)(name, points).view(4, -1)
        coarse, fine = (values[0] - values[1]) / (2 * h), (values[2] - values[3]) / h
        derivative = (4 * fine - coarse) / 3
        second = values[0::2] + values[1::2] - 2 * self.weigh(self.solution, 0).detach()
        jump = 2 * second[1] / (h / 2) - second[0] / h
        return derivative, (derivative - fine).abs() + jump.abs()

    def at_once(self, name: str, points: Tensor) -> Tensor:
        """The points are a batch axis before those of the data, some of which the parameter may share."""
        shape = next(d.symbol.shape for d in self.layer.problem.parameters if d.symbol.name == name)
        shared = self.solution.status.dim() - (points.dim() - 1 - len(shape))
        points = points.reshape(len(points), *[1] * shared, *points.shape[1:])
        return self.weigh(solve(self.layer, {**self.params, name: points}), 1)

    def one_by_one(self, name: str, points: Tensor) -> Tensor:
        """The same for a learned parameter, which a layer holds once."""
        held = self.layer.get_parameter(f"learn.{name}")
        before, values = held.clone(), []
        for point in points:
            held.copy_(point)
            values.append(self.weigh(solve(self.layer, self.params), 0))
        held.copy_(before)
        return torch.stack(values) if values else points.new_zeros(0)

    def row(self, name: str, along: Tensor, derivative: Tensor, doubt: Tensor) -> Row:
        least = torch.tensor([self.floor, 1e-300], dtype=torch.float64)  # 1e-300 is 0 in float32
        scale = torch.cat([along.abs(), derivative.abs().nan_to_num(), least]).max()
        smooth = doubt <= SMOOTH * scale  # NaN, where a point beside has no solution, is not smooth
        off = (along - derivative).abs()[smooth] / scale
        return Row(name, len(along), int((~smooth).sum()), float(off.max()) if len(off) else None)


def _best(measured: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """For each direction the derivative that is the least in doubt."""
    derivatives, doubts = (torch.stack(parts) for parts in zip(*measured, strict=True))
    best = doubts.nan_to_num(torch.inf).argmin(0, keepdim=True)
    return derivatives.gather(0, best)[0], doubts.gather(0, best)[0]


def is_solved(solution: Solution) -> bool:
    return bool((solution.status <= Status.INACCURATE).all())
