"""Expressions with indices, at concrete sizes, to a tape of array instructions.

An index becomes an axis: `x[i+1] - x[i] for i in n` is two gathers and one subtraction. Where a condition selects some
index tuples, they share one joint axis that lists the tuples selected, so that a sum over the arcs of a graph costs
its arcs and not the square of its nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import numpy as np
import torch

from declarative.atoms.record import Atom, Form
from declarative.atoms.registry import find
from declarative.backends.tape.arrays import Arrays
from declarative.backends.tape.axes import (
    Along,
    Axis,
    Environment,
    Selection,
    Value,
    arranged,
    common,
    strides_of,
    union,
)
from declarative.backends.tape.evaluate import static_value
from declarative.backends.tape.external import External
from declarative.backends.tape.tape import (
    Align,
    Apply,
    Fold,
    Foreign,
    Gather,
    Input,
    Instruction,
    Literal,
    Reshape,
    Scatter,
    Slot,
    Tape,
)
from declarative.ir.condition import Condition, Connective, Negation, Test, Truth
from declarative.ir.expr import (
    Binder,
    Call,
    Constant,
    Dual,
    Expr,
    Extern,
    Index,
    IndexSymbol,
    Nested,
    OptimalValue,
    Parameter,
    Reduce,
    SizeValue,
    Slice,
    Stack,
    Variable,
)
from declarative.ir.size import Shape, Size
from declarative.ir.walk import children, postorder
from declarative.source.diagnostic import DiagnosticError, error


class Vectoriser:
    """Builds one tape. `sizes` are the values of the dims, `constants` the const data that indices may read, `externs`
    the functions that expressions may call.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        constants: Mapping[str, np.ndarray],
        externs: Mapping[str, External] | None = None,
    ):
        self.sizes, self.constants, self.externs = sizes, constants, externs or {}
        self.instructions: list[Instruction] = []
        self._arrays = Arrays(self.instructions)
        self._memo: dict[Any, Value] = {}
        self._inner: dict[Any, Selection] = {}
        self._free: dict[int, tuple[Expr, frozenset[IndexSymbol]]] = {}
        self._axes = 0

    # --- what callers use --------------------------------------------------------------------

    def tape(self, results: Iterable[Slot]) -> Tape:
        return Tape(tuple(self.instructions), tuple(results))

    def value(self, root: Expr, environment: Environment | None = None) -> Value:
        """The value of an expression; depth costs memory, no stack."""
        environment = environment or {}
        self._learn_free_indices(root)
        stack = [(root, environment)]
        while stack:
            node, env = stack[-1]
            key = self._key(node, env)
            if key in self._memo:
                stack.pop()
                continue
            inner = self._inside(node, env, key)
            pending = [(e, inner) for e in self._parts(node) if self._key(e, inner) not in self._memo]
            if pending:
                stack.extend(pending)
            else:
                self._memo[key] = self._build(node, env, inner, key)
                stack.pop()
        return self._memo[self._key(root, environment)]

    def select(
        self, binders: tuple[Binder, ...], condition: Condition | None, environment: Environment | None = None
    ) -> Selection:
        """The tuples of a family `for binders if condition`, given the indices outside it."""
        outside = dict(environment or {})
        inside = dict(outside)
        for binder in binders:
            lo, hi = binder.lo.evaluate(self.sizes), binder.hi.evaluate(self.sizes)
            inside[binder.index] = Along(self._axis(max(hi - lo, 0)), np.arange(lo, max(hi, lo)))
        axes = tuple(inside[b.index].axis for b in binders)
        if condition is None:
            count = int(np.prod([a.length for a in axes], dtype=np.int64))
            return Selection(inside, axes, np.arange(count), count, {})
        return self._selected(inside, axes, condition)

    def flat(self, value: Value, axes: tuple[Axis, ...], shape: tuple[int, ...]) -> Slot:
        """A value (of this shape or scalar) over these axes, as an array (batch, entries)."""
        aligned = self.aligned(value, axes, shape, expand=True)
        entries = int(np.prod([a.length for a in axes] + list(shape), dtype=np.int64))
        return self.emit(Reshape(aligned, (entries,)))

    def shape(self, shape: Shape) -> tuple[int, ...]:
        return tuple(size.evaluate(self.sizes) for size in shape)

    # --- indices and conditions --------------------------------------------------------------

    def _axis(self, length: int) -> Axis:
        self._axes += 1
        return Axis(self._axes, length)

    def _learn_free_indices(self, root: Expr) -> None:
        for node in postorder(root):
            if id(node) in self._free:
                continue
            found: frozenset[IndexSymbol] = frozenset((node,)) if isinstance(node, IndexSymbol) else frozenset()
            for child in children(node):
                found |= self._free[id(child)][1]
            if isinstance(node, Reduce | Stack):
                found -= {b.index for b in node.binders}
            self._free[id(node)] = (node, found)  # the node is kept, so that its id stays its own

    def _key(self, node: Expr, env: Environment) -> Any:
        free = self._free[id(node)][1]
        return node, tuple(sorted((index.number, env[index].axis.number) for index in free))

    def _inside(self, node: Expr, env: Environment, key: Any) -> Environment:
        if not isinstance(node, Reduce | Stack):
            return env
        if key not in self._inner:
            condition = node.condition if isinstance(node, Reduce) else None
            self._inner[key] = self.select(node.binders, condition, env)
        return self._inner[key].environment

    def _selected(self, inside: Environment, axes: tuple[Axis, ...], condition: Condition) -> Selection:
        truth, scope = self._condition(condition, inside)
        over = tuple(axis for axis in scope if axis not in axes) + axes
        grid = np.broadcast_to(arranged(truth, scope, over), tuple(a.length for a in over))
        coordinates = dict(zip(over, np.nonzero(grid), strict=True))
        joint = self._axis(int(np.count_nonzero(grid)))
        environment = {
            index: Along(joint, along.values[coordinates[along.axis]]) if along.axis in coordinates else along
            for index, along in inside.items()
        }
        lengths = tuple(a.length for a in axes)
        places = np.ravel_multi_index(tuple(coordinates[a] for a in axes), lengths) if axes else np.zeros(0, int)
        drawn = {axis: coordinates[axis] for axis in over if axis not in axes}
        return Selection(environment, (joint,), places, int(np.prod(lengths, dtype=np.int64)), drawn)

    def _condition(self, condition: Condition, env: Environment) -> tuple[np.ndarray, tuple[Axis, ...]]:
        match condition:
            case Truth(body):
                value, scope = self._static(body, env)
                return value != 0, scope
            case Test(op, left, right):
                (a, b), scope = common([self._static(left, env), self._static(right, env)])
                return _COMPARE[op](a, b), scope
            case Negation(body):
                value, scope = self._condition(body, env)
                return ~value, scope
            case Connective(op, items):
                values, scope = common([self._condition(item, env) for item in items])
                return (np.logical_and if op == "and" else np.logical_or).reduce(np.broadcast_arrays(*values)), scope
            case _:
                assert_never(condition)

    def _static(self, e: Expr, env: Environment) -> tuple[np.ndarray, tuple[Axis, ...]]:
        """The value of an expression over indices, sizes and constants, over the axes of its indices."""
        inner = Vectoriser(self.sizes, self.constants)
        inner._axes = self._axes
        value = inner.value(e, env)
        self._axes = inner._axes
        return static_value(inner.tape((value.slot,)), self.constants)[0], value.scope

    # --- one node -------------------------------------------------------------------------------

    def _parts(self, node: Expr) -> tuple[Expr, ...]:
        """The subexpressions whose values the node's value is made of (subscripts and conditions are static)."""
        match node:
            case Index(base=base):
                return (base,)
            case Reduce(body=body) | Stack(body=body):
                return (body,)
            case _:
                return children(node)

    def _build(self, node: Expr, env: Environment, inner: Environment, key: Any) -> Value:
        match node:
            case Constant(number):
                return Value(self.emit(Literal(np.asarray(number))), (), ())
            case SizeValue(size):
                return Value(self.emit(Literal(np.asarray(float(size.evaluate(self.sizes))))), (), ())
            case IndexSymbol():
                along = env[node]
                return Value(self.emit(Literal(along.values.astype(float))), (along.axis,), ())
            case Parameter(name, shape) | Variable(name, shape):
                return Value(self.emit(Input(name, self.shape(shape))), (), self.shape(shape))
            case Dual(path, shape):
                return Value(self.emit(Input(dual_input(path), self.shape(shape))), (), self.shape(shape))
            case OptimalValue():
                return Value(self.emit(Input(VALUE_INPUT, ())), (), ())
            case Call():
                return self._call(node, [self._memo[self._key(a, env)] for a in node.args])
            case Index(base=base):
                return self._index(node, self._memo[self._key(base, env)], env)
            case Reduce(op, body):
                return self._reduce(node, op, self._memo[self._key(body, inner)], self._inner[key])
            case Stack(body=body):
                return self._stack(self._memo[self._key(body, inner)], self._inner[key].axes)
            case Extern():
                return self._foreign(node, [self._memo[self._key(a, env)] for a in node.args])
            case Nested():
                raise AssertionError("refused before vectorisation")
            case _:
                assert_never(node)

    def _call(self, node: Call, args: list[Value]) -> Value:
        shape = self.shape(node.shape)
        scope = union(args)
        options = {name: concrete(value, self.sizes) for name, value in node.options}
        record = find(node.atom)
        assert record is not None
        ones = (1,) * len(shape) if record.elementwise else ()
        slots = tuple(self.aligned(a, scope, a.shape or ones) for a in args)
        form = Form(tuple(a.shape for a in args), shape, options)
        if 0 not in shape and any(0 in a.shape for a in args) and not _takes_nothing(record, form):
            raise _nothing(node, node.atom)
        return Value(self.emit(Apply(node.atom, slots, form)), scope, shape)

    def _foreign(self, node: Extern, args: list[Value]) -> Value:
        external, scope, shape = self.externs[node.name], union(args), self.shape(node.shape)
        slots = tuple(self.aligned(a, scope, a.shape, expand=True) for a in args)
        held = external.shapes()
        weights = tuple(self.emit(Input(name, sizes)) for name, sizes in held.items())
        lengths, shapes = tuple(axis.length for axis in scope), tuple(a.shape for a in args)
        return Value(self.emit(Foreign(external, slots, weights, tuple(held), lengths, shapes, shape)), scope, shape)

    def _stack(self, body: Value, axes: tuple[Axis, ...]) -> Value:
        outer = tuple(a for a in body.scope if a not in axes)
        slot = self.aligned(body, outer + axes, body.shape, expand=True)
        return Value(slot, outer, tuple(a.length for a in axes) + body.shape)

    def _reduce(self, node: Expr, op: str, body: Value, selection: Selection) -> Value:
        axes, drawn = selection.axes, selection.drawn
        if op in ("max", "min") and 0 in (axis.length for axis in axes):
            raise _nothing(node, op)
        outer = tuple(a for a in body.scope if a not in axes)
        slot = self.aligned(body, outer + axes, body.shape, expand=True)
        if not drawn:
            places = tuple(range(len(outer), len(outer) + len(axes)))
            return Value(self.emit(Fold(op, slot, places)), outer, body.shape)
        lengths = tuple(axis.length for axis in drawn)
        groups = np.ravel_multi_index(tuple(drawn.values()), lengths)
        slot = self.emit(Scatter(op, slot, len(outer), groups, int(np.prod(lengths, dtype=np.int64))))
        slot = self.emit(Reshape(slot, tuple(a.length for a in outer) + lengths + body.shape))
        return Value(slot, outer + tuple(drawn), body.shape)

    def _index(self, node: Index, base: Value, env: Environment) -> Value:
        statics = [None if isinstance(s, Slice) else self._static(s, env) for s in node.subscripts]
        scope = list(base.scope)
        for static in statics:
            scope.extend(axis for axis in (static[1] if static else ()) if axis not in scope)
        scope = tuple(sorted(scope, key=lambda axis: axis.number))
        whole = [Slice(Size.of(0), Size.of(length)) for length in base.shape[len(node.subscripts) :]]
        shape = self.shape(node.shape)
        places = np.zeros((1,) * (len(scope) + len(shape)), dtype=np.int64)
        strides = strides_of(base.lengths + base.shape)
        for axis, stride in zip(base.scope, strides, strict=False):
            places = places + stride * arranged(np.arange(axis.length), (axis,), scope, len(shape))
        kept = 0
        for k, subscript in enumerate([*node.subscripts, *whole]):
            stride = strides[len(base.scope) + k]
            if isinstance(subscript, Slice):
                lo, hi = subscript.lo.evaluate(self.sizes), subscript.hi.evaluate(self.sizes)
                self._check_range(node, np.asarray([lo, hi - 1] if hi > lo else []), base.shape[k])
                view = [1] * (len(scope) + len(shape))
                view[len(scope) + kept] = hi - lo
                places = places + stride * np.arange(lo, hi).reshape(view)
                kept += 1
            else:
                static = statics[k]
                assert static is not None
                integers = np.rint(static[0]).astype(np.int64)
                self._check_range(node, integers, base.shape[k])
                places = places + stride * arranged(integers, static[1], scope, len(shape))
        places = np.broadcast_to(places, tuple(a.length for a in scope) + shape)
        return Value(self.emit(Gather(base.slot, np.array(places))), scope, shape)

    def _check_range(self, node: Index, integers: np.ndarray, length: int) -> None:
        bad = integers[(integers < 0) | (integers >= length)]
        if bad.size:
            message = f"index {int(bad.flat[0])} is out of range: there are {length} entries, 0 to {length - 1}"
            raise DiagnosticError([error("E305", node.origin, message)])

    # --- emitting -------------------------------------------------------------------------------

    def emit(self, instruction: Instruction) -> Slot:
        """An array without entries is known, whatever it was made of: it depends on no variable."""
        slot = self._arrays.emit(instruction)
        sizes = self._arrays.sizes(slot)
        if 0 in sizes:
            self.instructions[slot] = Literal(np.zeros(sizes))
        return slot

    def aligned(self, value: Value, scope: tuple[Axis, ...], shape: tuple[int, ...], *, expand: bool = False) -> Slot:
        """The value over exactly these axes, in this order; of length one where it does not vary, unless `expand`."""
        present = [axis for axis in scope if axis in value.scope]
        order = tuple(value.scope.index(axis) for axis in present) + tuple(
            range(len(value.scope), len(value.scope) + len(value.shape))
        )
        own = value.shape if value.shape else (1,) * len(shape)
        sizes = tuple(axis.length if axis in value.scope else 1 for axis in scope) + own
        full = (tuple(axis.length for axis in scope) + shape) if expand else sizes
        if sizes == value.lengths + value.shape and full == sizes and order == tuple(range(len(order))):
            return value.slot
        return self.emit(Align(value.slot, order, sizes, full))


def _takes_nothing(record: Atom, form: Form) -> bool:
    """Has the function a value where an argument has no entries? A sum has, a maximum or a mean has not."""
    try:
        value = record.torch(torch, form, *[torch.ones(shape, dtype=torch.float64) for shape in form.shapes])
    except (IndexError, RuntimeError):
        return False
    return bool(value.isfinite().all())


def _nothing(node: Expr, function: str) -> DiagnosticError:
    return DiagnosticError([error("E306", node.origin, f"`{function}` of no entries: at these sizes there are none")])


VALUE_INPUT = "optimal value"  # no name in a text has a space


def dual_input(path: tuple[str, ...]) -> str:
    """The name under which a tape reads a dual."""
    return "dual " + ".".join(path)


_COMPARE = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def concrete(value: Any, sizes: Mapping[str, int]) -> Any:
    """An option of a call with its sizes as numbers."""
    if isinstance(value, Size):
        return value.evaluate(sizes)
    if isinstance(value, tuple):
        return tuple(concrete(item, sizes) for item in value)
    return value
