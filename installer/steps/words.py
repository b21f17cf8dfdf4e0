"""Print the messages of the set-up as plain lines on stderr, because stdout belongs to the program."""

import json
import os
import sys
import time

AS_JSON = "FETTLE_SETUP_JSON"
"""Variable set by Fettle's window, which shows the messages of the set-up.

Each line is then an object {"line"}, with {"done", "total"} for progress, or {"what", "hint", "code"} for a failure.
"""

JSON_EVERY_S = 0.3


class SetupError(Exception):
    """An error that ends the set-up: what happened and what to do now, as whole sentences."""

    def __init__(self, what: str, hint: str, code: str = "setup_failed") -> None:
        """Create an error from one sentence each, and a code for programs."""
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.code = code


def print_line(text: str) -> None:
    """Print one whole line."""
    if not _as_json(line=text):
        print(text, file=sys.stderr, flush=True)


def print_failure(failure: SetupError) -> None:
    """Print the last lines of a set-up that failed."""
    if not _as_json(what=failure.what, hint=failure.hint, code=failure.code):
        print_line(failure.what)
        print_line(failure.hint)


def _as_json(**fields: object) -> bool:
    """Print the message as JSON and return True if the window requested JSON; return False otherwise."""
    if not os.environ.get(AS_JSON):
        return False
    print(json.dumps(fields), file=sys.stderr, flush=True)
    return True


def size(size_bytes: float) -> str:
    """Return a size for people with about two digits (1.2 GB, 350 MB, 80 kB)."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    if size_bytes >= 1e6:
        return f"{size_bytes / 1e6:.0f} MB"
    return f"{max(size_bytes, 1e3) / 1e3:.0f} kB"


class Progress:
    """The progress of one pip run: one overwritten line on a terminal, else a line per tenth step and the last."""

    def __init__(self) -> None:
        """Create an empty progress line."""
        self._live = sys.stderr.isatty()
        self._printed: tuple[str, int] = ("", -1)
        self._width = 0
        self._printed_s = 0.0

    def show(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` items of a stage are finished."""
        self._show(f"  {stage}: {done} of {total}  {note}".rstrip(), stage, done, total)

    def show_bytes(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of about `total` bytes of a stage have arrived."""
        self._show(f"  {stage}: {size(done)} of {size(total)}", stage, done, total)

    def _show(self, text: str, stage: str, done: int, total: int) -> None:
        if os.environ.get(AS_JSON):
            if time.monotonic() > self._printed_s + JSON_EVERY_S:
                self._printed_s = time.monotonic()
                _as_json(line=" ".join(text.split()), done=done, total=total)
        elif self._live:
            self._width = max(self._width, len(text))
            print("\r" + text[:78].ljust(min(self._width, 78)), end="", file=sys.stderr, flush=True)
        elif (stage, done) != self._printed and done and (done % 10 == 0 or done == total):
            self._printed = (stage, done)
            print_line(text)

    def end(self) -> None:
        """Move to a new line after the overwritten line."""
        if self._live and self._width:
            print(file=sys.stderr, flush=True)
        self._width = 0
