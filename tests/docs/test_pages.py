"""The pages' code, run: every block of `docs/*.md` and `README.md`, with what the page says comes out of it.

A page's blocks run from top to bottom in a folder of their own, which holds the example programs.
"""

import contextlib
import io
import linecache
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

import declarative
from declarative.cli.main import run
from declarative.source.render import render

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])

FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?!\w)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its words ("opt error lasso.opt"), its text, its line, and the `text` block that comes next."""

    words: tuple[str, ...]
    text: str
    line: int
    output: str | None

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def file(self) -> str | None:
        return next((word for word in self.words[1:] if "." in word), None)


def blocks(page: str) -> list[Block]:
    fences = list(FENCE.finditer(page))
    found = []
    for fence, after in zip_longest(fences, fences[1:]):
        output = after["text"] if after is not None and after["info"].strip() == "text" else None
        line = page.count("\n", 0, fence.start()) + 1
        found.append(Block(tuple(fence["info"].split()), fence["text"], line, output))
    return found


# --- one kind of block each ---------------------------------------------------------------------


def run_opt(block: Block) -> None:
    """A program is right, or (`opt error`, `opt warning`) earns what the page shows. A named one is kept in a file."""
    name = block.file or "problem.opt"
    problem, diagnostics = declarative.check(block.text, path=name)
    if {"error", "warning"} & set(block.words):
        assert (problem is None) is ("error" in block.words)
        assert diagnostics
        assert block.output is None or render(diagnostics) == block.output.rstrip("\n")
    else:
        assert not diagnostics, render(diagnostics)
    if block.file:
        Path(block.file).write_text(block.text, encoding="utf-8")


def run_python(block: Block, names: dict, file: str) -> None:
    """Blocks of a page share their names. Messages show a block's lines as those of `file`."""
    linecache.cache[file] = (len(block.text), None, block.text.splitlines(keepends=True), file)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block.text, file, "exec"), names)
    compare(printed.getvalue(), block.output)


def run_shell(block: Block) -> None:
    """The lines that call `declarative`; others (installing, say) are for people."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        for line in block.text.splitlines():
            if line.startswith("declarative "):
                status = run(shlex.split(line)[1:])
                assert status in (0, 1, 3), f"`{line}` ends with status {status}: {printed.getvalue()}"
    compare(printed.getvalue(), block.output)


def compare(printed: str, shown: str | None) -> None:
    """Text must be the same, up to spaces; `...` stands for any text; numbers agree to the digits shown."""
    if shown is None:
        return
    words, expected = _split(shown)
    pattern = r"\s+".join(_pattern(word) for word in words)
    found = re.fullmatch(pattern, " ".join(printed.split()))
    assert found, f"the page shows\n{shown}\nand this is printed:\n{printed}"
    for number, text in zip(found.groups(), expected, strict=True):
        assert abs(float(number) - float(text)) <= _unit(text), f"{number} printed for {text}, in\n{printed}"


def _split(shown: str) -> tuple[list[str], list[str]]:
    return shown.split(), [number for word in shown.split() for number in NUMBER.findall(word)]


def _pattern(word: str) -> str:
    """A word as a regular expression, with a group for each number."""
    parts = [re.escape(part).replace(r"\.\.\.", ".*?") for part in NUMBER.split(word)]
    return f"({NUMBER.pattern})".join(parts)


def _unit(text: str) -> float:
    """One unit of the last digit shown; nothing for a whole number."""
    mantissa, _, exponent = text.partition("e")
    digits = mantissa.partition(".")[2]
    return 10.0 ** (int(exponent or 0) - len(digits)) * 1.001 if "." in mantissa or exponent else 0.0


# --- the tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for example in (ROOT / "examples").glob("*.opt"):
        shutil.copy(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict = {"__name__": f"page_{page.stem}"}
    monkeypatch.setitem(sys.modules, names["__name__"], type(sys)(names["__name__"]))
    for block in blocks(page.read_text(encoding="utf-8")):
        try:
            match block.language:
                case "opt":
                    run_opt(block)
                case "python":
                    run_python(block, names, f"{page.stem}.py")
                case "sh":
                    run_shell(block)
        except Exception as mistake:
            mistake.add_note(f"in the block at {page.relative_to(ROOT)}:{block.line}")
            raise


def test_numbers_agree_to_the_digits_shown():
    compare("w = [0.12341, -2e-9] in 7 steps, took 0.2 s\n", "w = [0.1234, 0.0000] in 7 steps, took ...")
    with pytest.raises(AssertionError):
        compare("0.1236", "0.1234")
    with pytest.raises(AssertionError):
        compare("8 steps", "7 steps")
    with pytest.raises(AssertionError):
        compare("budget 1.0", "box 1.0")


FRAMES = (
    "{}\nvar z : R\nminimize z^2",
    "dim n, k, v, e\n{}\nvar z : R\nminimize z^2",
    "dim n, T = 20\n{}\nvar z : R\nminimize z^2",
    "dim n\nparam A : R^(n,n)\nparam a : R^n\nvar x : R^n\nvar s : R\nminimize sumsq({})",
    "dim n\nparam A : R^(n,n)\nparam s : R\nvar x : R^n\nminimize sumsq({})",
    "dim n\nconst c : R\nvar x : R^n\nminimize sumsq({})",
    "var x : R\nminimize {}",
    "dim n\nvar X : R^(n,n)\nminimize sumsq({})",
    "dim n\nparam lo : R^n\nparam hi : R^n\nvar x : R^n\nminimize sumsq(x)\nsubject to\n  {}",
    "dim n\nvar X : S^n\nminimize sumsq(X)\nsubject to\n  {}",
    "dim n\nvar x : R^n\nvar t : R\nminimize t\nsubject to\n  {}",
    "dim n\nparam lo : R^n\nvar x : R^n\nminimize sumsq(x)\nsubject to\n  {}",
    "dim T\nvar e[T] : R\nminimize sumsq(e)\nsubject to\n  {}",
    "dim T = 3\nvar x[0..T] : R\nminimize sumsq(x)\nsubject to\n  c: x[t+1] == x[t] {}",
    "var x : R\nminimize x^2\nsubject to\n  c: x >= 1\n{}",
    "var x : R\nminimize x^2\n{}",
)  # programs that the texts of the table of the language in Python are parts of


def test_each_text_beside_its_python_is_right_in_some_program():
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    table = page.partition("| text | Python |\n")[2].partition("\n\n")[0]
    texts = [text for row in table.splitlines()[1:] for text in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    assert len(texts) > 20
    assert [t for t in texts if not any(declarative.check(frame.format(t))[0] for frame in FRAMES)] == []


def test_links_between_the_pages_lead_somewhere():
    missing = []
    for page in PAGES:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", text):
            if not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing
