"""Every exception of a job has words."""

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.process.messages import Cancelled, Failed
from workers.runtime.failure import looks_like_memory, terminal_message

CASES = [
    (MemoryError(), "out_of_memory", 1),
    (RuntimeError("std::bad_alloc"), "out_of_memory", 1),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), "out_of_memory", 1),
    (ImportError("libfoo.so: cannot allocate memory in static TLS block"), "out_of_memory", 1),
    (OSError(errno.EFBIG, "File too large"), "file_too_large", 6),
    (OSError(errno.EROFS, "Read-only file system"), "read_only", 6),
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
    assert message.error.title and message.error.detail and message.error.hint
    assert "Traceback" not in message.error.detail
    assert type(error).__name__ in message.error.traceback


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ImportError("libmkl.so: failed to map segment"), "out_of_memory"),
        (PermissionError(errno.EACCES, "Permission denied", "/secret"), "not_permitted"),
    ],
)
def test_error_at_the_memory_limit_is_a_lack_of_memory_unless_it_is_known(error: BaseException, code: str) -> None:
    message = terminal_message(error, near_memory_limit=True)
    assert isinstance(message, Failed) and message.error.code == code


def test_cancel_is_no_error() -> None:
    assert terminal_message(JobCancelled()) == Cancelled()


def test_an_ordinary_sentence_is_not_taken_for_a_lack_of_memory() -> None:
    assert not looks_like_memory("the memory layout nchw is unknown")


def failed_with(error: BaseException, folder: Path | None) -> tuple[str, int, str]:
    message = terminal_message(error, folder=folder)
    assert isinstance(message, Failed)
    return message.error.code, message.exit_code, message.error.detail


def test_no_room_names_the_folder_and_the_written_bytes(tmp_path: Path) -> None:
    """Given a write that found no room, Then the error has the folder, its free bytes and the written ones."""
    folder = tmp_path / "jobs" / "apply-1"
    folder.mkdir(parents=True)
    (folder / "half.bin").write_bytes(bytes(200_000))
    for number in (errno.ENOSPC, errno.EDQUOT):
        code, exit_code, detail = failed_with(OSError(number, "No space left on device"), folder)
        assert (code, exit_code) == ("disk_full", 6)
        assert str(folder.parent) in detail and "are free" in detail and "200 kB" in detail


def refusal_from(inner: Exception | None) -> BaseException:
    try:
        raise InputRefused("cannot_convert", "It cannot be converted", "A library failed.", "Try another.") from inner
    except InputRefused as error:
        return error


def test_any_library_error_on_a_full_disk_is_a_lack_of_room(small_disk: Path) -> None:
    """Given a disk that is full, Then errors of libraries become that; a refusal by the program itself keeps its code,
    and with room all keep theirs."""
    folder = small_disk / "job"
    folder.mkdir()
    cases = [
        (RuntimeError("basic_ios::clear: iostream error"), "internal", "disk_full"),
        (refusal_from(RuntimeError("Protobuf serialization failed.")), "cannot_convert", "disk_full"),
        (refusal_from(None), "cannot_convert", "cannot_convert"),
        (MemoryError(), "out_of_memory", "out_of_memory"),
    ]
    for error, with_room, _ in cases:
        assert failed_with(error, folder)[0] == with_room
    with (folder / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 12))
    for error, _, without in cases:
        assert failed_with(error, folder)[0] == without


@pytest.fixture
def files_of_100_kb_at_most() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("files_of_100_kb_at_most")
def test_a_limit_of_file_sizes_is_no_full_disk(tmp_path: Path) -> None:
    """Given a limit on the size of files, When numpy writes more, whose error has no reason, Then that is the reason."""
    with pytest.raises(OSError, match="requested and") as failed, (tmp_path / "x.bin").open("wb") as file:
        np.zeros(100_000).tofile(file)
    assert failed.value.errno is None
    assert failed_with(failed.value, tmp_path)[:2] == ("file_too_large", 6)
    (tmp_path / "x.bin").unlink()
    assert failed_with(failed.value, tmp_path)[:2] == ("internal", 1)
