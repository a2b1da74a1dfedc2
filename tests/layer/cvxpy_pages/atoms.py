"""CVXPY's table of functions with known values (`cvxpy.tests.test_constant_atoms`), entry by entry in this language."""

KRON = "[1, 2; 3, 4]"
TALL = "[1, 2; 3, 4; 5, 6]"
NEXT = "norm([x[i+1,j] - x[i,j], x[i,j+1] - x[i,j], y[i+1,j] - y[i,j], y[i,j+1] - y[i,j], " \
    "z[i+1,j] - z[i,j], z[i,j+1] - z[i,j]])"  # fmt: skip

# In the order of CVXPY's table; x, y, z, w are the arguments, and the values of all entries are summed up.
MINIMIZED = (
    "sum(abs(x))", "sum(cumsum(x, axis = 1))", "sum(cumsum(x, axis = 0))", "sum(cummax(x, axis = 1))",
    "sum(cummax(x, axis = 0))", "sum(diag(x))", "sum(diag(x))", "sum(exp(x))", "sum(xexp(pos(x)))", "sum(huber(x))",
    "sum(huber(x, 2.5))", "sum(inv_pos(x))", "sum(inv_pos(x + 0))", "kl_div(x, y)", "kl_div(x, y)", "sum(kl_div(x, y))",
    "rel_entr(x, y)", "rel_entr(x, y)", "sum(rel_entr(x, y))", f"sum(kron({KRON}, x))", f"sum(kron({TALL}, x))",
    f"sum(kron({KRON}, x))", f"sum(kron(x, {KRON}))", f"sum(kron(x, {TALL}))", f"sum(kron(x, {KRON}))",
    "lambda_max(x)", "lambda_max(x)", "lambda_max(x)", "lambda_sum_largest(x, 2)", "logsumexp(x)",
    "sum(logsumexp(x, axis = 0))", "sum(logsumexp(x, axis = 1))", "sum(logistic(x))", "matrix_frac(x, y)",
    "matrix_frac(x, y)", "sum(matrix_frac(x[:,k], y) for k in 2)", "sum(max(x, y, z, w))", "sum(max(x, y, z))",
    "max(x)", "max(x)", "sum(max(x, axis = 0))", "sum(max(x, axis = 1))", "norm(x)", "normfro(x)", "norm1(x)",
    "max(norm1(x, axis = 0))", "norminf(x)", "max(norm1(x, axis = 1))", "normnuc(x)", "normnuc(x)", "normnuc(x)",
    "sum_largest(abs(x), 3)", "dotsort(abs(x), [2, 1, 0.1, 0, 0])", "mixed_norm(x, 1, 1)", "mixed_norm(x, 1, 1)",
    "mixed_norm(x, 1, inf)", "norm(x)", "norm(x, 1)", "norm(x, 2)", "sum(norm(x, axis = 0))", "sum(norm(x, axis = 1))",
    "norm(x, inf)", "norm(x, 3)", "norm(x, 5.6)", "norm(vec(x), 1.2)", "pos(x)", "sum(pos(x))", "sum(negpart(x))",
    "x^1", "x^2", "inv_pos(x)", "x^-0.7", "x^-1.34", "x^1.34", "quad_over_lin(x, y)", "quad_over_lin(x, y)",
    "sigma_max(x)", "normspec(x)", "sum(scalene(x, 2, 3))", "sum(square(x))", "sum(x)", "sum(sum(x, axis = 0))",
    "sum(sum(x, axis = 1))", "sum((x + 0).^2)", "sum_largest(x, 3)", "sum_largest(vec(x), 3)", "sumsq(x)", "trace(x)",
    "trace(x)", "tv(x)", "tv(x)", "tv(x)", f"sum({NEXT} for i in 1, j in 1)", "tv(x)", "sum(upper_tri(x))",
    "x[1,0] + x[2,2]", "sum(x[1:3,:])", "x[0,1] + x[1,0] + x[2,1]", "x[2] + x[1]", "sum(x[2-k] for k in 3)",
    "x[2] + x[1]", "sum(x[2-k] for k in 3)",
)  # fmt: skip
MAXIMIZED = (
    "sum(entr(x))", "log_det(x)", "geo_mean(x)", "geo_mean(x)", "geo_mean(x)", "geo_mean(x)", "geo_mean(x, [1, 1])",
    "geo_mean(x, [0.4, 0.8, 4.9])", "harmonic_mean(x)", "harmonic_mean(x)", "harmonic_mean(x)", "sum(x)",
    "sum(diff(x))", "sum(diff(x))", "sum(diff(diff(x)))", "sum(diff(x))", "sum(diff(diff(x)))",
    "sum(diff(x, axis = 0))", "sum(diff(x, axis = 1))", "norm(x, 0.5)", "norm(x, -0.4)", "norm(x, -1)",
    "norm(x, -2.3)", "lambda_min(x)", "lambda_min(x)", "lambda_sum_smallest(x, 2)", "sum(log(x))", "sum(log1p(x))",
    "sum(min(x, y, z, w))", "sum(min(x, y, z))", "min(x)", "min(x)", "x^0.25", "sum(x.^0.32)", "sum(x.^0.9)",
    "sum(sqrt(x))", "sum_smallest(x, 3)", "sum_smallest(vec(x), 4)", "sum((x + 0).^0.5)",
)  # fmt: skip
