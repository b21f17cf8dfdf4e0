"""An export that is broken off, by a kill or a full disk: the old bundle of that name is whole, and no half one is there."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fettle_command import Demo, Fettle, wait_for
from run_text import run_text

from app.services.after.exporting import place
from workers.contracts.folder import sha256_file

POINTS = 20
FILL = """
import resource, signal, sys
from pathlib import Path
from app.services.after.exporting import place
from app.services.flow.steps import JobError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    place(Path(sys.argv[1]), Path(sys.argv[2]))
except JobError as error:
    sys.stdout.write(error.error.code)
"""


def copy_of(demo: Demo, folder: Path) -> Fettle:
    shutil.copytree(demo.fettle.home, folder / "home", symlinks=True)
    return Fettle(folder / "home")


def killed_export(demo: Demo, folder: Path, after_s: float) -> None:
    """An export over an old bundle, killed with all of its processes after so many seconds."""
    fettle, out = copy_of(demo, folder), folder / "b.zip"
    shutil.copyfile(demo.bundle, out)
    old = sha256_file(out)
    process = fettle.start("export", demo.run_id, "--target", "python", "--out", out, "--json")
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    wait_for(lambda: not fettle.processes(), timeout_s=30)
    report = fettle("verify", out, "--json")
    assert report.code == 0, f"neither the old bundle nor the new one is whole: {report.out}"
    if process.returncode != 0:
        # the rename is the last thing but the record of it
        exports = fettle("releases", "--json")
        assert exports.code == 0 and (sha256_file(out) == old or process.returncode == -signal.SIGKILL)
    left = [path.name for path in folder.iterdir() if path.name not in ("home", "b.zip")]
    assert all(name.startswith(".fettle-") and name.endswith(".part") for name in left), left
    assert fettle("export", demo.run_id, "--target", "python", "--out", out, "--json").code == 0
    assert fettle.leftovers == []


@pytest.fixture(scope="module")
def takes_s(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> float:
    """An export that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    done = copy_of(demo, folder)("export", demo.run_id, "--target", "python", "--out", folder / "b.zip")
    assert done.code == 0, done.err
    return done.seconds


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("at", range(POINTS))
def test_an_export_killed_at_twenty_points(demo: Demo, takes_s: float, tmp_path: Path, at: int) -> None:
    """Given an export over an old bundle, when all of it is killed at any time, then one whole bundle lies there, nothing else
    that looks like one, and the next export works."""
    killed_export(demo, tmp_path, takes_s * (at + 1) / (POINTS + 1))


@pytest.mark.skipif(os.name != "posix", reason="sizes of files are limited there alone")
@pytest.mark.parametrize(
    "at", [pytest.param(at, marks=[pytest.mark.slow] if at not in (0, 10, 19) else []) for at in range(POINTS)]
)
def test_a_disk_that_fills_at_twenty_sizes(tmp_path: Path, at: int) -> None:
    """Given a new bundle on its way to the place of an old one, when the disk takes so much of it and no more, then words say
    so, and the old one is as it was. (A limit on the size of files stands for the disk.)"""
    new, out = tmp_path / "new", tmp_path / "b.zip"
    content = os.urandom(3 << 20)
    new.write_bytes(content)
    out.write_bytes(b"an old bundle")
    limit = str(round(len(content) * at / POINTS))
    command = [sys.executable, "-c", FILL, str(new), str(out), limit]
    done = run_text(command, cwd=Path(__file__).parents[2])
    assert (done.stdout, done.stderr, done.returncode) == ("not_written", "", 0)
    assert out.read_bytes() == b"an old bundle" and sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "new"]
    place(new, out)
    assert hashlib.sha256(out.read_bytes()).digest() == hashlib.sha256(content).digest()
