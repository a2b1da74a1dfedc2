"""Why an item is not solved, in words: what was found, and which constraints its ray blames, by name and line."""

from __future__ import annotations

from declarative.backends.cone.assemble import Assembly
from declarative.backends.cone.chunks import Chunk
from declarative.backends.cone.function import Outcomes
from declarative.backends.cone.solved import Solved
from declarative.backends.status import Status

MOST_BLAMED = 5
SHARE = 1e-3  # of the largest share in the contradiction; less than this is no blame

WORDS = {
    Status.INACCURATE: "the answer misses the tolerance of 1e-6; rescaling the data may help",
    Status.INFEASIBLE: "no point satisfies the constraints (a combination of them is contradictory)",
    Status.UNBOUNDED: "the objective decreases without end along a direction that the constraints allow",
    Status.FAILED: "the solver found neither a solution nor a proof that there is none; rescaling the data may help",
}


def messages_of(assembly: Assembly, outcomes: Outcomes) -> dict[int, str]:
    """By item, for those that are not solved."""
    found = {}
    for k, solved in enumerate(outcomes.items):
        if solved.status is not Status.SOLVED:
            found[k] = WORDS[solved.status] + _blamed(assembly, solved)
    return found


def _blamed(assembly: Assembly, solved: Solved) -> str:
    if solved.status is not Status.INFEASIBLE or solved.ray_shares is None:
        return ""
    shares = solved.ray_shares
    parts = [
        (float(shares[start : start + chunk.rows].sum()), chunk)
        for chunk, start in zip(assembly.chunks, assembly.starts(), strict=False)
    ]
    most = max(share for share, _ in parts)
    ordered = sorted((p for p in parts if p[0] > SHARE * most), key=lambda p: -p[0])
    places = list(dict.fromkeys(_place(chunk) for _, chunk in ordered))[:MOST_BLAMED]
    return f"; to blame: {', '.join(places)}" if places else ""


def _place(chunk: Chunk) -> str:
    origin = chunk.owner.origin
    name = ".".join(chunk.path) or (" ".join(origin.text.split()) if origin is not None else "a bound on a function")
    return f"`{name}` (line {origin.line})" if origin is not None else f"`{name}`"
