"""Optional sets: their size is shown first, they are installed once, without what their packages declare."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Clone

SETS = {"language": {"onnxruntime-genai": "0.18.0"}, "sign": {"model-signing": "1.1.1", "pyOpenSSL": "26.4.0"}}


@pytest.fixture(params=sorted(SETS))
def name(request) -> str:
    return request.param


@pytest.fixture
def clone(ready_clone: "Clone", make_wheel, tmp_path, name: str):
    """A clone with one optional set, whose packages require another one that no index has."""
    ready_clone.wheels = tmp_path / "served"
    ready_clone.wheels.mkdir()
    lines = []
    for package, version in SETS[name].items():
        make_wheel(ready_clone.wheels, package.replace("-", "_"), version, needs=("nowhere",))
        lines.append(f"{package}=={version}  # download 11000000 installed 37000000\n")
    (ready_clone.root / "installer" / f"requirements-{name}.lock").write_text("".join(lines))
    return ready_clone


@pytest.mark.whole
def test_set_is_installed_once_and_without_dependencies(clone, name: str) -> None:
    # Given its cost
    n = len(SETS[name])
    before = clone.run(name, what="cost")
    assert json.loads(before.stdout) == {
        "packages": n, "download_bytes": n * 11_000_000, "installed_bytes": n * 37_000_000
    }  # fmt: skip
    # When it is installed
    run = clone.run(f"--{name}")
    # Then its size was shown, and it is there without its declared dependencies
    assert run.returncode == 0, run.stderr
    assert f"about {11 * n} MB to download and {37 * n} MB on disk" in run.stderr
    for package in SETS[name]:
        assert (clone.site_packages / package.replace("-", "_")).is_dir()
    assert not (clone.site_packages / "nowhere").exists()
    # And a second time nothing happens, it costs nothing, and the program starts as before
    assert clone.run(f"--{name}").stderr == ""
    assert json.loads(clone.run(name, what="cost").stdout)["packages"] == 0
    assert clone.run().stderr == ""


def test_set_that_cannot_be_fetched_changes_nothing(clone, name: str) -> None:
    # Given an index without its packages
    for wheel in clone.wheels.iterdir():
        wheel.unlink()
    # When it is installed
    run = clone.run(f"--{name}")
    # Then it fails in words, and Fettle starts as before
    assert run.returncode == 6 and "Traceback" not in run.stderr
    assert clone.run().returncode == 0
