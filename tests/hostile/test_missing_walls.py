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
        command = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), hidden, *command]
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
        ("landlock,seccomp", (FILES, NETWORK, PROGRAMS), ("administrator",)),
    ],
)
def test_inspect_names_present_and_missing_walls(
    corpus: Path, tmp_path: Path, hidden: str, missing: tuple[str, ...], held: tuple[str, ...]
) -> None:
    """Given a kernel without one or both features, Then a warning for each wall that is not there, and no other."""
    report = inspect(hidden, corpus / "ext_ok" / "model.onnx", tmp_path)

    for wall in (FILES, NETWORK, PROGRAMS):
        assert (wall in warnings(report)) == (wall in missing), wall
    assert all(word in facts(report) for word in held)
    assert "opened without that protection" in warnings(report) or not missing


EMPTYING = ("truncate", "empty_for_reading", "empty_for_nothing", "empty_by_openat2")
SIGNALING = ("end_the_window", "signal_by_pidfd", "queue_signal", "signal_by_owner")


def try_each(hidden: str, folder: Path, *escapes: str) -> dict[str, Any]:
    """How workers on such a kernel end that try each of these escapes."""
    (folder / "outside").mkdir()
    (folder / "outside" / "secret.txt").write_text("secret")
    command = [sys.executable, str(HERE / "without_kernel.py"), hidden, sys.executable, str(HERE / "try_each.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE)))}
    done = run_text([*command, str(folder), ",".join(escapes)], env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.whole
@pytest.mark.parametrize("version", [1, 2])
def test_worker_on_an_old_kernel_empties_no_file_outside(version: int, tmp_path: Path) -> None:
    """Given Landlock before version 3, which does not cover emptying files, Then no method works."""
    ends = try_each(f"landlock={version}", tmp_path, *EMPTYING)

    assert {what: end["code"] for what, end in ends.items()} == dict.fromkeys(EMPTYING, "not_permitted")
    assert {end["secret"] for end in ends.values()} == {"secret"}
    assert all("files outside the job's folder" in end["held"] for end in ends.values())


@pytest.mark.whole
@pytest.mark.parametrize("version", [1, 5])
def test_worker_on_an_old_kernel_signals_no_other_process(version: int, tmp_path: Path) -> None:
    """Given Landlock before version 6, which does not cover signals, Then no method to end the window works."""
    ends = try_each(f"landlock={version}", tmp_path, *SIGNALING)

    assert {what: end["code"] for what, end in ends.items()} == dict.fromkeys(SIGNALING, "not_permitted")
    assert all("stopping other programs" in end["held"] for end in ends.values())
    assert all(end["missing"] == [] for end in ends.values())


@pytest.mark.whole
@pytest.mark.parametrize("version", [1, 2])
def test_worker_on_an_old_kernel_moves_files_within_its_folder(version: int, tmp_path: Path) -> None:
    """Given Landlock 1, which denies to move a file into another folder, Then a job does it all the same, as libraries
    do when they save models; and a file outside is still not moved."""
    ends = try_each(f"landlock={version}", tmp_path, "move_inside", "move")

    assert (ends["move_inside"]["code"], ends["move_inside"]["answer"]) == ("", "['file'] a")
    assert (ends["move"]["code"], ends["move"]["secret"]) == ("not_permitted", "secret")


PICKLES = ("pkl_os_system_p0.bin", "pkl_os_system_p4.bin", "pkl_broken_after_payload.pkl")


@pytest.mark.parametrize("name", PICKLES)
def test_a_payload_leaves_its_mark_where_it_runs(name: str, corpus: Path, tmp_path: Path) -> None:
    """Given a pickle of the corpus, When anybody unpickles it, Then its mark is there: no silence by mistake below."""
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    environment = {**os.environ, "HOSTILE_CANARY_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-I", "-c", code, corpus / name], env=environment, capture_output=True, check=False)
    assert list(tmp_path.iterdir())


@pytest.mark.whole
@pytest.mark.parametrize("name", PICKLES)
def test_no_payload_runs_where_no_wall_would_stop_it(name: str, corpus: Path, canary: Path, tmp_path: Path) -> None:
    """Given a kernel without walls, When the same pickle is to be optimized, Then it is refused, and nothing ran."""
    mark = tmp_path / "mark"
    mark.mkdir()
    command = [sys.executable, "-m", "app", "optimize", str(corpus / name), "--json"]
    command = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), "landlock,seccomp", *command]
    environment = {**os.environ, "FETTLE_HOME": str(tmp_path / "home"), "HOSTILE_CANARY_DIR": str(mark)}
    done = run_text(command, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 3, done.stderr
    assert [*mark.iterdir(), *canary.iterdir()] == []
