"""Reasons as the real libraries gave them: ONNX Runtime 1.31 with CUDA 13, seen without a GPU."""

import os

import pytest

from workers.infer.cuda_words import meaning, native_log, reason_in

MISSING = (
    "[E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] FAIL : Failed to load library"
    " libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file\n"
    "[W:onnxruntime:Default] Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 13.*.\n"
)
REFUSED = "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm ; expr=cudaSetDevice(0);"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (MISSING, "the library libcublasLt.so.13 was not found"),
        (REFUSED, meaning(100)),
        ("CUDA error: 304", meaning(304)),
        ("something else\nthe last line\n", "the last line"),
        ("", ""),
    ],
)
def test_reason_in_gives_the_first_reason(log: str, reason: str) -> None:
    """Given what a library logs, Then the reason is the library that is missing or what the error's number means."""
    assert reason_in(log) == reason


def test_native_log_captures_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """Given code that writes to the process's stderr itself, Then it is heard and goes on to stderr all the same."""
    with native_log() as log:
        os.write(2, b"libcudnn.so.9: cannot open shared object file\n")
    assert reason_in("".join(log)) == "the library libcudnn.so.9 was not found"
    assert "libcudnn.so.9" in capfd.readouterr().err
