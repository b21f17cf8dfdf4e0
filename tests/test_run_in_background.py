"""A run of the tests that was started in the background."""

import subprocess
import sys
from pathlib import Path

CODE = """
import runpy, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if sys.argv[1] == "configured":
    sys.path.insert(0, "fixtures")
    runpy.run_path("conftest.py")["pytest_configure"]()
ended = subprocess.run([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGINT)"],
    stderr=subprocess.DEVNULL)
print(ended.returncode)
"""


def _child_of_a_background_run(how: str) -> int:
    run = subprocess.run(
        [sys.executable, "-c", CODE, how],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


def test_programs_under_test_can_be_interrupted() -> None:
    """Given a shell that ignores SIGINT for what it starts, when a test's program is interrupted, then it ends by it."""
    assert _child_of_a_background_run("as it was") == 0
    assert _child_of_a_background_run("configured") != 0
