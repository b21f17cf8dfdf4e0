"""Installing workers on a computer: Python, packages by hash, versions that are removed."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import psutil
import pytest

from workers.remote import setup
from workers.remote.refused import Refused


def make_wheel(folder: Path, name: str = "tiny") -> str:
    """Write a wheel and return its sha256."""
    info, path = f"{name}-1.dist-info", folder / f"{name}-1-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "X = 1\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.whole
@pytest.mark.parametrize("is_right", [True, False])
def test_packages_are_installed_only_with_their_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_right: bool
) -> None:
    """Given a lock with the hash of a wheel, Then it is installed, and PyTorch's stand-in from the index that was named;
    with another hash nothing is left."""
    digest = make_wheel(tmp_path / "wheels")
    make_wheel(tmp_path / "index" / "big", "big")
    (tmp_path / "index" / "big" / "index.html").write_text(
        '<a href="big-1-py3-none-any.whl">big-1-py3-none-any.whl</a>'
    )
    empty, index = (tmp_path / "empty").as_uri(), (tmp_path / "index").as_uri()
    settings = {"PIP_INDEX_URL": empty, "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_CONFIG_FILE": os.devnull}
    for name, value in {**settings, "TMPDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(setup, "find_python", lambda: sys.executable)
    lock, place = tmp_path / "lock", tmp_path / "environments" / "e"
    own_pip = Path(sysconfig.get_path("purelib")) / "pip"
    lock.mkdir()
    (lock / "hashed.txt").write_text(f"tiny==1 --hash=sha256:{digest if is_right else '0' * 64}\n")
    (lock / "torch.txt").write_text("big>=1\n")
    (lock / "plan.json").write_text(json.dumps({"packages": 1, "installed_bytes": 1}))
    if is_right:
        setup.make_environment(place, lock, own_pip, [index])
        assert (place / "complete").exists() and len(list(place.glob("lib/python*/site-packages/*.py"))) == 2
        return
    with pytest.raises(Refused) as error:
        setup.make_environment(place, lock, own_pip, [index])
    assert error.value.code == "packages_failed" and not place.exists()


def test_lost_connection_ends_pip(tmp_path: Path) -> None:
    """Given an installation whose reader is gone, Then it and its pip end within seconds."""
    sleep = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = f"from workers.remote import setup; setup.pip_install([{sys.executable!r}, '-c', {sleep!r}, 'x', 'y'], 1)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and b"Downloading" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) != 0 and not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_newest_fitting_python_is_taken_and_an_old_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given Pythons of several versions, Then the newest that packages exist for is taken; without one an error says so."""
    found = {"python3.13": (3, 13), "python3.11": (3, 11), "python3": (3, 15)}
    monkeypatch.setattr("shutil.which", lambda name: name if name in found else None)
    monkeypatch.setattr(setup, "version_of", lambda path: found[path])
    assert setup.find_python() == "python3.13"
    found = {"python3": (3, 9)}
    with pytest.raises(Refused) as error:
        setup.find_python()
    assert error.value.code == "python_old"


def test_old_versions_and_unused_packages_are_removed(tmp_path: Path) -> None:
    """Given four versions of which the older ones used other packages, Then two versions and their packages stay."""
    for number in range(4):
        place = tmp_path / "versions" / f"v{number}"
        place.mkdir(parents=True)
        (place / "venv").symlink_to(f"../../environments/e{number // 2}")
        os.utime(place, (number, number))
        (tmp_path / "environments" / f"e{number // 2}").mkdir(parents=True, exist_ok=True)
    setup.remove_old(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["e1", "v2", "v3"]
