"""A problem to its class: linear, quadratic, conic, smooth, a root, and whether it is convex, with the verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from weakref import finalize

from declarative.analysis.curvature import Blame, blame, fits
from declarative.analysis.facts import FactsTable, facts_of
from declarative.analysis.geometric import geometric
from declarative.analysis.levels import Level, level_of
from declarative.analysis.pieces import Piece, pieces
from declarative.analysis.smooth import Kink, kinks
from declarative.atoms.record import Facts
from declarative.ir.expr import Attribute, Expr, Extern, Index, Nested, Variable
from declarative.ir.facts import Cone
from declarative.ir.problem import Comparison, Membership, Problem, Relation, Sense
from declarative.ir.walk import postorder, variables


class Kind(Enum):
    LP = "linear program"
    QP = "quadratic program"
    QCQP = "quadratic program with quadratic constraints"
    SOCP = "second-order cone program"
    POWER = "power cone program"
    EXP = "exponential cone program"
    SDP = "semidefinite program"
    GP = "geometric program"
    NLP = "smooth program"
    NONSMOOTH = "program with kinks"
    FIXED_POINT = "fixed point"
    ROOT = "system of equations"
    PROJECTION = "feasibility problem"


CONES = {  # of the sets that equations and inequalities do not describe
    "PSD": Cone.SEMIDEFINITE,
    "SOC": Cone.SECOND_ORDER,
    "EXP": Cone.EXPONENTIAL,
    "POW": Cone.POWER,
}
STRONGEST = (
    (Cone.SEMIDEFINITE, Kind.SDP),
    (Cone.EXPONENTIAL, Kind.EXP),
    (Cone.POWER, Kind.POWER),
    (Cone.SECOND_ORDER, Kind.SOCP),
)
NOT_CONVEX = ("orthonormal", "unit")  # attributes of a variable that describe no convex set


@dataclass(frozen=True)
class Verdict:
    """What was found of one piece; `blame` says why it is not as wanted, None where it is.

    `kinks` has one of those that are alike.
    """

    piece: Piece
    look: FactsTable = field(repr=False, compare=False)
    blame: Blame | None
    kinks: tuple[Kink, ...]

    @property
    def every_kink(self) -> tuple[Kink, ...]:
        return kinks(self.look, self.piece.pressure)

    @property
    def facts(self) -> Facts:
        return self.look(self.piece.root)

    @property
    def holds(self) -> bool:
        return self.blame is None


@dataclass(frozen=True)
class Classification:
    """`convex`: proven by the rules. `smooth`: without kinks, once those with graph forms are replaced by rows.

    `cones` are what a conic solver needs; `memberships` says whether the problem itself asks for elements in cones.
    """

    kind: Kind
    convex: bool
    smooth: bool
    cones: frozenset[Cone]
    memberships: bool
    verdicts: tuple[Verdict, ...]

    @property
    def accepted(self) -> bool:
        """Is there a backend for it: one for convex and for geometric programs, kkt for smooth ones without cones?"""
        return self.convex or self.kind is Kind.GP or (self.smooth and not self.memberships)

    @property
    def text(self) -> str:
        """For people: "convex quadratic program", "smooth program, not known to be convex"."""
        if self.kind in (Kind.GP, Kind.FIXED_POINT, Kind.ROOT, Kind.PROJECTION) or (
            self.convex and not _may_be_nonconvex(self)
        ):
            return self.kind.value
        return f"convex {self.kind.value}" if self.convex else f"{self.kind.value}, not known to be convex"


def _may_be_nonconvex(found: Classification) -> bool:
    return found.kind in (Kind.QP, Kind.QCQP, Kind.NLP, Kind.NONSMOOTH)


_KNOWN: dict[int, Classification] = {}  # by the identity of problems that are alive


def classify(problem: Problem) -> Classification:
    """By the rules alone, without numbers: what holds for every value of the params.

    Worked out once for a problem, however many passes ask (equal problems may differ in their places in a text).
    """
    if id(problem) not in _KNOWN:
        _KNOWN[id(problem)] = _classified(problem)
        finalize(problem, _KNOWN.pop, id(problem), None).atexit = False
    return _KNOWN[id(problem)]


def is_convex(problem: Problem) -> bool:
    """By the rules: what `classify` says of it, and no more."""
    return all(map(holds, pieces(problem))) and not any(a.name in NOT_CONVEX for a in _attributes(problem))


def holds(piece: Piece) -> bool:
    """Has it the curvature that it must have?"""
    return fits(facts_of(piece.root, piece.binders).curvature, piece.wanted)


def _attributes(problem: Problem) -> list[Attribute]:
    return [a for d in problem.variables for a in d.symbol.attributes]


def _classified(problem: Problem) -> Classification:
    verdicts = tuple(_verdicts(problem))
    attributes = [a.name for a in _attributes(problem)]
    convex = all(v.holds for v in verdicts) and not any(name in NOT_CONVEX for name in attributes)
    memberships = [c for c in problem.constraints if isinstance(c, Membership)]
    cones = frozenset(CONES[m.cone] for m in memberships if m.cone in CONES)
    if {"psd", "pd"} & set(attributes):
        cones |= {Cone.SEMIDEFINITE}
    smooth = all(kink.representable for v in verdicts for kink in v.kinks)
    if problem.objective.sense is Sense.FIND:
        return Classification(_find_kind(problem), convex, smooth, cones, bool(cones), verdicts)
    if not convex:
        kind = _nonconvex_kind(problem, verdicts, smooth)
        return Classification(kind, False, smooth, cones, bool(cones), verdicts)
    levels = _levels(verdicts)
    needed = cones.union(*(level.cones for _, level in levels))
    return Classification(_convex_kind(problem, levels, needed), True, smooth, needed, bool(cones), verdicts)


def _verdicts(problem: Problem) -> Iterator[Verdict]:
    look = None
    for piece in pieces(problem):
        look = FactsTable(piece.root, piece.binders, other=look)
        yield Verdict(piece, look, blame(look, piece.wanted), kinks(look, piece.pressure, every=False))


def _levels(verdicts: tuple[Verdict, ...]) -> list[tuple[Piece, Level]]:
    """Worked out once for pieces that are alike."""
    of_kind: dict[int, Level] = {}
    for v in verdicts:
        kind = id(v.look.kind(v.piece.root))
        if kind not in of_kind:
            of_kind[kind] = level_of(v.look)
    return [(v.piece, of_kind[id(v.look.kind(v.piece.root))]) for v in verdicts]


def _convex_kind(problem: Problem, levels: list[tuple[Piece, Level]], cones: frozenset[Cone]) -> Kind:
    if any(level.beyond for _, level in levels):
        return Kind.NLP
    for cone, kind in STRONGEST:
        if cone in cones:
            return kind
    rows = max((max(level.rows, level.degree if piece.number else 0) for piece, level in levels), default=0)
    degree = max((level.degree for _, level in levels), default=0)
    return Kind.QCQP if rows == 2 or _has_quadratic_set(problem) else Kind.QP if degree == 2 else Kind.LP


def _nonconvex_kind(problem: Problem, verdicts: tuple[Verdict, ...], smooth: bool) -> Kind:
    found = geometric(problem)
    if found is not None and found.holds:
        return Kind.GP
    if not smooth:
        return Kind.NONSMOOTH
    foreign = any(isinstance(n, Extern | Nested) for v in verdicts for n in postorder(v.piece.root))
    degrees = [(v.piece.number, v.facts.degree) for v in verdicts]
    if foreign or any(degree is None or degree > 2 for _, degree in degrees) or any(v.kinks for v in verdicts):
        return Kind.NLP
    quadratic_rows = 2 in [degree for number, degree in degrees if number]
    return Kind.QCQP if quadratic_rows or _has_quadratic_set(problem) else Kind.QP


def _has_quadratic_set(problem: Problem) -> bool:
    """A ball, a sphere or orthonormal columns: quadratic rows that no comparison shows."""
    balls = any(isinstance(c, Membership) and c.cone == "Ball" for c in problem.constraints)
    return balls or any(a.name in NOT_CONVEX for a in _attributes(problem))


def _find_kind(problem: Problem) -> Kind:
    """`z == F(z)` for each unknown is a fixed point; equations alone a root; else a projection."""
    if not all(isinstance(c, Comparison) and c.relation is Relation.EQ for c in problem.constraints):
        return Kind.PROJECTION
    sides = [c.left for c in problem.constraints if isinstance(c, Comparison)]
    whole = {v for side in sides if (v := _unknown(side)) is not None}
    fixed = len(whole) == len(sides) and whole == {d.symbol for d in problem.variables}
    return Kind.FIXED_POINT if fixed else Kind.ROOT


def _unknown(side: Expr) -> Variable | None:
    """The variable that stands alone on a side, or of which a member does."""
    match side:
        case Variable():
            return side
        case Index(base=Variable() as base) if len(variables(side)) == 1:
            return base
        case _:
            return None
