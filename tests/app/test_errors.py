"""The application's own errors have words and exit codes."""

import errno
from pathlib import Path

import pytest

from app.errors import DataFolderError, RefusedError, UnavailableError, UsageError, from_os_error


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(UsageError, 2), (RefusedError, 3), (UnavailableError, 6), (DataFolderError, 6)]
)
def test_exit_codes(kind, exit_code) -> None:
    error = kind("code", "Title", "What happened.", "What to do.")
    assert error.exit_code == exit_code
    assert error.info().model_dump() == {
        "code": "code", "title": "Title", "detail": "What happened.", "hint": "What to do.", "traceback": "",
        "asks": (),
    }  # fmt: skip


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO])
def test_a_refusal_of_the_system_in_words(number: int) -> None:
    error = from_os_error(OSError(number, "system's own words"), Path("/some/file"))
    assert "/some/file" in error.detail
    assert error.detail.endswith(".")
    assert error.hint.endswith(".")
