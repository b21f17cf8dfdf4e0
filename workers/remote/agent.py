"""Run one verb of the closed list for a Fettle on another computer.

Usage:
    python3 -I agent/workers/remote/agent.py HOME [VERB WORD…]

HOME is the folder of Fettle's workers on this computer. The restricted key of `authorized_keys` forces this command
without a verb; the verb and its words then come from SSH_ORIGINAL_COMMAND. The files of this folder need only the
standard library of Python 3.8 or newer, because they also report that a Python is too old.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workers.remote.refused import Refused, exit_code_of

VERBS = {
    "look": "workers.remote.look:look",
    "leave": "workers.remote.leave:leave",
    "session": "workers.remote.session:session",
    "end": "workers.remote.session:end",
    "clean": "workers.remote.folders:clean",
}
"""Each verb with its function `(home: Path, words: list[str]) -> int`, which may use stdin and stdout."""
MOST_LETTERS = 4096


def run(home: Path, words: list[str]) -> int:
    """Run a verb and return its exit code."""
    if not words or words[0] not in VERBS:
        raise Refused("unknown_verb", " ".join(words)[:80])
    module, _, function = VERBS[words[0]].partition(":")
    return int(getattr(import_module(module), function)(home, words[1:]))


def requested(arguments: list[str]) -> list[str]:
    """Return the verb and its words: those of the command line, else those of the SSH connection."""
    text = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if arguments:
        return arguments
    try:
        return shlex.split(text[:MOST_LETTERS])
    except ValueError:
        raise Refused("unknown_verb", text[:80]) from None


def main(arguments: list[str]) -> int:
    """Run the requested verb and return its exit code."""
    os.umask(0o077)
    return exit_code_of(lambda: run(Path(arguments[0]), requested(arguments[1:])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
