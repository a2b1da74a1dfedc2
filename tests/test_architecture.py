"""The floor plan, held: imports point downward, files stay short, and a check never loads torch or cvxpy."""

import ast
import re
import sys
import tomllib

import pytest
from architecture import PACKAGE, ROOT, Import, files, imports, module_name, strongly_connected

FLOORS = (
    "source",
    "syntax",
    "ir",
    "atoms",
    "elaborate",
    "analysis",
    "rewrite",
    "backends",
    "layer",
    "emit",
    "cli",
)
ROOF = "__main__"
HEAVY = {"torch", "cvxpy", "cvxpylayers", "diffcp", "numba", "scipy"}  # a second or more to import
FLOORS_WITHOUT_HEAVY = FLOORS[: FLOORS.index("rewrite") + 1]
FLOORS_WITHOUT_NUMPY = FLOORS[: FLOORS.index("rewrite")]

# The only imports that do not stand at the top of their file: (file, what it imports) and the reason.
LATE = {
    ("source/diagnostic.py", "declarative.source.render"): "an error shows itself; the renderer reads diagnostics",
    ("ir/expr.py", "declarative.ir.condition"): "expressions and conditions are one recursive type; for the type only",
    (
        "backends/cone/rows/template.py",
        "cvxpy",
    ): "a second to import, and only functions with their own cones need it",
    ("backends/cone/fill.py", "declarative.backends.cone.linear.elimination"): "numba takes half a second to import",
    ("backends/cone/linear/quasidefinite.py", "declarative.backends.cone.linear.regular"): "the same half second",
    ("backends/cone/linear/matrices.py", "declarative.backends.cone.linear.products"): "the same half second",
    ("backends/cone/linear/symmetric.py", "declarative.backends.cone.linear.dense"): "the same half second",
    ("backends/cone/linear/stack.py", "declarative.backends.cone.linear.stacked"): "the same half second",
    ("backends/cone/program/components.py", "declarative.backends.cone.linear.joined"): "the same half second",
    ("backends/cone/program/read_off.py", "declarative.backends.cone.linear.slacks"): "the same half second",
    ("backends/cone/program/lost.py", "declarative.backends.cone.linear.shares"): "the same half second",
    ("backends/cone/program/item.py", "declarative.backends.cone.linear.conditions"): "the same half second",
    ("backends/cone/program/certificate.py", "declarative.backends.cone.linear.conditions"): "the same half second",
    ("backends/cone/methods/polish.py", "declarative.backends.cone.linear.conditions"): "the same half second",
    ("backends/cone/program/tails.py", "declarative.backends.cone.linear.pushed"): "the same half second",
    ("backends/cone/program/scaling.py", "declarative.backends.cone.linear.even"): "the same half second",
    ("backends/cone/program/system.py", "declarative.backends.cone.linear.dense"): "the same half second",
    ("backends/cone/sets/projections.py", "declarative.backends.cone.sets.spectral"): "the same half second",
    ("backends/cone/sets/projections.py", "declarative.backends.cone.sets.turning"): "the same half second",
    ("backends/cone/sets/projections.py", "declarative.backends.cone.sets.exponential"): "the same half second",
    ("backends/cone/sets/projections.py", "declarative.backends.cone.sets.second_order"): "the same half second",
    ("backends/kkt/definite.py", "declarative.backends.kkt.compiled.batch"): "the same half second",
    ("backends/kkt/symmetric.py", "declarative.backends.kkt.compiled.batch"): "the same half second",
    ("backends/kkt/compiled/__init__.py", "numba"): "the same half second, to read its setting",
    ("backends/kkt/linear/scaling.py", "declarative.backends.kkt.compiled.scales"): "the same half second",
    ("backends/kkt/linear/factored.py", "declarative.backends.kkt.compiled.systems"): "the same half second",
    ("backends/kkt/verdict/newton.py", "declarative.backends.kkt.compiled.steps"): "the same half second",
    ("backends/kkt/verdict/portions.py", "declarative.backends.kkt.compiled.filtered"): "the same half second",
    ("backends/kkt/linear/sparse.py", "declarative.backends.kkt.compiled.sparse"): "the same half second",
    ("backends/kkt/verdict/portions.py", "declarative.backends.kkt.compiled.blas"): "the same half second",
    ("backends/kkt/verdict/portions.py", "declarative.backends.kkt.compiled.portions"): "the same half second",
    ("backends/kkt/program/numeric.py", "declarative.backends.kkt.compiled.evaluate"): "the same half second",
    ("backends/kkt/program/numeric.py", "declarative.backends.kkt.compiled.lanes"): "the same half second",
    ("backends/kkt/program/numeric.py", "declarative.backends.kkt.compiled.walkers"): "the same half second",
    ("backends/kkt/methods/trust_region.py", "declarative.backends.kkt.compiled.walkers"): "the same half second",
    ("backends/kkt/program/data.py", "declarative.backends.kkt.compiled.products"): "the same half second",
    ("backends/kkt/methods/qp.py", "declarative.backends.kkt.compiled.batch"): "the same half second",
    ("backends/kkt/methods/qp.py", "declarative.backends.kkt.compiled.item"): "the same half second",
    ("backends/kkt/methods/blocks.py", "declarative.backends.kkt.compiled.lanes"): "the same half second",
    ("backends/kkt/methods/ipopt.py", "casadi"): "an optional package, inside its own adapter",
    ("ir/problem.py", "declarative.elaborate.to_text"): "a problem prints itself as text, by way of the syntax",
}
# The only files that import by name (importlib), so that a command pays only for what it uses.
LAZY_FILES = {"__init__.py", "cli/main.py", "cli/usage.py"}
# Written by a program, not by hand.
GENERATED = {"syntax/tables.py"}
MAX_LINES = 400

ALL = [found for path in files() for found in imports(path)]


def relative(found: Import) -> str:
    return found.importer.relative_to(PACKAGE).as_posix()


def floor(module: str) -> int | None:
    """The number of a module's floor; None for the package itself and its `__main__`, which stand above them all."""
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] != ROOF else None


def is_allowed_late(found: Import) -> bool:
    return (relative(found), found.module) in LATE


def test_every_file_stands_on_a_floor():
    known = (*FLOORS, ROOF)
    strangers = [path for path in files() if len(p := module_name(path).split(".")) > 1 and p[1] not in known]
    assert not strangers, f"not in the floor plan {FLOORS}: {strangers}"


def test_imports_point_downward():
    upward = []
    inner = (f for f in ALL if f.module.split(".")[0] == "declarative" and not is_allowed_late(f))
    for found in (f for f in inner if relative(f) != "__init__.py"):
        here, there = floor(module_name(found.importer)), floor(found.module)
        if there is None or (here is not None and there > here):
            upward.append(str(found))
    assert not upward, "\n".join(upward)


def test_no_module_imports_itself_in_a_circle():
    graph = {module_name(path): set() for path in files()}
    for found in ALL:
        if found.module in graph and not is_allowed_late(found):
            graph[module_name(found.importer)].add(found.module)
    assert strongly_connected(graph) == []


def test_folders_do_not_import_each_other_in_a_circle():
    graph = {folder(module_name(path)): set() for path in files() if path.parent != PACKAGE}
    for found in ALL:
        here, there = folder(module_name(found.importer)), folder(found.module)
        if here in graph and there in graph and here != there and not is_allowed_late(found):
            graph[here].add(there)
    assert strongly_connected(graph) == []


def folder(module: str) -> str:
    """The package that holds a module; a package holds its own `__init__`."""
    return module if ROOT.joinpath(*module.split(".")).is_dir() else module.rpartition(".")[0]


def test_a_circle_would_be_found():
    assert strongly_connected({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert strongly_connected({"a": {"a"}, "b": {"a"}}) == [["a"]]


@pytest.mark.parametrize("floors, names", [(FLOORS_WITHOUT_HEAVY, HEAVY), (FLOORS_WITHOUT_NUMPY, {"numpy"})])
def test_lower_floors_load_nothing_heavy(floors, names):
    heavy = [f for f in ALL if relative(f).split("/")[0] in floors and f.module.split(".")[0] in names]
    assert not heavy, "\n".join(map(str, heavy))


def test_imports_stand_at_the_top():
    late = [str(f) for f in ALL if f.late and not is_allowed_late(f) and relative(f) not in LAZY_FILES]
    assert not late, "\n".join(late)


def test_the_list_of_late_imports_is_not_stale():
    used = {(relative(found), found.module) for found in ALL if found.late}
    assert set(LATE) <= used


def test_nothing_else_imports_by_name():
    by_name = {relative(found) for found in ALL if found.module.split(".")[0] == "importlib"}
    assert by_name <= LAZY_FILES


def test_files_stay_short():
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files()}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES and name not in GENERATED} == {}


def test_every_file_begins_with_what_it_does():
    silent = []
    for path in files():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        first = body[0] if body else None
        is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and first.lineno == 1
        if not (is_docstring and isinstance(first.value.value, str)):
            silent.append(path.relative_to(ROOT).as_posix())
    assert silent == []


def test_every_package_that_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [name for extra in project["optional-dependencies"].values() for name in extra]
    declared = {re.split(r"[\[<>=~! ]", name)[0].lower() for name in project["dependencies"]}
    late_only = {re.split(r"[\[<>=~! ]", name)[0].lower() for name in optional}
    for found in ALL:
        top = found.module.split(".")[0]
        if top in sys.stdlib_module_names or top == "declarative":
            continue
        assert top.lower() in (declared | late_only if found.late else declared), f"{found}, not in pyproject.toml"
