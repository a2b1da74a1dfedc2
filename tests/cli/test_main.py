"""The frame around the commands: help, usage, our own mistakes, interruptions, closed pipes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from declarative.cli import check, main


def test_help_names_every_command_and_loads_none(folder):
    program = "import sys; from declarative.cli.main import run; run(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert all(f"\n  {name} " in done.stdout for name in main.COMMANDS)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "nothing.opt"],
        ["solve", "simplex.opt", "nothing.json"],
        ["solve", "simplex.opt", "-p", "z=1"],
        ["solve", "--help"],
        ["gradcheck", "broken.opt"],
        ["explain", "nothing.opt"],
        ["explain", "simplex.opt", "--bakend", "kkt"],
        ["compile", "broken.opt"],
    ],
)
def test_what_is_wrong_is_told_before_torch_is_loaded(folder, words):
    program = f"import sys; from declarative.cli.main import run; run({words}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.endswith("False\n") and (done.stderr or "--help" in words)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help(run, name):
    done = run(name, "--help")
    assert done.exit_code == 0 and "--format" in done.stdout


@pytest.mark.parametrize("words", [["chek"], ["check"], ["check", "--form", "xml", "p.opt"], ["solve"], ["fmt", "--x"]])
def test_wrong_usage_is_2(run, words):
    done = run(*words)
    assert done.exit_code == 2 and "Usage: declarative" in done.stderr


def test_a_command_that_is_not_there(run):
    assert "did you mean 'check'?" in run("chek", "p.opt").stderr.lower()
    assert "did you mean" not in run("xyzzy", "p.opt").stderr.lower()


def test_our_own_mistake_is_70_and_asks_for_a_report(run, folder, monkeypatch):
    def broken(path, **given):
        raise RecursionError("deep")

    monkeypatch.setattr(check, "judge", broken)
    done = run("check", "simplex.opt")
    assert done.exit_code == 70
    assert "RecursionError" in done.stderr and "report" in done.stderr and "Traceback" not in done.stderr


def test_an_interruption_is_130(run, folder, monkeypatch):
    def interrupted(path, **given):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "judge", interrupted)
    assert run("check", "simplex.opt").exit_code == 130


def test_the_frame_stands_before_anything_heavy_is_loaded():
    """So that an interruption while the rest is loaded is met there."""
    program = "import sys, declarative.cli.main; print([m for m in sys.modules if m.startswith('declarative.elab')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_it_is_a_module_too(folder):
    done = subprocess.run(
        [sys.executable, "-m", "declarative", "check", "simplex.opt"], capture_output=True, cwd=folder
    )
    assert done.returncode == 0 and done.stdout.startswith(b"simplex.opt: convex")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_not_our_mistake(folder, unbuffered):
    command = f"{sys.executable} -m declarative check simplex.opt > /dev/full"
    variables = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder, env=variables)
    assert done.returncode == 2 and done.stderr == "error: No space left on device\n"


def test_a_closed_pipe_is_no_traceback(folder):
    command = (
        f"{sys.executable} -c 'from declarative.cli.main import main; main()' check {'simplex.opt ' * 100} | head -n 1"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=folder)
    assert done.stdout.startswith("simplex.opt: ") and "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
