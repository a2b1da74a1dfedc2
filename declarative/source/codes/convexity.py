"""D1xx: convexity, where it was needed."""

from declarative.source.codes.record import Code

CONVEXITY: tuple[Code, ...] = (
    Code(
        "D101",
        "a curvature that points the wrong way",
        "What is minimised must be convex, what is maximised concave; `<=` needs a convex left and a concave right "
        "side, `>=` the reverse. Here an expression has the opposite curvature: `max(x) >= 1` holds wherever one entry "
        "is large, which is no convex set.",
        "dim n\nvar x : R^n\nminimize sum(x)\nsubject to\n  top: max(x) >= 1\n  low: x >= 0",
        "dim n\nvar x : R^n\nminimize sum(x)\nsubject to\n  top: x >= 1\n  low: x >= 0",
    ),
    Code(
        "D102",
        "a function of an argument with the wrong curvature",
        "A convex increasing function keeps convex arguments convex, a concave increasing one concave ones "
        "concave; a decreasing one turns them round; a function that does both needs an affine argument. Of "
        "other compositions the rules do not tell.",
        "dim n\nvar x : R^n\nminimize sqrt(sumsq(x))",
        "dim n\nvar x : R^n\nminimize norm(x)",
    ),
    Code(
        "D103",
        "a product of two expressions of the variables",
        "x*y curves up along one diagonal and down along the other, so it is neither convex nor concave.",
        "var x : R\nvar y : R\nminimize x*y + x^2 + y^2",
        "var x : R\nvar y : R\nminimize (x + y)^2/2 + (x^2 + y^2)/2",
    ),
    Code(
        "D104",
        "a quotient by an expression of the variables",
        "x/y is neither convex nor concave; c/y is convex only where y is known to be positive. A ratio in a "
        "constraint can often be multiplied out, and x^2/y is quad_over_lin(x, y).",
        "dim n\nvar x : R^n\nvar t : R, pos\nminimize sumsq(x)/t + t",
        "dim n\nvar x : R^n\nvar t : R, pos\nminimize quad_over_lin(x, t) + t",
    ),
    Code(
        "D105",
        "a factor whose sign is not known",
        "c times a convex expression is convex for c >= 0 and concave for c <= 0. A promise tells which.",
        "dim n\nparam c : R\nvar x : R^n\nminimize c*norm(x)",
        "dim n\nparam c : R, nonneg\nvar x : R^n\nminimize c*norm(x)",
    ),
    Code(
        "D106",
        "an equation that is not affine",
        "Only affine equations describe convex sets: the points with x'*x == 1 are a sphere, those with "
        "x'*x <= 1 a ball.",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize c'*x\nsubject to\n  ball: norm(x) == 1",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize c'*x\nsubject to\n  ball: norm(x) <= 1",
    ),
    Code(
        "D107",
        "a quadratic form of unknown definiteness",
        "x'*P*x is convex where P is positive semidefinite. Declare P so (the promise is checked on each call), or "
        "make it so by its form, as in A'*A.",
        "dim n\nparam P : S^n\nvar x : R^n\nminimize quad(x, P)",
        "dim n\nparam P : S^n, psd\nvar x : R^n\nminimize quad(x, P)",
    ),
    Code(
        "D108",
        "a function that is neither convex nor concave",
        "`sin` and its like have no curvature; odd powers and the sigmoids have one on each side of 0, so that a sign "
        "helps.",
        "var x : R\nminimize x^3 - x",
        "var x : R, nonneg\nminimize x^3 - x",
    ),
    Code(
        "D109",
        "a function from outside",
        "Nothing is known of the curvature of an `extern` function or of another problem's solution.",
        "extern f : R -> R\nvar x : R\nminimize f(x)",
        "var x : R\nminimize square(x)",
    ),
    Code(
        "D110",
        "an attribute that describes no convex set",
        "`orthonormal` and `unit` are quadratic equations.",
        "dim n\nparam c : R^n\nvar x : R^n, unit\nminimize c'*x",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize c'*x\nsubject to\n  ball: norm(x) <= 1",
    ),
    Code(
        "D111",
        "a product of params that is not DPP in CVXPY",
        "A remark of `explain`: CVXPY's DPP rules take no product of a param with an expression that holds one "
        "too. CVXPY then compiles the problem anew for each value, and cvxpylayers refuses it. Nothing need be changed "
        "here; such products are rewritten.",
        "dim k, n\nparam F : R^(k,n)\nparam gamma : R, pos\nvar w : R^n\nminimize gamma*sumsq(F*w)",
        "dim k, n\nconst F : R^(k,n)\nparam gamma : R, pos\nvar w : R^n\nminimize gamma*sumsq(F*w)",
    ),
    Code(
        "D112",
        "nearly a geometric program",
        "A remark. In a geometric program every variable is positive, and what is minimised or bounded above is a sum "
        "of products of powers with positive coefficients (or a maximum, a norm, a power of such); what is maximised, "
        "or bounds from above, is one product of powers. It is convex in the logarithms of the variables and so solved "
        "globally. Here one expression stands in the way.",
        "param c : R\nvar x : R, pos\nvar y : R, pos\nminimize c*x/y + y/x",
        "param c : R, pos\nvar x : R, pos\nvar y : R, pos\nminimize c*x/y + y/x",
    ),
)
