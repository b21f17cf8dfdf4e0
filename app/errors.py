"""What can go wrong in the application itself, in plain words, each with the exit code of the command line."""

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


class RefusedError(FettleError):
    """A file or folder of the person's cannot or must not be used."""

    exit_code = 3
