"""Problems made at random through the embedded language: every operator and most kinds of node, shapes that fit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

import declarative as dc

DEPTH = 4
NUMBERS = st.sampled_from([0, 1, 2, -1, -3, 0.5, 2.5, -0.25, 1e-9, 12345678.5, 1e20])


@dataclass
class Maker:
    """Draws expressions of one problem; `indices` are those of the generators around the place."""

    draw: Callable
    n: Any = field(default_factory=lambda: dc.dim("n"))
    m: Any = field(default_factory=lambda: dc.dim("m", 3))

    def __post_init__(self):
        n, m = self.n, self.m
        self.s = dc.param("s", "pos")
        self.y, self.A = dc.param("y", n), dc.param("A", n, n)
        self.Q, self.E = dc.param("Q", n, "S"), dc.const("E", n, n, "binary")
        self.tail = dc.index_data("tail", n, n)
        self.t = dc.var("t", between=(-1, float("inf")))
        self.x, self.X = dc.var("x", n, "nonneg", start=self.y), dc.var("X", n, n)
        self.u = dc.var("u", n, family=m + 1)

    def pick(self, *options):
        return self.draw(st.sampled_from(options))()

    # --- by shape ------------------------------------------------------------------------------

    def scalar(self, depth, indices=()):
        if depth == 0:
            return self.pick(*self.scalar_leaves(indices))
        more = lambda: self.scalar(depth - 1, indices)  # noqa: E731
        vector = lambda: self.vector(depth - 1, indices)  # noqa: E731
        return self.pick(
            lambda: more() + more(),
            lambda: more() - more(),
            lambda: more() * more(),
            lambda: more() / more(),
            lambda: -more(),
            lambda: more() ** self.draw(st.sampled_from([2, -1, 0.5, 3])),
            lambda: dc.exp(more()) ** more(),
            lambda: dc.maximum(more(), more(), more()),
            lambda: abs(more()),
            lambda: dc.huber(more(), 2),
            lambda: vector() @ vector(),
            lambda: dc.sum(vector()),
            lambda: dc.norm(vector(), self.draw(st.sampled_from([1, 2, 3, float("inf")]))),
            lambda: dc.sum_largest(vector(), 2),
            lambda: dc.sumsq(dc.concat(vector(), more(), vector())),
            lambda: dc.quad(vector(), self.Q),
            lambda: dc.trace(self.matrix(depth - 1, indices)),
            lambda: vector()[0],
            lambda: self.reduction(depth - 1, indices),
        )

    def scalar_leaves(self, indices):
        number = lambda: self.s * 0 + self.draw(NUMBERS)  # noqa: E731
        leaves = [
            lambda: self.s,
            lambda: self.t,
            number,
            lambda: self.n * self.s,
            lambda: self.x[0],
            lambda: self.x[-1],
        ]
        for i in indices:
            leaves += [
                lambda i=i: self.x[i],
                lambda i=i: self.A[i, 0],
                lambda i=i: self.X[self.tail[i], i],
                lambda i=i: i + 1,
            ]
        return leaves

    def vector(self, depth, indices=()):
        if depth == 0:
            rows = [lambda i=i: self.X[i, :] for i in indices]
            return self.pick(lambda: self.x, lambda: self.y, lambda: self.u[1], lambda: self.u[self.m], *rows)
        more = lambda: self.vector(depth - 1, indices)  # noqa: E731
        scalar = lambda: self.scalar(depth - 1, indices)  # noqa: E731
        matrix = lambda: self.matrix(depth - 1, indices)  # noqa: E731
        return self.pick(
            lambda: more() + more(),
            lambda: more() - scalar(),
            lambda: more() * more(),
            lambda: more() / scalar(),
            lambda: scalar() / more(),
            lambda: scalar() * more(),
            lambda: more() * scalar(),
            lambda: -more(),
            lambda: more() ** 2,
            lambda: dc.sqrt(more()),
            lambda: matrix() @ more(),
            lambda: more() @ matrix(),
            lambda: dc.diag(matrix()),
            lambda: matrix()[0],
            lambda: dc.stack(self.scalar(depth - 1, (i,)) for i in self.n),
        )

    def matrix(self, depth, indices=()):
        if depth == 0:
            return self.pick(lambda: self.A, lambda: self.Q, lambda: self.X, lambda: self.E)
        more = lambda: self.matrix(depth - 1, indices)  # noqa: E731
        vector = lambda: self.vector(depth - 1, indices)  # noqa: E731
        return self.pick(
            lambda: more() + more(),
            lambda: more() @ more(),
            lambda: more() * more(),
            lambda: self.scalar(depth - 1, indices) * more(),
            lambda: more().T,
            lambda: dc.outer(vector(), vector()),
            lambda: dc.diag(vector()),
            lambda: dc.exp(more()),
            lambda: dc.block([[more()[:1, :1], more()[:1, 1:]], [more()[1:, :1], more()[1:, 1:]]]),
            lambda: dc.reshape(dc.vec(more()), self.n, self.n),
        )

    def reduction(self, depth, indices):
        reduce = self.draw(st.sampled_from([dc.sum, dc.max, dc.min, dc.prod]))
        return self.pick(
            lambda: reduce(self.scalar(depth, (*indices, i)) for i in self.n),
            lambda: reduce(self.scalar(depth, (*indices, k)) for k in dc.range(1, self.n)),
            lambda: reduce(self.scalar(1, (i, j)) for i in self.n for j in self.n if self.condition(i, j)),
        )

    def condition(self, i, j):
        E = self.E
        return self.pick(
            lambda: E[i, j] == 1,
            lambda: ~E[i, j],
            lambda: (i != j) & ~(E[i, j] | (i > 2)),
            lambda: (self.tail[i] == j) | (i <= j) & (j < self.n - 1),
        )

    # --- statements ----------------------------------------------------------------------------

    def constraint(self):
        more = lambda: self.scalar(2)  # noqa: E731
        vector = lambda: self.vector(2)  # noqa: E731
        return self.pick(
            lambda: self.x[0] + more() == more(),
            lambda: vector() + self.x <= more(),
            lambda: more() + self.t >= more(),
            lambda: dc.chain(more(), vector() + self.x, vector()),
            lambda: dc.member("PSD", self.matrix(1) + self.X),
            lambda: dc.member("SOC", self.t, vector()),
            lambda: dc.member("POW", self.t, more(), more(), args=(0.5,)),
            lambda: dc.forall(self.x[i] + self.scalar(1, (i,)) <= 1 for i in self.n),
            lambda: dc.forall(dc.chain(-1, self.X[i, j], j) for i in self.n for j in self.n if self.condition(i, j)),
        )


@st.composite
def problems(draw) -> dc.Problem:
    maker = Maker(draw)
    body = maker.scalar(DEPTH) + maker.t
    names = ["budget", "box", "i", "sum", "k"]
    named = {name: maker.constraint() for name in names[: draw(st.integers(0, 4))]}
    outputs = draw(st.sampled_from([None, [maker.t, maker.u[0], dc.value], {"w": -maker.t, "x": dc.value}]))
    return dc.problem(
        draw(st.sampled_from([dc.minimize, dc.maximize]))(body),
        *[maker.constraint() for _ in range(draw(st.integers(0, 2)))],
        named,
        name="generated",
        outputs=outputs,
        assume=[maker.s >= 1],
        solve=draw(st.sampled_from([None, "newton", dc.method("newton", 3, tol=1e-10, line="armijo")])),
    )
