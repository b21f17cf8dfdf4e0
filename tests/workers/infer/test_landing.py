"""The choice that is stored with a bundle counts only where no other account can have written it."""

import os
from pathlib import Path

import pytest

from workers.infer import landing, processor

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="accounts of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "SHA256SUMS").write_text("")
    return tmp_path / "bundle"


def choice(folder: Path) -> landing.Landed:
    return landing.Landed(landing.bundle_id(folder), processor.name(), "fallback", "slower", 1.0, 0.5, (0.5,))


def test_kept_own_file_counts(folder: Path) -> None:
    """Given a choice that this account kept, Then it is read back."""
    landing.save_choice(folder, choice(folder))
    assert landing.saved_choice(folder) == (choice(folder), "")


@pytest.mark.parametrize("kind", ["writable by others", "a link"])
def test_kept_file_that_others_can_write_is_not_minded(folder: Path, kind: str) -> None:
    """Given a choice that other accounts can change, or a link to one, Then it does not count, with a note."""
    path = landing.save_choice(folder, choice(folder))
    if kind == "a link":
        path.rename(folder.parent / "elsewhere.json")
        path.symlink_to(folder.parent / "elsewhere.json")
    else:
        path.chmod(0o666)
    found, report = landing.saved_choice(folder)
    assert found is None and "other accounts" in report


def test_keep_follows_no_link_that_lies_ready(folder: Path) -> None:
    """Given a link under the name that the file gets while it is written, Then what it points to stays as it was."""
    other = folder.parent / "precious"
    other.write_text("precious")
    for name in ("bundle.landed.json.part", "bundle.landed.json"):
        (folder.parent / name).symlink_to(other)
    landing.save_choice(folder, choice(folder))
    assert other.read_text() == "precious"
    assert landing.saved_choice(folder)[0] == choice(folder)
