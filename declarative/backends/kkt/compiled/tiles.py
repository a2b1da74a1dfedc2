"""Cholesky factors, triangular solutions and products of small matrices, from tiles of 4 by 4 inner products.

All three are inner products of rows. BLAS, made for large matrices, copies its arguments first, and takes twice as long
for 50 or 128 unknowns. It is left those above LARGEST, and everything where vectors have fewer than eight numbers.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from declarative.backends.kkt.compiled import blas
from declarative.backends.kkt.compiled.jit import inner
from declarative.backends.kkt.compiled.vectors import VECTOR, WHOLE, WIDTH, ZEROS

TILE = 4
WIDE = bool(get_host_cpu_features().get("avx512f"))
LARGEST = 512
INDEX = ir.IntType(32)
LANES = ir.VectorType(WHOLE, WIDTH)
# Of two vectors of sums of neighbours, the places of the first and of the second halves of each sum.
NEIGHBOURS = (
    ([0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15]),
    ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
    ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
)


def _lanes(places):
    return ir.Constant(ir.VectorType(INDEX, WIDTH), places)


def _sums(builder, vectors):
    """One vector of the sums of so many vectors as it has places."""
    for first, second in NEIGHBOURS:
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [
            builder.fadd(builder.shuffle_vector(a, b, _lanes(first)), builder.shuffle_vector(a, b, _lanes(second)))
            for a, b in pairs
        ]
    return vectors[0]


def _numbers(builder, memory):
    """The pointer for an address."""
    return builder.inttoptr(memory, ir.DoubleType().as_pointer())


def _below(builder, count):
    """The places of a vector before `count`."""
    none = ir.Constant(LANES, ir.Undefined)
    everywhere = builder.shuffle_vector(builder.insert_element(none, count, INDEX(0)), none, _lanes([0] * WIDTH))
    return builder.icmp_unsigned("<", ir.Constant(LANES, list(range(WIDTH))), everywhere)


def _addresses(builder, data, first, stride, count):
    """Of TILE rows; those from `count` on are the first one again."""
    found = []
    for k in range(TILE):
        offset = builder.add(first, builder.mul(stride, WHOLE(k)))
        there = builder.select(builder.icmp_unsigned("<", WHOLE(k), count), offset, first)
        found.append(builder.gep(data, [there]))
    return found


def _inner_products(builder, rows, columns, depth):
    """Two vectors, of TILE by TILE inner products of so many numbers."""
    vector = VECTOR.as_pointer()
    totals = [cgutils.alloca_once_value(builder, ZEROS) for _ in range(TILE * TILE)]
    for total in totals:
        builder.store(ZEROS, total)
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fma.v{WIDTH}f64")

    def add(load):
        own, other = [load(row) for row in rows], [load(row) for row in columns]
        for k, total in enumerate(totals):
            builder.store(builder.call(fma, [own[k // TILE], other[k % TILE], builder.load(total)]), total)

    whole = builder.udiv(depth, WHOLE(WIDTH))
    with cgutils.for_range(builder, whole) as loop:
        at = builder.mul(loop.index, WHOLE(WIDTH))
        add(lambda row: builder.load(builder.bitcast(builder.gep(row, [at]), vector), align=8))
    done = builder.mul(whole, WHOLE(WIDTH))
    left = builder.sub(depth, done)
    with builder.if_then(builder.icmp_unsigned(">", left, WHOLE(0))):
        mask = _below(builder, left)
        kind = ir.FunctionType(VECTOR, [vector, INDEX, mask.type, VECTOR])
        masked = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.load.v{WIDTH}f64.p0")
        add(
            lambda row: builder.call(masked, [builder.bitcast(builder.gep(row, [done]), vector), INDEX(8), mask, ZEROS])
        )
    found = [builder.load(total) for total in totals]
    return [_sums(builder, found[:WIDTH]), _sums(builder, found[WIDTH:])]


def _combine_row(builder, found, i, row, columns, combine):
    """The numbers of row i of the products into those at `row`, TILE of them at once or `columns` one by one."""
    first = TILE * i % WIDTH
    vector, own = found[TILE * i // WIDTH], [first + j for j in range(TILE)]
    with builder.if_else(builder.icmp_unsigned("==", columns, WHOLE(TILE))) as (whole, rest):
        with whole:
            four = builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(INDEX, TILE), own))
            place = builder.bitcast(row, four.type.as_pointer())
            builder.store(combine(builder, builder.load(place, align=8), four), place, align=8)
        with rest:
            for j in range(TILE - 1):
                with builder.if_then(builder.icmp_unsigned("<", WHOLE(j), columns)):
                    place = builder.gep(row, [WHOLE(j)])
                    new = builder.extract_element(vector, INDEX(own[j]))
                    builder.store(combine(builder, builder.load(place), new), place)


def _with_products(combine):
    """f(A, a, stride, rows, B, b, other, columns, depth, C, c, step): for at most TILE rows of A and of B, which are
    `depth` numbers long, C[i, j] = `combine` of what it is and of the inner product of row i of A and row j of B.

    The rows of A are `stride` apart in its memory, from place a on; those of B and C likewise.
    """

    def typed(typingctx, A, a, stride, rows, B, b, other, columns, depth, C, c, step):
        def codegen(context, builder, signature, args):
            given = _addresses(builder, _numbers(builder, args[0]), args[1], args[2], args[3])
            beside = _addresses(builder, _numbers(builder, args[4]), args[5], args[6], args[7])
            found = _inner_products(builder, given, beside, args[8])
            for i in range(TILE):
                with builder.if_then(builder.icmp_unsigned("<", WHOLE(i), args[3])):
                    place = builder.add(args[10], builder.mul(args[11], WHOLE(i)))
                    row = builder.gep(_numbers(builder, args[9]), [place])
                    _combine_row(builder, found, i, row, args[7], combine)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), codegen

    return intrinsic(typed)


subtract_products: Any = _with_products(lambda builder, old, new: builder.fsub(old, new))
set_products: Any = _with_products(lambda builder, old, new: new)


def _memory(typingctx, A):
    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, WHOLE)

    return types.int64(A), codegen


def _entry(typingctx, memory, place):
    def codegen(context, builder, signature, args):
        return builder.load(builder.gep(_numbers(builder, args[0]), [args[1]]))

    return types.float64(types.int64, types.int64), codegen


def _put(typingctx, memory, place, value):
    def codegen(context, builder, signature, args):
        builder.store(args[2], builder.gep(_numbers(builder, args[0]), [args[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), codegen


# Where the numbers of an array are, of whatever shape; one of them; and one put there. So the functions below are
# compiled once, not for every kind of arrays.
memory: Any = intrinsic(_memory)
entry: Any = intrinsic(_entry)
put: Any = intrinsic(_put)


@inner()
def solve_last_columns(L, stride, j, width, V, first, step, rows):
    """The last columns, `width` of them from number j on, of the rows of V as they are after `solve_rows`."""
    for r in range(rows):
        at = first + r * step + j
        for i in range(width):
            own = (j + i) * stride + j
            x = entry(V, at + i)
            for l in range(i):
                x -= entry(V, at + l) * entry(L, own + l)
            put(V, at + i, x / entry(L, own + i))


@inner()
def solve_columns(L, stride, j, V, first, step, rows):
    """The same for TILE columns anywhere."""
    a = j * stride + j
    b, c, d = a + stride, a + 2 * stride, a + 3 * stride
    L10, L20, L21 = entry(L, b), entry(L, c), entry(L, c + 1)
    L30, L31, L32 = entry(L, d), entry(L, d + 1), entry(L, d + 2)
    d0, d1, d2, d3 = 1 / entry(L, a), 1 / entry(L, b + 1), 1 / entry(L, c + 2), 1 / entry(L, d + 3)
    for r in range(rows):
        at = first + r * step + j
        x0 = entry(V, at) * d0
        x1 = (entry(V, at + 1) - x0 * L10) * d1
        x2 = (entry(V, at + 2) - x0 * L20 - x1 * L21) * d2
        x3 = (entry(V, at + 3) - x0 * L30 - x1 * L31 - x2 * L32) * d3
        put(V, at, x0)
        put(V, at + 1, x1)
        put(V, at + 2, x2)
        put(V, at + 3, x3)


@inner()
def solve_step(L, stride, j, width, V, first, step, rows):
    """Columns j to j + width of the rows of V, from place `first` of its memory on, those before being done."""
    for r in range(0, rows, TILE):
        at = first + r * step
        subtract_products(V, at, step, min(TILE, rows - r), L, j * stride, stride, width, j, V, at + j, step)
    if width == TILE:
        solve_columns(L, stride, j, V, first, step, rows)
    else:
        solve_last_columns(L, stride, j, width, V, first, step, rows)


@inner()
def factor_corner(A, stride, j, width):
    """The factor of a tile on the diagonal, without what those before take of it; false where that is not positive."""
    for i in range(width):
        own = (j + i) * stride + j
        for l in range(i + 1):
            other = (j + l) * stride + j
            x = entry(A, own + l)
            for k in range(l):
                x -= entry(A, own + k) * entry(A, other + k)
            if l < i:
                put(A, own + l, x / entry(A, other + l))
            elif x > 0:
                put(A, own + l, np.sqrt(x))
            else:
                return False
    return True


@inner()
def tiled_cholesky(A, n, stride):
    """The same as `cholesky`."""
    for j in range(0, n, TILE):
        width, own = min(TILE, n - j), j * stride
        subtract_products(A, own, stride, width, A, own, stride, width, j, A, own + j, stride)
        if not factor_corner(A, stride, j, width):
            return 1
        below = j + width
        if below < n:
            solve_step(A, stride, j, width, A, below * stride, stride, n - below)
    return 0


@inner()
def tiled_products(V, first, last, n, C, stride):
    """The same as `products`."""
    for r in range(first, last, TILE):
        rows = min(TILE, last - r)
        for s in range(0, r + rows, TILE):
            columns = min(TILE, r + rows - s)
            set_products(V, r * n, n, rows, V, s * n, n, columns, n, C, r * stride + s, stride)


@inner()
def cholesky(routines, A, n, stride, info):
    """The lower factor of A, in its place; not zero where A is not positive definite."""
    if WIDE and n <= LARGEST:
        return tiled_cholesky(memory(A), n, stride)
    return blas.cholesky(routines, A, n, stride, info)


@inner()
def solve_rows(routines, L, n, V, rows):
    """Each row of V becomes L^-1 times it."""
    if WIDE and n <= LARGEST:
        for j in range(0, n, TILE):
            solve_step(memory(L), n, j, min(TILE, n - j), memory(V), 0, n, rows)
    else:
        blas.solve_rows(routines, L, n, V, rows)


@inner()
def products(routines, V, first, last, n, C, stride):
    """The inner products of rows `first` to `last` of V (., n) with those before them and themselves, in those rows of
    C, whose rows are `stride` apart; what stands right of the diagonal of C may be anything.
    """
    if not (WIDE and n <= LARGEST):
        blas.product(routines, V[first:], last - first, V, last, n, C[first:], stride)
    else:
        tiled_products(memory(V), first, last, n, memory(C), stride)
