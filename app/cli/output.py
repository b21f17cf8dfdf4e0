"""How commands speak: a JSON document or words on stdout, progress on stderr, the sentence that matters last."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from app.services.events import Event, LatenciesMeasured, LogLine, StepChanged, StepProgress
from workers.contracts.errors import ErrorInfo

OK, INTERNAL, USAGE, REFUSED, KEPT_ORIGINAL, CANCELLED, MISSING = 0, 1, 2, 3, 4, 5, 6

REFRESH_STEPS = ("running", "done", "warning", "failed", "skipped")


@dataclass(frozen=True)
class Globals:
    """The options that stand before or after any command."""

    data_dir: Path | None = None
    json: bool = False
    quiet: bool = False


class CommandFailed(Exception):
    """Ends a command with words and an exit code."""

    def __init__(self, exit_code: int, error: ErrorInfo) -> None:
        super().__init__(error.title)
        self.exit_code, self.error = exit_code, error


class Output:
    """Everything that a command prints goes through here."""

    def __init__(self, options: Globals, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.options = options
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._line_open = False

    def document(self, document: dict[str, Any]) -> None:
        """The answer as JSON, when it was asked for."""
        if self.options.json:
            json.dump(document, self._out, ensure_ascii=False, allow_nan=False)
            self._out.write("\n")

    def text(self, text: str) -> None:
        """The answer in words, on stdout."""
        if not self.options.json:
            self._out.write(text + "\n")

    def sentence(self, text: str) -> None:
        """The last line of stderr."""
        self._end_line()
        self._err.write(text + "\n")
        self._err.flush()

    def error(self, error: ErrorInfo) -> None:
        """What went wrong: JSON where it was asked for, and always words."""
        if self.options.json:
            fields = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}
            json.dump({"error": fields}, self._out, ensure_ascii=False)
            self._out.write("\n")
        self.sentence(f"{error.title}. {error.detail} {error.hint}".strip())

    def watch(self, event: Event) -> None:
        """An observer: a bar on a terminal, plain lines elsewhere."""
        if self.options.quiet:
            return
        if isinstance(event, StepChanged) and event.step.state in REFRESH_STEPS:
            step = event.step
            if step.state == "running":
                self._line(f"{step.title} …")
            else:
                parts = [part for part in (step.figure, step.detail) if part]
                self._end_line()
                self._line(f"{step.title}: {', '.join(parts) or step.state}")
                self._end_line()
        elif isinstance(event, StepProgress) and self._err.isatty() and event.total:
            share = min(1.0, event.done / event.total)
            filled = round(share * 24)
            left = f", {event.eta_s:.0f} s left" if event.eta_s else ""
            self._err.write(f"\r\x1b[2K[{'━' * filled}{' ' * (24 - filled)}] {event.stage}{left}")
            self._err.flush()
            self._line_open = True
        elif isinstance(event, LogLine) and event.level in ("warning", "error"):
            self._line(event.text)
        elif isinstance(event, LatenciesMeasured):
            return

    def _line(self, text: str) -> None:
        self._end_line()
        self._err.write(text + "\n")
        self._err.flush()

    def _end_line(self) -> None:
        if self._line_open:
            self._err.write("\r\x1b[2K")
            self._line_open = False


def usage(detail: str, hint: str = "See 'fettle --help'.") -> CommandFailed:
    """Wrong usage, exit code 2."""
    return CommandFailed(USAGE, ErrorInfo(code="usage", title="Wrong usage", detail=detail, hint=hint))
