"""CVXPY's own test problems in continuous variables: which file is which, with data, and what CVXPY publishes.

`cvxpy.tests.solver_test_helpers` holds the problem in CVXPY with its published optimum, primal and dual values. The
files beside this one say the same in `.opt`; this table says which of their parts is which of CVXPY's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.tests import solver_test_helpers as helpers

HERE = Path(__file__).parent
Made = Callable[[], helpers.SolverTestHelper]


@dataclass(frozen=True, eq=False)
class Published:
    """`variables` and `duals` name the parts in CVXPY's order (None: not unique, or nothing to compare).

    `places`: the decimals to which CVXPY's own tests hold the published values.
    """

    file: str
    made: Made
    variables: tuple[str | None, ...] = ()
    duals: tuple[str | None, ...] = ()
    consts: Callable[[helpers.SolverTestHelper], dict[str, Any]] = lambda helper: {}
    backends: tuple[str, ...] = ("kkt", "cone")
    places: int = 4
    unlike: tuple[str, ...] = ()  # duals whose published values are none

    @property
    def path(self) -> Path:
        return HERE / f"{self.file}.opt"


CONE = ("cone",)


def _linear(helper: helpers.SolverTestHelper) -> dict[str, Any]:
    """A, b and c of lp_5."""
    data = helper.prob.get_problem_data(cp.CLARABEL)[0]
    constraint = helper.constraints[1]
    return {"A": constraint.args[0].args[0].value, "b": constraint.args[1].value, "c": data["c"]}


def _bounds(helper: helpers.SolverTestHelper) -> dict[str, Any]:
    lower, upper = helper.variables[0].attributes["bounds"]
    return {"lower": lower, "upper": upper}


ROOT = np.sqrt(2)
ELLIPSES = np.stack(
    [
        np.diag([ROOT, 1 / ROOT]) @ np.array([[1, -1], [1, 1]]).T / ROOT,
        np.eye(2),
        np.diag([0.2, 1.8]),
    ]
)
COVARIANCE = np.array([[1.83, 1.79, 3.22], [1.79, 2.18, 3.18], [3.22, 3.18, 8.69]])
RETURNS = np.array(
    [
        [-1.0856306, 0.99734545],
        [0.2829785, -1.50629471],
        [-0.57860025, 1.65143654],
        [-2.42667924, -0.42891263],
        [1.26593626, -0.8667404],
        [-0.67888615, -0.09470897],
        [1.49138963, -0.638902],
    ]
)
MOSEK = {
    "C1": np.array([[1, 0], [0, 6]]),
    "A1": np.array([[1, 1], [1, 2]]),
    "C2": np.array([[1, -3, 0, 0], [-3, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]),
    "A2": np.array([[0, 1, 0, 0], [1, -1, 0, 0], [0, 0, 0, 0], [0, 0, 0, -3]]),
}
SIGMA = np.array([[0.4787481, -0.96924914], [-0.96924914, 2.77788598]])
UNCOMPARED = (None,) * 13  # CVXPY's are not exact to 1e-6; the test has closed forms

SOLVED = [
    Published("lp_0", helpers.lp_0, ("x",), (None,)),
    Published("lp_1", helpers.lp_1, ("x",), ("first", "second", "left", "right")),
    Published("lp_2", helpers.lp_2, ("x",), ("low", "high", "one")),
    Published("lp_5", helpers.lp_5, (None,), (None, None), _linear),
    Published("lp_7", helpers.lp_7, (None, None, None), (None, None), places=2),
    Published("lp_bound_attr", helpers.lp_bound_attr, ("x",), (), _bounds),
    Published("qp_bound_attr", helpers.qp_bound_attr, ("x",), (), _bounds),
    Published("qp_0", helpers.qp_0, ("x",), ("low",)),
    Published("socp_0", helpers.socp_0, ("x",), (None,), backends=CONE),
    Published("socp_1", helpers.socp_1, ("x", "y"), ("length", "side", "cap"), backends=CONE),
    Published("socp_2", helpers.socp_2, ("x",), ("first", "second", "left", "right"), backends=CONE),
    Published("socp_3", lambda: helpers.socp_3(axis=1), ("x",), ("ellipses",), lambda h: {"F": ELLIPSES}, CONE, 3),
    Published("socp_4", helpers.socp_4, ("x",), ("two", "three", "four", "whole"), backends=CONE),
    Published("socp_bounds_attr", helpers.socp_bounds_attr, ("x",), ("disc",)),
    Published(
        "sdp_1min",
        lambda: helpers.sdp_1("min"),
        (None,),
        UNCOMPARED,
        backends=CONE,
        places=2,
    ),
    Published(
        "sdp_1max",
        lambda: helpers.sdp_1("max"),
        (None,),
        UNCOMPARED,
        backends=CONE,
        places=2,
    ),
    Published(
        "sdp_2",
        helpers.sdp_2,
        ("X1", "X2"),
        ("balance", "corner", "first", "second"),
        lambda h: MOSEK,
        CONE,
        2,
        unlike=("first",),  # the helper repeats the primal value, to which the dual is complementary
    ),
    Published("sdp_batched", helpers.sdp_batched, (None,), ("cones", "left", "right"), backends=CONE, places=3),
    Published("expcone_1", helpers.expcone_1, ("x",), ("most", "least", "sign", "curve"), backends=CONE),
    Published(
        "expcone_socp_1",
        helpers.expcone_socp_1,
        ("x", "s"),
        ("risk", "logs"),
        lambda h: {"U": np.linalg.cholesky(COVARIANCE).T},
        CONE,
        3,
    ),
    Published(
        "sdp_pcp_1",
        helpers.sdp_pcp_1,
        ("x", "y", "X"),
        ("budget", "sign", "low", "lifted", "costs"),
        lambda h: {"Sigma": SIGMA},
        CONE,
        3,
    ),
    Published("pcp_1", helpers.pcp_1, ("x", "e", "y"), ("squares", "total", "side", "cap"), backends=CONE, places=3),
    Published("pcp_2", helpers.pcp_2, ("x", None), ("budget", None), backends=CONE, places=3),
    Published(
        "pcp_3",
        helpers.pcp_3,
        ("d", "w", "t"),
        ("budget", "sign", "powers", "total"),
        lambda h: {"D": RETURNS},
        CONE,
        3,
    ),
]

WITHOUT_ANSWER = {
    "lp_3": ("unbounded", ("kkt", "cone")),
    "lp_4": ("infeasible", ("kkt", "cone")),
    "lp_6": ("unbounded", ("kkt", "cone")),
    "infeasible_ineq": ("infeasible", ("kkt", "cone")),
    "infeasible_eq": ("infeasible", ("kkt", "cone")),
    "infeasible_soc": ("infeasible", CONE),
    "infeasible_power": ("infeasible", CONE),
    "infeasible_geometric": ("infeasible", CONE),
    "infeasible_exp": ("infeasible", CONE),
    "infeasible_psd": ("infeasible", CONE),
    "infeasible_mixed": ("infeasible", CONE),
}
