"""What a method found for some items -> the pieces that make up a result, certified."""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import torch
from torch import Tensor

from declarative.backends.kkt.program.certify import Primal
from declarative.backends.kkt.program.items import Items
from declarative.backends.kkt.verdict.polish import Polished
from declarative.backends.status import BROKEN, STALLED, Status

MOST_BLAMED = 2000  # rows; a message names few constraints, but one may have many rows
MOVES = 1e-6  # of a way: an entry that goes less far stays
USABLE = 1e-3  # an answer that misses the tolerance, but not this, keeps its numbers as inaccurate


class Reason(IntEnum):
    """Why an item is not solved."""

    NONE = 0
    NOT_FINITE = 1
    STALLED = 2
    NO_POINT = 3
    VIOLATION = 4
    RAY = 5
    FALLS = 6
    START = 7
    ESCAPES = 8
    EDGE = 9
    SADDLE = 10
    DEPENDENT = 11


MESSAGES = {
    Reason.NOT_FINITE: BROKEN,
    Reason.STALLED: STALLED,
    Reason.NO_POINT: "no point satisfies the constraints (a combination of them is contradictory)",
    Reason.VIOLATION: "the violation of the constraints has a local minimum that is not zero; try another start",
    Reason.RAY: "the objective decreases without end along a direction that the constraints allow",
    Reason.FALLS: "the objective decreases without end",
    Reason.ESCAPES: "no minimum was found: on the way to infinity the objective approaches a limit; try another start",
    Reason.SADDLE: "what was found is a maximum or a saddle, and below it no minimum was found; try another start",
    Reason.DEPENDENT: "constraints that depend on each other left the solver without multipliers; leave out those that "
    "follow from others, or try another start",
    Reason.EDGE: "no point inside the domain of the functions satisfies the constraints, and at its edge they "
    "or their slopes are not finite",
    Reason.START: "the objective or a constraint is not finite at the start; give a start inside its domain, if no "
    "data make a term too large",
}


@dataclass(frozen=True)
class Answer(Items):
    """The entries of `Result` that are tensors, and for each item a `Reason` (B,).

    `least` (B,): the multipliers are those of least norm, and the system that of one piece.
    """

    x: Tensor
    y: Tensor
    z: Tensor
    z_lower: Tensor
    z_upper: Tensor
    value: Tensor
    status: Tensor
    reason: Tensor
    iterations: Tensor
    primal: Tensor
    dual: Tensor
    gap: Tensor
    active_z: Tensor
    active_lower: Tensor
    active_upper: Tensor
    degenerate: Tensor
    nonunique: Tensor
    dual_nonunique: Tensor
    minimum: Tensor
    loose: Tensor
    least: Tensor

    def moving(self, way: Tensor) -> "Answer":
        """The same, where x may move along a way (B, n), or not at all where that is 0."""
        moves = way.abs() > MOVES * way.abs().amax(-1, keepdim=True) if way.shape[1] else way != 0
        return replace(self, nonunique=self.nonunique | moves.any(-1), loose=self.loose | moves)

    def marked(self, items: Tensor, status: Status, reason: Reason) -> "Answer":
        """The same with some items (bool, B) marked."""
        if not items.any():
            return self
        parts = self.__dict__ | {
            "status": torch.where(items, int(status), self.status),
            "reason": torch.where(items, int(reason), self.reason),
        }
        return Answer(**parts)

    @property
    def at(self) -> Primal:
        """The point and its multipliers."""
        return Primal(self.x, self.y, self.z, self.z_lower, self.z_upper)


@dataclass(frozen=True)
class Blame(Items):
    """How much each row weighs in a contradiction: c (B, p), g (B, q), lower and upper (B, n), not negative."""

    c: Tensor
    g: Tensor
    lower: Tensor
    upper: Tensor

    def heaviest(self, item: int) -> list[tuple[str, int]]:
        """The rows that weigh most, as pairs of a kind and an index."""
        weights = torch.cat([part[item] for part in self.parts()])
        names = [(f.name, i) for f, part in zip(fields(self), self.parts(), strict=True) for i in range(part.shape[1])]
        order = weights.argsort(descending=True)[:MOST_BLAMED].tolist()
        return [names[k] for k in order if weights[k] > 1e-3 * weights[order[0]]]


def certified(found: Polished, iterations: Tensor, tolerance: float) -> Answer:
    """A polished point with the status that its certificate deserves."""
    at, shares, active = found.at, found.shares, found.active
    error = shares.error
    status = torch.where(error <= tolerance, int(Status.SOLVED), int(Status.FAILED))
    status = torch.where((error > tolerance) & (error <= USABLE), int(Status.INACCURATE), status).to(torch.int8)
    reason = torch.where(error <= tolerance, int(Reason.NONE), int(Reason.STALLED)).to(torch.int8)
    system = found.system
    return Answer(
        at.x, at.y, at.z, at.z_lower, at.z_upper, found.local.f, status, reason, iterations,
        shares.primal, shares.dual, shares.gap, active.z, active.lower, active.upper,
        found.degenerate, system.loose.any(-1), system.dual_nonunique, torch.ones_like(found.degenerate), system.loose,
        torch.zeros_like(found.degenerate),
    )  # fmt: skip


def unknown(batch: int, n: int, p: int, q: int, like: Tensor) -> Answer:
    """Items of which nothing is known yet: not a number everywhere, failed for data that are not finite."""
    nan = like.new_full((batch, 1), torch.nan)
    no = torch.zeros(batch, 1, dtype=torch.bool, device=like.device)
    x, flag = nan.expand(-1, n), no[:, 0]
    status = torch.full((batch,), int(Status.FAILED), dtype=torch.int8, device=like.device)
    reason = torch.full_like(status, int(Reason.NOT_FINITE))
    error, count = nan[:, 0], torch.zeros(batch, dtype=torch.int64, device=like.device)
    return Answer(
        x, nan.expand(-1, p), nan.expand(-1, q), x, x, error, status, reason, count, error, error, error,
        no.expand(-1, q), no.expand(-1, n), no.expand(-1, n), flag, flag, flag, flag, no.expand(-1, n), flag,
    )  # fmt: skip
