"""E2xx: names, sizes and shapes."""

from declarative.source.codes.record import Code

_VECTOR = "dim n\nvar x : R^n\n"
_VECTORS = "dim n\nparam a : R^n\nvar x : R^n\n"
_MATRIX = "dim m, n\nparam A : R^(m,n)\nvar x : R^n\n"

MEANING: tuple[Code, ...] = (
    Code(
        "E201",
        "a name that stands for nothing here",
        "Every name is declared once, in any order, before the objective. Functions are used by calling them.",
        "var x : R\nminimize y^2",
        "var x : R\nminimize x^2",
    ),
    Code(
        "E202",
        "a name declared twice",
        "Declarations, constraints and the indices of a `for` share one set of names; so do the outputs.",
        "param x : R\nvar x : R\nminimize x^2",
        "param x0 : R\nvar x : R\nminimize (x - x0)^2",
    ),
    Code(
        "E203",
        "shapes that do not fit",
        "Two different declared names are different sizes, even where their values agree. Only scalars broadcast.",
        _MATRIX + "minimize sumsq(A'*x)",
        _MATRIX + "minimize sumsq(A*x)",
    ),
    Code(
        "E204",
        "a function that does not exist",
        "Functions are those of the library, a `def`, an `extern` or an imported problem.",
        _VECTOR + "minimize sumsqr(x)",
        _VECTOR + "minimize sumsq(x)",
    ),
    Code(
        "E205",
        "arguments that do not fit a function",
        "A function takes a certain number of arguments. Only `sum`, `max`, `min` and `prod` run over indices.",
        _VECTORS + "minimize sumsq(x, a)",
        _VECTORS + "minimize sumsq(x - a)",
    ),
    Code(
        "E206",
        "no such space",
        "The spaces are R, R^n, R^(m,n), S^n (symmetric) and, for const data, index(n). A family has more axes.",
        "dim n\nvar x : Z^n\nminimize sumsq(x)",
        "dim n\nvar x : R^n\nminimize sumsq(x)",
    ),
    Code(
        "E207",
        "an attribute that does not fit",
        "The attributes are nonneg, pos, psd, pd, simplex, orthonormal, unit, binary (of a const), between(lo, hi) and "
        "start(e) (of a variable). psd and pd need S^n, simplex and unit a vector, orthonormal a matrix.",
        "var x : R, nonnegative\nminimize x",
        "var x : R, nonneg\nminimize x",
    ),
    Code(
        "E208",
        "a product or quotient with several meanings",
        "`*` is the product of linear algebra. For two vectors there are an inner, an outer and an entrywise product, "
        "each with a form of its own. `/` divides by a scalar, `./` entry by entry.",
        _VECTORS + "minimize a*x",
        _VECTORS + "minimize a'*x",
    ),
    Code(
        "E209",
        "a power of an array",
        "`^` is for scalars, `.^` works entry by entry.",
        _VECTOR + "minimize sum(x^2)",
        _VECTOR + "minimize sum(x.^2)",
    ),
    Code(
        "E210",
        "an objective that is none",
        "`minimize` and `maximize` take a scalar, `find` the names of variables.",
        _VECTORS + "minimize x - a",
        _VECTORS + "minimize sumsq(x - a)",
    ),
    Code(
        "E211",
        "an index out of range",
        "Indices start at 0: those of a vector in R^n are 0..n-1. There are no negative indices.",
        _VECTOR + "minimize sum(abs(x[i+1] - x[i]) for i in n)",
        _VECTOR + "minimize sum(abs(x[i+1] - x[i]) for i in 0..n-2)",
    ),
    Code(
        "E212",
        "an undeclared index",
        "An index is declared by `for i in n` in a sum, a `let` or a constraint.",
        _VECTOR + "minimize x[i]^2",
        _VECTOR + "minimize sum(x[i]^2 for i in n)",
    ),
    Code(
        "E213",
        "the wrong number of subscripts",
        "A matrix takes all its indices, `:` for a whole axis. A family takes those of its brackets, or all.",
        _MATRIX + "minimize sum(A[0]'*x)",
        _MATRIX + "minimize A[0,:]'*x",
    ),
    Code(
        "E214",
        "a subscript that is no whole number",
        "Subscripts are made of indices, whole numbers, dims and const data declared `index(n)`.",
        "dim n, k\nconst t[k] : R\nvar x : R^n\nminimize sum(x[t[j]] for j in k)",
        "dim n, k\nconst t[k] : index(n)\nvar x : R^n\nminimize sum(x[t[j]] for j in k)",
    ),
    Code(
        "E215",
        "a variable in what is known before solving",
        "Promises (`assume`, attributes of params), defaults and starting points read params and consts only.",
        "param a : R\nvar x : R\nassume x >= a\nminimize x",
        "param a : R\nvar x : R\nminimize x\nsubject to\n  x >= a",
    ),
    Code(
        "E216",
        "a condition that is not known when the layer is compiled",
        "What follows `if` compares dims, consts and indices.",
        _VECTORS + "minimize sum(x[i] for i in n if a[i] > 0)",
        "dim n\nconst a : R^n\nvar x : R^n\nminimize sum(x[i] for i in n if a[i] > 0)",
    ),
    Code(
        "E217",
        "a chain that is too long",
        "A chain has three sides, `lo <= e <= hi`; an equation has two.",
        "var x : R\nvar y : R\nminimize x\nsubject to\n  x == y == 1",
        "var x : R\nvar y : R\nminimize x\nsubject to\n  x == y\n  y == 1",
    ),
    Code(
        "E218",
        "the dual of a chain",
        "A chain is two constraints, each with a multiplier of its own.",
        "var x : R\nminimize x\nsubject to\n  box: 0 <= x <= 1\nreturn box.dual",
        "var x : R\nminimize x\nsubject to\n  box: 0 <= x <= 1\nreturn box.lower.dual",
    ),
    Code(
        "E219",
        "an output that does not exist",
        "Outputs are variables, their entries, named expressions, `value`, and the duals of named constraints and of "
        "the attributes nonneg, pos, between, psd, pd and orthonormal. Duals are read in `return` only.",
        "var x : R\nminimize x\nsubject to\n  low: x >= 1\nreturn x, hi.dual",
        "var x : R\nminimize x\nsubject to\n  low: x >= 1\nreturn x, low.dual",
    ),
    Code(
        "E221",
        "a relation in the place of a value",
        "Relations make constraints and promises; they have no value.",
        "var x : R\nminimize (x >= 1)",
        "var x : R\nminimize x\nsubject to\n  x >= 1",
    ),
    Code(
        "E222",
        "a size or range that is none",
        "Sizes are made of whole numbers and dims with `+`, `-` and `*`. Families start at 0, ranges run upward.",
        "param n : R\nvar x : R^n\nminimize sumsq(x)",
        "dim n\nvar x : R^n\nminimize sumsq(x)",
    ),
    Code(
        "E223",
        "infinity where a number is needed",
        "`inf` is a whole side of an inequality, an end in `between`, or a default; and nothing else. "
        "Nothing is divided by the number 0, and what numbers alone make is a number: `exp(1000)` is larger than any.",
        "var x : R\nminimize x + inf",
        "var x : R\nminimize x\nsubject to\n  0 <= x <= inf",
    ),
    Code(
        "E224",
        "a definition that says too little, or needs itself",
        "The indices of a `let` are those of its `for`. A `let` or `def` may use others, but not itself.",
        "var x : R\nlet r = r + x\nminimize r^2",
        "var x : R\nlet r = 1 + x\nminimize r^2",
    ),
    Code(
        "E225",
        "an import or a call of one that does not fit",
        "`import p` reads p.opt beside the file. p is called with its params by position, those with a default and "
        "its consts by name, and one field of the result is taken: a variable, an output, `value`, or a dual.",
        "import nowhere\nvar x : R\nminimize x^2",
        "var x : R\nminimize x^2",
    ),
    Code(
        "E226",
        "a clause that does not fit",
        "Settings of a method are numbers or names. The backward modes are implicit, one_step and unroll.",
        "var x : R\nminimize x^2\ndifferentiate by magic",
        "var x : R\nminimize x^2\ndifferentiate by implicit",
    ),
    Code(
        "E227",
        "a set that does not exist, or an element that does not fit it",
        "The sets are PSD, SOC, EXP, POW(a), Simplex, Box(lo, hi) and Ball(r).",
        "dim n\nvar x : R^n\nminimize sum(x)\nsubject to\n  x in PSD",
        "dim n\nvar X : S^n\nminimize trace(X)\nsubject to\n  X in PSD",
    ),
    Code(
        "E228",
        "a default that does not fit",
        "Defaults read data declared before (those of a const: consts only), and keep the promises of their parameter. "
        "Variables have none.",
        "param d : R, pos = -1\nvar x : R\nminimize d*x^2",
        "param d : R, pos = 1\nvar x : R\nminimize d*x^2",
    ),
)
