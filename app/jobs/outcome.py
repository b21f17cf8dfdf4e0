"""Explain the end of a worker as an `ErrorInfo` and an exit code of docs/command-line.md."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.bootstrap import RECORD_MARK
from workers.contracts.process.disk import DiskFull
from workers.contracts.process.messages import Cancelled, Failed, Finished, StageLimit
from workers.contracts.translation import _, mark

CrashCause = Literal[
    "memory", "disk", "wall_time", "idle", "stage_time", "turn_time", "cpu_time", "killed", "crash", "abort",
    "protocol", "exit", "start",
]  # fmt: skip
TAIL_BYTES = 8000

EXIT_DONE, EXIT_INTERNAL, EXIT_CANCELLED = 0, 1, 5


@dataclass(frozen=True)
class Crashed:
    """The end of a worker without a final message; created by its client.

    `log_tail` is the end of its log, `signal_name` for example "SIGSEGV". `stage` is the work that had its own time
    limit, `full` the disk that lacked room.
    """

    exit_code: int | None
    signal_name: str | None
    log_tail: str
    cause: CrashCause
    stage: StageLimit | None = None
    full: DiskFull | None = None

    @property
    def was_ended_here(self) -> bool:
        """Return whether the program ended it for exceeding a limit; otherwise it crashed or was killed."""
        return self.cause in ("memory", "wall_time", "idle", "stage_time", "turn_time")


Outcome = Finished | Failed | Cancelled | Crashed

_WORDS: dict[CrashCause, ErrorInfo] = {  # "disk" has its own words, with the disk's figures
    "memory": ErrorInfo(
        code="out_of_memory",
        title="Not enough memory",
        detail="The job needed more memory than it may use, so it was stopped.",
        hint="Close other programs, raise the memory limit in Settings, or use a smaller model or batch.",
    ),
    "wall_time": ErrorInfo(
        code="time_limit",
        title="The job took too long",
        detail="The job ran longer than it may, so it was stopped.",
        hint="Close other programs and try again, or use a smaller model.",
    ),
    "idle": ErrorInfo(
        code="hangs",
        title="The job hung",
        detail="The job used no processor time any more, so it was stopped.",
        hint="Try another runtime or recipe. The log shows what was being done.",
    ),
    "stage_time": ErrorInfo(
        code="stage_time_limit",
        title="This took too long",
        detail="The job was still {stage} after {seconds:.0f} s, so it was stopped.",
        hint="Close other programs and try again, or use a smaller model.",
    ),
    "turn_time": ErrorInfo(
        code="hangs",
        title="A measurement hung",
        detail="It was still not done when many times its usual time was over, so it was stopped.",
        hint="Try another runtime or recipe. The log shows what was being done.",
    ),
    "cpu_time": ErrorInfo(
        code="cpu_limit",
        title="The job used too much processor time",
        detail="The job used more processor time than it may, so the system stopped it.",
        hint="Try again, or use a smaller model or fewer examples.",
    ),
    "killed": ErrorInfo(
        code="killed",
        title="The job was stopped from outside",
        detail="The system or another program ended the job. Most often the computer ran out of memory.",
        hint="Close other programs and start the job again.",
    ),
    "crash": ErrorInfo(
        code="native_crash",
        title="A library crashed",
        detail="The library that ran the model crashed while working on it ({signal}).",
        hint="Try another runtime or recipe. The log shows what was being done.",
    ),
    "abort": ErrorInfo(
        code="native_abort",
        title="A library gave up",
        detail="The library that ran the model stopped the job with an error of its own ({signal}).",
        hint="Try another runtime or recipe. The log shows what was being done.",
    ),
    "protocol": ErrorInfo(
        code="bad_answer",
        title="The job sent an answer that cannot be read",
        detail="The job's process sent something that is no message, so it was stopped.",
        hint="Start the job again. If it happens again, report the problem with the log.",
    ),
    "exit": ErrorInfo(
        code="ended_early",
        title="The job ended without an answer",
        detail="The job's process ended without a result (exit code {code}).",
        hint="Start the job again. The log shows what was being done.",
    ),
    "start": ErrorInfo(
        code="cannot_start",
        title="The job could not be started",
        detail="The job could not be started: {why}.",
        hint="Put that right, and start the job again.",
    ),
}


def signal_name(exit_code: int | None) -> str | None:
    """Return the name of the signal that ended a process, None if no signal did."""
    if exit_code is None or exit_code >= 0:
        return None
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"


def read_tail(log_path: Path | None, most_bytes: int = TAIL_BYTES) -> str:
    """Return the last lines of a log, "" without one; a pipe or a link of a stranger's data folder is none."""
    if log_path is None or log_path.is_symlink() or not log_path.is_file():
        return ""
    try:
        with log_path.open("rb") as file:
            file.seek(max(0, log_path.stat().st_size - most_bytes))
            return file.read(most_bytes).decode("utf-8", "replace")
    except OSError:
        return ""


def _recorded_reason(log_tail: str) -> CrashCause | None:
    """Return the reason that the worker's watchdog logged before it ended the process."""
    for line in reversed(log_tail.splitlines()):
        if line.startswith(RECORD_MARK):
            try:
                reason = json.loads(line.removeprefix(RECORD_MARK))["reason"]
            except (ValueError, KeyError, TypeError):
                return None
            return reason if reason in ("memory", "wall_time") else None
    return None


def crash(
    exit_code: int | None,
    log_tail: str,
    known: CrashCause | None = None,
    *,
    near_memory_limit: bool = False,
    stage: StageLimit | None = None,
    full: DiskFull | None = None,
) -> Crashed:
    """Classify the end of a worker without a final message.

    A library that lacks memory or room may end by abort, SIGSEGV, SIGBUS or exit code 1, so recorded or observed
    causes come first.

    Args:
        exit_code: The process's exit code, None if unknown.
        log_tail: The end of its log.
        known: The cause that the parent saw or produced.
        near_memory_limit: Whether its memory came near the limit.
        stage: The stage that it had announced.
        full: The job's disk if that lacks room.
    """
    name = signal_name(exit_code)
    reason = known or _recorded_reason(log_tail) or _by_signal(name)
    if reason in ("crash", "abort", "exit") and (near_memory_limit or "bad_alloc" in log_tail):
        reason = "memory"
    if reason in ("crash", "abort", "exit", "start") and full is not None:
        reason = "disk"
    return Crashed(exit_code, name, log_tail, reason, stage, full)


def _by_signal(name: str | None) -> CrashCause:
    if name is None:
        return "exit"
    if name == "SIGXCPU":
        return "cpu_time"
    if name in ("SIGKILL", "SIGTERM"):
        return "killed"
    return "abort" if name == "SIGABRT" else "crash"


def error_of(outcome: Outcome) -> ErrorInfo | None:
    """Return the error to show to a person, None if the job succeeded."""
    if isinstance(outcome, Finished):
        return None
    if isinstance(outcome, Failed):
        return outcome.error
    if isinstance(outcome, Cancelled):
        return ErrorInfo(
            code="cancelled",
            title="Cancelled",
            detail="The job was cancelled. Nothing of it was kept.",
            hint="Start it again whenever you like.",
        )
    if outcome.cause == "disk" and outcome.full is not None:
        return outcome.full.info(outcome.log_tail)
    error, stage = _WORDS[outcome.cause], outcome.stage
    values = {
        "stage": _(stage.what if stage else mark("at work")),
        "seconds": stage.seconds if stage else 0,
        "signal": outcome.signal_name or _("unknown reason"),
        "code": outcome.exit_code,
    }
    if outcome.cause == "start":
        values["why"] = outcome.log_tail.strip(".")
    detail = _(error.detail).format(**values)
    facts: dict[str, JsonValue] = {
        "stage": stage.what if stage else "at work",
        "seconds": stage.seconds if stage else 0,
        "signal": outcome.signal_name,
        "exit_code": outcome.exit_code,
    }
    return error.model_copy(update={"detail": detail, "traceback": outcome.log_tail, "facts": facts})


def explain(outcome: Outcome) -> tuple[ErrorInfo, int]:
    """Return the error and exit code of an unsuccessful end; raise ValueError for `Finished`."""
    error = error_of(outcome)
    if error is None:
        raise ValueError("a finished job needs no explanation")
    return error, exit_code_of(outcome)


def exit_code_of(outcome: Outcome) -> int:
    """Return the command line's exit code for the end of one job."""
    if isinstance(outcome, Finished):
        return EXIT_DONE
    if isinstance(outcome, Failed):
        return outcome.exit_code
    if isinstance(outcome, Cancelled):
        return EXIT_CANCELLED
    return DiskFull.exit_code if outcome.cause == "disk" else EXIT_INTERNAL
