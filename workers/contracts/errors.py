"""What a worker says when it cannot do its job.

    WorkerError
    ├── InputRefused      the person's file cannot or must not be used          (exit code 3)
    ├── BackendMissing    a library, device or service is not there             (exit code 6)
    └── JobCancelled      the person asked to stop                              (exit code 5)

Anything else that is raised in a worker becomes an `ErrorInfo` of code ``internal``.
"""

import re
import traceback
from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from workers.contracts.base import Frozen


class AskedShape(Frozen):
    """An input whose sizes a person is asked for, None where any goes or nobody knows; "" is the model's only one."""

    name: str = ""
    sizes: tuple[int | None, ...] = ()


class ErrorInfo(Frozen):
    """One sentence each for what happened (`detail`), and what to do now (`hint`).

    `code` is stable and machine-readable (``unsupported_operator``), `title` a short headline. `traceback` is for
    the log and stays folded away in the window. `asks` names the inputs whose sizes would let the job go on. `facts`
    are what the sentences were made of, for code that decides by them. `by_command` is how `hint` is said to the
    command line, word for word.
    """

    code: str
    title: str
    detail: str
    hint: str
    traceback: str = ""
    asks: tuple[AskedShape, ...] = ()
    facts: dict[str, JsonValue] = {}
    by_command: str = ""

    @property
    def hint_by_command(self) -> str:
        """What to do now, for whoever works by command."""
        return f"{self.hint} By command: {self.by_command}" if self.by_command else self.hint


def words_for(error: BaseException, hint: str) -> ErrorInfo:
    """An error's own words; for a mistake of the program's own code ``internal``, with `hint` and its trace."""
    if isinstance(error, WorkerError):
        return error.info()
    return ErrorInfo(
        code="internal",
        title="Something went wrong inside Fettle",
        detail=f"{type(error).__name__}: {error}".rstrip(":. ") + ".",
        hint=hint,
        traceback="".join(traceback.format_exception(error)),
    )


ALLOCATION = re.compile(
    r"bad_alloc|out of memory|not enough memory|can't allocate memory|cannot allocate memory"
    r"|failed to allocate|unable to allocate|can't start new thread",
    re.IGNORECASE,
)


def looks_like_memory(text: str) -> bool:
    """Whether a library's message says that it could not get memory; they share no exception type."""
    return ALLOCATION.search(text) is not None


class WorkerError(Exception):
    """Base of all errors that carry plain words for the person."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        title: str,
        detail: str,
        hint: str,
        asks: tuple[AskedShape, ...] = (),
        *,
        facts: Mapping[str, JsonValue] | None = None,
        by_command: str = "",
    ) -> None:
        super().__init__(f"{title}: {detail}")
        self.code, self.title, self.detail, self.hint, self.asks = code, title, detail, hint, asks
        self.facts, self.by_command = dict(facts or {}), by_command

    def info(self, trace: str = "") -> ErrorInfo:
        """The same as a message."""
        return ErrorInfo(
            code=self.code,
            title=self.title,
            detail=self.detail,
            hint=self.hint,
            traceback=trace,
            asks=self.asks,
            facts=self.facts,
            by_command=self.by_command,
        )


class InputRefused(WorkerError):
    """A file, folder or option of the person's is bad, unsafe or unsupported."""

    exit_code = 3


class BackendMissing(WorkerError):
    """A needed library, device or service is not there; `hint` says how to get it."""

    exit_code = 6


class JobCancelled(Exception):
    """Raised by `JobContext.check_cancelled` and unwound to the worker's main function."""
