"""Functions of other languages to those of this one: another name, another way to write it, or why there is none."""

from __future__ import annotations

# What is called otherwise: our name, then theirs.
_ALSO = {
    "abs": "fabs absolute magnitude",
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "concat": "concatenate hcat vcat",
    "det": "determinant",
    "conv": "convolve conv1d conv2",
    "cummax": "maximum_accumulate",
    "diag": "diagm diagonal",
    "dot": "inner inner_product scalar_product vdot",
    "entr": "entropy",
    "geo_mean": "geomean geometric_mean",
    "harmonic_mean": "harmmean",
    "huber": "huber_loss smooth_l1 smooth_l1_loss",
    "lambda_max": "eigmax eig_max max_eig maxeig max_eigenvalue lambdamax lmax",
    "lambda_min": "eigmin eig_min min_eig mineig min_eigenvalue lambdamin lmin",
    "log": "ln",
    "log_det": "logdet slogdet",
    "log_normcdf": "log_norm_cdf lognormcdf log_ndtr",
    "loggamma": "lgamma gammaln",
    "logistic": "log1pexp log1exp logistic_loss",
    "logsumexp": "log_sum_exp lse logaddexp",
    "max": "amax fmax nanmax",
    "mean": "average avg",
    "min": "amin fmin nanmin",
    "negpart": "neg",
    "norm": "l2 l2_norm norm_2 l2norm norm_l2 vecnorm euclidean_norm",
    "norm1": "l1 l1_norm norm_1 l1norm norm_l1",
    "norminf": "norm_inf linf l_inf linf_norm norm_max max_norm",
    "normfro": "fro frob frobenius frobenius_norm norm_fro normF norm_F",
    "normnuc": "norm_nuc normNuc nuc nuclear nuclear_norm nuclearnorm trace_norm",
    "normspec": "spectral_norm spectral opnorm norm_spec",
    "pos": "relu ReLU positive_part max0",
    "prod": "product",
    "quad": "quad_form quadform quadratic_form",
    "reshape": "view mat",
    "sigmoid": "logistic_function",
    "softplus": "soft_plus",
    "square": "sqr sq squared",
    "sum": "total nansum summation",
    "sum_largest": "sumlargest sumk sum_k_largest sum_top_k ksum",
    "sumsq": "sum_square sum_squares sumsquares sum_sq sum_of_squares ssq squared_norm norm_squared sqnorm",
    "trace": "tr",
    "tv": "total_variation",
    "upper_tri": "triu",
    "variance": "Var",
}
RENAMED = {theirs: ours for ours, names in _ALSO.items() for theirs in names.split()}

_DENSITY = "exp(-(x/p)^2/2)/(2.5066282746*p)"
_ANGLE = "2*atan(y/(x + sqrt(x^2 + y^2)))"  # where y is not 0 or x is positive

# What has no name here: how it is written in a text, and in Python.
WRITTEN = {
    **dict.fromkeys(("subtract", "minus", "sub"), ("x - y", "x - y")),
    **dict.fromkeys(("divide", "rdivide", "true_divide"), ("x ./ y", "x / y")),
    **dict.fromkeys(("multiply", "mul_elemwise", "times", "hadamard"), ("x .* y", "x * y")),
    **dict.fromkeys(("matmul", "mtimes", "mm", "mv", "bmm"), ("A*x", "A @ x")),
    **dict.fromkeys(("power", "pow_p", "pow"), ("x^p", "x**p")),
    **dict.fromkeys(("bmat", "block_array", "blkdiag", "block_diag"), ("[A, B; C, D]", "block([[A, B], [C, D]])")),
    **dict.fromkeys(("hstack", "cat", "horzcat", "vertcat", "append"), ("[a, b]", "concat(a, b)")),
    **dict.fromkeys(("swapaxes", "moveaxis", "permute_dims", "permute", "ctranspose"), ("X'", "X.T")),
    **dict.fromkeys(("squeeze", "flatten", "deep_flatten", "ravel"), ("vec(X)", "vec(X)")),
    **dict.fromkeys(("clip", "clamp", "clip_by_value"), ("max(lo, min(x, hi))", "max(lo, min(x, hi))")),
    **dict.fromkeys(("hinge", "hinge_loss"), ("pos(1 - y.*x)", "pos(1 - y * x)")),
    **dict.fromkeys(("dist", "distance", "pdist", "euclidean"), ("norm(x - y)", "norm(x - y)")),
    **dict.fromkeys(("sqeuclidean", "squared_distance"), ("sumsq(x - y)", "sumsq(x - y)")),
    **dict.fromkeys(("mse", "mse_loss", "mean_squared_error"), ("sumsq(x - y)/n", "sumsq(x - y) / n")),
    **dict.fromkeys(("mae", "l1_loss", "mean_absolute_error"), ("norm1(x - y)/n", "norm1(x - y) / n")),
    **dict.fromkeys(("kl", "kld", "kl_divergence", "KL"), ("sum(rel_entr(p, q))", "sum(rel_entr(p, q))")),
    **dict.fromkeys(("cross_entropy", "nll_loss"), ("logsumexp(x) - x[k]", "logsumexp(x) - x[k]")),
    **dict.fromkeys(("bce", "binary_cross_entropy"), ("logistic(x) - y*x", "logistic(x) - y * x")),
    **dict.fromkeys(("silu", "swish"), ("x.*sigmoid(x)", "x * sigmoid(x)")),
    **dict.fromkeys(("normcdf", "norm_cdf", "ndtr", "Phi"), ("(1 + erf(x/sqrt(2)))/2", "(1 + erf(x / 2**0.5)) / 2")),
    **dict.fromkeys(("normpdf", "norm_pdf", "gaussian"), (_DENSITY, _DENSITY.replace("^", "**"))),
    **dict.fromkeys(("log_normpdf", "lognormpdf"), ("-(x/p)^2/2 - log(p)", "-((x / p) ** 2) / 2 - log(p)")),
    "factorial": ("exp(loggamma(x + 1))", "exp(loggamma(x + 1))"),
    **dict.fromkeys(("atan2", "arctan2"), (_ANGLE, _ANGLE.replace("^", "**"))),
    "add": ("x + y", "x + y"),
    "asinh": ("log(x + sqrt(1 + x^2))", "log(x + sqrt(1 + x**2))"),
    "cbrt": ("x^(1/3)", "x ** (1 / 3)"),
    "einsum": ("sum(A[i,j]*B[j,k] for j in n)", "sum(A[i, j] * B[j, k] for j in n)"),
    "erfc": ("1 - erf(x)", "1 - erf(x)"),
    "expm1": ("exp(x) - 1", "exp(x) - 1"),
    "hypot": ("norm([x, y])", "norm(concat(x, y))"),
    "leaky_relu": ("max(x, 0.01*x)", "max(x, 0.01 * x)"),
    "log2": ("log(x)/log(2)", "log(x) / log(2)"),
    "log_softmax": ("x - logsumexp(x)", "x - logsumexp(x)"),
    "logit": ("log(x/(1 - x))", "log(x / (1 - x))"),
    "negentropy": ("sum(xlogx(x))", "sum(xlogx(x))"),
    "reciprocal": ("1/x", "1 / x"),
    "softmax": ("exp(x)/sum(exp(x))", "exp(x) / sum(exp(x))"),
    "vstack": ("stack(a, b)", "stack(a, b)"),
    "xlogy": ("x*log(y)", "x * log(y)"),
}

_JUMPS = "it jumps, so it has no gradient, and no backend takes it"
_COUNTS = "a number of entries jumps, so it has no gradient; `norm1(x)` is its convex stand-in"
_PLACE = "the place of the greatest entry jumps; `exp(b*x)/sum(exp(b*x))` tends to it as b grows"
_IDENTITY = "the identity matrix is `diag(stack(1 for i in n))`; for X'*X == I there is the attribute `orthonormal`"
_MEAN = "an expectation is a sum over scenarios: `sum(p[s]*f[s] for s in m)`"
_CHANCE = "a probability jumps with the number of scenarios; `cvar(x, q)` bounds a tail, and is convex"
_REAL = "numbers are real; a complex matrix A + iB is the real one `[A, -B; B, A]`"
_NO_CONE = "no cones describe it exactly; the entropy `von_neumann_entr(X)` is there"
_EQUAL = (
    "a scalar stands for an array of equal entries: `x - 1`, `x >= 0`; of a matrix, `A*ones(n)` is `sum(A, axis = 1)`"
)
_EIGENVALUES = "there are `lambda_max(X)`, `lambda_min(X)` and `lambda_sum_largest(X, k)`, of a symmetric matrix"
_FACTORS = "no matrix is factored: `X in PSD`, `log_det(X)`, `quad(x, P)` say what factors are for"
INVERSE = (
    "no matrix is inverted: with a variable y, `A*y == b` says y = A^-1 b; for a positive definite P there are "
    "`matrix_frac(x, P)`, which is x'*P^-1*x, and `tr_inv(P)`"
)
_SORTED = "nothing is sorted: the sum of the k greatest is `sum_largest(x, k)`; `dotsort(x, w)` weighs in order"
_BRANCHES = "an expression has no branches; `max`, `min`, `abs` and `pos` say most of what is meant"
_DRAWN = "numbers come as data: `param a : R^n`, or `const`"
_CHOICE = "only continuous variables are solved for"
_TIME = "on a grid a derivative is a difference: `(x[t+1] - x[t])/h`"
_OF_MATRICES = "of the functions of a matrix there are `log_det(X)`, `tr_inv(X)`, `von_neumann_entr(X)`"
_QUANTILE = "a quantile has no curvature; the mean of the entries beyond it is `cvar(x, q)`, which is convex"

# What there is nothing for, where it is called: letters that name data too.
CALLED = {
    **dict.fromkeys(("E", "EE", "Ex", "expectation", "Expectation"), _MEAN),
    **dict.fromkeys(("P", "Pr", "Prob", "prob", "probability"), _CHANCE),
}

# What there is nothing for.
ADVICE = {
    **dict.fromkeys(("inv", "inverse", "pinv", "solve", "lstsq", "mldivide"), INVERSE),
    **dict.fromkeys(("det_rootn", "detn"), "`log_det(X)` rises with it, and so has the same maximum"),
    **dict.fromkeys(("eig", "eigs", "eigh", "eigvals", "eigvalsh", "eigenvalues"), _EIGENVALUES),
    **dict.fromkeys(("chol", "cholesky", "qr", "lu", "ldl"), _FACTORS),
    **dict.fromkeys(
        ("svd", "svdvals", "svds", "singular_values"),
        "the greatest singular value is `normspec(A)`, the sum of all `normnuc(A)`",
    ),
    **dict.fromkeys(("expm", "logm", "sqrtm", "funm"), _OF_MATRICES),
    **dict.fromkeys(("sort", "sorted", "argsort"), _SORTED),
    **dict.fromkeys(("topk", "top_k", "maxk", "nlargest"), "the sum of the k greatest entries is `sum_largest(x, k)`"),
    **dict.fromkeys(("argmax", "argmin", "arg_max", "arg_min", "hardmax"), _PLACE),
    **dict.fromkeys(("median", "quantile", "percentile"), _QUANTILE),
    **dict.fromkeys(("card", "cardinality", "nnz", "count_nonzero", "l0", "norm0", "count"), _COUNTS),
    **dict.fromkeys(("rank", "matrix_rank"), "a rank jumps, and has no gradient; `normnuc(A)` is its convex stand-in"),
    **dict.fromkeys(
        ("ceil", "floor", "sign", "sgn", "round", "fix", "trunc", "heaviside", "step", "mod", "rem"), _JUMPS
    ),
    **dict.fromkeys(("where", "if_else", "ifelse", "ite", "cond", "piecewise", "iif"), _BRANCHES),
    **dict.fromkeys(("implies", "indicator", "sos1", "sos2", "xor", "alldifferent"), _CHOICE),
    **dict.fromkeys(("all", "any"), "a constraint of an array holds for each of its entries: `x <= 1`"),
    **dict.fromkeys(("fft", "ifft", "dct", "interp", "interp1"), "a linear map is a matrix: `const F : R^(m,n)`"),
    **dict.fromkeys(("integral", "integrate"), "on a grid an integral is a sum: `h*sum(f[t] for t in n)`"),
    **dict.fromkeys(("der", "dt", "ddt", "derivative", "DerivativeVar", "grad", "gradient"), _TIME),
    **dict.fromkeys(("rand", "randn", "random", "normal", "uniform", "linspace"), _DRAWN),
    **dict.fromkeys(("project", "projection", "prox"), "a projection is a problem: `minimize sumsq(x - y)`"),
    **dict.fromkeys(("conj", "imag", "real", "hermitian_wrap", "skew_symmetric_wrap"), _REAL),
    **dict.fromkeys(("quantum_rel_entr", "quantum_cond_entr"), _NO_CONE),
    **dict.fromkeys(("psd_wrap", "symmetric_wrap"), "declared as `S^n` it is symmetric, as `S^n, psd` semidefinite"),
    **dict.fromkeys(("ones", "zeros", "ones_like", "zeros_like", "full", "promote", "broadcast_to", "repmat"), _EQUAL),
    **dict.fromkeys(("tile", "repeat", "expand"), _EQUAL),
    **dict.fromkeys(("eye", "identity", "I"), _IDENTITY),
    **dict.fromkeys(("len", "length", "size", "numel", "shape"), "a length is the dim that stands in the declaration"),
    **dict.fromkeys(("range", "arange"), "indices run as in `for i in n`, or `for i in 0..n-1`"),
    **dict.fromkeys(("Inf", "infinity", "Infinity", "INF"), "infinity is `inf`"),
    **dict.fromkeys(("dual", "shadow_price", "multiplier"), "the multiplier of a constraint `c` is `c.dual`"),
    **dict.fromkeys(("value", "val"), "leave it out: what a problem returns are values"),
    "condition_number": "for a level t, `lambda_max(X) <= t*lambda_min(X)` is convex; bisect for the least t",
    "dist_ratio": "for a level t, `sumsq(x - a) <= t^2*sumsq(x - b)` says it; bisect for the least t",
    "gen_lambda_max": "for a level t, `t*B - A in PSD` says it; bisect for the least t",
    "suppfunc": "over {y : A*y <= b} it is the least `b'*v` with `A'*v == x` and `v >= 0`; over a ball, a norm",
    "e": "its powers are `exp(x)`",
    "pi": "write the number: `3.141592653589793`",
}
