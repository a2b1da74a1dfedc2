"""E3xx: compiling for a backend and running on data."""

from declarative.source.codes.record import Code

RUNNING: tuple[Code, ...] = (
    Code(
        "E301",
        "a kink that the kkt backend cannot describe",
        "`abs`, `max`, `norm1` and their like have kinks. The kkt backend replaces them by linear constraints, which "
        "is right only where a smaller value is better (or a larger one, for `min`). Elsewhere, and for kinks that "
        "linear constraints cannot describe (the 2-norm at 0, eigenvalues), it cannot take the problem.",
        "minimize -sum(abs(x))",
        "minimize sum(abs(x))",
    ),
    Code(
        "E302",
        "a cone in a problem for the kkt backend",
        "The kkt backend takes equations and inequalities. Membership in a cone needs the cone backend.",
        'declarative.compile("nearest_correlation.opt", backend="kkt")',
        'declarative.compile("nearest_correlation.opt")',
    ),
    Code(
        "E303",
        "no start inside the domain of a function of matrices",
        "`log_det`, `tr_inv` and `matrix_frac` are defined for positive definite matrices only. The kkt backend begins "
        "at 0 unless a variable has a start, and has no bound that keeps a matrix positive definite. The cone backend "
        "has one.",
        "var X : S^n, with log_det(X)",
        "var X : S^n, start(C), with log_det(X)",
    ),
    Code(
        "E305",
        "an index out of range",
        "At these sizes a subscript points outside the array, or `index(v)` data outside 0..v-1 (also where it is only "
        "compared). Indices start at 0; data that count from 1 are given with 1 taken off.",
        "x[5], called with x of 5 entries",
        "x[4]",
    ),
    Code(
        "E306",
        "a function of no entries",
        "At these sizes an array or a range is empty. A sum of nothing is 0, but the greatest entry of nothing, or the "
        "mean of nothing, is no number.",
        "max(x[i+1] - x[i] for i in n-1), called with x of 1 entry",
        "max(x[i+1] - x[i] for i in n-1), called with x of 2 entries",
    ),
    Code(
        "E310",
        "arguments that do not match",
        "A layer takes its params by position in the order of their declarations, or by name; those with a default "
        "by name only. One is missing, or given twice, or is no parameter, or is no array of real numbers.",
        "layer(mu, F) for a problem with the params mu, F, gamma",
        "layer(mu, F, gamma)",
    ),
    Code(
        "E311",
        "data on several devices",
        "All tensors of a call, and the layer's learned parameters, must be on one device.",
        "layer(mu.cuda(), F)",
        "layer(mu.cuda(), F.cuda())",
    ),
    Code(
        "E312",
        "too few axes",
        "The last axes of a tensor are the declared ones; what stands before them is the batch.",
        "layer(torch.randn(5)) for `param F : R^(k,n)`",
        "layer(torch.randn(3, 5))",
    ),
    Code(
        "E313",
        "sizes that do not agree",
        "A name in the declarations is one size. Two arguments, or an argument and `dims`, give it two values, or "
        "nothing tells what it is.",
        "layer(torch.randn(5), torch.randn(3, 6)) for mu : R^n and F : R^(k,n)",
        "layer(torch.randn(5), torch.randn(3, 5))",
    ),
    Code(
        "E314",
        "batches that do not broadcast",
        "The axes before the declared ones are the batch. They broadcast as torch does.",
        "layer(torch.randn(4, 5), torch.randn(3, 5))",
        "layer(torch.randn(4, 5), torch.randn(5))",
    ),
    Code(
        "E315",
        "a setting that there is not",
        "An argument of `compile` takes one of a few words, or a mapping from names to values; a problem is parsed "
        "from a text, and loaded from a path.",
        'declarative.compile(path, backend="gpu")',
        'declarative.compile(path, backend="kkt")',
    ),
    Code(
        "E316",
        "a name that the problem has not",
        "`dims`, `consts`, `learn` and `extern` give values to what the problem declares under these words.",
        'declarative.compile("shortest_path.opt", consts={"e": E, "b": b})',
        'declarative.compile("shortest_path.opt", consts={"E": E, "b": b})',
    ),
    Code(
        "E317",
        "a const or a function without a value",
        "A const is fixed when the layer is compiled, unless it has a default; so are the functions of `extern`.",
        'declarative.compile("shortest_path.opt", consts={"b": b})',
        'declarative.compile("shortest_path.opt", consts={"E": E, "b": b})',
    ),
    Code(
        "E318",
        "a const that is not finite",
        "Fixed data must be finite numbers.",
        'consts={"b": [1.0, float("nan")]}',
        'consts={"b": [1.0, 0.0]}',
    ),
    Code(
        "E319",
        "a learned parameter of unknown size",
        "An nn.Parameter has its size from the beginning, so the dims in its declaration must be known.",
        'declarative.compile("mpc.opt")',
        'declarative.compile("mpc.opt", dims={"n": 2, "m": 1})',
    ),
    Code(
        "E320",
        "an attribute that cannot be learned",
        "A learned parameter has its attribute by a parametrisation (softplus for `pos`). Some attributes, and "
        "several at once, have none.",
        "learn E : R^n, binary",
        "const E : R^n, binary",
    ),
    Code(
        "E321",
        "what no backend runs yet",
        "`find` and nested problems can be written, checked and printed; they cannot be compiled yet.",
        "find y",
        "minimize sumsq(y - x)",
    ),
    Code(
        "E322",
        "a method or a setting that there is not",
        "The clause names a forward or backward method that no backend has, a setting that the method does not take, "
        "or a value that the setting cannot have. Without the clause the backend chooses a method.",
        "solve by davis_yin(step = 0.5)",
        "(no `solve by` line)",
    ),
    Code(
        "E323",
        "an optional package that is missing",
        "`solve by ipopt` calls IPOPT through CasADi, which is installed apart.",
        "solve by ipopt",
        'pip install "declarative[ipopt]"',
    ),
    Code(
        "E324",
        "a solver that gives no points",
        "A function given as `solve=` is called with the task and the starts of all items, a tensor (items, unknowns), "
        "and returns points of the same shape.",
        "compile(path, solve=lambda task, start: None)",
        "compile(path, solve=lambda task, start: start)",
    ),
    Code(
        "E325",
        "more unknowns than dense matrices can have",
        "The kkt backend keeps dense matrices of the unknowns. Large problems that are convex by the rules go to the "
        "cone backend, whose matrices are sparse, where each function reads few unknowns.",
        'compile(path, backend="kkt")(torch.zeros(1_000_000))',
        "compile(path)(torch.zeros(1_000_000))",
    ),
    Code(
        "E326",
        "a function from outside that gives another shape",
        "An `extern` function is called with batches: an axis for the items leads in its arguments and in its result.",
        'compile(path, extern={"f": lambda x: x.sum()})',
        'compile(path, extern={"f": lambda x: x.sum(-1)})',
    ),
    Code(
        "E327",
        "a name that every module has",
        "A layer holds its consts, learned parameters and external modules under their names (`const.E` in the state "
        "dict), as attributes of an nn.Module, which has some of its own.",
        "const half : R",
        "const share : R",
    ),
    Code(
        "E328",
        "a function from outside with wrong gradients",
        "What a plain function closes over is no argument of the layer, so that its gradient would lack the part that "
        "comes through the solution. A module's parameters are known to the layer. A function that detaches its result "
        "from its arguments has no slope for the solver to follow.",
        'compile(path, extern={"f": lambda x: net(x)})',
        'compile(path, extern={"f": net})',
    ),
    Code(
        "E329",
        "a layer in a trace",
        "`torch.jit.trace` and `torch.export` record which operations a call makes; for other data a solver makes "
        "others. `torch.compile` runs a layer as it is, between what it compiles.",
        "torch.jit.trace(net, x)",
        "torch.compile(net)",
    ),
)
