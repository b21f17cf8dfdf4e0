"""Define the application's own errors, with plain texts and the exit codes of the command line."""

from typing import ClassVar

from workers.contracts.errors import ErrorInfo


class FettleError(Exception):
    """An error that is shown to the user: `detail` says what happened, `hint` says what to do; one sentence each."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, title: str, detail: str, hint: str, by_command: str = "") -> None:
        """Create an error; `by_command` is the hint for the command line, "" means the same hint."""
        super().__init__(f"{title}: {detail}")
        self.code, self.title, self.detail, self.hint, self.by_command = code, title, detail, hint, by_command

    def info(self) -> ErrorInfo:
        """Return the error as an `ErrorInfo`, the form in which all errors are shown."""
        return ErrorInfo(
            code=self.code, title=self.title, detail=self.detail, hint=self.hint, by_command=self.by_command
        )


class RefusedError(FettleError):
    """A file or folder of the user that cannot or must not be used."""

    exit_code = 3
