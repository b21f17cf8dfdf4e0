"""The set-up as a person meets it, with real environments and tiny packages instead of 2 GB."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Clone

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX paths and signals")


def printed(run: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    """What the started program printed; nothing else may stand on stdout."""
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def wait_for(condition: object, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_first_start_sets_up_and_starts(first_set_up: "tuple[Clone, subprocess.CompletedProcess[str]]") -> None:
    """Given a fresh clone in a folder with a space and an umlaut, when it is started, then it says what will be
    downloaded and where, installs it, and the program gets its arguments.
    """
    clone, run = first_set_up

    answer = printed(run)
    assert answer["arguments"] == ["optimize", "ein Bild.onnx"]
    assert Path(str(answer["alpha"])).is_relative_to(clone.venv)
    assert str(clone.venv) in run.stderr
    assert "1 package, about" in run.stderr and "5 MB on disk" in run.stderr
    assert run.stderr.index("To install:") < run.stderr.index("Fettle is set up")
    # not the folder in which the person happened to be
    assert str(clone.root.parent) not in answer["path"] and str(clone.root) in [
        os.path.realpath(entry) for entry in answer["path"]
    ]
    assert list((clone.root / "app" / "__pycache__").glob("__main__.*.pyc"))


def test_later_starts_go_straight_on(ready_clone: "Clone") -> None:
    """Given a clone that is set up and was moved, when it is started without any index, then nothing is set up, it is
    silent, and it hands the program's exit code on.
    """
    log = (ready_clone.venv / "setup.log").stat().st_mtime_ns
    run = ready_clone.run("--version", PIP_FIND_LINKS="nowhere")
    assert (printed(run)["arguments"], run.stderr) == (["--version"], "")
    assert ready_clone.run("fail").returncode == 7
    assert (ready_clone.venv / "setup.log").stat().st_mtime_ns == log


@pytest.mark.whole
def test_goes_on_after_a_kill_in_the_middle(ready_clone: "Clone") -> None:
    """Given a package of 4000 files, when everything is killed while it is being written, then the next start
    installs it whole and starts the program.
    """
    ready_clone.lock("alpha==1.0", "bulky==1.0")
    process = ready_clone.begin()
    wait_for((ready_clone.site_packages / "bulky" / "part_5.py").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (ready_clone.site_packages / "bulky-1.0.dist-info" / "RECORD").exists()

    printed(ready_clone.run())
    assert (ready_clone.site_packages / "bulky" / "part_3999.py").exists()
    assert ready_clone.run().stderr == ""


@pytest.mark.whole
def test_stops_in_words(ready_clone: "Clone") -> None:
    """Given a set-up that runs, when the person stops it, then it ends with exit code 5 and shows how to continue."""
    ready_clone.lock("alpha==1.0", "bulky==1.0")
    process = ready_clone.begin()
    wait_for((ready_clone.site_packages / "bulky" / "part_5.py").exists)
    os.killpg(process.pid, signal.SIGINT)

    _, words = process.communicate(timeout=60)
    assert process.returncode == 5
    assert words.endswith("Stopped. Run the same command again to go on.\n")
    assert "Traceback" not in words


@pytest.mark.whole
def test_set_up_for_the_tests_serves_the_program(ready_clone: "Clone") -> None:
    """Given a clone that was set up by `installer/test`, when the program is started, then nothing is left to do."""
    (ready_clone.root / "installer" / "requirements-test.lock").write_text("beta==1.0\n")
    (ready_clone.venv / "ready-program.json").unlink()
    code = "from pathlib import Path; from steps import place, setup; setup.ensure(place.Place(Path.cwd()), 'tests')"
    subprocess.run(
        [sys.executable, "-c", code],
        env=ready_clone.environment(PYTHONPATH=f"{ready_clone.root / 'installer'}:{ready_clone.root}"),
        cwd=ready_clone.root,
        check=True,
    )

    assert (ready_clone.site_packages / "beta").is_dir()
    assert ready_clone.run().stderr == ""


@pytest.mark.parametrize("damage", ["package gone", "file cut short"])
def test_broken_package_is_installed_again(ready_clone: "Clone", damage: str) -> None:
    """Given a package that lost a file or a part of one, when the program is started, then that is put right first."""
    module = ready_clone.site_packages / "alpha" / "__init__.py"
    if damage == "package gone":
        module.unlink()
    else:
        os.truncate(module, 3)

    run = ready_clone.run()
    printed(run)
    assert "Not whole, to be installed again: alpha." in run.stderr
    assert ready_clone.run().stderr == ""


def test_repair_looks_into_the_files(ready_clone: "Clone") -> None:
    """Given a file of the right size with other contents, when a repair is requested, then it is as it was."""
    module = ready_clone.site_packages / "alpha" / "__init__.py"
    before = module.read_bytes()
    module.write_bytes(before.swapcase())

    assert ready_clone.run(what="repair").returncode == 0
    assert module.read_bytes() == before


@pytest.mark.whole
def test_environment_without_its_python_is_made_anew(ready_clone: "Clone") -> None:
    """Given an environment whose Python was uninstalled, when the program is started, then a new one is made."""
    python = ready_clone.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")

    run = ready_clone.run()
    printed(run)
    assert "made anew" in run.stderr


@pytest.mark.whole
def test_two_at_once(ready_clone: "Clone") -> None:
    """Given two starts at the same moment with something to install, then one waits and reports it, both start the
    program, and the installation ran once.
    """
    ready_clone.lock("alpha==1.0", "bulky==1.0")
    both = [ready_clone.begin(stdout=subprocess.PIPE) for _ in range(2)]
    words = [process.communicate(timeout=100) for process in both]

    assert [process.returncode for process in both] == [0, 0], words
    assert sum("Another set-up is under way" in stderr for _, stderr in words) == 1
    assert (ready_clone.venv / "setup.log").read_text(encoding="utf-8").count("Successfully installed bulky") == 1


def test_new_lock_is_followed(ready_clone: "Clone") -> None:
    """Given a newer lock, when the program is started, then what came new is installed, and only that."""
    ready_clone.lock("alpha==1.0", "beta==1.0  # download 90000 installed 200000")

    run = ready_clone.run()
    printed(run)
    assert "1 package, about" in run.stderr
    assert (ready_clone.site_packages / "beta").is_dir()


@pytest.mark.whole
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "has no ready-built gamma==2.0"),
        ({"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/"}, "does not reach the package index"),
    ],
)
def test_failure_in_words(ready_clone: "Clone", settings: dict[str, str], words: str) -> None:
    """Given a package that is nowhere, or no network, then exit code 6, one sentence, one hint, no traceback."""
    ready_clone.lock("gamma==2.0")

    run = ready_clone.run(**settings)
    assert run.returncode == 6
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
