"""The application's own errors have words and exit codes."""

import pytest

from app.errors import FettleError, RefusedError


@pytest.mark.parametrize(("kind", "exit_code"), [(FettleError, 1), (RefusedError, 3)])
def test_exit_codes(kind: type[FettleError], exit_code: int) -> None:
    """Given an error of the application, Then it has its exit code and the fields of every error that is shown."""
    error = kind("code", "Title", "What happened.", "What to do.")
    assert error.exit_code == exit_code
    info = error.info()
    assert (info.code, info.title, info.detail, info.hint) == ("code", "Title", "What happened.", "What to do.")
