"""How long `declarative check` takes as a whole process, for each example, beside its budget of 0.4 seconds."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

BUDGET = 0.4
RUNS = 5
COMMAND = [sys.executable, "-c", "from declarative.cli.main import main; main()", "check"]
EXAMPLES = sorted(Path(__file__).resolve().parent.parent.joinpath("examples").glob("*.opt"))


def seconds(path: Path) -> float:
    began = time.perf_counter()
    subprocess.run([*COMMAND, str(path)], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    seconds(EXAMPLES[0])  # compiles the modules, and warms the disk
    print(f"{'declarative check':<24} {'min':>6} {'median':>8} {'max':>6}   (seconds, {RUNS} runs, budget {BUDGET})")
    slowest = 0.0
    for path in EXAMPLES:
        times = sorted(seconds(path) for _ in range(RUNS))
        slowest = max(slowest, median(times))
        print(f"{path.stem:<24} {times[0]:6.2f} {median(times):8.2f} {times[-1]:6.2f}")
    print(f"slowest median: {slowest:.2f} s, {'within' if slowest <= BUDGET else 'OVER'} the budget")


if __name__ == "__main__":
    main()
