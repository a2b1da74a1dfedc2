"""A nearly optimal point -> its active set, and the solution of the equations that hold there, to rounding error.

A constraint is taken as active where its multiplier's share is larger than its slack's, or about as large. One Newton
step on the active equations finishes a quadratic program; a smooth one takes a few. What a step shows to be wrong about
the active set is corrected, and a step is kept for the items whose certificate it improves.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from declarative.backends.kkt.compiled.constants import WEAK
from declarative.backends.kkt.differentiate.adjoint import active_system
from declarative.backends.kkt.linear.system import ActiveSystem
from declarative.backends.kkt.methods.barrier import walk, walls
from declarative.backends.kkt.program.certify import (
    Local,
    Model,
    Primal,
    Shares,
    Way,
    evaluate,
    measure,
    units,
    vanished,
    way_to,
    worst,
)
from declarative.backends.kkt.program.derivatives import Derivatives
from declarative.backends.kkt.program.program import Active, take
from declarative.backends.kkt.program.quadratic import Quadratic
from declarative.backends.kkt.verdict.apart import away
from declarative.backends.kkt.verdict.doubts import doubtful
from declarative.backends.kkt.verdict.falls import Suspects, suspected
from declarative.backends.kkt.verdict.here import Here, appraised, at_point, moved
from declarative.backends.kkt.verdict.newton import NEARLY, creeps, goes, jacobian, newton, steps

ABOUT = 0.1  # shares nearer than this are alike: at x = 0 the largest entry, however small, has a slack's share of 1
ROUNDED = 1e-11  # a multiplier or slack of the wrong sign by less than this is rounding
EXACT = 1e-13
SLOWLY = 6
LOST = 1e-6  # a point with a larger error is no answer
OTHER = 10.0  # units that differ by more are others
LITTLE = 1e-3  # of the way from the start: x may be 0
REVIEWS = 3


@dataclass(frozen=True)
class Polished:
    """The point, its certificate's numbers, its strictly active set (`system` solves with it) and weak activity.

    `flat` (B, n): entries of x whose row of the Hessian vanishes there. `doubts` (B,): as `doubtful` says of a
    nonlinear program; `suspects`: as `suspected` says, where it is known where the method began.
    """

    at: Primal
    local: Local
    shares: Shares
    active: Active
    system: ActiveSystem
    degenerate: Tensor
    flat: Tensor
    doubts: Tensor | None
    suspects: Suspects | None

    def take(self, items: Tensor) -> "Polished":
        """Those of some items (long, K)."""
        at, local = self.at.take(items), self.local.take(items)
        shares, active = self.shares.take(items), self.active.take(items)
        degenerate, flat, doubts, *suspects = (flag[items] for flag in self._flags)
        system = self.system.take(items)
        told = Suspects(*suspects) if suspects else None
        return Polished(at, local, shares, active, system, degenerate, flat, doubts, told)

    def put(self, items: Tensor, other: "Polished") -> "Polished":
        """The same with other's items at the places `items` (long, K)."""
        at, local = self.at.put(items, other.at), self.local.put(items, other.local)
        shares, active = self.shares.put(items, other.shares), self.active.put(items, other.active)
        pairs, system = zip(self._flags, other._flags, strict=True), self.system.put(items, other.system)
        degenerate, flat, doubts, *suspects = (a.index_copy(0, items, b) for a, b in pairs)
        return Polished(at, local, shares, active, system, degenerate, flat, doubts, Suspects(*suspects))

    @property
    def _flags(self) -> list[Tensor]:
        """The rest, of a nonlinear program."""
        assert self.doubts is not None
        return [self.degenerate, self.flat, self.doubts, *(self.suspects or [])]


def polish(
    model: Model,
    at: Primal,
    open_domain: Tensor,
    blocks: Tensor | None,
    rounds: int,
    began: Tensor | None = None,
    guess: Tensor | None = None,
    hidden: Tensor | None = None,
) -> Polished:
    """At most `rounds` steps; bounds in `open_domain` (2, n) are never active. `began` (B, n): where the method did.
    Entries that are `hidden` (bool, n) may move where nothing holds them.

    Where they lead nowhere, shares may be those of forces that are nothing beside others (on a ball that may lie
    anywhere in a box), or, where they are about alike, rounding error, all of them (the minimum of x^2 within bounds);
    further tries let these constraints go, and a last one follows steps that make it worse at first. There are none
    where the caller has a `guess` (B, q + 2n) of what is active. Where x itself is rounding error, it is tried as 0.
    """
    first = appraised(model, at, blocks, began)
    start, D, way = Here(at, first.local, first.shares), first.D, first.way
    force, slack = start.shares.force, start.shares.slack
    about = force > ABOUT * slack if guess is None else guess
    found, system = refine(model, start, about, open_domain, blocks, D, rounds, way)
    lost = found.shares.error > LOST
    if guess is None and lost.any() and (faint := lost[:, None] & about & ~felt(first.local, start, D)).any():
        other, _ = refine(model, start, about & ~faint, open_domain, blocks, D, rounds, way)
        found, system = other.where(lost & (other.shares.error < found.shares.error), found), None
        lost = found.shares.error > LOST
    if guess is None and lost.any():
        other, _ = refine(model, start, ABOUT * force > slack, open_domain, blocks, D, rounds, way)
        found, system = other.where(lost & (other.shares.error < found.shares.error), found), None
        lost = found.shares.error > LOST
        if lost.any() and not isinstance(model, Quadratic):
            other, _ = refine(model, start, about, open_domain, blocks, D, rounds, way, follow=True)
            found = other.where(lost & (other.shares.error < found.shares.error), found)
    if way is not None and lost.any() and (near := lost & almost_zero(found.at.x, way)).any():
        zero = replace(found.at, x=torch.where(near[:, None], 0, found.at.x))
        other, _ = refine(model, moved(model, zero, blocks, D, way), about, open_domain, blocks, D, rounds, way)
        found, system = other.where(near & (other.shares.error < found.shares.error), found), None
    last, D, review = reviewed(model, found, open_domain, blocks, D, way)
    fooled = (last.shares.error > LOST) & (found.shares.error <= LOST)
    if fooled.any():  # by units in which nothing counted: the steps go on in those of the point
        known = torch.cat(review.active.parts(), -1)
        other, _ = refine(model, last, known, open_domain, blocks, D, rounds, way)
        other, own, _ = reviewed(model, other, open_domain, blocks, D, way)
        better = fooled & (other.shares.error < last.shares.error)
        last, D = other.where(better, last), torch.where(better[:, None], own, D)
        review = reviewing(model, last, open_domain, D, way)
    regular = False
    if way is not None and (gone := vanished_here(model, last, way).any(-1)).any():
        # or was it bent by what multipliers have lost since?
        way = way_to(model, replace(last.at, x=at.x), way.start).where(gone, way)
        shares = measure(last.local, last.at, blocks, D, way)
        last = replace(last, shares=shares.where(gone, last.shares))
    else:
        regular = last is found  # of which nothing vanishes
    done = settle(model, last, review, system if isinstance(model, Quadratic) or last is found else None)
    if hidden is not None:
        done = apart(model, last, done, open_domain, blocks, D, way, hidden)
    if way is None or regular:
        return done
    flat = vanished_here(model, found, way) & ~done.system.fixed
    if len(items := flat.any(-1).nonzero()[:, 0]):
        straight = flat | (worst(found.local.H.abs()) == 0)  # what moves with an entry that is curved is curved
        flat = flat.index_put((items,), flat[items] & done.system.movable(items, straight[items]))
    return replace(done, degenerate=done.degenerate | flat.any(-1), flat=flat)


def almost_zero(x: Tensor, way: Way) -> Tensor:
    """(B,): x is nothing beside the way to it."""
    return worst(x.abs()) <= LITTLE * worst((x - way.start).abs())


def felt(local: Local, here: Here, D: Tensor) -> Tensor:
    """(B, q + 2n): multipliers whose force is more, beside the largest of all terms, than the slack's share."""
    at = here.at
    of_g = worst(D[:, None] * local.Jg.abs()) * at.z
    force = torch.cat([of_g, D * at.z_lower, D * at.z_upper], -1)
    most = torch.maximum(worst(D * local.gradient.abs()), worst(force))
    return force > here.shares.slack * most[:, None]


def vanished_here(model: Model, here: Here, way: Way) -> Tensor:
    """`vanished`, at once."""
    if not isinstance(model, Derivatives):
        return vanished(here.local, way)
    return at_point(model, vanished_at_once, here.at, here.local, *way.parts())[0]


def vanished_at_once(_: Derivatives, at: Primal, local: Local, *way: Tensor) -> tuple[Tensor]:
    """The same of a point with its model, and the way to it (four tensors)."""
    return (vanished(local, Way(*way)),)


def apart(
    model: Model,
    here: Here,
    done: Polished,
    open_domain: Tensor,
    blocks: Tensor | None,
    D: Tensor,
    way: Way | None,
    hidden: Tensor,
) -> Polished:
    """The same, with `hidden` entries away from rows that they only touch, where that leaves no doubt."""
    doubts = done.degenerate if done.doubts is None else done.degenerate | done.doubts
    x = away(here.at.x, here.local, here.shares, done.active, done.system, hidden, doubts)
    if x is here.at.x:
        return done
    at = replace(done.at, x=x)
    local = evaluate(model, at)
    there = Here(at, local, measure(local, at, blocks, D, way))
    review = reviewing(model, there, open_domain, D, way)
    clear = ~review.degenerate if review.doubts is None else ~(review.degenerate | review.doubts)
    here = there.where(doubts & clear & (there.shares.error <= here.shares.error.clamp(min=ROUNDED)), here)
    known = done.system if isinstance(model, Quadratic) else None
    return settle(model, here, reviewing(model, here, open_domain, D, way), known)


def refine(
    model: Model,
    here: Here,
    guess: Tensor,
    open_domain: Tensor,
    blocks: Tensor | None,
    D: Tensor,
    rounds: int,
    way: Way | None,
    follow: bool = False,
) -> tuple[Here, ActiveSystem | None]:
    """The best point found from a guess (B, q + 2n) of what is active; the last system, if H and A are those there:
    they are the same everywhere, or no step was taken.

    An item stops by itself: steps that others need would move its last digits. Those that go on when most have stopped
    do so as a batch of their own. To `follow` a step that leads to worse is to try another from there.
    """
    constant, system, start = isinstance(model, Quadratic), None, here
    exact = here.shares.error <= EXACT
    going = torch.ones_like(exact)
    if not constant and exact.any():  # nothing to gain but multipliers of least norm
        system = at_hand(model, None, split(guess, here.local, open_domain), here.local)
        going = ~exact | system.dual_nonunique
    walled = open_domain if bool(open_domain.any()) else None  # a step must not lead out of the domain
    everyone, alive = here, torch.arange(len(exact), device=exact.device)  # the items that `here` has
    for k in range(rounds if way is None else SLOWLY * rounds):
        if not going.any():
            break
        if isinstance(model, Derivatives) and 2 * int(going.sum()) <= len(going):
            items = going.nonzero()[:, 0]
            everyone, alive = everyone.put(alive, here), alive[items]
            model = Derivatives(model.program, take(model.theta, items))
            here, guess, going, D, way = here.take(items), guess[items], going[items], D[items], way and way.take(items)
        active = split(guess, here.local, open_domain)
        if constant:
            system = at_hand(model, system, active, here.local)
            at, several = newton(system, here.local, here.at, active), system.dual_nonunique
            there = moved(model, at, blocks, D, way)
        else:
            there, several = stepped(model, here, active, going, walled, blocks, D, way)
            astray = going & ~(there.shares.error < here.shares.error)
            far = (there.shares.error > LOST) if follow else torch.zeros_like(going)
            astray &= torch.where(here.shares.error > LOST, far, goes(here.at, there.at))
            if astray.any():  # multipliers are those of the slopes before the step, which may vanish where it leads
                again, _ = stepped(model, there, active, astray, walled, blocks, D, way)
                there = again.where(astray & (again.shares.error < here.shares.error), there)
        wrong = torch.where(guess, there.shares.force < -ROUNDED, there.shares.slack < -ROUNDED)
        least = several & (there.shares.error < ROUNDED)  # of many multipliers, those of least norm
        better = going & ((there.shares.error < here.shares.error) | least)
        if way is not None:
            better |= going & creeps(here, there, ~better, several)
        here, guess = there if better.all() else there.where(better, here), guess ^ wrong & going[:, None]
        slow = better & (here.shares.error > NEARLY)  # one more digit takes many steps where the Hessian vanishes
        going &= slow if k >= rounds else better & (here.shares.error > EXACT) | wrong.any(-1)
    here = here if len(alive) == len(exact) else everyone.put(alive, here)
    return here, system if constant or here is start else None


def stepped(
    model: Model,
    here: Here,
    active: Active,
    going: Tensor,
    walled: Tensor | None,
    blocks: Tensor | None,
    D: Tensor,
    way: Way | None,
) -> tuple[Here, Tensor]:
    """Where Newton's steps lead the items that are `going` (B,), and whether their active rows are dependent (B,); no
    farther than the walls of an open domain.
    """
    at, several = steps(here.local, here.at, active, going, model.pattern(here.at.x))
    if walled is not None:
        edges = walls(here.local.lower, here.local.upper, walled)
        at = replace(at, x=walk(here.at.x, at.x - here.at.x, edges))
    return moved(model, at, blocks, D, way), several


def at_hand(model: Model, system: ActiveSystem | None, active: Active, local: Local) -> ActiveSystem:
    """The system of an active set: the one there is, if it is that."""
    if system is not None and same(system, active):
        return system
    return active_system(active, local.H, jacobian(local), model.pattern(local.gradient))


def same(system: ActiveSystem, active: Active) -> bool:
    """The system is that of this active set."""
    p = system.rows.shape[1] - active.z.shape[1]
    return torch.equal(system.rows[:, p:], active.z) and torch.equal(system.fixed, active.lower | active.upper)


def split(active: Tensor, local: Local, open_domain: Tensor) -> Active:
    """Which rows, lower and upper bounds are active: as guessed (B, q + 2n), and both bounds of a fixed variable."""
    q, n = local.g.shape[1], local.lower.shape[1]
    z, lower, upper = active.split([q, n, n], -1)
    fixed = local.lower == local.upper
    return Active(z, lower & ~open_domain[0] | fixed, upper & ~open_domain[1] | fixed)


@dataclass(frozen=True)
class Review:
    """A point with the multipliers of its strictly active set alone, this set, whether anything is weakly active (B,),
    whether these multipliers or the units of the point call for measuring it `again` (B,), and the `doubts` there (B,)
    and `suspects` of a nonlinear program.
    """

    at: Primal
    active: Active
    degenerate: Tensor
    again: Tensor
    doubts: Tensor | None = None
    suspects: Suspects | None = None


def reviewed(
    model: Model, here: Here, open_domain: Tensor, blocks: Tensor | None, D: Tensor, way: Way | None
) -> tuple[Here, Tensor, Review]:
    """The point with the multipliers of its strictly active set alone, measured in its own units, and these.

    The steps are measured in the units of where they began, from where a point may have gone far; and a multiplier that
    is dropped, of a row that is idle, may have weighed more than all others.
    """
    review = reviewing(model, here, open_domain, D, way)
    for _ in range(REVIEWS):
        again = review.again
        if not again.any():
            break
        local = evaluate(model, review.at)
        D = torch.where(again[:, None], units(local, review.at), D)
        here = Here(review.at, local, measure(local, review.at, blocks, D, way)).where(again, here)
        review = reviewing(model, here, open_domain, D, way)
    if (again := review.again).any():  # what was dropped last is missing in the last numbers
        local = evaluate(model, review.at)
        here = Here(review.at, local, measure(local, review.at, blocks, D, way)).where(again, here)
    return here, D, review


def reviewing(model: Model, here: Here, open_domain: Tensor, D: Tensor, way: Way | None) -> Review:
    """The review of a point that is measured in the units D; at once."""
    if not isinstance(model, Derivatives):
        return review(here, open_domain, D)
    began = [] if way is None else [way.start]
    parts = at_point(model, review_at_once, here.at, here.local, *here.shares.parts(), D, *began)
    suspects = Suspects(*parts[11:]) if parts[11:] else None
    return Review(Primal(*parts[:5]), Active(*parts[5:8]), parts[8], parts[9], parts[10], suspects)


def review_at_once(d: Derivatives, at: Primal, local: Local, *tensors: Tensor) -> list[Tensor]:
    """The same of a point with its model, its shares (five tensors), units, and maybe a start."""
    here = Here(at, local, Shares(*tensors[:5]))
    found = review(here, d.program.open_domain, tensors[5])
    own = units(here.local, found.at)
    doubts = doubtful(here.local, found.at, found.active, d.program.open_domain, own)
    suspects = [s for start in tensors[6:] for s in suspected(d, found.at, here.local, start)]
    return [*found.at.parts(), *found.active.parts(), found.degenerate, found.again, doubts, *suspects]


def review(here: Here, open_domain: Tensor, D: Tensor) -> Review:
    """What is weakly active counts as inactive."""
    local, idle = here.local, weak(here.shares)
    active, doubt = (split(which, local, open_domain) for which in (strong(here.shares) & ~idle, idle))
    at, own = holding(here.at, active), units(local, holding(here.at, active))
    dropped = torch.cat([a != b for a, b in zip(at.parts()[2:], here.at.parts()[2:], strict=True)], -1).any(-1)
    other = (torch.maximum(own / D, D / own) > OTHER).any(-1)
    degenerate = doubt.z.any(-1) | ((doubt.lower | doubt.upper) & (local.lower != local.upper)).any(-1)
    return Review(at, active, degenerate, dropped | other)


def strong(shares: Shares) -> Tensor:
    """(B, q + 2n): the multiplier weighs more than the slack."""
    return shares.force > shares.slack


def weak(shares: Shares) -> Tensor:
    """(B, q + 2n): slack and multiplier are both small."""
    return (shares.slack < WEAK) & (shares.force < WEAK)


def holding(at: Primal, active: Active) -> Primal:
    """A point with the multipliers of what is active."""
    pairs = zip(at.parts()[2:], active.parts(), strict=True)
    return Primal(at.x, at.y, *(torch.where(holds, multiplier, 0) for multiplier, holds in pairs))


def settle(model: Model, here: Here, review: Review, system: ActiveSystem | None) -> Polished:
    """The point with its strictly active set and its system, the one at hand if it is that."""
    local, active = here.local, review.active
    system = at_hand(model, system, active, local)
    degenerate, flat = review.degenerate, torch.zeros_like(active.lower)
    return Polished(review.at, local, here.shares, active, system, degenerate, flat, review.doubts, review.suspects)
