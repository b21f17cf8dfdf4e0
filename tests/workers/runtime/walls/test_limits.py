"""The highest memory use that a process reports."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[4]
SCRIPT = """
from workers.contracts.process.messages import Limits
from workers.runtime.walls.limits import is_near_memory_limit
print(is_near_memory_limit(Limits(memory_bytes=LIMIT)))
"""
LARGE_BYTES = 600 << 20


@pytest.mark.parametrize(("limit_bytes", "near"), [(LARGE_BYTES, False), (10 << 20, True)])
def test_a_large_parent_does_not_count(limit_bytes: int, near: bool) -> None:
    """Given a parent that holds more than a job may, Then the job is judged by what it held itself."""
    held = np.ones(LARGE_BYTES, np.uint8)
    script = SCRIPT.replace("LIMIT", str(limit_bytes))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, close_fds=False
    )
    assert done.stdout.strip() == str(near)
    assert held.nbytes == LARGE_BYTES
