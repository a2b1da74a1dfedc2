"""The grammar and its tables are found from a checkout, from a wheel, and from a wheel built from the sdist."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from architecture import ROOT

PROGRAM = """
import sys
from importlib.resources import files
import declarative
from declarative.source.span import Source
from declarative.syntax.parse import parse_tree

print(files("declarative.syntax").joinpath("opt.lark").read_text(encoding="utf-8"))
file, diagnostics = parse_tree(Source("p.opt", "var x : R\\nminimize x^2\\n"))
assert len(file.statements) == 2 and not diagnostics, diagnostics
print(declarative.__file__, file=sys.stderr)
"""


def build(folder: Path, target: str, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A pure wheel installs by being unpacked, so unpacking shows what a person gets."""
    base = tmp_path_factory.mktemp("packaging")
    with tarfile.open(build(ROOT, "sdist", base / "sdist")) as archive:
        archive.extractall(base / "source", filter="data")
    (source,) = (base / "source").iterdir()
    for name, folder in (("wheel", ROOT), ("sdist", source)):
        with zipfile.ZipFile(build(folder, "wheel", base / f"{name}-built")) as wheel:
            wheel.extractall(base / name)
    return {"checkout": ROOT, "wheel": base / "wheel", "sdist": base / "sdist"}


@pytest.mark.parametrize("place", ["checkout", "wheel", "sdist"])
def test_the_grammar_is_found(places: dict[str, Path], place: str, tmp_path: Path):
    # -P and the path first: this copy, not the one that the environment has installed
    program = f"import sys; sys.path.insert(0, {str(places[place])!r})\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stderr.strip()).is_relative_to(places[place])
    assert done.stdout.strip() == (ROOT / "grammar" / "opt.lark").read_text(encoding="utf-8").strip()


def test_an_editable_install_points_at_the_checkout(tmp_path: Path):
    with zipfile.ZipFile(_editable(tmp_path)) as wheel:
        (pth,) = [name for name in wheel.namelist() if name.endswith(".pth")]
        assert Path(wheel.read(pth).decode().strip()) == ROOT


def _editable(out: Path) -> Path:
    program = f"from hatchling.build import build_editable; print(build_editable({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return out / done.stdout.split()[-1]


def test_the_wheel_holds_plain_files_and_the_licence(places: dict[str, Path]):
    grammar = places["wheel"] / "declarative" / "syntax" / "opt.lark"
    assert grammar.is_file() and not grammar.is_symlink()
    assert list(places["wheel"].glob("declarative-*.dist-info/licenses/LICENSE"))
