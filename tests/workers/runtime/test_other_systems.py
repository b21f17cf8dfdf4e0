"""The worker side imports on systems that this test does not run on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
import asyncio, ctypes, multiprocessing.connection, multiprocessing.spawn, socket, subprocess, tempfile
import faulthandler, importlib.metadata, platform, select, shutil, pydantic.main, psutil, numpy
sys.platform = {platform!r}
if sys.platform == "win32":
    sys.modules["resource"] = None
import app.jobs.interleaving, app.jobs.pool
import workers.runtime.entry, workers.jobs.machine, workers.jobs.describe
from pathlib import Path
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits
from workers.runtime.walls.limits import Watchdog, is_near_memory_limit
from workers.runtime.walls.sandbox import first_layer, second_layer
config = ChildConfig(parent_pid=1, write_root=".")
report = first_layer(config)
assert report.held == [], report.held
assert len(report.missing) == 5, report.missing
assert all(one.reason == "" for one in report.missing)
second_layer(config, [], ".")
assert Watchdog(1)._resident.read() > 0
is_near_memory_limit(Limits())
if sys.platform == "win32":
    from workers.runtime.walls.limits import set_system_limits
    assert set_system_limits(Limits(), 1)
"""


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_import_and_report_missing_walls(platform: str) -> None:
    """Given Windows or macOS by name, Then every module imports, and five missing protections are reported."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(platform=platform)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
