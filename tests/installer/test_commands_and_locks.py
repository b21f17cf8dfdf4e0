"""The files of the installer themselves: short wrappers, standard library alone, locks that fit pyproject.toml."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from steps.lockfile import parse

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "installer"
WRAPPERS = ["fettle", "test", "fettle.cmd", "test.cmd"]
OF_PROGRAM = ("files", "filelock", "programs")
"""Modules of the program that the set-up uses."""
OWN = {"steps", "versions"}
BARE = (
    INSTALLER / "bootstrap.py", *sorted((INSTALLER / "steps").glob("*.py")),
    *(ROOT / "app" / f"{name}.py" for name in OF_PROGRAM),
)  # fmt: skip


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_are_three_lines(name: str) -> None:
    assert len((INSTALLER / name).read_text(encoding="ascii").splitlines()) == 3


@pytest.mark.parametrize(("arguments", "passed"), [([], "--all"), (["-k", "x"], "-k x")])
def test_ci_runs_all_tests_or_the_chosen_ones(arguments: list[str], passed: str, tmp_path: Path) -> None:
    """Given no arguments, Then CI runs all tests, else those that the arguments choose, and falls as they do."""
    for folder in ("ci", "installer"):
        (tmp_path / folder).mkdir()
    ci, test = tmp_path / "ci" / "run", tmp_path / "installer" / "test"
    shutil.copy(ROOT / ".ci" / "run", ci)
    test.write_text(f'#!/bin/sh\necho "$*" >> "{tmp_path}/steps"\nexit 3\n')
    test.chmod(0o755)
    assert subprocess.run([ci, *arguments], check=False).returncode == 3
    assert (tmp_path / "steps").read_text() == f"{passed}\n"


@pytest.mark.parametrize("path", BARE)
def test_standard_library_only(path: Path) -> None:
    """Given a bare machine, then nothing but Python itself is needed to set up; sets are fetched by a later pip."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    others = {name for name in imported if not name.startswith(tuple(f"app.{name}" for name in OF_PROGRAM))}
    pip = {"pip"} if path.name == "fetch.py" else set()
    assert {name.partition(".")[0] for name in others} <= sys.stdlib_module_names | OWN | pip


def test_old_python_can_read_the_first_file() -> None:
    """Given a Python that is too old, then it reads the file and reports the needed one, without a syntax error."""
    ast.parse((INSTALLER / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_python_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an old Python: another one that is there takes over; without one, a sentence and exit code 6."""
    import bootstrap

    assert [bootstrap.fits(version) for version in ((3, 10), (3, 11), (3, 14), (3, 15))] == [False, True, True, False]
    monkeypatch.setattr(bootstrap, "OLDEST", (3, 99))
    monkeypatch.setattr(bootstrap, "find_python", lambda: None)
    assert bootstrap.main(["start"]) == 6
    assert "Fettle needs Python" in capsys.readouterr().err

    called: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "find_python", lambda: "/opt/python")
    monkeypatch.setattr(subprocess, "call", lambda command: called.append(command) or 3)
    assert bootstrap.main(["start", "demo"]) == 3
    assert called == [["/opt/python", "-ES", str(INSTALLER / "bootstrap.py"), "start", "demo"]]


OPTIONAL_LOCKS = ["requirements-language.lock", "requirements-sign.lock", "requirements-cluster.lock"]


def test_locks_pin_what_pyproject_declares() -> None:
    """Given pyproject.toml, then each requirement has a pin that it admits (installer/lock.py writes them anew)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for file, declared in (
        ("requirements.lock", project["project"]["dependencies"]),
        ("requirements-test.lock", project["dependency-groups"]["test"]),
        ("requirements-language.lock", project["project"]["optional-dependencies"]["language"]),
        ("requirements-sign.lock", project["project"]["optional-dependencies"]["sign"]),
        ("requirements-cluster.lock", project["project"]["optional-dependencies"]["cluster"]),
    ):
        locked = {
            canonicalize_name(pin.name): Requirement(pin.requirement)
            for name in {"requirements.lock", file}
            for pin in parse((INSTALLER / name).read_text(encoding="utf-8"))
        }
        for text in declared:
            wanted = Requirement(text)
            pinned = locked[canonicalize_name(wanted.name)].specifier
            exact = [Version(clause.version) for clause in pinned if clause.operator == "=="]
            if exact:
                assert exact[0] in wanted.specifier, text
            else:
                assert wanted.name in ("torch", "torchvision"), text


def test_lock_of_other_computers_has_the_programs_versions() -> None:
    """Given the lock of the workers, then each version in it is the program's, whose predictions were compared."""
    own, there = (
        {pin.name: pin.version for pin in parse((INSTALLER / name).read_text(encoding="utf-8"))}
        for name in ("requirements.lock", "requirements-workers.lock")
    )
    assert {"numpy", "torch", "onnxruntime", "openvino"} <= there.keys() and there.items() <= own.items()


LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-workers.lock", *OPTIONAL_LOCKS]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_lines_are_exact_and_name_no_address(name: str) -> None:
    """No address of an index, no build of one machine alone; the window's library stays below 6.12."""
    text = (INSTALLER / name).read_text(encoding="utf-8")
    assert "://" not in text and "--" not in text
    for pin in parse(text):
        specifier = Requirement(pin.requirement).specifier
        assert "+" not in str(specifier)
        ranged = pin.name in ("torch", "torchvision")
        assert ranged or re.fullmatch(r"==[^,*]+", str(specifier)), pin
        assert pin.download_bytes > 0 and pin.installed_bytes > 0
        if pin.name == "pyside6-essentials":
            assert Version(str(specifier).removeprefix("==")) < Version("6.12")
