"""Recognize GPU failures in error messages: GPU memory is full, or the GPU stopped working.

Libraries share no exception type for these failures; a comment at each pattern names the library.
"""

import re

from workers.contracts.error_info import ErrorInfo

GPU_MEMORY, GPU_LOST = "gpu_out_of_memory", "gpu_lost"

_MEMORY = re.compile(
    r"CUDA out of memory|cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY"  # torch, CUDA's runtime, its driver
    r"|CUDA (?:failure|error)[: ]+2\b|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED"  # ONNX Runtime, cuBLAS…
    r"|OutOfMemory.*(?:TensorRT|GPU)|GPU memory",  # TensorRT
    re.IGNORECASE,
)
_ARENA = re.compile(r"bfc_arena|Failed to allocate memory for requested buffer", re.IGNORECASE)
"""Messages of ONNX Runtime's allocator, which are the same for GPU memory and main memory."""

_LOST = re.compile(
    r"GPU is lost|fallen off the bus|uncorrectable ECC|cudaErrorDevicesUnavailable|device is lost"
    r"|CUDA error: unspecified launch failure|cudaErrorLaunchFailure|cudaErrorECCUncorrectable"
    r"|CUDA (?:failure|error)[: ]+(?:46|214|719|999)\b",
    re.IGNORECASE,
)


def gpu_failure(text: str, *, on_gpu: bool) -> ErrorInfo | None:
    """Return the error for a library's message; None if it is not about a GPU or the job had no GPU (`on_gpu`)."""
    if not on_gpu:
        return None
    if _MEMORY.search(text) or _ARENA.search(text):
        return ErrorInfo(
            code=GPU_MEMORY,
            title="The GPU's memory is full",
            detail="The model and its inputs need more memory than is free on the graphics card. Your files are as they"
            " were.",
            hint="Close other programs that use the card, take a smaller batch, or let the processor do it.",
            by_command="--device cpu, or a smaller --batch.",
        )
    if _LOST.search(text):
        return ErrorInfo(
            code=GPU_LOST,
            title="The GPU stopped answering",
            detail="The graphics card no longer answers, so this part was stopped. What was done before is safe.",
            hint="Check it on the page Graphics cards. If it stays away, restart the computer.",
            by_command="fettle gpu doctor",
        )
    return None
