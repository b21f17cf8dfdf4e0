"""The optional set for language models on cards and the web: told first, installed once, without what it asks for."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Clone


@pytest.fixture
def clone(ready_clone: "Clone", make_wheel, tmp_path):
    """A clone whose set is a package that wants another one, which is nowhere."""
    name = "onnxruntime_genai"
    ready_clone.wheels = tmp_path / "served"
    ready_clone.wheels.mkdir()
    make_wheel(ready_clone.wheels, name, "0.18.0", needs=("nowhere",))
    pin = "onnxruntime-genai==0.18.0  # download 11000000 installed 37000000\n"
    (ready_clone.root / "installer" / "requirements-language.lock").write_text(pin)
    return ready_clone


@pytest.mark.whole
def test_it_is_installed_once_and_alone(clone):
    # When it is asked for
    run = clone.run("--language")
    # Then its size is told, and it is there without what it says it needs
    assert run.returncode == 0, run.stderr
    assert "onnxruntime-genai 0.18.0, about 11 MB to download and 37 MB on disk" in run.stderr
    assert (clone.site_packages / "onnxruntime_genai").is_dir() and not (clone.site_packages / "nowhere").exists()
    # And once more there is nothing to do, and the program starts as before
    assert clone.run("--language").stderr == ""
    assert clone.run().stderr == ""


def test_what_cannot_be_had_is_told(clone):
    # Given no package of that name
    for wheel in clone.wheels.iterdir():
        wheel.unlink()
    # When it is asked for
    run = clone.run("--language")
    # Then it says so, and Fettle starts as before
    assert run.returncode == 6 and "Traceback" not in run.stderr
    assert clone.run().returncode == 0
