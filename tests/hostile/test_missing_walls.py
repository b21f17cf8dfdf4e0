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
