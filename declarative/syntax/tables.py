"""`grammar/opt.lark` to `tables.json`, so that reading a file builds no grammar: `python -m declarative.syntax.tables`.

Needs lark; nothing else imports this module. The shape of the result:

- `tokens`: pairs of a token's name and its regular expression, in the order to try. A token whose text is fixed is
  named by that text, as in `"<="`.
- `words`: the tokens that look like names and are not, `"param"` for one.
- `rules`: `[rule's left side, length, node, one_child, parts]`. `node` names the function of `build` that makes the
  node (empty: the children are spliced into the parent's). With `one_child`, a single child stands for the node.
  `parts` lists the children: i for the i-th symbol, -1 - i for the children of the i-th symbol, null for what was
  left out.
- `actions`: for each state, token -> state to go to, or -1 - i to reduce by rule i.
- `gotos`: for each state, left side of a rule just reduced -> state to go to.
- `start`, `end`: the states before and after a whole statement.
"""

import json
from pathlib import Path

from lark import Lark
from lark.grammar import Rule
from lark.lexer import PatternStr, TerminalDef

GRAMMAR = Path(__file__).with_name("opt.lark")
TABLES = Path(__file__).with_name("tables.json")


def build_tables(grammar: str) -> dict:
    """The tables of a grammar's text. Raises lark's errors where the grammar has conflicts."""
    lark = Lark(grammar, parser="lalr", lexer="basic", start="statement", maybe_placeholders=True)
    table = lark.parser.parser._parse_table
    names = {t.name: t.pattern.value if isinstance(t.pattern, PatternStr) else t.name for t in lark.terminals}
    names |= {name: name for name in ("$END", "SUBJECT_TO", "SOLVE_BY", "DIFFERENTIATE_BY")}
    reduced = {to: json.dumps(_rule(to)) for row in table.states.values() for _, to in row.values() if _is_rule(to)}
    rules = sorted(set(reduced.values()))  # rules that differ in their tokens alone are one
    number = {rule: -1 - rules.index(text) for rule, text in reduced.items()}
    number |= _numbered(table.states, table.start_states["statement"])
    words = [names[t.name] for t in lark.terminals if names[t.name].isalpha() and isinstance(t.pattern, PatternStr)]
    rows = [sorted(table.states[state].items()) for state in sorted(table.states, key=number.__getitem__)]
    return {
        "tokens": [
            [names[t.name], t.pattern.to_regexp()]
            for t in _in_order(list(lark.terminals))
            if names[t.name] not in words
        ],
        "words": sorted(words),
        "rules": [json.loads(rule) for rule in rules],
        "actions": [{names[symbol]: number[to] for symbol, (_, to) in row if symbol in names} for row in rows],
        "gotos": [{symbol: number[to] for symbol, (_, to) in row if symbol not in names} for row in rows],
        "start": number[table.start_states["statement"]],
        "end": number[table.end_states["statement"]],
    }


def _numbered(states: dict, start: int) -> dict:
    """State -> number in order of first visit; lark's own numbers change from run to run."""
    order = [start]
    for state in order:
        reached = (to for _, (_, to) in sorted(states[state].items()) if not _is_rule(to))
        order += [to for to in dict.fromkeys(reached) if to not in order]
    return {state: i for i, state in enumerate(order)}


def _in_order(terminals: list[TerminalDef]) -> list[TerminalDef]:
    """Patterns before fixed texts (`.5` before `.`), longer fixed texts before shorter ones."""
    fixed = {t: isinstance(t.pattern, PatternStr) for t in terminals}
    return sorted(terminals, key=lambda t: (fixed[t], -len(t.pattern.value) if fixed[t] else 0, t.name))


def _is_rule(to: Rule | int) -> bool:
    return isinstance(to, Rule)


def _rule(rule: Rule) -> tuple:
    name = str(rule.alias or rule.origin.name)
    one_child = rule.options.expand1 and not rule.alias
    node = "" if name.startswith("_") else name
    return str(rule.origin.name), len(rule.expansion), node, one_child, _parts(rule)


def _parts(rule: Rule) -> list[int | None]:
    """Which symbols become children; an optional part that was left out becomes null."""
    left_out = "".join(str(int(empty)) for empty in rule.options.empty_indices)
    gaps = [len(run) for run in left_out.split("0")] if left_out else [0] * (len(rule.expansion) + 1)
    parts: list[int | None] = []
    for i, symbol in enumerate(rule.expansion):
        parts += [None] * gaps[i]
        if symbol.is_term and getattr(symbol, "filter_out", False) and not rule.options.keep_all_tokens:
            continue
        parts.append(-1 - i if not symbol.is_term and symbol.name.startswith("_") else i)
    return parts + [None] * gaps[-1]


def as_text(tables: dict) -> str:
    """JSON with one rule, token or state a line, so that a change shows as a small difference."""
    lines = []
    for key, value in tables.items():
        if key in ("tokens", "rules", "actions", "gotos"):
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            lines.append(f' "{key}": [\n  {rows}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLES.write_text(as_text(build_tables(GRAMMAR.read_text(encoding="utf-8"))), encoding="utf-8")
