"""Wxxx: what is legal and probably not meant."""

from declarative.source.codes.record import Code

WARNINGS: tuple[Code, ...] = (
    Code(
        "W201",
        "a constraint without a variable",
        "It holds or it does not, whatever the solution; a promise about data is an `assume`.",
        "param a : R\nvar x : R\nminimize x^2\nsubject to\n  a >= 0",
        "param a : R\nvar x : R\nassume a >= 0\nminimize x^2",
    ),
    Code(
        "W202",
        "a method that is not in the library",
        "A solver of your own may be given when the layer is compiled; if none is meant, the name is misspelt.",
        "var x : R\nminimize x^2\nsolve by newtn",
        "var x : R\nminimize x^2\nsolve by newton",
    ),
    Code(
        "W203",
        "an inequality between a symmetric matrix and zero",
        "`X >= 0` bounds each entry. That the matrix is positive semidefinite is said by `X in PSD`. Nothing is said "
        "here of a problem that says elsewhere which of its matrices are semidefinite.",
        "dim n\nparam C : S^n\nvar X : S^n\nminimize sumsq(X - C)\nsubject to\n  X >= 0",
        "dim n\nparam C : S^n\nvar X : S^n\nminimize sumsq(X - C)\nsubject to\n  X in PSD",
    ),
    Code(
        "W204",
        "a problem without a variable",
        "What is solved for is declared by `var`. Without one there is nothing to choose.",
        "dim n\nparam x : R^n\nminimize sumsq(x)",
        "dim n\nparam y : R^n\nvar x : R^n\nminimize sumsq(x - y)",
    ),
    Code(
        "W205",
        "an index that is not used",
        "The constraint is the same for each value of the index, and so stands there as many times. A constraint of an "
        "array holds for each of its entries without a `for`.",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize c'*x\nsubject to\n  x >= 0 for i in n",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize c'*x\nsubject to\n  x[i] >= 0 for i in n",
    ),
    Code(
        "W206",
        "a slice from 1 to the end",
        "Subscripts start at 0, and a slice leaves its end out: of n entries, `x[1:n]` is all but the first. Other "
        "languages write so what is all of them. What is meant is `x[1:]`, or `x` itself.",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize sumsq(x - c)\nsubject to\n  x[1:n] >= 0",
        "dim n\nparam c : R^n\nvar x : R^n\nminimize sumsq(x - c)\nsubject to\n  x[1:] >= 0",
    ),
    Code(
        "W207",
        "a name that is not used",
        "Nothing in the file speaks of it. A parameter on which nothing depends is asked for all the same, and a "
        "variable that stands nowhere has no unique value: a term may have been forgotten, or the line can go.",
        "dim n\nparam c : R^n\nparam w : R, nonneg\nvar x : R^n\nminimize sumsq(x - c) + norm1(x)",
        "dim n\nparam c : R^n\nparam w : R, nonneg\nvar x : R^n\nminimize sumsq(x - c) + w*norm1(x)",
    ),
)
