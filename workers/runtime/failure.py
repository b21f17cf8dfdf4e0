"""Any exception of a job → its terminal message, in plain words."""

import errno
import re
import traceback

from pydantic import ValidationError

from workers.contracts.errors import ErrorInfo, JobCancelled, WorkerError
from workers.contracts.messages import Cancelled, Failed

ALLOCATION = re.compile(
    r"bad_alloc|out of memory|not enough memory|can't allocate memory|cannot allocate memory"
    r"|failed to allocate|unable to allocate|can't start new thread",
    re.IGNORECASE,
)

OUT_OF_MEMORY = (
    "out_of_memory",
    "Not enough memory",
    "The job asked for more memory than it may use.",
    "Close other programs, raise the memory limit in the settings, or use a smaller model or batch.",
)
BY_ERRNO = {
    errno.ENOSPC: (
        "disk_full",
        "The disk is full",
        "There was no room left on the disk for the job's files.",
        "Free some space, or choose another data folder in the settings, and start again.",
    ),
    errno.EFBIG: (
        "file_too_large",
        "A file became too large",
        "The job tried to write a file that is larger than it may be.",
        "Use a smaller model, or raise the limit in the settings.",
    ),
    errno.EROFS: (
        "read_only",
        "The folder cannot be written",
        "The disk that holds the job's folder can only be read.",
        "Choose another data folder in the settings.",
    ),
}


def looks_like_memory(text: str) -> bool:
    """Whether a library's message says that it could not get memory; they share no exception type."""
    return ALLOCATION.search(text) is not None


def _words(error: BaseException) -> tuple[str, str, str, str]:
    if isinstance(error, MemoryError) or looks_like_memory(str(error)):
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in BY_ERRNO:
        return BY_ERRNO[error.errno]
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EXDEV):
        # the second is Landlock's answer to links that would lead out of the folder
        name = f" ({error.filename})" if error.filename else ""
        return (
            "not_permitted",
            "Not permitted",
            f"The job tried to use a file or a service that it may not use{name}.",
            "Check that you may read the file. If you may, open the log and report the problem.",
        )
    return (
        "internal",
        "Something went wrong inside Fettle",
        f"The job stopped with an unexpected error: {type(error).__name__}: {str(error)[:300]}".rstrip(":. ") + ".",
        "Open the log for the details. Trying again, or another recipe, may help.",
    )


class ParametersError(WorkerError):
    """The job's parameters do not fit its kind: the program's own mistake or a bad headless file."""

    exit_code = 2


def refused_parameters(error: ValidationError) -> ParametersError:
    """Name the first parameter that does not fit."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the parameters"
    return ParametersError(
        "wrong_parameters",
        "The job's parameters do not fit",
        f"{place}: {first['msg']}.",
        "Correct the parameters and start again.",
    )


def terminal_message(error: BaseException, *, near_memory_limit: bool = False) -> Failed | Cancelled:
    """What to send as the job's last message for `error`.

    Libraries that get no memory raise anything; a job whose peak was near its limit is told as out of memory.
    """
    if isinstance(error, JobCancelled):
        return Cancelled()
    trace = "".join(traceback.format_exception(error))[-20_000:]
    if isinstance(error, WorkerError):
        return Failed(error=error.info(trace), exit_code=error.exit_code)
    code, title, detail, hint = _words(error)
    if near_memory_limit and code == "internal":
        code, title, detail, hint = OUT_OF_MEMORY
    return Failed(error=ErrorInfo(code=code, title=title, detail=detail, hint=hint, traceback=trace))
