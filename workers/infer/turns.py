"""Control a process that predicts in turns, so that two models can be timed without disturbing each other.

Standard library only: this module is copied into bundles.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Ended(RuntimeError):
    """The process ended; `name` is the model that it ran, `str()` the reason."""

    def __init__(self, name: str, why: str) -> None:
        """Name the model and the reason."""
        super().__init__(why)
        self.name = name


class Turns:
    """A process `verify.py --turn NAME` of the bundle in `folder`, to be used in a ``with``."""

    def __init__(self, folder: Path, name: str) -> None:
        """Start the process; `name` is the model that it runs."""
        self._name = name
        command = [sys.executable, "-B", str(folder / "verify.py"), "--turn", name]
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Turns:
        """Return this object."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.communicate()

    def turn(self) -> float:
        """Let the process run one turn and return its seconds per prediction.

        Raises:
            Ended: the process has ended.
        """
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write("\n")
            process.stdin.flush()
            return float(process.stdout.readline())
        except (OSError, ValueError) as error:
            lines = (process.communicate()[1] or "").strip().splitlines()
            code = process.returncode
            ending = f"with signal {-code}" if code and code < 0 else f"({code})"
            why = lines[-1][:300] if lines and not (code and code < 0) else f"it ended {ending}"
            raise Ended(self._name, why) from error
