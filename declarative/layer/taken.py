"""Names that a layer cannot hold anything under: those that every nn.Module has."""

from __future__ import annotations

from collections.abc import Callable

from declarative.ir.expr import Role
from declarative.ir.problem import Problem
from declarative.source.diagnostic import Diagnostic, error
from declarative.source.span import Span

# Written out, so that a check needs no torch; a test holds it against torch's own.
OF_MODULES = frozenset(
    (
        *("T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile"),
        *("cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer"),
        *("get_extra_state", "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia"),
        *("named_buffers", "named_children", "named_modules", "named_parameters", "parameters"),
        *("register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook"),
        *("register_full_backward_hook", "register_full_backward_pre_hook", "register_load_state_dict_post_hook"),
        *("register_load_state_dict_pre_hook", "register_module", "register_parameter"),
        *("register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_", "set_extra_state"),
        *("set_submodule", "share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "xpu"),
        "zero_grad",
    )
)


def taken_names(problem: Problem, taken: Callable[[str], bool] = OF_MODULES.__contains__) -> list[Diagnostic]:
    """What a module holds (consts, learned parameters, functions from outside) is an attribute of it."""
    held: list[tuple[str, str, Span | None]] = [
        (d.symbol.name, d.symbol.role.value, d.origin) for d in problem.parameters if d.symbol.role is not Role.PARAM
    ]
    held += [(e.name, "extern", e.origin) for e in problem.externs]
    text = "`{name}` is an attribute of every nn.Module, so that no `{role}` can be called so; choose another name"
    return [error("E327", at, text.format(name=name, role=role)) for name, role, at in held if taken(name)]
