"""Provide a computer elsewhere and a folder of inputs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from computer_elsewhere import Elsewhere, elsewhere

from app.computers import ssh

QUICKER = {"ServerAliveInterval=5": "ServerAliveInterval=1", "ConnectTimeout=10": "ConnectTimeout=3"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Elsewhere]:
    """Yield a bench whose jobs run elsewhere."""
    with elsewhere(tmp_path) as made:
        yield made


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Return a folder with small files, a large one, an empty one, a folder, and links to the inside and the outside."""
    folder = tmp_path / "inputs é"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"m" * 1000)
    (folder / "sub" / "large.bin").write_bytes(bytes(range(256)) * 3000 + b"the middle" + bytes(range(256)) * 3000)
    (folder / "empty").touch()
    (folder / "inside").symlink_to(folder / "model.onnx")
    (folder / "outside").symlink_to("/etc/hostname")
    return folder


@pytest.fixture
def impatient_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ssh give up a silent connection after 3 s instead of 15."""
    assert QUICKER.keys() < set(ssh.FIXED)
    monkeypatch.setattr(ssh, "FIXED", tuple(QUICKER.get(option, option) for option in ssh.FIXED))
