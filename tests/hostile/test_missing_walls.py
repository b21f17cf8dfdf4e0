"""Where the kernel lacks what walls a worker in, the person is told which protection is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

ROOT = Path(__file__).parents[2]
FILES, NETWORK, PROGRAMS = "away from your other files", "away from the network", "starting other programs"


def inspect(hidden: str, model: Path, home: Path) -> dict[str, Any]:
    """`fettle inspect --json` on a kernel without the features `hidden`."""
    command = [sys.executable, "-m", "app", "inspect", str(model), "--json"]
    if hidden:
        command = [sys.executable, str(Path(__file__).parent / "without_kernel.py"), hidden, *command]
    environment = {**os.environ, "FETTLE_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def warnings(told: dict[str, Any]) -> str:
    return " ".join(finding["what"] for finding in told["findings"] if finding["level"] == "warning")


def facts(told: dict[str, Any]) -> str:
    return " ".join(finding["what"] for finding in told["findings"] if finding["level"] == "info")


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
def test_inspect_names_what_protects_and_what_is_missing(
    corpus: Path, tmp_path: Path, hidden: str, missing: tuple[str, ...], held: tuple[str, ...]
) -> None:
    """Given a kernel without one or both features, Then a warning for each wall that is not there, and no other."""
    told = inspect(hidden, corpus / "ext_ok" / "model.onnx", tmp_path)

    for wall in (FILES, NETWORK, PROGRAMS):
        assert (wall in warnings(told)) == (wall in missing), wall
    assert all(word in facts(told) for word in held)
    assert "opened without that protection" in warnings(told) or not missing


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
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stderr
    assert [*mark.iterdir(), *canary.iterdir()] == []
