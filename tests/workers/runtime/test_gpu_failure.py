"""Failures of a GPU, reported as such and not as failures of the computer's memory or of the program."""

import pytest

from workers.contracts.errors import InputRefused
from workers.contracts.process.messages import Failed
from workers.runtime.failure import terminal_message

TORCH = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 23.64 GiB"
ARENA = "onnxruntime/core/framework/bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 21474836480"
ORT = "CUDA failure 2: out of memory ; GPU=0 ; hostname=pc ; expr=cudaMalloc((void**)&p, size);"
LOST = "CUDA failure 719: unspecified launch failure ; GPU=0 ; hostname=pc"


def failed(error: BaseException, *, on_gpu: bool = True) -> Failed:
    message = terminal_message(error, on_gpu=on_gpu)
    assert isinstance(message, Failed)
    return message


@pytest.mark.parametrize(
    ("text", "code"),
    [(TORCH, "gpu_out_of_memory"), (ARENA, "gpu_out_of_memory"), (ORT, "gpu_out_of_memory"), (LOST, "gpu_lost")],
)
def test_error_of_a_gpu_has_its_code(text: str, code: str) -> None:
    """Given the errors of torch and ONNX Runtime for a full or lost GPU, Then the job's error has its code and a hint."""
    message = failed(RuntimeError(text))
    assert message.error.code == code
    assert message.error.hint and message.exit_code == 6


def test_a_reason_behind_the_reason_counts() -> None:
    """Given a refusal that came of a full GPU, Then the GPU is reported: the model is not at fault."""
    refusal = InputRefused("not_runnable", "It cannot be run", "The library refused it.", "Try another.")
    refusal.__cause__ = RuntimeError(ORT)
    assert failed(refusal).error.code == "gpu_out_of_memory"


def test_the_processors_memory_stays_its_own() -> None:
    """Given the same words of ONNX Runtime's allocator in a job without a GPU, Then the computer's memory is reported."""
    assert failed(RuntimeError(ARENA), on_gpu=False).error.code == "out_of_memory"
    assert failed(RuntimeError("std::bad_alloc")).error.code == "out_of_memory"
