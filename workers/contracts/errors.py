"""Errors of workers in words for the user.

    WorkerError
    ├── InputRefused      the user's file cannot or must not be used            (exit code 3)
    └── BackendMissing    a library, device or service is missing               (exit code 6)
    JobCancelled          the user asked to stop                                (exit code 5)

Any other exception in a worker becomes an `ErrorInfo` of code ``internal``. `ErrorInfo` needs pydantic, which
is imported late, because the window is painted without it.
"""

import re
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pydantic import JsonValue

    from workers.contracts.error_info import ErrorInfo, RequestedShape


def words_for(error: BaseException, hint: str) -> "ErrorInfo":
    """Return an error's own words; for a mistake of the program ``internal``, with `hint` and the traceback."""
    if isinstance(error, WorkerError):
        return error.info()
    from workers.contracts.error_info import ErrorInfo

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
    """Return whether a library's message reports a lack of memory; libraries share no exception type for it."""
    return ALLOCATION.search(text) is not None


class WorkerError(Exception):
    """Base of all errors with plain words for the user."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        title: str,
        detail: str,
        hint: str,
        asks: "tuple[RequestedShape, ...]" = (),
        *,
        facts: "Mapping[str, JsonValue] | None" = None,
        by_command: str = "",
    ) -> None:
        """Create an error from its words; see `ErrorInfo` for the arguments."""
        super().__init__(f"{title}: {detail}")
        self.code, self.title, self.detail, self.hint, self.asks = code, title, detail, hint, asks
        self.facts, self.by_command = dict(facts or {}), by_command

    def info(self, trace: str = "") -> "ErrorInfo":
        """Return the error as a message, with `trace` as its traceback."""
        from workers.contracts.error_info import ErrorInfo

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
    """Error: the user's file, folder or option is bad, unsafe or unsupported."""

    exit_code = 3


class BackendMissing(WorkerError):
    """Error: a needed library, device or service is missing; `hint` says how to get it."""

    exit_code = 6


class JobCancelled(Exception):
    """Signal from `JobContext.check_cancelled` that unwinds to the worker's main function."""
