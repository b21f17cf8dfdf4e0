"""Every exception of a job has words."""

import errno

import pytest

from workers.contracts.errors import BackendMissing, JobCancelled
from workers.contracts.messages import Cancelled, Failed
from workers.runtime.failure import looks_like_memory, terminal_message

CASES = [
    (MemoryError(), "out_of_memory", 1),
    (RuntimeError("std::bad_alloc"), "out_of_memory", 1),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), "out_of_memory", 1),
    (ImportError("libfoo.so: cannot allocate memory in static TLS block"), "out_of_memory", 1),
    (OSError(errno.ENOSPC, "No space left on device"), "disk_full", 1),
    (OSError(errno.EFBIG, "File too large"), "file_too_large", 1),
    (OSError(errno.EROFS, "Read-only file system"), "read_only", 1),
    (PermissionError(errno.EACCES, "Permission denied", "/secret"), "not_permitted", 1),
    (KeyError("x"), "internal", 1),
    (ValueError(), "internal", 1),
    (SystemExit(3), "internal", 1),
    (BackendMissing("no_openvino", "No OpenVINO", "It is not installed.", "pip install openvino"), "no_openvino", 6),
]


@pytest.mark.parametrize(("error", "code", "exit_code"), CASES)
def test_each_kind_of_error_has_its_words(error: BaseException, code: str, exit_code: int) -> None:
    message = terminal_message(error)
    assert isinstance(message, Failed)
    assert (message.error.code, message.exit_code) == (code, exit_code)
    assert message.error.title
    assert message.error.detail
    assert message.error.hint
    assert "Traceback" not in message.error.detail
    assert type(error).__name__ in message.error.traceback


def test_near_its_limit_any_library_error_is_a_lack_of_memory() -> None:
    """Given a job at its memory limit, Then an error without a word about memory still counts as such."""
    message = terminal_message(ImportError("libmkl.so: failed to map segment"), near_memory_limit=True)
    assert isinstance(message, Failed)
    assert message.error.code == "out_of_memory"


def test_near_its_limit_an_error_with_words_keeps_them() -> None:
    """Given a job at its memory limit, Then what is known to be something else is still told as that."""
    message = terminal_message(PermissionError(errno.EACCES, "Permission denied", "/secret"), near_memory_limit=True)
    assert isinstance(message, Failed)
    assert message.error.code == "not_permitted"


def test_cancel_is_no_error() -> None:
    assert terminal_message(JobCancelled()) == Cancelled()


def test_an_ordinary_sentence_is_not_taken_for_a_lack_of_memory() -> None:
    assert not looks_like_memory("the memory layout nchw is unknown")
