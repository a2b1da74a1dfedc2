"""Machine code that is kept on disk."""

import importlib.util

import pytest
from numba import njit

from declarative.backends.kkt.compiled import jit
from declarative.backends.kkt.compiled.jit import inner, outer
from declarative.backends.kkt.compiled.part import Part


@pytest.mark.parametrize("damage", [b"", b"no pickle", None])
def test_damaged_code_on_disk_is_compiled_again(tmp_path, damage):
    """The index of what is kept, cut short and overwritten, or the code itself (None), is that of another numba's."""
    path = tmp_path / "small.py"
    path.write_text("def double(x):\n    return 2*x\n")
    spec = importlib.util.spec_from_file_location("small", path)
    small = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(small)
    name = small.double.__qualname__
    for _ in range(3):
        small.double.__qualname__ = name
        assert outer(small.double)(2.0) == 4.0
        kept = [*tmp_path.rglob("*.nbi")] if damage is not None else [*tmp_path.rglob("*.nbc")]
        assert kept
        for file in kept:
            file.write_bytes(damage if damage is not None else b"no code")


def test_a_first_compilation_is_told_once(tmp_path, caplog):
    path = tmp_path / "large.py"
    path.write_text("def double(x):\n    return 2*x\ndef triple(x):\n    return 3*x\n")
    spec = importlib.util.spec_from_file_location("large", path)
    large = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(large)
    jit._tell.cache_clear()
    with caplog.at_level("WARNING", logger="declarative"):
        assert outer(large.double)(2.0) == 4.0 and outer(large.triple)(2.0) == 6.0
    assert [record.getMessage() for record in caplog.records] == [
        "compiling the methods for their first use on this machine; some 15 seconds each, then they are kept on disk"
    ]


@inner()
def halved(x):
    return x / 2


@inner()
def quartered(x):
    return halved(halved(x))


def test_what_compiled_code_alone_calls_is_part_of_it():
    """Two levels down: no code of their own."""
    eighth = njit(**jit.OPTIONS)(lambda x: quartered(halved(x)))
    assert eighth(3.0) == 0.375
    for function in halved, quartered:
        (found,) = function.overloads.values()
        assert isinstance(found.library, Part)
        assert found.library.get_pointer_to_function(found.fndesc.llvm_func_name) == 0
