"""The example programs written in Python are the problems that their files mean, and both print back as equal text."""

from pathlib import Path

import pytest
from embedded import programs

import declarative as dc

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = {path.stem: path for path in sorted(EXAMPLES.glob("*.opt"))}
WRITTEN = [name for name in FILES if hasattr(programs, name)]


def test_the_programs_of_the_language_are_written_in_python():
    assert len(WRITTEN) >= 29


@pytest.mark.parametrize("name", WRITTEN)
def test_python_means_what_the_file_means(name: str):
    assert getattr(programs, name)() == dc.load(FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_text_of_the_file_is_read_back_as_the_same_problem(name: str):
    problem = dc.load(FILES[name])
    assert dc.parse(str(problem), path=FILES[name]) == problem


@pytest.mark.parametrize("name", WRITTEN)
def test_text_of_the_python_problem_is_read_back_as_the_same_problem(name: str):
    problem = getattr(programs, name)()
    assert dc.parse(str(problem), path=FILES[name]) == problem


def test_every_expression_knows_its_place_in_the_python_file():
    body = programs.ridge().objective.body
    assert body is not None and body.origin is not None
    assert body.origin.source.name == programs.__file__
    assert body.origin.text == "dc.sumsq(A @ x - b) + lam * dc.sumsq(x)"
