"""`declarative warmup`: what users would wait for is compiled ahead."""

import json
import re
import subprocess
import sys
from pathlib import Path

from declarative.backends.kkt import compiled
from declarative.cli.warmup import PROGRAMS

PROGRAM = """
import sys
from declarative.backends import machine
from declarative.cli.main import run

used, load = set(), machine.Kept.load_overload

def loaded(self, sig, context):
    used.add(self._py_func.__name__)
    return load(self, sig, context)

machine.Kept.load_overload = loaded
status = run(["warmup", "--format", "json"])
print(*used, file=sys.stderr)
sys.exit(status)
"""


def test_all_that_takes_long_to_compile_is_used():
    texts = [path.read_text() for path in Path(*compiled.__path__).glob("*.py")]
    large = {name for text in texts for name in re.findall(r'@large\("[^"]+"\)\ndef (\w+)\(', text)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)) == list(PROGRAMS)
    cones = {"factored", "turn_second_order", "turn_semidefinite", "project_exponential"}
    assert len(large) >= 9 and large | cones <= set(done.stderr.split())
