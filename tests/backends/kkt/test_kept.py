"""Machine code that is kept on disk."""

import importlib.util
import sys

import pytest
from numba import njit

from declarative.backends.cone.linear.jit import compiled
from declarative.backends.kkt.compiled import jit
from declarative.backends.kkt.compiled.jit import inner, large, outer
from declarative.backends.kkt.compiled.part import Part
from declarative.backends.machine import tell


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


def test_each_wait_is_told_once(tmp_path, monkeypatch, caplog):
    """The first use of each large function, of small ones nothing, nor of what is kept."""
    text = "def double(x):\n    return 2*x\ndef triple(x):\n    return 3*x\ndef half(x):\n    return x/2\n"
    (tmp_path / "some.py").write_text(text + "def third(x):\n    return x/3\n")
    spec = importlib.util.spec_from_file_location("some", tmp_path / "some.py")
    tell.cache_clear()
    for _ in range(2):
        some = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "some", some)  # where what is kept of it looks for it
        spec.loader.exec_module(some)
        with caplog.at_level("WARNING", logger="declarative"):
            assert large("flows")(some.double)(2.0) == 4.0 and large("flows")(some.triple)(2.0) == 6.0
            assert outer(some.half)(3.0) == 1.5 and compiled(some.third)(6.0) == 2.0
        assert [record.getMessage() for record in caplog.records] == [
            f"compiling the methods for {purpose} for their first use on this machine; "
            "this takes some 15 seconds, then they are kept on disk"
            for purpose in ("flows", "cone programs")
        ]
        tell.cache_clear()


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
