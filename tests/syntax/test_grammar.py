"""The grammar: no conflicts, and tables that are what the grammar says."""

import json
import subprocess
import sys

from lark import Lark

from declarative.syntax.build import BUILDERS
from declarative.syntax.tables import GRAMMAR, as_text, build_tables
from declarative.syntax.tables import TABLES as TABLES_FILE
from declarative.syntax.tokens.lexer import TABLES


def test_the_grammar_is_lalr_without_conflicts_of_rules_or_tokens() -> None:
    Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", lexer="basic", start="statement", strict=True)


def test_the_tables_are_fresh() -> None:
    """If this fails: `python -m declarative.syntax.tables`."""
    assert TABLES_FILE.read_text(encoding="utf-8") == as_text(build_tables(GRAMMAR.read_text(encoding="utf-8")))


def test_the_tables_do_not_depend_on_the_order_of_hashes() -> None:
    program = "from declarative.syntax.tables import *; print(as_text(build_tables(GRAMMAR.read_text('utf-8'))))"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}, cwd="."
        )
        assert json.loads(run.stdout) == TABLES


def test_every_rule_has_its_builder_and_every_builder_its_rule() -> None:
    """Rules with one child at most stand for that child and are never built."""
    nodes = {
        node for _, length, node, one_child, parts in TABLES["rules"] if node and not (one_child and len(parts) < 2)
    }
    assert nodes == set(BUILDERS)
