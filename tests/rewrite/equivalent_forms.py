"""Expressions that the rules of convexity do not know, and the forms that they are written in: before, after."""

DECLARATIONS = """dim n, m
param A : R^(m,n)
param b : R^m
param c : R
param d : R, nonneg
param a : R, pos
param w : R^n, pos
var x : R^n
var s : R
var t : R, pos
var p : R^n, pos
"""

FORMS = [
    # roots of sums of squares
    ("sqrt(sumsq(A*x - b))", "norm(A*x - b)"),
    ("sumsq(x)^0.5", "norm(x)"),
    ("sumsq(x)^0.75", "norm(x)^1.5"),
    ("sqrt(1 + s^2)", "norm([1, s])"),
    ("a^2*(sqrt(1 + (s/a)^2) - 1)", "a^2*(norm([1, s/a]) - 1)"),
    ("sqrt(a^2 + c^2*s^2 + sum(x.^2)/a)", "norm([a, c*s, x/sqrt(a)])"),
    ("sqrt(4 + 9*square(s) + n)", "norm([2, 3*s, sqrt(n)])"),
    ("sqrt(s^2)", "abs(s)"),
    ("sqrt(s*s + t*t)", "norm([s, t])"),
    ("sqrt(x'*x)", "norm(x)"),
    ("sqrt(x'*A'*A*x)", "norm(A*x)"),
    ("sqrt(sum((x[i] - c)^2 for i in n))", "norm(r1)"),
    ("sqrt(w'*x.^2)", "norm(r1)"),
    ("sum(sqrt(1 + x.^2))", "sum(r1)"),
    # logarithms of sums of exponentials
    ("log(sum(exp(x)))", "logsumexp(x)"),
    ("log(exp(s) + exp(t))", "logsumexp([s, t])"),
    ("log(1 + exp(s) + a*exp(2*s))", "logsumexp([0, s, 2*s + log(a)])"),
    ("log(sum(w[i]*exp(x[i]) for i in n))", "logsumexp(r1)"),
    ("log(w'*exp(x))", "logsumexp(r1)"),
    ("log(1 + exp(s))", "logistic(s)"),
    ("log1p(exp(s))", "logistic(s)"),
    ("sum(log(1 + exp(x)))", "sum(r1)"),
    # products
    ("t*log(t)", "xlogx(t)"),
    ("c^2*t*log(t)", "c^2*xlogx(t)"),
    ("p'*log(p)", "sum(xlogx(p))"),
    ("sum(p[i]*log(p[i]) for i in n)", "sum(xlogx(p[i]) for i in n)"),
    ("t*log(t/a)", "rel_entr(t, a)"),
    ("p'*log(p./w)", "sum(rel_entr(p, w))"),
    ("t*(log(t) - log(a))", "rel_entr(t, a)"),
    ("t*abs(t)", "t*t"),
    ("t*t^2", "t^3"),
    ("t*sqrt(t)", "t^1.5"),
    ("a*exp(s)*exp(-t)", "a*exp(s - t)"),
    ("exp(s)/exp(t)", "exp(s - t)"),
    # squares over something positive
    ("s^2/t", "quad_over_lin(s, t)"),
    ("sumsq(x)/t", "quad_over_lin(x, t)"),
    ("(s^2 + 1)/(t + 1)", "quad_over_lin([s, 1], t + 1)"),
    ("sum(x.^2 ./ p)", "sum(r1)"),
]

LEFT_ALONE = [
    "sqrt(d + s^2)",  # the root of d would have no derivative at 0, where the whole has one
    "sqrt(c + s^2)",
    "sqrt(s^2 - t^2)",
    "log(exp(s) - 1)",
    "log(c*exp(s) + 1)",
    "log(c + exp(s))",
    "s*log(s/x[0])",  # defined for two negative numbers too
    "s*log(t)",
    "s^2/x[0]",
    "s*abs(s)",
    "sqrt(s)*sqrt(s)",  # s, but only where s >= 0
]
