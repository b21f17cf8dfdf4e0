"""Print the output of commands: a JSON document or words on stdout, progress on stderr, the main sentence last."""

import contextlib
import io
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from app.domain.run import StepRecord
from app.domain.words.results import waiting_words
from app.services.flow.events import Event, LogLine, RunProgress, StepProgress, WaitingForQuiet
from workers.contracts.error_info import ErrorInfo
from workers.contracts.wording import percent

OK, INTERNAL, USAGE, REFUSED, KEPT_ORIGINAL, CANCELLED, MISSING = 0, 1, 2, 3, 4, 5, 6

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters other than tab and new line that a terminal obeys, which names and texts of strangers may contain."""

REPORTED_STATES = ("done", "warning", "failed")
BAR_CHARS = 24
LONG_S = 10.0
"""Seconds without output after which a step reports its progress if there is no bar."""


@dataclass(frozen=True)
class Globals:
    """The options that may come before or after any command."""

    data_dir: Path | None = None
    json: bool = False
    quiet: bool = False
    version: bool = False


class CommandFailed(Exception):
    """Ends a command with an explanation and an exit code."""

    def __init__(self, exit_code: int, error: ErrorInfo) -> None:
        """Create the failure with its exit code and explanation."""
        super().__init__(error.title)
        self.exit_code, self.error = exit_code, error


class ReaderGone(Exception):
    """The program that reads standard output has ended. It is no OSError, because typer exits silently on EPIPE."""


class Output:
    """All output of one command, owned by `main`. JSON is plain ASCII, which every console can display."""

    def __init__(self, options: Globals, out: TextIO | None = None, err: TextIO | None = None) -> None:
        """Create an output that writes to `out` and `err`, by default the standard streams."""
        self.options = options
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._bar_shown = self._waits = self._in_run = False
        self._between, self._printed_s = "", time.monotonic()
        for stream in (self._out, self._err):
            if isinstance(stream, io.TextIOWrapper) and not stream.closed:
                stream.reconfigure(errors="replace")

    def document(self, document: dict[str, Any]) -> None:
        """Print the JSON document if it was requested."""
        if self.options.json:
            self._write(json.dumps(document, allow_nan=False) + "\n")

    def text(self, text: str) -> None:
        """Print a line of the result in words, on stdout."""
        if not self.options.json:
            self._write(shown(text) + "\n")

    def finding(self, level: str, what: str) -> None:
        """Print a finding in one line, whatever names of strangers it holds."""
        self.text(f"  {level}: {' '.join(what.splitlines())}")

    def piece(self, text: str) -> None:
        """Print a part of a result in words, on stdout."""
        if not self.options.json:
            self._write(shown(text))

    def notice(self, text: str) -> None:
        """Print additional information on stderr."""
        if not self.options.quiet:
            self._line(text)

    def sentence(self, text: str) -> None:
        """Print the last line of stderr."""
        self._line(text)

    def error(self, error: ErrorInfo) -> None:
        """Print an error, as JSON if requested, and always in words."""
        fields = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint_by_command}
        with contextlib.suppress(CommandFailed):  # stdout itself may have failed
            self.document({"error": fields})
        words = (
            part if part.endswith((".", "!", "?", ")")) else f"{part}." for part in list(fields.values())[1:] if part
        )
        self.sentence(" ".join(" ".join(words).split()))

    def watch(self, event: Event) -> None:
        """Handle an event: show a bar on a terminal, plain lines elsewhere."""
        if self.options.quiet:
            return
        if isinstance(event, StepRecord):
            if event.state == "running":
                self._line(f"{event.title} …")
            elif event.state in REPORTED_STATES or (event.state == "skipped" and event.detail):
                parts = [part for part in (event.figure, event.detail) if part]
                self._line(f"{event.title}: {', '.join(parts) or event.state}")
        elif isinstance(event, RunProgress):
            self._in_run = event.share < 1.0
            self._show_run(event)
        elif isinstance(event, StepProgress) and event.total:
            self._show_step(event, event.total)
        elif isinstance(event, WaitingForQuiet):
            self._wait(event)
        elif isinstance(event, LogLine) and event.level in ("warning", "error"):
            self._line(event.text)

    def _show_step(self, event: StepProgress, total: float) -> None:
        """Show the bar unless the run's bar is shown; without a terminal, print a line now and then for long steps."""
        left = f", {event.remaining_s:.0f} s left" if event.remaining_s else ""
        if not self._in_run:
            self._bar(event.done / total, f"{event.stage}{left}")
        if not self._err.isatty() and event.done < total and time.monotonic() - self._printed_s >= LONG_S:
            self._line(f"{event.stage}, {percent(event.done / total, 0)}{left} …")

    def _wait(self, event: WaitingForQuiet) -> None:
        """Print one line when the wait begins, updated on a terminal, and one when it ends."""
        if event.is_over:
            if self._waits:
                self._line("Measuring now.")
            self._waits = False
        elif event.busy_share is not None:
            text = f"{waiting_words(event.busy_share)}; {event.left_s:.0f} s at most"
            if self._err.isatty():
                key = ", ENTER measures now" if is_terminal() else ""
                self._write_err(f"\r\x1b[2K{text}{key}")
                self._bar_shown = True
            elif not self._waits:
                self._line(f"{text} …")
            self._waits = True

    def _show_run(self, progress: RunProgress) -> None:
        """Show the bar of the whole run; without a terminal, print a line for work between two steps."""
        if progress.step is None and progress.stage != self._between and 0.0 < progress.share < 1.0:
            self._between = progress.stage
            if not self._err.isatty():
                self._line(f"{progress.stage} …")
        if self._in_run:
            self._bar(progress.share, f"{percent(progress.share, 0)} {progress.stage}")

    def _bar(self, share: float, text: str) -> None:
        """Redraw the bar in one line, on a terminal only."""
        if not self._err.isatty():
            return
        filled = round(min(1.0, share) * BAR_CHARS)
        bar = "━" * filled + " " * (BAR_CHARS - filled)
        self._write_err(f"\r\x1b[2K[{bar}] {shown(text)}")
        self._bar_shown = True

    def _write(self, text: str) -> None:
        """Write to stdout; raise `ReaderGone` if its reader has ended, `CommandFailed` if the write fails."""
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
        self._bar_shown, self._printed_s = False, time.monotonic()
        self._write_err(f"{start}{shown(text)}\n")

    def _write_err(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # without a reader the work goes on
            self._err.write(text)
            self._err.flush()


def shown(text: str) -> str:
    """Return the text with a sign in place of each character that a terminal obeys instead of showing it."""
    return OBEYED.sub("\ufffd", text.replace("\r\n", "\n"))


def usage(detail: str, hint: str = "See 'fettle --help'.") -> CommandFailed:
    """Return the failure of wrong usage, exit code 2."""
    return CommandFailed(USAGE, ErrorInfo(code="usage", title="Wrong usage", detail=detail, hint=hint))


def refusal(code: str, title: str, detail: str, hint: str) -> CommandFailed:
    """Return the failure of refused input, exit code 3."""
    return CommandFailed(REFUSED, ErrorInfo(code=code, title=title, detail=detail, hint=hint))


if sys.platform == "win32":

    def enter_pressed() -> bool:
        """Return whether ENTER was pressed since the last call; always False without a terminal."""
        import msvcrt

        if not is_terminal():
            return False
        pressed = False
        while msvcrt.kbhit():
            pressed = msvcrt.getwch() in "\r\n" or pressed
        return pressed

else:

    def enter_pressed() -> bool:
        """Return whether ENTER was pressed since the last call; always False without a terminal."""
        import select

        if not is_terminal() or not select.select([sys.stdin], [], [], 0)[0]:
            return False
        return sys.stdin.readline() != ""


def read_secret(what: str, prompt: str, exit_code: int, missing: ErrorInfo) -> str:
    """Return a secret from the keyboard without showing it, or from the first line of standard input."""
    if sys.stdin is None or sys.stdin.closed:
        raise usage(f"There is no standard input to read the {what} from.")
    if not is_terminal():
        return sys.stdin.readline(4096).rstrip("\r\n")
    import getpass

    try:
        return getpass.getpass(prompt, sys.stderr)
    except EOFError as error:
        raise CommandFailed(exit_code, missing) from error


def is_terminal() -> bool:
    """Return whether a person can press a key."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
