"""How long `declarative check` takes as a whole process: each example beside 0.4 s, long and deep texts beside 2 s.

Seconds of processor time, user and system, so that other work on the machine counts little.
"""

import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

RUNS = 5
COMMAND = [sys.executable, "-c", "from declarative.cli.main import main; main()", "check", "-"]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
HEAD = "dim n\nparam a : R^n\nvar x : R^n\nvar t : R\n"
TERMS, DEEP = range(10_000), 2_000


def sum_of(term: str, between: str) -> str:
    return f"{HEAD}minimize {between.join(term.format(k) for k in TERMS)}\n"


def nest_of(opening: str, closing: str) -> str:
    return f"{HEAD}minimize {opening * DEEP}t{closing * DEEP}\n"


LARGE = {
    "10,000 terms t": sum_of("t", " + "),
    "10,000 terms k*x[0]": sum_of("{0}*x[0]", " + "),
    "10,000 terms (t - k)^2": sum_of("(t - {0})^2", " + "),
    "10,000 lines abs(x - a)": sum_of("abs(x[1] - a[2])", " +\n  "),
    "2,000 parentheses": nest_of("(", ")"),
    "2,000 sums": nest_of("(1 + ", ")"),
    "2,000 calls": nest_of("exp(", ")"),
    "2,000 signs": nest_of("-", ""),
}


def seconds(text: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(COMMAND, input=text, text=True, capture_output=True, check=False, cwd=EXAMPLES)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(title: str, budget: float, texts: Mapping[str, str]) -> None:
    print(f"{title:<26} {'min':>6} {'median':>8} {'max':>6}   (seconds of processor time, {RUNS} runs)")
    slowest = 0.0
    for name, text in texts.items():
        times = sorted(seconds(text) for _ in range(RUNS))
        slowest = max(slowest, median(times))
        print(f"{name:<26} {times[0]:6.2f} {median(times):8.2f} {times[-1]:6.2f}")
    print(f"slowest median: {slowest:.2f} s, {'within' if slowest <= budget else 'OVER'} the budget of {budget} s\n")


def main() -> None:
    examples = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.opt"))}
    seconds(HEAD)  # compiles the modules, and warms the disk
    table("declarative check", 0.4, examples)
    table("long and deep", 2.0, LARGE)


if __name__ == "__main__":
    main()
