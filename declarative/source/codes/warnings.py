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
)
