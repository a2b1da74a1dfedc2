"""What is offered for the mistakes that people make first: at the culprit, the smallest change that helps."""

import pytest

from declarative import check

HEAD = """dim n, m, k
param mu : R^n
param F : R^(k,n)
param A : R^(m,n)
param t : R^m
var x : R^n
var y : R^m
var z : R^3
"""

# the rest of a program, the text at the caret, the first hint
MISTAKES = {
    "two vectors": (
        "minimize mu*x",
        "mu*x",
        "inner product `mu'*x`, outer product `mu*x'`, entry by entry `mu.*x`",
    ),
    "a matrix declared as a vector": (
        "param B : R^(m*n)\nminimize sumsq(B*x)",
        "B*x",
        "a matrix of m rows is declared as `R^(m,n)`",
    ),
    "vector times matrix": ("minimize sum(y*A)", "y*A", "a row times a matrix is `y'*A`"),
    "matrix times row": ("minimize sum(A*x')", "A*x'", "a matrix times a vector is `A*x`"),
    "transposed product": ("minimize sumsq(A*y)", "y", "`A'*y`"),
    "ones, transposed": ("minimize (1'*x)^2", "1'", "for the sum of the entries of x write `sum(x)`"),
    "times ones": ("minimize (x'*1)^2", "x'*1", "the sum of the entries is `sum(x)`"),
    "norm of a matrix": ("minimize norm(A)", "A", "normfro(A) is the root of the sum of squares"),
    "1-norm of a matrix": ("minimize norm(A, 1)", "A", "norm1(A) is the sum of all absolute values"),
    "inf-norm of a matrix": ("minimize norm(A, inf)", "A", "norminf(A) is the greatest absolute value"),
    "quotient": ("minimize sum(mu/x)", "mu/x", "entry by entry it is `mu ./ x`"),
    "square of a vector": ("minimize sum(x^2)", "x^2", "entry by entry it is `x .^ 2`"),
    "power T": ("minimize x^T*mu", "x^T", "the transpose is `x'`"),
    "vector objective": ("minimize x - mu", "x - mu", "`sum(x - mu)`, or `sumsq(x - mu)` for its squares"),
    "logarithms of a vector": ("maximize log(x)", "log(x)", "`sum(log(x))`"),
    "a number and a vector": (
        "maximize mu'*x - y[0] + log(x)",
        "mu'*x - y[0] + log(x)",
        "`mu'*x - y[0] + sum(log(x))`",
    ),
    "a number and vectors": ("minimize 2*x + x[0] - mu", "2*x + x[0] - mu", "`sum(2*x) + x[0] - sum(mu)`"),
    "a relation as a number": (
        "minimize sum((i == 0)*x[i] for i in n)",
        "i == 0",
        "`if` behind `for` chooses which indices count: `sum(... for i in n if i == 0)`",
    ),
    "branches": (
        "minimize sum((1 if i == 0 else 0)*x[i] for i in n)",
        "if",
        "`max`, `min`, `abs` and `pos` say most of what is meant",
    ),
    "a called transpose": ("minimize sum(A.T()*y)", "(", "leave out the `()`"),
    "transpose as a method": ("minimize mu.t()*x", "t", "the transpose is `mu'`"),
    "a string alone": ('"""what it is"""\nminimize sum(x)', '"""what it is"""', "a comment begins with `#`"),
    "constraints joined by a sign": (
        "minimize sum(x)\nsubject to\n  x >= 0 && x <= 1",
        "&&",
        "write each on a line of its own; all of them hold",
    ),
    "such that, as a name": (
        "minimize sum(x)\nsuchthat:\n  x >= 0",
        "suchthat",
        "write `subject to`, without a colon",
    ),
    "a function of Python": (
        "def f(a, b : R^n):\n  return a*sum(b)\nminimize f(x[0], x)",
        "def f(a, b : R^n):",
        "write `def f(a : R, b : R^n) : R = a*sum(b)`",
    ),
    "a condition before its indices": (
        "minimize sum(x)\nsubject to\n  x[i] == 0 if i > 1 for i in n",
        "if",
        "write `for i in n if i > 1`",
    ),
    "an index that is a param": (
        "param at : R^m\nminimize sum(x[at[j]] for j in m)",
        "at[j]",
        "data that indexes is declared `const at[m] : index(n)`",
    ),
    "a param of 0 and 1": (
        "param q : R^n, binary\nminimize q'*x",
        "binary",
        "only const data is binary: declare it a const, or say `between(0, 1)`",
    ),
    "a function of each entry": (
        "def f(a : R) : R = a^2\nminimize sum(f(x - mu))",
        "x - mu",
        "of each entry: `stack(f((x - mu)[i]) for i in n)`",
    ),
    "an extern with names": (
        "extern g(a : R^n, b : R) : R^2\nminimize sum(x)",
        "(a : R^n, b : R)",
        "write `extern g : R^n, R -> R^2`",
    ),
    "a let with a space": ("let e : R^n = x - mu\nminimize sum(e)", ":", "write `let e = x - mu`"),
    "a let with a colon": ("let e : x - mu\nminimize sum(e)", ":", "write `let e = x - mu`"),
    "absolute values": ("minimize abs(x - mu)", "abs(x - mu)", "`norm1(x - mu)`"),
    "misspelt name": ("minimize mu'*xs + sum(muu)", "muu", "did you mean `mu`?"),
    "sum over an index below": ("minimize Σ_i (x[i]^2)", "Σ_i", "indices stand behind: `sum(... for i in n)`"),
    "misspelt function": ("minimize sumsqr(x)", "sumsqr", "did you mean `sumsq`?"),
    "function elsewhere": ("minimize ln(x[0])", "ln", "`log` may be what you want"),
    "an index of a row": (
        "minimize sum(x)\nsubject to\n  x[i+1] <= x[i] + mu[i]",
        "i",
        "say where it runs: `for i in 0..n-2`",
    ),
    "an index of a row, the other way": (
        "minimize sum(x)\nsubject to\n  x[i] >= x[i-1]",
        "i",
        "say where it runs: `for i in 1..n-1`",
    ),
    "a range of an index": (
        "minimize sum(x[i]*sum(x[j] for j in 0..i) for i in n)",
        "i",
        "run over all of it and choose with `if`: `for j in n if j <= i`",
    ),
    "identity": (
        "var R : R^(3,3)\nminimize sum(z)\nsubject to\n  R'*R == I",
        "I",
        "the identity matrix is `diag(stack(1 for i in n))`; for X'*X == I there is the attribute `orthonormal`",
    ),
    "rotation": (
        "var R : R^(3,3), rotation\nminimize sum(z)",
        "rotation",
        "a rotation is `R^(3,3), orthonormal`, with the constraint `det(R) >= 0`; a quaternion is `R^4, unit`",
    ),
    "space of rotations": (
        "var R : SO(3)\nminimize sum(z)",
        "SO(3)",
        "a rotation is `R^(3,3), orthonormal`, with the constraint `det(R) >= 0`; a quaternion is `R^4, unit`",
    ),
    "an expectation": (
        "minimize E(x)",
        "E",
        "an expectation is a sum over scenarios: `sum(p[s]*f[s] for s in m)`",
    ),
    "alternatives": (
        "minimize sum(x)\nsubject to\n  x[0] <= 1 or x[1] >= 2",
        "x[0] <= 1 or x[1] >= 2",
        "all constraints hold together: solve for each alternative on its own, and take the better answer",
    ),
    "an angle": ("minimize atan2(z[1], z[0])", "atan2", "it is written `2*atan(y/(x + sqrt(x^2 + y^2)))`"),
    "sums of rows": ("minimize sum(x)\nsubject to\n  A*1 == t", "A*1", "the sums of the rows are `sum(A, axis = 1)`"),
    "sums of columns": (
        "minimize sum(x)\nsubject to\n  A'*1 == mu",
        "A'*1",
        "the sums of the columns are `sum(A, axis = 0)`",
    ),
    "a column for a vector": (
        "const B : R^(3,1) = [0; 1; 2]\nminimize sum(x)",
        "[0; 1; 2]",
        "a column is a vector here: declare `B : R^3`",
    ),
    "upper end": ("minimize sum(x[i+1] - x[i] for i in n)", "i+1", "`for i in 0..n-2`"),
    "upper end of a part": ("minimize sum(x[i+2] for i in 1..n-2)", "i+2", "`for i in 1..n-3`"),
    "counted from 1": ("minimize sum(x[i] for i in 1..n)", "i", "indices start at 0: `for i in n`"),
    "lower end": ("minimize sum(x[i-1] for i in n)", "i-1", "`for i in 1..n-1`"),
    "index of another size": ("minimize sum(A[i,j] for i in n, j in n)", "i", "`for i in m`"),
    "from the end": ("minimize x[-1]", "-1", "from the end it is `x[n-1]`"),
    "from the end, known": ("minimize z[-1]", "-1", "from the end it is `z[2]`"),
    "undeclared index": ("minimize x[i]^2", "i", "say where it runs: `for i in n`"),
    "one index of a matrix": ("minimize sum(A[0])", "A[0]", "`A[0, :]`"),
    "data as index": (
        "minimize x[t[0]]",
        "t[0]",
        "data that indexes is declared `const t[m] : index(n)`",
    ),
    "call of a variable": ("minimize x(1)", "x", "entries are read with square brackets: `x[1]`"),
    "sum of gams": ("minimize sum(i, mu[i]*x[i])", "i", "write `sum(mu[i]*x[i] for i in n)`"),
    "sum of gams over a set": ("minimize sum(n, mu[n]*x[n])", "n", "write `sum(mu[i]*x[i] for i in n)`"),
    "sum over two indices of gams": (
        "minimize sum((i,j), A[i,j])",
        ",",
        "indices stand behind: `sum(... for i in m, j in n)`",
    ),
    "the last of julia": ("minimize x[end]", "end", "it is `n-1` here: indices start at 0"),
    "before the last of julia": ("minimize x[end-1]", "end", "it is `n-1` here: indices start at 0"),
    "undeclared index of a matrix": ("minimize A[0,j+1]", "j", "say where it runs: `for j in 0..n-2`"),
    "a size for an index": (
        "minimize sum(A[i,n] for i in m)",
        "n",
        "indices start at 0, so that the last is `A[i,n-1]`",
    ),
    "squares of cvxpy": ("minimize sumsquares(x)", "sumsquares", "`sumsq` may be what you want"),
    "the greatest ones": ("minimize topk(x, 2)", "topk", "the sum of the k greatest entries is `sum_largest(x, k)`"),
    "clipped": ("minimize sum(clip(x, 0, 1))", "clip", "it is written `max(lo, min(x, hi))`"),
    "a place of the greatest": (
        "minimize argmax(x)",
        "argmax",
        "the place of the greatest entry jumps; `exp(b*x)/sum(exp(b*x))` tends to it as b grows",
    ),
    "a word for numbers": ("var w : real\nminimize w", "real", "write `R`"),
    "numbers with a sign": ("var w : NonNegativeReals^n\nminimize sum(w)", "NonNegativeReals^n", "write `R^n, nonneg`"),
    "a vector by its word": ("var w : vector(3)\nminimize sum(w)", "vector(3)", "write `R^3`"),
    "a set as a space": ("var W : PSD^n\nminimize trace(W)", "PSD^n", "write `S^n, psd`"),
    "true": ("var w : R^n, nonneg = True\nminimize sum(w)", "True", "an attribute stands alone: leave out `= True`"),
    "default of another size": (
        "param w : R^n = [1, 2, 3]\nminimize sum(w + x)",
        "[1, 2, 3]",
        "a dim is a size of its own: declare `w : R^3`",
    ),
    "a column": (
        "var w : R^(n,1)\nminimize sum(w - x)",
        "x",
        "a column is a vector here: declare it R^n, not R^(n,1)",
    ),
    "the value of a variable": (
        "minimize sum(x)\nreturn r = x.value",
        "x.value",
        "leave it out: what a problem returns are values",
    ),
    "dual as a function": (
        "minimize sum(x)\nsubject to\n  c: x >= 0\nreturn x, r = dual(c)",
        "dual",
        "the multiplier of a constraint `c` is `c.dual`",
    ),
    "a name that is nowhere": (
        "minimize sum(x) + qq",
        "qq",
        "data are declared by `param qq : R`, what is solved for by `var qq : R`",
    ),
    "a small letter": ("var w : Rⁿ\nminimize sum(x)", "Rⁿ", "a power is written `R^n`"),
    "a half": ("minimize ½*sum(x)", "½", "write `1/2`, and `*` before what it multiplies"),
    "two arguments of sum": ("minimize sum(x, mu)", "sum(x, mu)", "`x + mu`"),
    "axis of a sum": ("minimize sum(sum(A, 0))", "sum(A, 0)", "along an axis it is `sum(A, axis = 0)`"),
    "number in a sum": ("minimize sum(x, 2)", "sum(x, 2)", "all entries are added by `sum(x)`"),
    "softmax": ("minimize sum(softmax(x))", "softmax", "it is written `exp(x)/sum(exp(x))`"),
    "nuclear norm": ("minimize nuclear_norm(A)", "nuclear_norm", "`normnuc` may be what you want"),
    "nonpositive": ("var w : R, nonpos\nminimize w", "nonpos", "did you mean `between(-inf, 0)`?"),
    "variable in a promise": (
        "assume sum(x) == 1\nminimize sum(x)",
        "x",
        "a relation of variables is a constraint: it stands after `subject to`",
    ),
    "variable in a condition": ("minimize sum(x[i] for i in n if mu[i] > 0)", "mu", "declare `mu` as a const"),
    "dual of a chain": (
        "minimize sum(x)\nsubject to\n  box: 0 <= x <= 1\nreturn box.dual",
        "box.dual",
        "`box.lower.dual` or `box.upper.dual`",
    ),
    "misspelt dual": (
        "minimize sum(x)\nsubject to\n  budget: sum(x) == 1\nreturn x, p = budgt.dual",
        "budgt",
        "did you mean `budget`?",
    ),
    "constraint as output": (
        "minimize sum(x)\nsubject to\n  budget: sum(x) == 1\nreturn x, budget",
        "budget",
        "`budget.dual`",
    ),
    "unknown output": ("minimize sum(x)\nreturn x, zz", "zz", "did you mean `z`?"),
    "nameless output": ("minimize sum(x)\nreturn 2*x", "2*x", "`name = 2*x`"),
    "misspelt size": ("param w : R^nn\nminimize sum(x)", "nn", "did you mean `n`?"),
    "missing size": ("param w : R^q\nminimize sum(x)", "q", "declare it: `dim q`"),
    "psd matrix": ("param P : R^(n,n), psd\nminimize sum(x)", "psd", "`P : S^n`"),
    "other attribute": ("param w : R, positive\nminimize sum(x)", "positive", "did you mean `pos`?"),
    "default of a variable": ("var w : R = 1\nminimize w", "1", "a starting point is `start(1)`"),
    "family from 1": ("var w[1..n] : R\nminimize sum(x)", "1..n", "`w[0..n-1]`"),
    "integer variable": (
        "var w : R, binary\nminimize w",
        "binary",
        "only const data is binary; only continuous variables are solved for; a relaxed choice is `between(0, 1)`",
    ),
    "integer space": (
        "var w : Z^n\nminimize sum(w)",
        "Z^n",
        "only continuous variables are solved for; relaxed it is `R^n`, to be rounded afterwards",
    ),
    "choices as a space": (
        "var w : Boolean\nminimize w",
        "Boolean",
        "only continuous variables are solved for; relaxed it is `R, between(0, 1)`",
    ),
    "integer attribute": (
        "var w : R^n, integer\nminimize sum(w)",
        "integer",
        "only continuous variables are solved for; leave it out, and round the solution",
    ),
    "boolean attribute": (
        "var w : R^n, boolean\nminimize sum(w)",
        "boolean",
        "only continuous variables are solved for; a relaxed choice is `between(0, 1)`",
    ),
    "boolean data": ("const w : R^n, boolean\nminimize sum(x)", "boolean", "did you mean `binary`?"),
    "integer set": (
        "minimize sum(x)\nsubject to\n  x in Z",
        "Z",
        "only continuous variables are solved for; leave it out and round the solution, "
        "or say `0 <= x <= 1` for a choice",
    ),
    "an interval": (
        "minimize sum(x)\nsubject to\n  x in [0, 1]",
        "[0, 1]",
        "an interval is `0 <= ... <= 1`, or `in Box(0, 1)`",
    ),
    "the entry after the last": ("minimize x[n]", "n", "indices start at 0, so that the last is `x[n-1]`"),
    "range of Python": (
        "minimize sum(x[i] for i in range(n))",
        "range(n)",
        "a range that starts at 0 is its size alone: `for i in n`",
    ),
    "sum with an index below": ("minimize sum_i (x[i])", "sum_i", "indices stand behind: `sum(... for i in n)`"),
    "entry with an index below": ("minimize sum(x_i for i in n)", "x_i", "an entry is written `x[i]`"),
    "array of ones": (
        "minimize sumsq(x - ones(n))",
        "ones",
        "a scalar stands for an array of equal entries: `x - 1`, `x >= 0`; of a matrix, `A*ones(n)` is "
        "`sum(A, axis = 1)`",
    ),
    "identity matrix": (
        "minimize sumsq(A*A' - I)",
        "I",
        "the identity matrix is `diag(stack(1 for i in n))`; for X'*X == I there is the attribute `orthonormal`",
    ),
    "the number pi": ("minimize sum(x) + pi", "pi", "write the number: `3.141592653589793`"),
    "power of e": ("minimize e^x[0]", "e", "its powers are `exp(x)`"),
    "norm of a kind": ("minimize l1(x)", "l1", "`norm1` may be what you want"),
    "misspelt name of elsewhere": ("minimize sum_sqaures(x)", "sum_sqaures", "`sumsq` may be what you want"),
    "misspelt set": ("var X : S^n\nminimize trace(X)\nsubject to\n  X in PDS", "PDS", "did you mean `PSD`?"),
    "duplicate": ("param x : R\nminimize sum(x)", "x", "give one of them another name"),
    "chain of equations": (
        "minimize sum(x)\nsubject to\n  x[0] == x[1] == x[2]",
        "x[2]",
        "write them one by one: `x[0] == x[1]; x[1] == x[2]`",
    ),
    "backward mode": ("minimize sum(x)\ndifferentiate by one_stop", "one_stop", "did you mean `one_step`?"),
    "method": ("minimize sum(x)\nsolve by newtn", "newtn", "did you mean `newton`?"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_hint_helps(name: str):
    rest, culprit, hint = MISTAKES[name]
    found = check(HEAD + rest)[1]
    assert (culprit, hint) in [(d.span and d.span.text, d.hints[0]) for d in found if d.hints]


def test_one_cause_one_message():
    """A name that is not declared, used in a let that is used in five places."""
    found = check(
        "dim n\nvar x : R^n\nlet r = sumsq(x - q)\nlet s = r + 1\nminimize r + s + 2*r\nsubject to\n  r <= s"
    )[1]
    assert [(d.code, d.span and d.span.text) for d in found] == [("E201", "q")]


def test_the_dual_of_what_is_declared_twice_needs_no_message_of_its_own():
    text = "dim n\nparam d : R\nvar x : R^n\nminimize sumsq(x)\nsubject to\n  d: sum(x) == d\nreturn x, price = d.dual"
    assert [d.code for d in check(text)[1]] == ["E202"]


def test_several_mistakes_in_one_statement():
    found = check("var x : R\nminimize a*x + b*x + sqroot(x)")[1]
    assert [d.span and d.span.text for d in found] == ["a", "b", "sqroot"]


def test_a_name_that_is_nothing_is_reported_once():
    found = check("var x : R\nminimize x + lamda*x + lamda\nsubject to\n  x >= lamda; x <= 2*lamda\n  x >= b")[1]
    assert [(d.span and d.span.text, d.notes) for d in found] == [
        ("lamda", ("3 more uses, on lines 2 and 4",)),
        ("b", ()),
    ]


def test_every_message_stands_in_its_place():
    found = check("dim n\nvar x : R^n\nminimize q\nsubject to\n  x >= w\nreturn x, v")[1]
    assert [d.span and d.span.line for d in found] == [3, 5, 6]


# how a name is used that is not declared, and its space: n and k are sizes of x and z, m that of y
USES = {
    "minimize sum(x)\nsubject to\n  Q*x == y": "R^(m,n)",
    "minimize sumsq(Q*x - y)": "R^(m,n)",
    "minimize sumsq(Q*z - y)": "R^(m,3)",
    "minimize sumsq(Q*x - mu)": "R^(n,n)",
    "minimize sumsq(q*x - mu)": "R",
    "minimize q'*x": "R^n",
    "minimize quad(x, Q)": "S^n",
    "minimize q*sum(x)": "R",
    "minimize sumsq(Q*x - A*x)": "R^(m,n)",
    "minimize sumsq((Q*x\n    - y) # the residual\n  )": "R^(m,n)",
    "minimize sumsq(y - Q*x)": "R^(m,n)",
    "minimize sumsq(Q'*y - x)": "R^(m,n)",
    "minimize sumsq(A*x - q)": "R^m",
    "minimize sum(q'*A)": "R^m",
    "minimize sum(A*q)": "R^n",
    "minimize sumsq(x - (q))": "R^n",
    "minimize x'*q": "R^n",
    "minimize x'*Q*x": "S^n",
    "minimize x'*Q*y": "R^(n,m)",
    "minimize sum(x)\nsubject to\n  q <= x": "R^n",
    "minimize sum(x)\nsubject to\n  -1 <= x <= q": "R^n",
    "minimize normfro(A - Q)": "R^(m,n)",
    "minimize q*sumsq(x) + norm1(x)": "R",
    "minimize norm(q*x)": "R",
    "minimize sum(x[i]*q for i in n)": "R",
}


@pytest.mark.parametrize("rest", USES)
def test_an_unknown_name_is_declared_as_it_is_used(rest: str):
    first, *more = check(HEAD + rest)[1]
    assert not more and f": {USES[rest]}`, what is" in first.hints[0]
    name = first.span.text if first.span else ""
    declared = f"{HEAD}param {name} : {USES[rest]}\n{rest}"
    assert USES[rest] == "R" or not [d for d in check(declared)[1] if d.severity.value == "error"]
