"""How commands speak: a JSON document or words on stdout, progress on stderr, the sentence that matters last."""

import contextlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from app.cli.keys import is_terminal
from app.domain.words.results import waiting_words
from app.services.flow.events import (
    Event,
    LogLine,
    RunProgress,
    RunProgressed,
    StepChanged,
    StepProgress,
    WaitingForQuiet,
)
from workers.contracts.errors import ErrorInfo
from workers.contracts.wording import percent

OK, INTERNAL, USAGE, REFUSED, KEPT_ORIGINAL, CANCELLED, MISSING = 0, 1, 2, 3, 4, 5, 6

TOLD_STATES = ("done", "warning", "failed")
BAR_CHARS = 24
LONG_S = 10.0
"""Without a bar, a step that says nothing for so long tells how far it is."""


@dataclass(frozen=True)
class Globals:
    """The options that stand before or after any command."""

    data_dir: Path | None = None
    json: bool = False
    quiet: bool = False
    version: bool = False


class CommandFailed(Exception):
    """Ends a command with words and an exit code."""

    def __init__(self, exit_code: int, error: ErrorInfo) -> None:
        super().__init__(error.title)
        self.exit_code, self.error = exit_code, error


class ReaderGone(Exception):
    """The program that reads standard output has ended. No OSError: typer ends the process in silence for EPIPE."""


class Output:
    """Everything that a command prints goes through here. JSON is plain ASCII, so that no console can spoil it."""

    def __init__(self, options: Globals, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.options = options
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._bar_shown = self._waits = self._in_run = False
        self._between, self._told_s = "", time.monotonic()
        for stream in (self._out, self._err):
            with contextlib.suppress(AttributeError, ValueError):  # not every stream can be told
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]

    def document(self, document: dict[str, Any]) -> None:
        """The answer as JSON, when it was asked for."""
        if self.options.json:
            self._write(json.dumps(document, allow_nan=False) + "\n")

    def text(self, text: str) -> None:
        """The answer in words, on stdout."""
        if not self.options.json:
            self._write(text + "\n")

    def piece(self, text: str) -> None:
        """A part of an answer in words that is still coming, on stdout."""
        if not self.options.json:
            self._write(text)

    def notice(self, text: str) -> None:
        """Something to know besides, on stderr."""
        if not self.options.quiet:
            self._line(text)

    def sentence(self, text: str) -> None:
        """The last line of stderr."""
        self._line(text)

    def error(self, error: ErrorInfo) -> None:
        """Write what went wrong, as JSON where it was asked for, and always in words."""
        fields = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint_by_command}
        with contextlib.suppress(CommandFailed):  # stdout may be what failed
            self.document({"error": fields})
        words = (
            part if part.endswith((".", "!", "?", ")")) else f"{part}." for part in list(fields.values())[1:] if part
        )
        self.sentence(" ".join(" ".join(words).split()))

    def watch(self, event: Event) -> None:
        """An observer: a bar on a terminal, plain lines elsewhere."""
        if self.options.quiet:
            return
        if isinstance(event, StepChanged):
            step = event.step
            if step.state == "running":
                self._line(f"{step.title} …")
            elif step.state in TOLD_STATES or (step.state == "skipped" and step.detail):
                parts = [part for part in (step.figure, step.detail) if part]
                self._line(f"{step.title}: {', '.join(parts) or step.state}")
        elif isinstance(event, RunProgressed):
            self._in_run = event.progress.share < 1.0
            self._tell_run(event.progress)
        elif isinstance(event, StepProgress) and event.total:
            self._tell_step(event, event.total)
        elif isinstance(event, WaitingForQuiet):
            self._wait(event)
        elif isinstance(event, LogLine) and event.level in ("warning", "error"):
            self._line(event.text)

    def _tell_step(self, event: StepProgress, total: float) -> None:
        """The bar, unless that of the run is there; where nobody sees one, a line now and then of what takes long."""
        left = f", {event.eta_s:.0f} s left" if event.eta_s else ""
        if not self._in_run:
            self._bar(event.done / total, f"{event.stage}{left}")
        if not self._err.isatty() and event.done < total and time.monotonic() - self._told_s >= LONG_S:
            self._line(f"{event.stage}, {percent(event.done / total, 0)}{left} …")

    def _wait(self, event: WaitingForQuiet) -> None:
        """One line when the wait begins, on a terminal the latest look in its place; one when it is over."""
        if event.is_over:
            if self._waits:
                self._line("Measuring now.")
            self._waits = False
        elif event.busy_share is not None:
            text = f"{waiting_words(event.busy_share)}; {event.left_s:.0f} s at most"
            if self._err.isatty():
                key = ", ENTER measures now" if is_terminal() else ""
                self._tell(f"\r\x1b[2K{text}{key}")
                self._bar_shown = True
            elif not self._waits:
                self._line(f"{text} …")
            self._waits = True

    def _tell_run(self, progress: RunProgress) -> None:
        """The bar of the whole run; without one, what is done between two steps has a line of its own."""
        if progress.step is None and progress.stage != self._between and 0.0 < progress.share < 1.0:
            self._between = progress.stage
            if not self._err.isatty():
                self._line(f"{progress.stage} …")
        if self._in_run:
            self._bar(progress.share, f"{percent(progress.share, 0)} {progress.stage}")

    def _bar(self, share: float, text: str) -> None:
        """One line that is written anew; only on a terminal."""
        if not self._err.isatty():
            return
        filled = round(min(1.0, share) * BAR_CHARS)
        bar = "━" * filled + " " * (BAR_CHARS - filled)
        self._tell(f"\r\x1b[2K[{bar}] {text}")
        self._bar_shown = True

    def _write(self, text: str) -> None:
        """Raises `ReaderGone` where nobody reads any more, `CommandFailed` where the text cannot be kept."""
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error
        except OSError as error:
            info = ErrorInfo(
                code="not_written",
                title="The answer could not be written",
                detail=f"Standard output: {error.strerror or error}.",
                hint="Send it to a place with room.",
            )
            raise CommandFailed(INTERNAL, info) from error

    def _line(self, text: str) -> None:
        start = "\r\x1b[2K" if self._bar_shown else ""
        self._bar_shown, self._told_s = False, time.monotonic()
        self._tell(f"{start}{text}\n")

    def _tell(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody listens: the work goes on
            self._err.write(text)
            self._err.flush()


def usage(detail: str, hint: str = "See 'fettle --help'.") -> CommandFailed:
    """Wrong usage, exit code 2."""
    return CommandFailed(USAGE, ErrorInfo(code="usage", title="Wrong usage", detail=detail, hint=hint))


def refusal(code: str, title: str, detail: str, hint: str) -> CommandFailed:
    """Input refused, exit code 3."""
    return CommandFailed(REFUSED, ErrorInfo(code=code, title=title, detail=detail, hint=hint))
