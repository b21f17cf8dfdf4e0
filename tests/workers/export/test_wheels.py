"""The lock of exactly what was tested."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from workers.export import fresh_environment
from workers.export.fresh_environment import HASHES, locked


def test_the_lock_names_the_installed_versions_with_hashes() -> None:
    """Given requirements, then all that they close over is pinned as it is installed here, each with a sha256."""
    text, unknown = locked(["fastapi>=0.1", "numpy>=2"])
    assert unknown == ()
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", text, re.MULTILINE))
    assert pins["numpy"] == version("numpy") and {"fastapi", "starlette", "pydantic-core", "idna"} <= set(pins)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?: \\)?$", text, re.MULTILINE)) >= len(pins)


def test_pip_takes_the_lock(tmp_path: Path) -> None:
    """Given the lock, then pip reads it with --require-hashes, and finds all of it installed (it asks no network)."""
    text, _ = locked(["fastapi>=0.1", "numpy>=2"])
    (tmp_path / "requirements.lock").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--require-hashes",
        "-r",
        "requirements.lock",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_has_no_known_hash_is_told_and_nothing_is_half_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given another version than was pinned (or a build of its own), then no lock at all, and the package is named."""
    known = json.loads(HASHES.read_text())
    del known[f"numpy=={version('numpy')}"]
    (tmp_path / "hashes.json").write_text(json.dumps(known))
    monkeypatch.setattr(fresh_environment, "HASHES", tmp_path / "hashes.json")
    assert locked(["fastapi>=0.1", "numpy>=2"]) == ("", (f"numpy {version('numpy')}",))
    assert locked(["torch>=2"])[0] == "" or "+" not in version("torch")
