"""Problems of Hock and Schittkowski (1981) from their published formulas: (program, start, published optimum)."""

from math import asin, log, pi, sqrt

import torch
from backends.kkt.smooth_programs import INF, smooth_program


def norm2(x):
    """Sum of squares."""
    return sum(v * v for v in x)


def product(x):
    """Product of all."""
    value = x[0]
    for v in x[1:]:
        value = value * v
    return value


PROBLEMS = {
    1: (
        smooth_program(2, lambda x, t: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, lower=[-INF, -1.5]),
        [-2, 1.0],
        0,
    ),
    3: (smooth_program(2, lambda x, t: x[1] + 1e-5 * (x[1] - x[0]) ** 2, lower=[-INF, 0]), [10, 1.0], 0),
    4: (smooth_program(2, lambda x, t: (x[0] + 1) ** 3 / 3 + x[1], lower=[1, 0]), [1.125, 0.125], 8 / 3),
    5: (
        smooth_program(
            2,
            lambda x, t: torch.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1,
            lower=[-1.5, -3],
            upper=[4, 3],
        ),
        [0, 0.0],
        -sqrt(3) / 2 - pi / 3,
    ),
    6: (
        smooth_program(2, lambda x, t: (1 - x[0]) ** 2, equalities=lambda x, t: [10 * (x[1] - x[0] ** 2)]),
        [-1.2, 1],
        0,
    ),
    7: (
        smooth_program(
            2,
            lambda x, t: torch.log(1 + x[0] ** 2) - x[1],
            equalities=lambda x, t: [(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4],
        ),
        [2, 2.0],
        -sqrt(3),
    ),
    8: (
        smooth_program(
            2, lambda x, t: -1 + 0 * x[0], equalities=lambda x, t: [x[0] ** 2 + x[1] ** 2 - 25, x[0] * x[1] - 9]
        ),
        [2, 1.0],
        -1,
    ),
    9: (
        smooth_program(
            2,
            lambda x, t: torch.sin(pi * x[0] / 12) * torch.cos(pi * x[1] / 16),
            equalities=lambda x, t: [4 * x[0] - 3 * x[1]],
        ),
        [0, 0.0],
        -0.5,
    ),
    10: (
        smooth_program(
            2, lambda x, t: x[0] - x[1], inequalities=lambda x, t: [-(-3 * x[0] ** 2 + 2 * x[0] * x[1] - x[1] ** 2 + 1)]
        ),
        [-10, 10.0],
        -1,
    ),
    11: (
        smooth_program(2, lambda x, t: (x[0] - 5) ** 2 + x[1] ** 2 - 25, inequalities=lambda x, t: [x[0] ** 2 - x[1]]),
        [4.9, 0.1],
        -8.498464223,
    ),
    12: (
        smooth_program(
            2,
            lambda x, t: 0.5 * x[0] ** 2 + x[1] ** 2 - x[0] * x[1] - 7 * x[0] - 7 * x[1],
            inequalities=lambda x, t: [4 * x[0] ** 2 + x[1] ** 2 - 25],
        ),
        [0, 0.0],
        -30,
    ),
    14: (
        smooth_program(
            2,
            lambda x, t: (x[0] - 2) ** 2 + (x[1] - 1) ** 2,
            equalities=lambda x, t: [x[0] - 2 * x[1] + 1],
            inequalities=lambda x, t: [0.25 * x[0] ** 2 + x[1] ** 2 - 1],
        ),
        [2, 2.0],
        9 - 2.875 * sqrt(7),
    ),
    15: (
        smooth_program(
            2,
            lambda x, t: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
            inequalities=lambda x, t: [1 - x[0] * x[1], -x[0] - x[1] ** 2],
            upper=[0.5, INF],
        ),
        [-2, 1.0],
        306.5,
    ),
    16: (
        smooth_program(
            2,
            lambda x, t: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
            inequalities=lambda x, t: [-x[0] - x[1] ** 2, -(x[0] ** 2) - x[1]],
            lower=[-0.5, -INF],
            upper=[0.5, 1],
        ),
        [-2, 1.0],
        0.25,
    ),
    17: (
        smooth_program(
            2,
            lambda x, t: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
            inequalities=lambda x, t: [-(x[1] ** 2) + x[0], -(x[0] ** 2) + x[1]],
            lower=[-0.5, -INF],
            upper=[0.5, 1],
        ),
        [-2, 1.0],
        1,
    ),
    18: (
        smooth_program(
            2,
            lambda x, t: 0.01 * x[0] ** 2 + x[1] ** 2,
            inequalities=lambda x, t: [25 - x[0] * x[1], 25 - x[0] ** 2 - x[1] ** 2],
            lower=[2, 0],
            upper=[50, 50],
        ),
        [2, 2.0],
        5,
    ),
    19: (
        smooth_program(
            2,
            lambda x, t: (x[0] - 10) ** 3 + (x[1] - 20) ** 3,
            inequalities=lambda x, t: [
                100 - (x[0] - 5) ** 2 - (x[1] - 5) ** 2,
                (x[0] - 6) ** 2 + (x[1] - 5) ** 2 - 82.81,
            ],
            lower=[13, 0],
            upper=[100, 100],
        ),
        [20.1, 5.84],
        -6961.81381,
    ),
    20: (
        smooth_program(
            2,
            lambda x, t: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
            inequalities=lambda x, t: [-x[0] - x[1] ** 2, -(x[0] ** 2) - x[1], 1 - x[0] ** 2 - x[1] ** 2],
            lower=[-0.5, -INF],
            upper=[0.5, INF],
        ),
        [-2, 1.0],
        81.5 - 25 * sqrt(3),
    ),
    23: (
        smooth_program(
            2,
            lambda x, t: x[0] ** 2 + x[1] ** 2,
            inequalities=lambda x, t: [
                1 - x[0] - x[1],
                1 - x[0] ** 2 - x[1] ** 2,
                9 - 9 * x[0] ** 2 - x[1] ** 2,
                -(x[0] ** 2) + x[1],
                -(x[1] ** 2) + x[0],
            ],
            lower=[-50, -50],
            upper=[50, 50],
        ),
        [3, 1.0],
        2,
    ),
    24: (
        smooth_program(
            2,
            lambda x, t: ((x[0] - 3) ** 2 - 9) * x[1] ** 3 / (27 * sqrt(3)),
            inequalities=lambda x, t: [x[1] - x[0] / sqrt(3), -x[0] - sqrt(3) * x[1], -6 + x[0] + sqrt(3) * x[1]],
            lower=[0, 0],
        ),
        [1, 0.5],
        -1,
    ),
    26: (
        smooth_program(
            3,
            lambda x, t: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4,
            equalities=lambda x, t: [(1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3],
        ),
        [-2.6, 2, 2.0],
        0,
    ),
    27: (
        smooth_program(
            3,
            lambda x, t: 0.01 * (x[0] - 1) ** 2 + (x[1] - x[0] ** 2) ** 2,
            equalities=lambda x, t: [x[0] + x[2] ** 2 + 1],
        ),
        [2, 2, 2.0],
        0.04,
    ),
    28: (
        smooth_program(
            3,
            lambda x, t: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2,
            equalities=lambda x, t: [x[0] + 2 * x[1] + 3 * x[2] - 1],
        ),
        [-4, 1, 1.0],
        0,
    ),
    29: (
        smooth_program(
            3,
            lambda x, t: -x[0] * x[1] * x[2],
            inequalities=lambda x, t: [x[0] ** 2 + 2 * x[1] ** 2 + 4 * x[2] ** 2 - 48],
        ),
        [1, 1, 1.0],
        -16 * sqrt(2),
    ),
    30: (
        smooth_program(
            3,
            lambda x, t: norm2(x),
            inequalities=lambda x, t: [1 - x[0] ** 2 - x[1] ** 2],
            lower=[1, -10, -10],
            upper=[10, 10, 10],
        ),
        [1, 1, 1.0],
        1,
    ),
    31: (
        smooth_program(
            3,
            lambda x, t: 9 * x[0] ** 2 + x[1] ** 2 + 9 * x[2] ** 2,
            inequalities=lambda x, t: [1 - x[0] * x[1]],
            lower=[-10, 1, -10],
            upper=[10, 10, 1],
        ),
        [1, 1, 1.0],
        6,
    ),
    33: (
        smooth_program(
            3,
            lambda x, t: (x[0] - 1) * (x[0] - 2) * (x[0] - 3) + x[2],
            inequalities=lambda x, t: [x[0] ** 2 + x[1] ** 2 - x[2] ** 2, 4 - norm2(x)],
            lower=[0, 0, 0],
            upper=[INF, INF, 5],
        ),
        [0, 0, 3.0],
        sqrt(2) - 6,
    ),
    34: (
        smooth_program(
            3,
            lambda x, t: -x[0],
            inequalities=lambda x, t: [torch.exp(x[0]) - x[1], torch.exp(x[1]) - x[2]],
            lower=[0, 0, 0],
            upper=[100, 100, 10],
        ),
        [0, 1.05, 2.9],
        -log(log(10)),
    ),
    35: (
        smooth_program(
            3,
            lambda x, t: (
                9
                - 8 * x[0]
                - 6 * x[1]
                - 4 * x[2]
                + 2 * x[0] ** 2
                + 2 * x[1] ** 2
                + x[2] ** 2
                + 2 * x[0] * x[1]
                + 2 * x[0] * x[2]
            ),
            inequalities=lambda x, t: [x[0] + x[1] + 2 * x[2] - 3],
            lower=[0, 0, 0],
        ),
        [0.5, 0.5, 0.5],
        1 / 9,
    ),
    36: (
        smooth_program(
            3,
            lambda x, t: -x[0] * x[1] * x[2],
            inequalities=lambda x, t: [x[0] + 2 * x[1] + 2 * x[2] - 72],
            lower=[0, 0, 0],
            upper=[20, 11, 42],
        ),
        [10, 10, 10.0],
        -3300,
    ),
    37: (
        smooth_program(
            3,
            lambda x, t: -x[0] * x[1] * x[2],
            inequalities=lambda x, t: [x[0] + 2 * x[1] + 2 * x[2] - 72, -x[0] - 2 * x[1] - 2 * x[2]],
            lower=[0, 0, 0],
            upper=[42, 42, 42],
        ),
        [10, 10, 10.0],
        -3456,
    ),
    38: (
        smooth_program(
            4,
            lambda x, t: (
                100 * (x[1] - x[0] ** 2) ** 2
                + (1 - x[0]) ** 2
                + 90 * (x[3] - x[2] ** 2) ** 2
                + (1 - x[2]) ** 2
                + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2)
                + 19.8 * (x[1] - 1) * (x[3] - 1)
            ),
            lower=[-10] * 4,
            upper=[10] * 4,
        ),
        [-3, -1, -3, -1.0],
        0,
    ),
    39: (
        smooth_program(
            4, lambda x, t: -x[0], equalities=lambda x, t: [x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2]
        ),
        [2, 2, 2, 2.0],
        -1,
    ),
    40: (
        smooth_program(
            4,
            lambda x, t: -x[0] * x[1] * x[2] * x[3],
            equalities=lambda x, t: [x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]],
        ),
        [0.8, 0.8, 0.8, 0.8],
        -0.25,
    ),
    42: (
        smooth_program(
            4,
            lambda x, t: (x[0] - 1) ** 2 + (x[1] - 2) ** 2 + (x[2] - 3) ** 2 + (x[3] - 4) ** 2,
            equalities=lambda x, t: [x[0] - 2, x[2] ** 2 + x[3] ** 2 - 2],
        ),
        [1, 1, 1, 1.0],
        28 - 10 * sqrt(2),
    ),
    43: (
        smooth_program(
            4,
            lambda x, t: x[0] ** 2 + x[1] ** 2 + 2 * x[2] ** 2 + x[3] ** 2 - 5 * x[0] - 5 * x[1] - 21 * x[2] + 7 * x[3],
            inequalities=lambda x, t: [
                -8 + norm2(x) + x[0] - x[1] + x[2] - x[3],
                -10 + x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2 + 2 * x[3] ** 2 - x[0] - x[3],
                -5 + 2 * x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + 2 * x[0] - x[1] - x[3],
            ],
        ),
        [0, 0, 0, 0.0],
        -44,
    ),
    46: (
        smooth_program(
            5,
            lambda x, t: (x[0] - x[1]) ** 2 + (x[2] - 1) ** 2 + (x[3] - 1) ** 4 + (x[4] - 1) ** 6,
            equalities=lambda x, t: [x[0] ** 2 * x[3] + torch.sin(x[3] - x[4]) - 1, x[1] + x[2] ** 4 * x[3] ** 2 - 2],
        ),
        [sqrt(2) / 2, 1.75, 0.5, 2, 2.0],
        0,
    ),
    56: (
        smooth_program(
            7,
            lambda x, t: -x[0] * x[1] * x[2],
            equalities=lambda x, t: [
                x[0] - 4.2 * torch.sin(x[3]) ** 2,
                x[1] - 4.2 * torch.sin(x[4]) ** 2,
                x[2] - 4.2 * torch.sin(x[5]) ** 2,
                x[0] + 2 * x[1] + 2 * x[2] - 7.2 * torch.sin(x[6]) ** 2,
            ],
        ),
        [1, 1, 1, asin(sqrt(1 / 4.2)), asin(sqrt(1 / 4.2)), asin(sqrt(1 / 4.2)), asin(sqrt(5 / 7.2))],
        -3.456,
    ),
    65: (
        smooth_program(
            3,
            lambda x, t: (x[0] - x[1]) ** 2 + (x[0] + x[1] - 10) ** 2 / 9 + (x[2] - 5) ** 2,
            inequalities=lambda x, t: [norm2(x) - 48],
            lower=[-4.5, -4.5, -5],
            upper=[4.5, 4.5, 5],
        ),
        [-5, 5, 0.0],
        0.9535288567,
    ),
    71: (
        smooth_program(
            4,
            lambda x, t: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2],
            equalities=lambda x, t: [norm2(x) - 40],
            inequalities=lambda x, t: [25 - product(x)],
            lower=[1] * 4,
            upper=[5] * 4,
        ),
        [1, 5, 5, 1.0],
        17.0140173,
    ),
    76: (
        smooth_program(
            4,
            lambda x, t: (
                x[0] ** 2
                + 0.5 * x[1] ** 2
                + x[2] ** 2
                + 0.5 * x[3] ** 2
                - x[0] * x[2]
                + x[2] * x[3]
                - x[0]
                - 3 * x[1]
                + x[2]
                - x[3]
            ),
            inequalities=lambda x, t: [
                x[0] + 2 * x[1] + x[2] + x[3] - 5,
                3 * x[0] + x[1] + 2 * x[2] - x[3] - 4,
                -x[1] - 4 * x[2] + 1.5,
            ],
            lower=[0] * 4,
        ),
        [0.5, 0.5, 0.5, 0.5],
        -4.681818181,
    ),
    78: (
        smooth_program(
            5,
            lambda x, t: product(x),
            equalities=lambda x, t: [norm2(x) - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1],
        ),
        [-2, 1.5, 2, -1, -1.0],
        -2.91970041,
    ),
    80: (
        smooth_program(
            5,
            lambda x, t: torch.exp(product(x)),
            equalities=lambda x, t: [norm2(x) - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1],
            lower=[-2.3, -2.3, -3.2, -3.2, -3.2],
            upper=[2.3, 2.3, 3.2, 3.2, 3.2],
        ),
        [-2, 2, 2, -1, -1.0],
        0.0539498478,
    ),
    100: (
        smooth_program(
            7,
            lambda x, t: (
                (x[0] - 10) ** 2
                + 5 * (x[1] - 12) ** 2
                + x[2] ** 4
                + 3 * (x[3] - 11) ** 2
                + 10 * x[4] ** 6
                + 7 * x[5] ** 2
                + x[6] ** 4
                - 4 * x[5] * x[6]
                - 10 * x[5]
                - 8 * x[6]
            ),
            inequalities=lambda x, t: [
                -127 + 2 * x[0] ** 2 + 3 * x[1] ** 4 + x[2] + 4 * x[3] ** 2 + 5 * x[4],
                -282 + 7 * x[0] + 3 * x[1] + 10 * x[2] ** 2 + x[3] - x[4],
                -196 + 23 * x[0] + x[1] ** 2 + 6 * x[5] ** 2 - 8 * x[6],
                4 * x[0] ** 2 + x[1] ** 2 - 3 * x[0] * x[1] + 2 * x[2] ** 2 + 5 * x[5] - 11 * x[6],
            ],
        ),
        [1, 2, 0, 4, 0, 1, 1.0],
        680.6300573,
    ),
}
LOCAL = {20: 40.19872981}  # where another local optimum is known to be what interior points reach
