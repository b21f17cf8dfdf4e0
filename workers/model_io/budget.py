"""Limit the wall time in seconds for which an untrusted file may keep libraries busy.

A small file that takes longer was made to hang programs; large files get time by their size. Libraries are imported
before the clock starts, because an import from a cold disk takes longer than any check.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark

CHECKING, CONVERTING, TRYING = mark("checking the model"), mark("converting the model"), mark("trying the model out")

CHECK_S, CHECK_BYTES_PER_S = 7.0, 10e6
LOAD_S = 20.0
RUN_S, RUN_BYTES_PER_S = 6.0, 0.5e6
CONVERT_S, CONVERT_BYTES_PER_S = 120.0, 0.5e6


def checking(ctx: JobContext, files: Iterable[Path]) -> AbstractContextManager[None]:
    """Limit reading and checking; the time depends on the size of the files."""
    size = sum(file.stat().st_size for file in files if file.is_file())
    return ctx.time_limit(CHECK_S + size / CHECK_BYTES_PER_S, CHECKING)


def loading(ctx: JobContext, files: Iterable[Path]) -> AbstractContextManager[None]:
    """Limit a library that builds what a file describes and imports parts of itself meanwhile."""
    size = sum(file.stat().st_size for file in files)
    return ctx.time_limit(LOAD_S + size / RUN_BYTES_PER_S, CHECKING)


def trying(ctx: JobContext, weight_bytes: int) -> AbstractContextManager[None]:
    """Limit the first runs: most models take a fraction of it, and slow ones have large weights."""
    return ctx.time_limit(RUN_S + weight_bytes / RUN_BYTES_PER_S, TRYING)


def converting(ctx: JobContext, weight_bytes: int) -> AbstractContextManager[None]:
    """Limit tracing and conversion to ONNX, which take most of a minute for a large network."""
    return ctx.time_limit(CONVERT_S + weight_bytes / CONVERT_BYTES_PER_S, CONVERTING)
