"""Convert any exception of a job into its terminal message in plain words."""

import errno
import sys
import traceback
from pathlib import Path

from pydantic import ValidationError

from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import JobCancelled, WorkerError, looks_like_memory
from workers.contracts.process.disk import DISK_FULL, DiskFull, chain_of, file_sizes, is_full, lacks_room
from workers.contracts.process.messages import Cancelled, Failed
from workers.contracts.translation import _, mark
from workers.runtime.gpu_failure import gpu_failure

if sys.platform != "win32":
    import resource

OUT_OF_MEMORY = (
    "out_of_memory",
    mark("Not enough memory"),
    mark("The job needs more memory than it may use."),
    mark("Close other programs, raise the memory limit in Settings, or use a smaller model or batch."),
)
BY_ERRNO = {
    errno.EFBIG: (
        "file_too_large",
        mark("A file became too large"),
        mark(
            "The job tried to write a file that is larger than this account or this disk allows. It was stopped; what "
            "was stored before is safe."
        ),
        mark("Raise that limit (ulimit -f), use a data folder on another disk, or use a smaller model."),
    ),
    errno.EROFS: (
        "read_only",
        mark("The folder cannot be written"),
        mark("The disk that holds the job's folder can only be read."),
        mark("Make it writable, or use a data folder on another disk."),
    ),
}
"""Errors in which the computer denies the job a resource: neither the input nor the program is wrong."""

INTERNAL, MISSING = 1, 6


def _words(error: BaseException) -> tuple[str, str, str, str]:
    if isinstance(error, MemoryError) or looks_like_memory(str(error)):
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in BY_ERRNO:
        return BY_ERRNO[error.errno]
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EXDEV):
        # Landlock reports EXDEV for links that lead out of the folder
        detail = (
            _("The job tried to use a file that it may not use ({0}).").format(error.filename)
            if error.filename
            else mark("The job tried to use a file or a service that it may not use.")
        )
        return (
            "not_permitted",
            mark("Not permitted"),
            detail,
            mark("Check that you may read the file. If you may, open the log and report the problem."),
        )
    return (
        "internal",
        mark("Something went wrong inside Fettle"),
        _("The job stopped with an unexpected error: {0}.").format(
            f"{type(error).__name__}: {str(error)[:300]}".rstrip(":. ")
        ),
        mark("Open the log for the details. Trying again, or another recipe, may help."),
    )


class ParametersError(WorkerError):
    """Error: the job's parameters do not fit its kind, due to a mistake in the program."""

    exit_code = 2


def refused_parameters(error: ValidationError) -> ParametersError:
    """Return an error that names the first parameter that does not fit."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the parameters"
    return ParametersError(
        "wrong_parameters",
        "The job's parameters do not fit",
        f"{place}: {first['msg']}.",
        "Correct the parameters and start again.",
    )


def _came_of_library(error: BaseException) -> bool:
    return any(not isinstance(one, WorkerError) for one in chain_of(error))


def _met_size_limit(error: BaseException, folder: Path | None) -> bool:
    """Return whether a file has reached the file size limit; numpy and torch do not report why a write fell short."""
    if any(isinstance(one, OSError) and one.errno == errno.EFBIG for one in chain_of(error)):
        return True
    if folder is None or sys.platform == "win32" or not _came_of_library(error):
        return False
    most_bytes = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return most_bytes != resource.RLIM_INFINITY and max(file_sizes(folder), default=0) >= most_bytes


def _no_room(error: BaseException, folder: Path | None) -> DiskFull | None:
    """Return a disk-full error if the disk is the cause of `error`, otherwise None.

    Libraries that find no room raise arbitrary errors, and later steps find their files damaged. Any error that comes
    from a library therefore counts as a full disk when `folder` takes no more data.
    """
    if isinstance(error, MemoryError) or (isinstance(error, WorkerError) and error.code == DISK_FULL):
        return None
    if folder is None or not (lacks_room(error) or (_came_of_library(error) and is_full(folder))):
        return None
    return DiskFull(folder.parent, written_bytes=sum(file_sizes(folder)))


def terminal_message(
    error: BaseException, *, near_memory_limit: bool = False, folder: Path | None = None, on_gpu: bool = False
) -> Failed | Cancelled:
    """Return the last message of a job that ended with `error`.

    A library that gets no memory raises arbitrary errors. A job whose peak was near its memory limit is therefore
    reported as out of memory.

    Args:
        error: The exception that ended the job.
        near_memory_limit: The job's peak memory was near its limit.
        folder: The folder the job writes to.
        on_gpu: The job used a GPU.
    """
    if isinstance(error, JobCancelled):
        return Cancelled()
    trace = "".join(traceback.format_exception(error))[-20_000:]
    gpu_error = gpu_failure(" ".join(str(one) for one in chain_of(error)), on_gpu=on_gpu)
    if gpu_error is not None:
        return Failed(error=gpu_error.model_copy(update={"traceback": trace}), exit_code=MISSING)
    error = _no_room(error, folder) or (OSError(errno.EFBIG, "") if _met_size_limit(error, folder) else error)
    if isinstance(error, WorkerError):
        return Failed(error=error.info(trace), exit_code=error.exit_code)
    code, title, detail, hint = _words(error)
    if near_memory_limit and code == "internal":
        code, title, detail, hint = OUT_OF_MEMORY
    exit_code = MISSING if code in (words[0] for words in BY_ERRNO.values()) else INTERNAL
    return Failed(
        error=ErrorInfo(code=code, title=title, detail=detail, hint=hint, traceback=trace), exit_code=exit_code
    )
