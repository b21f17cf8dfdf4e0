"""Test that what another computer sends is a stranger's data: it is refused with a clear error, and nothing is kept."""

import sys
from pathlib import Path

import hostile_agent
import pytest
from computer_elsewhere import Elsewhere
from stopwatch import Stopwatch

from app.computers.files import listed
from app.computers.pairing import SetupStatus, _show
from app.computers.problems import BadAnswer, refused
from workers.contracts.process.messages import Failed

LIES = [
    "garbage", "huge frame", "deep json", "home", "missing", "offset", "skipped number", "confirms", "climbs",
    "wrong hash", "more than announced",
]  # fmt: skip
NAMES = [
    "work/../../../evil", "/tmp/evil", "agent/evil", "work", "", "work/", "work//a", "work/./a", "work/a\0b",
    "work/..\\evil", "work/\ud800", "work/" + "a" * 300, "log/a",
]  # fmt: skip


@pytest.mark.parametrize("how", LIES)
def test_a_lie_is_refused_and_nothing_is_kept(bench: Elsewhere, inputs: Path, how: str) -> None:
    """Given an agent that lies, When a job is run there, Then it fails with one clear error and no file is written."""
    bench.wrapper = [sys.executable, hostile_agent.__file__, how]
    before = {path for path in bench.root.rglob("*") if "logs" not in path.parts}
    watch = Stopwatch()
    client = bench.start(bench.visit(inputs))
    (*_, last) = bench.finish(client)
    watch.check(4.0)
    assert isinstance(last, Failed) and (last.error.code, last.exit_code) == ("computer_bad_answer", 3), last
    after = {path for path in bench.root.rglob("*") if "logs" not in path.parts}
    assert {path.name for path in after - before} <= {"jobs"}


def test_endless_frames_end_with_a_cancel(bench: Elsewhere, inputs: Path) -> None:
    """Given an agent that never stops to send, When the job is cancelled, Then it ends within a second."""
    bench.wrapper = [sys.executable, hostile_agent.__file__, "endless"]
    client = bench.start(bench.visit(inputs))
    process = client._process
    assert process is not None
    for _ in range(20):
        client.poll()
        process.resident_bytes()
    client.cancel()
    watch = Stopwatch()
    bench.finish(client)
    watch.check(2.5)


@pytest.mark.parametrize(
    "line",
    [
        b'{"what": "Preparing", "done": 1e999, "total": 1}',
        b'{"what": "Preparing", "done": %s, "total": 1}' % (b"9" * 400),
        b"[" * 5000,
        b'{"what": [], "done": 1, "total": 1}',
    ],
)
def test_a_line_of_progress_that_is_none_is_ignored(line: bytes) -> None:
    """Given endless numbers or deep nesting where the setup's progress should be, Then nothing is shown."""
    status = SetupStatus()
    _show(status, line)
    assert (status.line, status.share) == ("", None)


@pytest.mark.parametrize("code", ["in_use", "unprepared", "no_room", "other"])
def test_a_refusal_holds_no_signs_that_a_terminal_obeys(code: str) -> None:
    """Given a refusal with escape sequences and a size of 400 digits, Then its sentences are printable and it has a code."""
    error = refused("office", {"error": code, "detail": "\x1b[2J\u202e", "free": 10**400}).info()
    assert error.code.startswith("computer_") and all(text.isprintable() for text in (error.title, error.detail))


def test_a_list_has_bounds() -> None:
    """Given lists with bad names, bad sizes, a name twice or too many files, or no list, Then each is refused."""
    bad: list[object] = [[[name, 4, "0"]] for name in NAMES]
    bad += [[["work/a", 1, "0"]] * 2, [["work/a", -1, "0"]], [["work/a", 1 << 60, "0"]], [["log", 1, "0"]] * 100_001]
    for files in (None, {}, [[]], [["work/a"]], [["work/a", "4", "x"]], [["work/a", 1, 3]], *bad):
        with pytest.raises(BadAnswer):
            listed(files, 1000)
    assert listed([["work/a", 1, "0"], ["log", 2, "1"]], 3) == [("work/a", 1, "0"), ("log", 2, "1")]
