"""The pages of functions and of codes say what the records say."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from declarative.atoms import registry
from declarative.source.codes import CODES

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _generator():
    spec = spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_the_page_is_fresh(name):
    page = (DOCS / name).read_text(encoding="utf-8")
    assert page == GENERATOR.PAGES[name](), f"docs/{name} has drifted from the records; run `make docs`"


def test_every_function_and_every_code_has_its_place():
    atoms, errors = GENERATOR.atoms_page(), GENERATOR.errors_page()
    records = [atom for name in registry.names() if (atom := registry.find(name))]
    assert all(atom.doc.replace("|", "\\|") in atoms for atom in records)
    assert all(f"### {code}: " in errors for code in CODES)


def test_facts_read_as_textbooks_have_them():
    rows = {line.split("`")[1]: line for line in GENERATOR.atoms_page().splitlines() if line.startswith("| `")}
    assert "| convex | up for x >= 0, down for x <= 0 | linear rows |" in rows["abs(x)"]
    assert "| x > 0 | any sign | concave | up | exponential cone |" in rows["log(x)"]
    assert "| concave for x >= 0, convex for x <= 0 | up |" in rows["tanh(x)"]
    assert "| the sign of x | affine | up |" in rows["sum(x) : R"]
    assert "convex in x, for positive definite data A" in rows["quad(x : R^n, A : R^(n,n)) : R"]
