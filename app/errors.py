"""What can go wrong in the application itself, in plain words, each with the exit code of CLI.md.

FettleError
├── UsageError          an option or a combination of options that makes no sense     (2)
├── RefusedError        a file or folder of the person's cannot or must not be used   (3)
├── UnavailableError    a device, service or display is not there                     (6)
└── DataFolderError     the data folder is held, newer, broken or cannot be written   (6)
"""

import errno
from pathlib import Path
from typing import ClassVar

from workers.contracts.errors import ErrorInfo


class FettleError(Exception):
    """`detail` says what happened, `hint` what to do now, in one sentence each."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, title: str, detail: str, hint: str, by_command: str = "") -> None:
        super().__init__(f"{title}: {detail}")
        self.code, self.title, self.detail, self.hint, self.by_command = code, title, detail, hint, by_command

    def info(self) -> ErrorInfo:
        """The same as every other error that is shown."""
        return ErrorInfo(
            code=self.code, title=self.title, detail=self.detail, hint=self.hint, by_command=self.by_command
        )


class UsageError(FettleError):
    exit_code = 2


class RefusedError(FettleError):
    exit_code = 3


class UnavailableError(FettleError):
    exit_code = 6


class DataFolderError(FettleError):
    exit_code = 6


_CHOOSE_OTHER = "Choose another folder, or make this one writable, and try again."
_BY_ERRNO = {
    errno.ENOSPC: (
        "disk_full",
        "The disk is full",
        "there is no room left",
        "Free some space and try again.",
    ),
    errno.EROFS: ("read_only", "The folder cannot be written", "its disk can only be read", _CHOOSE_OTHER),
    errno.EACCES: ("not_permitted", "Not permitted", "you have no right to use it", _CHOOSE_OTHER),
    errno.EPERM: ("not_permitted", "Not permitted", "you have no right to use it", _CHOOSE_OTHER),
    errno.ENOENT: ("not_found", "Not found", "it does not exist", "Check the name and try again."),
    errno.ENAMETOOLONG: (
        "name_too_long",
        "The name is too long",
        "its name is too long",
        "Choose a shorter one.",
    ),
}


def from_os_error(error: OSError, path: Path) -> RefusedError:
    """Words for a file or folder that the system would not read or write."""
    code, title, why, hint = _BY_ERRNO.get(
        error.errno or 0,
        (
            "io_error",
            "The file could not be used",
            error.strerror or str(error),
            "Check the disk and try again.",
        ),
    )
    return RefusedError(code, title, f"“{path}” could not be used: {why}.", hint)
