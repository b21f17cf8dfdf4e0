"""The job that gives a service on this computer a release: what it may read, and what it proves itself with."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.services.release.switching import ServiceAddress, switch_to
from workers.contracts.serving import service_secret_file

PORT = 8123


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return tmp_path / "home"


def step_of(tmp_path: Path, key: str) -> Any:
    """Return the step of the job that switches a service."""
    space: Any = SimpleNamespace(paths=SimpleNamespace(releases=tmp_path / "releases"))
    wanted: Any = SimpleNamespace(switch="python serve.py --switch {folder}", sha256="a" * 64)
    return next(switch_to(space, wanted, tmp_path / "bundle.zip", ServiceAddress("127.0.0.1", PORT, key)))


@pytest.mark.parametrize(
    ("is_written", "key", "is_given"), [(True, "", True), (False, "", False), (True, "a key of letters", False)]
)
def test_job_reads_the_secret_of_a_service_without_a_key(
    home: Path, tmp_path: Path, is_written: bool, key: str, is_given: bool
) -> None:
    """Given a service with or without a key, Then the job may read its secret only where it needs one and there is one."""
    secret = service_secret_file(PORT)
    assert secret.is_relative_to(home)
    if is_written:
        secret.parent.mkdir(parents=True)
        secret.write_text("secret")
    step = step_of(tmp_path, key)
    assert (step.params.secret_file == str(secret)) is is_given
    assert (secret in step.read_paths) is is_given
    assert step.params.api_key == key
