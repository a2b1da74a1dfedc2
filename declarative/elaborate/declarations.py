"""`param`, `const`, `learn`, `var`, `dim` and `extern` to the symbols and declarations of a problem."""

from __future__ import annotations

from declarative.elaborate.attributes import infinity, to_attributes
from declarative.elaborate.context import Context
from declarative.elaborate.definitions import report_circle
from declarative.elaborate.names import Scope
from declarative.elaborate.promises import require_data
from declarative.elaborate.sizes import to_positive_size, to_size
from declarative.elaborate.spaces import Space, to_space
from declarative.elaborate.values import described, name_span, shown
from declarative.ir.expr import Constant, Expr, Parameter, Role, Variable
from declarative.ir.problem import DimDeclaration, ExternDeclaration, ParameterDeclaration, VariableDeclaration
from declarative.ir.size import Shape, Size, shape_text
from declarative.ir.walk import symbols
from declarative.syntax import tree


def dim_declaration(ctx: Context, item: tree.DimItem) -> DimDeclaration | None:
    """`T = 20`; a default may read dims declared before."""
    if item.default is None:
        return DimDeclaration(item.name, origin=item.span)
    default = to_positive_size(ctx, item.default, Scope())
    if default is None:
        return None
    names = list(ctx.names)
    late = [n for n in default.names if names.index(n) >= names.index(item.name)]
    if late:
        message = f"the default of `{item.name}` reads `{late[0]}`, which is not declared before it"
        return ctx.report.error("E228", item.default.span, message)
    return DimDeclaration(item.name, default, origin=item.span)


def extern_declaration(ctx: Context, node: tree.Extern) -> ExternDeclaration | None:
    spaces = [to_space(ctx, space, Scope()) for space in (*node.domain, node.codomain)]
    known = [s for s in spaces if s is not None]
    if len(known) < len(spaces):
        return None
    *domain, codomain = (s.shape for s in known)
    return ExternDeclaration(node.name, tuple(domain), codomain, origin=node.span)


def symbol_of(ctx: Context, node: tree.Declaration) -> Parameter | Variable | None:
    """The symbol of a declaration, made at its first use; None where that fails, which is then reported."""
    if node.name in ctx.resolved:
        return ctx.resolved[node.name]
    if node.name in ctx.resolving:
        return report_circle(ctx, node.name, node)
    ctx.resolving.append(node.name)
    ctx.resolved[node.name] = _symbol(ctx, node)
    ctx.resolving.pop()
    return ctx.resolved[node.name]


def _symbol(ctx: Context, node: tree.Declaration) -> Parameter | Variable | None:
    space, lead = to_space(ctx, node.space, Scope()), _family(ctx, node)
    if space is None or lead is None or not _index_data_allowed(ctx, node, space):
        return None
    attributes = to_attributes(ctx, node, space, lead)
    if attributes is None:
        return None
    shape, family, at = lead + space.shape, len(lead), name_span(node, node.name)
    if node.kind == "var":
        return Variable(node.name, shape, attributes, space.symmetric, family, origin=at)
    role = Role(node.kind)
    return Parameter(node.name, shape, role, attributes, space.symmetric, family, space.index_range, origin=at)


def _index_data_allowed(ctx: Context, node: tree.Declaration, space: Space) -> bool:
    if space.index_range is None or node.kind == "const":
        return True
    hints = [f"`const {node.name} : {node.space.span.text}`"]
    ctx.report.error("E206", node.space.span, "index data is fixed: it is declared `const`", hints=hints)
    return False


def _family(ctx: Context, node: tree.Declaration) -> Shape | None:
    """The lengths of the axes that brackets declare: n of `p[n]`, T+1 of `x[0..T]`."""
    lengths = [_family_length(ctx, node, item) for item in node.family]
    known = tuple(n for n in lengths if n is not None)
    return known if len(known) == len(lengths) else None


def _family_length(ctx: Context, node: tree.Declaration, item: tree.Expression | tree.Range) -> Size | None:
    if not isinstance(item, tree.Range):
        return to_positive_size(ctx, item, Scope())
    lo, last = to_size(ctx, item.lo, Scope()), to_size(ctx, item.hi, Scope())
    if lo is None or last is None:
        return None
    if lo != Size.of(0):
        hints = [f"`{node.name}[0..{last - lo}]`"]
        return ctx.report.error("E222", item.span, f"a family starts at 0, not at {shown(item.lo)}", hints=hints)
    if (-last - 1).is_nonnegative():
        return ctx.report.error("E222", item.span, f"the family {shown(item)} has no members")
    return last + 1


# --- defaults ----------------------------------------------------------------------------------------


def parameter_declaration(ctx: Context, node: tree.Declaration) -> ParameterDeclaration | None:
    """A param, const or learn with its default."""
    symbol = symbol_of(ctx, node)
    if not isinstance(symbol, Parameter):
        return None
    if node.default is None:
        return ParameterDeclaration(symbol, None, node.doc, origin=node.span)
    default = _default(ctx, node, node.default, symbol)
    return None if default is None else ParameterDeclaration(symbol, default, node.doc, origin=node.span)


def variable_declaration(ctx: Context, node: tree.Declaration) -> VariableDeclaration | None:
    if node.default is not None and not any(a.name == "start" and not a.args for a in node.attributes):
        hints = [f"a starting point is `start({node.default.span.text})`"]
        if node.default.span.text in ("True", "true", "False"):
            hints = [f"an attribute stands alone: leave out `= {node.default.span.text}`"]
        return ctx.report.error("E228", node.default.span, "a variable has no default", hints=hints)
    symbol = symbol_of(ctx, node)
    return VariableDeclaration(symbol, node.doc, origin=node.span) if isinstance(symbol, Variable) else None


def _default(ctx: Context, node: tree.Declaration, default: tree.Expression, symbol: Parameter) -> Expr | None:
    """A scalar or an array of the same shape, over data declared before."""
    if (infinite := infinity(default)) is not None:
        return infinite
    value = ctx.value(default, Scope())
    if value is None or not require_data(ctx, default, value.expr, "a default"):
        return None
    if value.shape not in ((), symbol.shape):
        message = f"`{node.name}` is {shape_text(symbol.shape)}; {described(default, value)}"
        known = len(value.shape) == len(symbol.shape)
        hints = [f"a dim is a size of its own: declare `{node.name} : {shape_text(value.shape)}`"] if known else []
        if len(value.shape) == 1 and symbol.shape[1:] == (Size.of(1),):
            hints = [f"a column is a vector here: declare `{node.name} : {shape_text(value.shape)}`"]
        return ctx.report.error("E203", default.span, message, hints=hints)
    names = list(ctx.names)
    late = [s for s in symbols(value.expr) if names.index(s.name) >= names.index(node.name)]
    if late:
        message = f"the default of `{node.name}` reads `{late[0].name}`, which is not declared before it"
        return ctx.report.error("E228", late[0].origin or default.span, message)
    if moving := moving_data(symbol, value.expr):
        message = f"the default of the const `{node.name}` reads `{moving.name}`, which changes from call to call"
        hints = [f"declare it `param {node.name}`, or write a definition: `let {node.name} = ...`"]
        return ctx.report.error("E228", moving.origin or default.span, message, hints=hints)
    return value.expr if _keeps_promises(ctx, node, default, value.expr, symbol) else None


def moving_data(symbol: Parameter, default: Expr) -> Parameter | None:
    """What a const's default may not read: a plan for its sizes holds consts fixed."""
    read = (s for s in symbols(default) if isinstance(s, Parameter) and s.role is not Role.CONST)
    return next(read, None) if symbol.role is Role.CONST else None


def _keeps_promises(ctx: Context, node: tree.Declaration, at: tree.Expression, e: Expr, symbol: Parameter) -> bool:
    """False, and reported, for `param d : R, pos = -1`."""
    if not isinstance(e, Constant):
        return True
    limits = {"nonneg": lambda v: v >= 0, "pos": lambda v: v > 0, "binary": lambda v: v in (0, 1)}
    broken = next((a.name for a in symbol.attributes if a.name in limits and not limits[a.name](e.value)), None)
    if broken:
        ctx.report.error("E228", at.span, f"the default of `{node.name}` is {shown(at)}, which is not {broken}")
    return broken is None
