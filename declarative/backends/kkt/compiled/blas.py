"""Routines of BLAS and LAPACK, those that scipy brings, for code compiled by numba.

Compiled code is kept on disk, so it must not hold an address: the table of addresses `ROUTINES` is an argument of all
that calls one. Matrices are row-major here and column-major there, so what is called lower here is upper there.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic

from declarative.backends.kkt.compiled.jit import inner

UPPER, NO, YES, LEFT, VECTORS = (np.uint8(ord(letter)) for letter in "UNTLV")  # of the column-major matrix


BLAS = ("trsm", "trsv", "gemm", "gemv", "symv", "syrk")
POTRF, TRSM, TRSV, GEMM, GEMV, SYMV, SYRK, SYEV = range(8)  # places in the table


def addresses() -> np.ndarray:
    """Where the routines are in this process."""
    found = [get_cython_function_address("scipy.linalg.cython_lapack", "dpotrf")]
    found += [get_cython_function_address("scipy.linalg.cython_blas", f"d{name}") for name in BLAS]
    found += [get_cython_function_address("scipy.linalg.cython_lapack", "dsyev")]
    return np.array(found, dtype=np.int64)


ROUTINES = addresses()


def _fortran(typingctx, address, arguments):
    byte = ir.IntType(8).as_pointer()

    def codegen(context, builder, signature, args):
        pointers = []
        kinds = signature.args[1].types
        for value, kind in zip(cgutils.unpack_tuple(builder, args[1]), kinds, strict=True):
            if isinstance(kind, types.Array):
                place = context.make_array(kind)(context, builder, value).data
            else:
                place = cgutils.alloca_once_value(builder, value)
            pointers.append(builder.bitcast(place, byte))
        routine = ir.FunctionType(ir.VoidType(), [byte] * len(pointers)).as_pointer()
        builder.call(builder.inttoptr(args[0], routine), pointers)
        return context.get_dummy_value()

    return types.void(address, arguments), codegen


# fortran(address, arguments): arrays and numbers in the tuple go by reference, as Fortran wants them.
fortran: Any = intrinsic(_fortran)


@inner()
def cholesky(routines, A, n, stride, info):
    """The lower factor of A, in its place; not zero where A is not positive definite."""
    fortran(routines[POTRF], (UPPER, np.int32(n), A, np.int32(stride), info))
    return info[0]


@inner()
def solve_lower(routines, L, n, stride, x):
    """x becomes L^-1 x."""
    one = np.int32(1)
    fortran(routines[TRSV], (UPPER, YES, NO, np.int32(n), L, np.int32(stride), x, one))


@inner()
def solve_upper(routines, L, n, stride, x):
    """x becomes L'^-1 x."""
    one = np.int32(1)
    fortran(routines[TRSV], (UPPER, NO, NO, np.int32(n), L, np.int32(stride), x, one))


@inner()
def solve_rows(routines, L, n, V, rows):
    """Each row of V becomes L^-1 times it."""
    sizes = np.int32(n), np.int32(rows)
    fortran(routines[TRSM], (LEFT, UPPER, YES, NO, *sizes, 1.0, L, sizes[0], V, sizes[0]))


@inner()
def product(routines, A, rows, B, columns, n, C, stride):
    """C = A B' for A (rows, n) and B (columns, n); C's rows are `stride` apart."""
    sizes = np.int32(columns), np.int32(rows), np.int32(n)
    fortran(routines[GEMM], (YES, NO, *sizes, 1.0, B, sizes[2], A, sizes[2], 0.0, C, np.int32(stride)))


@inner()
def rank_update(routines, A, rows, n, C):
    """C += A'A in the lower triangle of C (n, n) for A (rows, n)."""
    sizes = np.int32(n), np.int32(rows)
    fortran(routines[SYRK], (UPPER, NO, *sizes, 1.0, A, sizes[0], 1.0, C, sizes[0]))


@inner()
def times(routines, A, rows, n, x, factor, y, keep):
    """y = factor A x + keep y for A (rows, n)."""
    sizes, one = (np.int32(n), np.int32(rows)), np.int32(1)
    fortran(routines[GEMV], (YES, *sizes, factor, A, sizes[0], x, one, keep, y, one))


@inner()
def symmetric_times(routines, P, n, x, factor, y, keep):
    """y = factor P x + keep y for a symmetric P (n, n), of which the lower triangle is read."""
    size, one = np.int32(n), np.int32(1)
    fortran(routines[SYMV], (UPPER, size, factor, P, size, x, one, keep, y, one))


@inner()
def transposed_times(routines, A, rows, n, x, factor, y, keep):
    """y = factor A'x + keep y for A (rows, n)."""
    sizes, one = (np.int32(n), np.int32(rows)), np.int32(1)
    fortran(routines[GEMV], (NO, *sizes, factor, A, sizes[0], x, one, keep, y, one))
