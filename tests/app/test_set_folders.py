"""Where the optional sets of the program are found."""

import shutil
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.set_folders import CODE, sets_root
from workers.contracts.optional_sets import FOLDER_SETS, LOCK_COPY, set_folders


def put_set(data: Path) -> Path:
    """Put a complete set into a data folder; it would be imported as it is."""
    folder = data / "sets" / f"sign-{sys.implementation.cache_tag}"
    folder.mkdir(parents=True)
    shutil.copy(CODE / "installer" / FOLDER_SETS["sign"], folder / LOCK_COPY)
    return folder


def test_sets_of_a_strangers_data_folder_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an installed program with an own set, When it opens a data folder with another one, Then only its own set is
    on the import path."""
    own, foreign = put_set(tmp_path / "own"), put_set(tmp_path / "foreign")
    monkeypatch.setenv("FETTLE_ROOT", str(tmp_path))
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["--data-dir", str(tmp_path / "foreign"), "--quiet", "presets"]) == 0
    assert own in set_folders() and foreign not in set_folders()
    assert sets_root() == own.parent
