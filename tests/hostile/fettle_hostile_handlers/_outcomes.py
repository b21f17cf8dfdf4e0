"""What came of opening a file: opened, refused in words, or no class; with the time and memory that it took."""

import time
from collections.abc import Callable
from pathlib import Path

from workers.contracts.errors import JobCancelled
from workers.contracts.process.messages import Failed

OPENED, NO_CLASS = "opened", "no class"
MOST_S, MOST_BYTES = 5.0, 250 << 20
"""Processor time for one file, and memory in addition to twice its size: its bytes, and the unpacked ones."""


def outcome_of(work: Callable[[], object]) -> str:
    """The class of what came of it: opened, the code of a refusal in words, or no class and the error itself."""
    from workers.monitor.reading import NotALog
    from workers.pipeline.spec import PipelineError
    from workers.runtime.failure import terminal_message

    try:
        work()
    except JobCancelled:
        raise
    except (PipelineError, NotALog) as error:
        return f"{NO_CLASS} half sentences: {error}"[:500] if not str(error).strip() else type(error).__name__
    except Exception as error:
        report = terminal_message(error)
        if not isinstance(report, Failed) or report.error.code == "internal":
            return f"{NO_CLASS} {type(error).__name__}: {error} ({_place(error)})"[:500].replace("\n", " ")
        if not (report.error.title and report.error.detail.endswith((".", "!", "?", "…")) and report.error.hint):
            return f"{NO_CLASS} half sentences: {report.error.detail}"[:500]
        return report.error.code
    return OPENED


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def within_bounds(work: Callable[[], object], size_bytes: int) -> str:
    """The same; no class where it took more time or memory than a file of `size_bytes` may."""
    from workers.measure.memory import PeakMeter

    meter, began_s = PeakMeter(), time.process_time()
    outcome = outcome_of(work)
    took_s, peak_bytes = time.process_time() - began_s, meter.peak_bytes() or 0
    if took_s > MOST_S:
        return f"{NO_CLASS} slow: {took_s:.1f} s, {outcome}"
    if peak_bytes > MOST_BYTES + 2 * size_bytes:
        return f"{NO_CLASS} large: {peak_bytes >> 20} MB, {outcome}"
    return outcome
