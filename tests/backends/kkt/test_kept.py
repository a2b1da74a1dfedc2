"""Machine code that is kept on disk."""

import importlib.util

import pytest

from declarative.backends.kkt.compiled import jit
from declarative.backends.kkt.compiled.jit import outer


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
    with caplog.at_level("INFO", logger="declarative"):
        assert outer(large.double)(2.0) == 4.0 and outer(large.triple)(2.0) == 6.0
    assert [record.getMessage() for record in caplog.records] == [
        "compiling the methods for their first use here; they are kept on disk"
    ]
