"""Where the kernel lacks what walls a worker in, a message names the missing protection."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from run_text import run_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
FILES, NETWORK, PROGRAMS = "away from your other files", "away from the network", "starting other programs"


def inspect(hidden: str, model: Path, home: Path) -> dict[str, Any]:
    """`fettle inspect --json` on a kernel without the features `hidden`."""
    command = [sys.executable, "-m", "app", "inspect", str(model), "--json"]
    if hidden:
        command = [sys.executable, str(HERE / "without_kernel.py"), hidden, *command]
    environment = {**os.environ, "FETTLE_HOME": str(home)}
    done = run_text(command, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def warnings(document: dict[str, Any]) -> str:
    return " ".join(finding["what"] for finding in document["findings"] if finding["level"] == "warning")


def facts(document: dict[str, Any]) -> str:
    return " ".join(finding["what"] for finding in document["findings"] if finding["level"] == "info")


@pytest.mark.whole
@pytest.mark.parametrize(
    ("hidden", "missing", "held"),
    [
        ("", (), ("own folder", "network", "programs", "administrator")),
        ("landlock", (FILES,), ("network", "programs", "administrator")),
        ("seccomp", (NETWORK, PROGRAMS), ("own folder", "administrator")),
    ],
)
def test_inspect_names_present_and_missing_walls(
    corpus: Path, tmp_path: Path, hidden: str, missing: tuple[str, ...], held: tuple[str, ...]
) -> None:
    """Given a kernel without one of the features, Then a warning for each wall that is not there, and no other."""
    report = inspect(hidden, corpus / "ext_ok" / "model.onnx", tmp_path)

    for wall in (FILES, NETWORK, PROGRAMS):
        assert (wall in warnings(report)) == (wall in missing), wall
    assert all(word in facts(report) for word in held)
    assert "opened without that protection" in warnings(report) or not missing


EMPTYING = ("truncate", "empty_for_reading", "empty_for_nothing", "empty_by_openat2")
SIGNALING = ("end_the_window", "signal_by_pidfd", "queue_signal", "signal_by_owner")


@pytest.mark.whole
@pytest.mark.parametrize("version", [1, 2, 5])
def test_worker_on_an_old_kernel_has_the_same_walls(version: int, tmp_path: Path) -> None:
    """Given Landlock before version 3, which does not cover emptying files, or before 6, which does not cover signals, Then
    no method works. Given Landlock 1, which denies to move a file into another folder, Then a job does it all the same,
    as libraries do when they save models; and a file outside is still not moved."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    hidden = [sys.executable, str(HERE / "without_kernel.py"), f"landlock={version}"]
    denied = (*EMPTYING, *SIGNALING, "move")
    command = [*hidden, sys.executable, str(HERE / "try_each.py"), str(tmp_path), ",".join((*denied, "move_inside"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE)))}
    done = run_text(command, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ends"] == {**dict.fromkeys(denied, "not permitted"), "move_inside": "['file'] a"}
    assert report["secret"] == "secret"
    assert {"files outside the job's folder", "stopping other programs"} <= set(report["held"])
    assert report["missing"] == []


PICKLES = ("pkl_os_system_p0.bin", "pkl_os_system_p4.bin", "pkl_broken_after_payload.pkl")


@pytest.mark.parametrize("name", PICKLES)
def test_a_payload_leaves_its_mark_where_it_runs(name: str, corpus: Path, tmp_path: Path) -> None:
    """Given a pickle of the corpus, When anybody unpickles it, Then its mark is there: no silence by mistake below."""
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    environment = {**os.environ, "HOSTILE_CANARY_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-I", "-c", code, corpus / name], env=environment, capture_output=True, check=False)
    assert list(tmp_path.iterdir())


OPTIMIZE = """
import sys
from app.cli.main import main
sys.exit({main(["optimize", path, "--json"]) for path in sys.argv[1:]} != {3})
"""


@pytest.mark.whole
def test_no_payload_runs_where_no_wall_would_stop_it(corpus: Path, canary: Path, tmp_path: Path) -> None:
    """Given a kernel without walls, When the same pickles are to be optimized, Then each is refused, and nothing ran."""
    mark = tmp_path / "mark"
    mark.mkdir()
    command = [sys.executable, "-c", OPTIMIZE, *(str(corpus / name) for name in PICKLES)]
    command = [sys.executable, str(HERE / "without_kernel.py"), "landlock,seccomp", *command]
    environment = {**os.environ, "FETTLE_HOME": str(tmp_path / "home"), "HOSTILE_CANARY_DIR": str(mark)}
    done = run_text(command, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [*mark.iterdir(), *canary.iterdir()] == []
