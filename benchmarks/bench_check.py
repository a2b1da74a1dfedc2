"""How long `declarative check` takes as a whole process: each example beside 0.4 s, long and deep texts beside 2 s.

Seconds of processor time, user and system, so that other work on the machine counts little. Beside some of the sums
stands what CVXPY takes, imported already, to build the same sum and to say whether it is convex.
"""

import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import cvxpy as cp

RUNS = 5
COMMAND = [sys.executable, "-c", "from declarative.cli.main import main; main()", "check", "-"]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
HEAD = "dim n\nparam a : R^n\nparam A : R^(n,n)\nparam P : S^n, psd\nvar x : R^n\nvar t : R\nvar u : R\n"
POSITIVE = "var v : R, pos\nvar w : R, pos\nparam c : R, pos\n"
TERMS, DEEP = range(10_000), 2_000


def sum_of(term: str, between: str = " +\n  ", head: str = HEAD, rows: str = "") -> str:
    return f"{head}minimize {between.join(term.format(k) for k in TERMS)}\n{rows}"


def lines_of(line: str, last: str) -> str:
    return f"{HEAD}{''.join(line.format(k, k + 1) for k in TERMS)}{last}\n"


def rows_of(row: str) -> str:
    return f"{HEAD}minimize t\nsubject to\n{''.join(f'  c{k}: {row.format(k)}' + chr(10) for k in TERMS)}"


def nest_of(opening: str, closing: str) -> str:
    return f"{HEAD}minimize {opening * DEEP}t{closing * DEEP}\n"


VARIABLES = "".join(f"var z{k} : R\n" for k in TERMS)
DEFS = "def f0(z : R) : R = z\n" + "".join(f"def f{k + 1}(z : R) : R = f{k}(z) + {k}\n" for k in TERMS)
DOUBLING = "def f0(z : R) : R = z\n" + "".join(f"def f{k + 1}(z : R) : R = f{k}(z) + f{k}(z + 1)\n" for k in range(25))
LARGE = {
    "terms t": sum_of("t", " + "),
    "terms k*x[0]": sum_of("{0}*x[0]", " + "),
    "terms (t - k)^2": sum_of("(t - {0})^2", " + "),
    "lines abs(x - a)": sum_of("abs(x[1] - a[2])"),
    "lines exp(k*t)": sum_of("exp({0}*t - 1)"),
    "lines square(k*t - a)": sum_of("square({0}*t - a[1])"),
    "lines norm(x - k*a)": sum_of("norm(x - {0}*a)"),
    "lines norm1(A*x - k*a)": sum_of("norm1(A*x - {0}*a)"),
    "lines quad(x - k*a, P)": sum_of("quad(x - {0}*a, P)"),
    "a sum in each line": sum_of("sum((x[i] - {0}*a[i])^2 for i in n)"),
    "one sum of them all": f"{HEAD}minimize sum({' + '.join(f'{k}*x[i]^2' for k in TERMS)} for i in n)\n",
    "a root of all lines": f"{HEAD}minimize sqrt({' + '.join(f'abs({k}*t)' for k in TERMS)})\nsolve by cone\n",
    "a chain of lets": lines_of("let y{1} = y{0} + exp({0}*t)\n", "minimize y10000").replace("y0 +", "t +", 1),
    "a chain of families": lines_of("let y{1}[i] = y{0}[i] + {0}*x[i] for i in n\n", "minimize sum(y10000)").replace(
        "y0[i] +", "x[i] +", 1
    ),
    "calls of a def": sum_of("f(t, {0})", head=HEAD + "def f(z : R, d : R) : R = abs(z - d) + z^2\n"),
    "roots sqrt(k + t^2)": sum_of("sqrt({0} + t^2)"),
    "products k*t*u": sum_of("{0}*t*u"),
    "cubes, kinks against": sum_of("{0}*t^3 - abs(t - {0})"),
    "a geometric program": sum_of("{0}*v^2/w + c*w", head=POSITIVE, rows="subject to\n  v*w >= 1\n"),
    "exp(x[0] - k)*exp(x[1])": sum_of("exp(x[0] - {0})*exp(x[1])"),
    "ratios (t - k)^2/u": sum_of("(t - {0})^2/u"),
    "ratios (t - k)^2/v": sum_of("(t - {0})^2/v", head=HEAD + POSITIVE),
    "roots of two squares": sum_of("sqrt((t - {0})^2 + (u - {0})^2)"),
    "log(exp + exp)": sum_of("log(exp(t) + exp(u - {0}))"),
    "kinks times x[0]": sum_of("x[0]*norm(x - {0}*a)"),
    "entries x[k]*a[k]": sum_of("x[{0}]*a[{0}]"),
    "10,000 variables": VARIABLES + sum_of("exp(z{0})*exp(z{0})", head=""),
    "10,000 of one posynomial": sum_of("{0}.5*v^1.5/w", head=POSITIVE, rows="subject to\n  v*w >= 1\n"),
    "max of all": f"{HEAD}minimize max({', '.join(f'sqrt(1 + (t - {k})^2)' for k in TERMS)})\n",
    "norm of all": f"{HEAD}minimize norm([{', '.join(f'{k}*t - {k}' for k in TERMS)}])\n",
    "1,000 factors": f"{HEAD}minimize {'*'.join(f'(t + {k})' for k in range(1_000))}\n",
    "10,000 params": "".join(f"param p{k} : R\n" for k in TERMS) + sum_of("p{0}*t", head="var t : R\n"),
    "10,000 defs": HEAD + DEFS + "minimize f9999(t)\n",
    "doubling defs": HEAD + DOUBLING + "minimize f25(t)\n",
    "conditions": f"{HEAD}minimize sum(x[i]^2 for i in n if {' or '.join(f'i == {k}' for k in TERMS)})\n",
    "a sum over 100 x 100": "var y[0..99, 0..99] : R\nminimize sum(sum(y[i,j]^2 for j in 0..99) for i in 0..99)\n",
    "rows sum(...) <= t": rows_of("sum({0}*x[i] for i in n) <= t"),
    "rows roots <= t": rows_of("sqrt((t - {0})^2 + (u - {0})^2) <= u"),
    "rows x[k] >= x[k+1]": rows_of("x[{0}] >= x[{0}+1]"),
    "rows t >= k*x[0]": rows_of("t >= {0}*x[0] - {0}"),
    "rows norm(...) <= t": rows_of("norm(A*x - {0}*a) <= t"),
    "rows -k <= t - u <= k": rows_of("-{0} <= t - u <= {0} + 1"),
    "rows for i in n": rows_of("x[i] >= {0}*a[i] for i in n"),
    "rows not convex": rows_of("abs(t) >= {0}"),
    "unknown names": sum_of("z{0}*t"),
    "unknown functions": sum_of("foo{0}(t)"),
    "unknown in rows": rows_of("z{0} <= t"),
    "2,000 parentheses": nest_of("(", ")"),
    "2,000 sums": nest_of("(1 + ", ")"),
    "2,000 calls": nest_of("exp(", ")"),
    "2,000 signs": nest_of("-", ""),
    "2,000 powers": nest_of("(", ")^2"),
    "2,000 exponents": nest_of("", "^1"),
}
PEERS: dict[str, Callable[[Any, Any, int], Any]] = {
    "terms k*x[0]": lambda x, a, k: k * x[0],
    "terms (t - k)^2": lambda x, a, k: cp.square(x[0] - k),
    "lines abs(x - a)": lambda x, a, k: cp.abs(x[1] - a[2]),
    "lines exp(k*t)": lambda x, a, k: cp.exp(k * x[0] - 1),
    "lines norm(x - k*a)": lambda x, a, k: cp.norm(x - k * a),
}


def seconds(text: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(COMMAND, input=text, text=True, capture_output=True, check=False, cwd=EXAMPLES)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_of_cvxpy(term: Callable[[Any, Any, int], Any]) -> float:
    """The terms in one vector, which CVXPY adds up in the least time."""
    x, a = cp.Variable(4), cp.Parameter(4)
    start = process_time()
    total = cp.sum(cp.hstack([term(x, a, k) for k in TERMS]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it would rather have one vector
        assert cp.Problem(cp.Minimize(total)).is_dcp()
    return process_time() - start


def table(title: str, budget: float, texts: Mapping[str, str]) -> None:
    print(f"{title:<26} {'min':>6} {'median':>8} {'max':>6}   (seconds of processor time, {RUNS} runs)")
    slowest = 0.0
    for name, text in texts.items():
        times = sorted(seconds(text) for _ in range(RUNS))
        slowest = max(slowest, median(times))
        peer = f"   CVXPY {seconds_of_cvxpy(PEERS[name]):.2f}" if name in PEERS else ""
        print(f"{name:<26} {times[0]:6.2f} {median(times):8.2f} {times[-1]:6.2f}{peer}")
    print(f"slowest median: {slowest:.2f} s, {'within' if slowest <= budget else 'OVER'} the budget of {budget} s\n")


def main() -> None:
    examples = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.opt"))}
    seconds(HEAD)  # compiles the modules, and warms the disk
    table("declarative check", 0.4, examples)
    table("10,000 of each", 2.0, LARGE)


if __name__ == "__main__":
    main()
