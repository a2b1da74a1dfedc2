"""Random smooth programs, convex or not, as `.opt` text that Python reads too.

The objective and each row are one line of text, read by three that know nothing of one another: this language, Python
with torch, Python with CasADi (`oracles.py`). Every program has a point that satisfies its rows, unless it is not
`feasible`; nothing else is sure: it may be unbounded, have many minima, begin outside the domain of its functions.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import torch
from torch import Tensor

Env = dict[str, Any]  # variables and data of one item by name
FUNCTIONS = ("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "sigmoid")
TORCH: Env = {name: getattr(torch, name) for name in FUNCTIONS}


@dataclass(frozen=True)
class Row:
    """`text` == 0 or `text` <= 0; its multiplier is the entry `place` of the dual of this name, times `share`."""

    text: str
    equality: bool
    dual: str
    place: tuple[int, ...] = ()
    share: float = 1.0


@dataclass(frozen=True)
class Program:
    """`sizes` of the variables by name, `data` by name (B, ...); the sides of the rows are in `data["s"]`."""

    text: str
    sizes: dict[str, tuple[int, ...]]
    sign: int
    objective: str
    rows: tuple[Row, ...]
    data: dict[str, Tensor]
    feasible: bool

    @property
    def batch(self) -> int:
        return len(self.data["s"])


def reader(text: str, functions: Env) -> Callable[[Env], Any]:
    """The value of an expression of this language that is one of Python too, but for the sign of powers."""
    code = compile(text.replace("^", "**"), text, "eval")
    return lambda env: eval(code, functions, env)


def number(value: float) -> str:
    """A literal of four digits, in brackets where it has a sign."""
    text = repr(float(f"{value:.4g}"))
    return f"({text})" if text.startswith("-") else text


@dataclass
class Writer:
    """What is being written: declarations, the entries that terms may read, a feasible point, rows and their sides."""

    dice: random.Random
    declared: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    point: Env = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    sides: list[tuple[str, float]] = field(default_factory=list)  # entries of s: a body, and what is added to its value

    def normal(self, *shape: int) -> Tensor:
        seed = torch.Generator().manual_seed(self.dice.randrange(10**6))
        return torch.randn(shape, generator=seed, dtype=torch.float64)

    def coefficient(self) -> str:
        """A number, or an entry of the parameter p."""
        if self.dice.random() < 0.3:
            return f"p[{self.dice.randrange(3)}]"
        return number(self.dice.choice((-1, 1)) * self.dice.uniform(0.2, 3))

    def entry(self) -> str:
        return self.dice.choice(self.entries)

    def side(self, body: str, more: float) -> str:
        """A new entry of s: what `body` is at the point, and something more."""
        self.sides.append((body, more))
        return f"s[{len(self.sides) - 1}]"

    def at_point(self, text: str) -> float:
        return float(reader(text, TORCH)(self.point))


KINDS = ("free", "free", "scalar", "box", "nonneg", "unit", "simplex", "orthonormal", "fixed", "pos")


def declare(w: Writer, name: str, room: int) -> int:
    """A variable with attributes and perhaps a start; the number of its entries."""
    dice, kind = w.dice, w.dice.choice(KINDS)
    n, rows = dice.randint(1, min(room, 4)), []
    kind = "free" if kind == "orthonormal" and room < 4 else kind
    n = max(n, 2) if kind in ("unit", "simplex") else n
    shape: tuple[int, ...] = {"scalar": (), "fixed": (), "orthonormal": (3, 2) if room > 5 else (2, 2)}.get(kind, (n,))
    point, attributes = w.normal(*shape), [] if kind in ("free", "scalar", "box", "fixed") else [kind]
    each = [
        (place, name + (f"[{','.join(map(str, place))}]" if place else "")) for place in product(*map(range, shape))
    ]
    lower, upper = f"{name}.lower", f"{name}.upper"
    match kind:
        case "box":
            low, high = number(dice.uniform(-2, 0)), number(dice.uniform(0.5, 3))
            point = torch.rand(n, generator=torch.Generator().manual_seed(dice.randrange(10**6))).double() * 0.5
            attributes = [f"between({low}, {high})"]
            rows = [Row(f"{low} - {x}", False, lower, i) for i, x in each]
            rows += [Row(f"{x} - {high}", False, upper, i) for i, x in each]
        case "nonneg" | "pos":
            point = point.abs()
            rows = [Row(f"-{x}", False, lower, i) for i, x in each]
        case "unit":
            point = torch.nn.functional.normalize(point, dim=0)
            rows = [Row(" + ".join(f"{x}^2" for _, x in each) + " - 1", True, f"{name}.unit")]
        case "simplex":
            point = torch.softmax(point, 0)
            rows = [Row(" + ".join(x for _, x in each) + " - 1", True, f"{name}.simplex")]
            rows += [Row(f"-{x}", False, lower, i) for i, x in each]
        case "orthonormal":
            point = torch.linalg.qr(point)[0]
            for i, j in ((0, 0), (0, 1), (1, 1)):
                gram = " + ".join(f"{name}[{k},{i}]*{name}[{k},{j}]" for k in range(shape[0]))
                rows.append(Row(f"{gram} - {int(i == j)}", True, f"{name}.orthonormal", (i, j), 1 if i == j else 2))
        case "fixed":
            c = number(float(point))
            point, attributes = point.new_tensor(float(c.strip("()"))), [f"between({c}, {c})"]
            rows = [Row(f"{c} - {name}", False, lower), Row(f"{name} - {c}", False, upper)]
    if dice.random() < 0.5:  # a start: near the feasible point, or far off
        at = (point + dice.choice((0.3, 0.3, 1, 3, 10)) * w.normal(*shape)).reshape(-1, *shape[1:] or ()).tolist()
        listed = "; ".join(", ".join(map(number, r)) for r in at) if len(shape) == 2 else ", ".join(map(number, at))
        attributes.append(f"start([{listed}])" if shape else f"start({listed})")
    space = "R" if not shape else f"R^{shape[0]}" if len(shape) == 1 else f"R^({shape[0]},{shape[1]})"
    w.declared.append(", ".join([f"var {name} : {space}", *attributes]))
    w.sizes[name], w.point[name] = shape, point
    w.rows.extend(rows)
    w.entries.extend(x for _, x in each)
    return point.numel()


def term(w: Writer) -> str:
    """A random smooth function of some entries, with a coefficient."""
    dice, x, y, c, d = w.dice, w.entry(), w.entry(), w.coefficient(), w.coefficient()
    i = f"({w.coefficient()}*{w.entry()} + {w.coefficient()}*{w.entry()})"
    if dice.random() < 0.2:
        i = dice.choice((f"({x}^2)", f"({x}*{y})", f"sin({i})", f"({x}/(1 + {y}^2))"))
    forms = (
        x, f"{x}*{y}", f"{x}^2*{y}", f"{x}^3", f"({x} - {d})^2", f"({x}^2 - {y})^2", f"({x} - {d})^4", f"{x}*sin({y})",
        f"{x}/(1 + {y}^2)", f"1/(1 + {i}^2)", f"sin({i})", f"cos({i} + {d})", f"exp(0.5*{i})", f"exp(-{i}^2)",
        f"log(1 + {i}^2)", f"sqrt(1 + {i}^2)", f"tanh({i})", f"atan({i})", f"sigmoid({i})",
    )  # fmt: skip
    positive = [e for e in w.entries if w.at_point(e) > 0.05]
    if positive and dice.random() < 0.1:  # functions of open domains
        u = dice.choice(positive)
        forms = (f"log({u})", f"{u}*log({u})", f"log({u})^2", f"1/{u}", f"{y}/{u}", f"{u}^-0.5")
    return f"{c}*{dice.choice(forms)}"


def total(w: Writer, count: int) -> str:
    """A sum of terms."""
    return " + ".join(term(w) for _ in range(count))


def relation(w: Writer, name: str, bad: bool) -> None:
    """A named row that the point satisfies, with its sides among the data; sometimes said twice."""
    dice = w.dice
    scale = 10 ** dice.uniform(-4, 4) if bad and dice.random() < 0.5 else 1.0
    body = total(w, dice.randint(1, 3))
    body = body if scale == 1 else f"{number(scale)}*({body})"
    slack = scale * dice.choice((0.0, 0.1, 1.0, 1.0)) * dice.uniform(0.2, 1)
    match dice.choice(("==", "<=", ">=", "two", "<=", ">=")):
        case "==":
            s = w.side(body, 0.0)
            w.lines.append(f"{name}: {body} == {s}")
            w.rows.append(Row(f"{body} - {s}", True, name))
        case "two":
            low, high = w.side(body, -slack), w.side(body, scale)
            w.lines.append(f"{name}: {low} <= {body} <= {high}")
            w.rows.append(Row(f"{low} - ({body})", False, f"{name}.lower"))
            w.rows.append(Row(f"{body} - {high}", False, f"{name}.upper"))
        case kind:
            s = w.side(body, slack if kind == "<=" else -slack)
            row = f"{body} - {s}" if kind == "<=" else f"{s} - ({body})"
            w.lines.append(f"{name}: {body} {kind} {s}")
            w.rows.append(Row(row, False, name))
            if dice.random() < 0.1:  # the same again, in other units
                w.lines.append(f"{name}b: 2*({body}) {kind} 2*{s}")
                w.rows.append(Row(f"2*({row})", False, f"{name}b"))


def random_program(seed: int) -> Program:
    """The program of this number."""
    w = Writer(random.Random(seed))
    dice, room = w.dice, w.dice.randint(1, 8)
    while room > 0:
        room -= declare(w, f"x{len(w.sizes)}", room)
    w.point |= {"p": torch.ones(3, dtype=torch.float64)}
    bad, growth = dice.random() < 0.2, dice.choice((0, 2, 2, 4, 4))
    objective = total(w, dice.randint(1, 4))
    if growth:
        objective += f" + {number(dice.uniform(0.1, 1))}*({' + '.join(f'{x}^{growth}' for x in w.entries)})"
    objective = f"{number(10 ** dice.uniform(-4, 4))}*({objective})" if bad else objective
    objective += "".join(f" + q[{k}]*{x}" for k, x in enumerate(w.entries))
    for k in range(dice.choice((0, 0, 1, 1, 2, 3))):
        relation(w, f"c{k}", bad)
    sign = -1 if dice.random() < 0.1 and not growth else 1
    feasible = dice.random() < 0.9
    data = draw(w, dice.choice((1, 1, 2, 4, 8, 32)), feasible)
    text = "\n".join([
        f"problem program{seed}", "param p : R^3", f"param q : R^{len(w.entries)}", f"param s : R^{data['s'].shape[1]}",
        *w.declared, f"{'minimize' if sign == 1 else 'maximize'} {objective}",
        *(["subject to", *(f"  {line}" for line in w.lines)] if w.lines else []),
    ])  # fmt: skip
    return Program(text + "\n", w.sizes, sign, objective, tuple(w.rows), data, feasible)


def draw(w: Writer, batch: int, feasible: bool) -> dict[str, Tensor]:
    """The data of each item; its sides are those of the point, or of none."""
    p, q = 1 + 0.5 * w.normal(batch, 3), 0.3 * w.normal(batch, len(w.entries))
    s, off = torch.zeros(batch, max(len(w.sides), 1), dtype=torch.float64), w.normal(batch)
    for k, (body, more) in enumerate(w.sides):
        value = reader(body, TORCH)
        for i in range(batch):
            s[i, k] = value(w.point | {"p": p[i], "q": q[i]}) + more + (0 if feasible else off[i])
    return {"p": p, "q": q, "s": s}
