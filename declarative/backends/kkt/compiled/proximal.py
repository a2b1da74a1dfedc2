"""A batch of convex quadratic programs beside solutions of similar ones -> their solutions, where these are unique.

P may be singular, or 0. The proximal point method (Rockafellar 1976) solves strictly convex programs instead,

    min 1/2 x'Px + q'x + 1/2 (x - c)'S (x - c),    S > 0 diagonal, small beside the terms of the stationarity rows,

from the previous point c and its active set. Where the solution is unique and the multipliers of its active rows are
not tiny, a small S changes the multipliers a little and the active set not at all (Mangasarian and Meyer 1979). The
equations of this set are then solved for P itself, by refinement with the factors of P + S, which are those that the
adjoint needs too.
"""

import numpy as np

from declarative.backends.kkt.compiled.along import copy, fill
from declarative.backends.kkt.compiled.certificate import stationarity, worst_of
from declarative.backends.kkt.compiled.dual import find_set
from declarative.backends.kkt.compiled.item import block_sizes, item_of, read_sides
from declarative.backends.kkt.compiled.jit import inner, large
from declarative.backends.kkt.compiled.kept import factor_curvature, keep, lower, solve_system
from declarative.backends.kkt.compiled.kernel import CLEAR, LOST, settle
from declarative.backends.kkt.compiled.pivot import FOUND, factor, forget, learn, pull_known

WEIGHT = 1e-6  # of S beside the terms of its row
STEPS = 4  # of the proximal method; one is enough where the active set comes out right
EXACT = 1e-12  # the method that begins afresh is as exact, and P need not tell x as well as it tells its gradient
MOVES = 16  # changes of the active set at least, and n / 4: more take as long as beginning afresh
STIFF = 1e-2  # what S lets x move, where P and the active rows should hold it, beside what it lets a free x move


@inner()
def weigh(item, at, state, rows, multipliers, centre, shift):
    """S from the terms at the previous solution; false where a variable has none. `rows` is memory."""
    k, most = 0, 0.0
    for r in range(len(state)):
        if state[r] != 0 and k < len(rows):
            rows[k], at.kept_w[k] = r, multipliers[r]
            k += 1
    stationarity(item, centre, rows[:k], at.kept_w, at.rx, at.forces)
    block_sizes(centre, item.blocks, at.most, at.sizes)
    for j in range(len(centre)):
        most = max(most, at.sizes[j])
    sound = most > 0
    for j in range(len(centre)):
        shift[j] = WEIGHT * at.forces[j] / (at.sizes[j] if at.sizes[j] > 0 else most)
        sound = sound and shift[j] > 0
    return sound


@inner()
def unique(routines, item, kept, L, b, at, shift, probe):
    """Do P and the active rows hold x in all directions? A force S r that is not small moves it by much less than r."""
    n, k, most, size = len(shift), kept.count[b], 0.0, 0.0
    for j in range(n):
        at.rx[j] = shift[j] * probe[j] * at.sizes[j]
    fill(at.rows, k, 0.0)
    solve_system(routines, item, L, kept, b, at.rx, at.rows, at.spare)
    for j in range(n):
        if at.sizes[j] > 0:
            most, size = max(most, abs(at.rx[j] / at.sizes[j])), max(size, abs(probe[j]))
    return most < STIFF * size


@inner()
def holds(routines, item, kept, L, b, work, at, state, shift, probe):
    """Are the rows that were active independent, and do they hold x?

    Where not, there were other multipliers or solutions beside the previous ones, and the work would be in vain.
    """
    active = 0
    for r in range(len(state)):
        active += state[r] != 0
    if active > kept.V.shape[1] or not learn(routines, item, L, work, state):
        return False
    k = factor(routines, item, work, state)
    if k < active:
        return False
    keep(item, work, kept, b, k)
    return unique(routines, item, kept, L, b, at, shift, probe)


@large("quadratic programs whose solutions are nearly known")
def solve_beside(routines, data, work, at, kept, answers, memory, first, last):
    """Solve the items from `first` to before `last`; `answers` holds x, w and state of similar ones, and then theirs.

    The verdict is CLEAR or LOST. `memory` are three vectors (n,), of which the last holds a probe.
    """
    n = answers.x.shape[1]
    centre, shift, probe = memory
    for b in range(first, last):
        item, L, state = item_of(data, b), kept.L[b], answers.state[b]
        copy(answers.x[b], centre)
        answers.verdict[b] = LOST
        if not read_sides(item, work.lower, work.upper, state):
            continue
        if not weigh(item, at, state, kept.rows[b], answers.w[b], centre, shift):
            continue
        if not factor_curvature(routines, item, shift, L, work.info):
            continue
        forget(work)
        fill(work.yq, n, 0.0)
        if not holds(routines, item, kept, L, b, work, at, state, shift, probe):
            continue
        for _ in range(STEPS):
            for j in range(n):
                work.yq[j] = item.q[j] - shift[j] * centre[j]
            lower(routines, item, L, work.yq)
            pull_known(routines, item, work, 0)
            outcome, k, rounds = find_set(routines, item, L, work, state, max(MOVES, n // 4))
            answers.rounds[b] += rounds
            if outcome != FOUND or k > kept.V.shape[1]:
                answers.verdict[b] = LOST
                break
            copy(work.x, centre)
            settle(routines, item, L, work, at, kept, answers, b, k)
            if answers.verdict[b] == CLEAR and worst_of(answers.measures[b]) <= EXACT:
                if not unique(routines, item, kept, L, b, at, shift, probe):
                    answers.verdict[b] = LOST
                break
            if answers.verdict[b] == CLEAR:
                copy(at.x, centre)
            answers.verdict[b] = LOST


def probe(n: int) -> np.ndarray:
    """Numbers of size one without a pattern; always the same ones."""
    return 0.5 + np.random.default_rng(0).random(n)
