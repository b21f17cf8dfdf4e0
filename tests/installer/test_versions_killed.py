"""Kill install, update and go-back at random moments: a version that works is there each time."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from made_payload import ROOT, lay_out_program, make_payload
from run_text import run_text
from versions import install as versions
from versions.archive import verify
from versions.publish import write_archive
from versions.root import Root, read_payload

KILLS, FILES = 20, 4000
KINDS = ("install", "update", "go back")
CHANGES = frozenset(("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod"))
"""Events that Python reports before it changes the disk; "open" also for reading."""


def begin(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-ES", ROOT / "installer/bootstrap.py", "versions", *map(str, arguments)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "FETTLE_SETUP_JSON": "1"},
    )  # fmt: skip


def started(root: Path) -> str:
    """The version that the launcher starts, after each of its files was compared with its list."""
    done = run_text([root / "fettle", "--version"], env={**os.environ, "FETTLE_HOME": str(root)})
    assert done.returncode == 0, done.stderr
    version = done.stdout.split()[1]
    verify(root / "versions" / version, read_payload(root / "versions" / version))
    return version


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_version_that_works_is_there_after_each_of_twenty_kills(tmp_path: Path) -> None:
    """Given installs, updates and go-backs, when each is killed at a random moment, then the launcher starts a whole version."""
    root, chance = tmp_path / "program", random.Random(int(os.environ.get("FETTLE_SEED", "34")))
    payloads = {number: make_payload(tmp_path / number, number, FILES, 300) for number in ("1.0", "1.1", "1.2")}
    lay_out_program(root, payloads["1.0"])
    archives = {}
    for number, payload in payloads.items():
        for base in ("", *payloads):
            archives[number, base] = tmp_path / f"{number}-{base}.tar.xz"
            write_archive(payload, archives[number, base], payloads.get(base))
    lengths: dict[str, float] = {}
    rows: list[tuple[object, ...]] = []
    while len(rows) < KILLS:
        before = started(root)
        current, _previous = Root(root).pointer()
        kind = chance.choice(KINDS) if len(lengths) == len(KINDS) else KINDS[len(lengths)]  # each ends once first
        if chance.random() < 0.7:  # else it also removes what the kill before left
            begin("clean", root).communicate(timeout=120)
        other = chance.choice([number for number in payloads if number != current])
        archive = archives[other, current if kind == "update" else ""]
        began_s, running = (
            time.monotonic(),
            begin(*(("back", root) if kind == "go back" else ("install", root, archive))),
        )
        after_s = chance.uniform(0, lengths.get(kind, 600.0))
        try:
            lines, _ = running.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            lines, _ = running.communicate()
        else:
            lengths[kind] = time.monotonic() - began_s
            assert running.returncode == 0, lines
            continue
        last = json.loads(lines.splitlines()[-1])["line"] if lines.strip() else "before the first line"
        left = [path.name for path in (root / "versions").iterdir() if path.name.startswith(".")]
        rows.append((kind, round(after_s, 2), last, ", ".join(left) or "-", before, started(root)))
        sys.stdout.write("| " + " | ".join(map(str, (len(rows), *rows[-1]))) + " |\n")
    begin("clean", root).communicate(timeout=120)
    assert len(list((root / "versions").iterdir())) <= 2
    assert started(root) in payloads


def killed_before(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a fork that dies before its change of that number; return False if it came to its end."""
    child = os.fork()
    if child == 0:
        left = iter(range(number))

        def die(event: str, _arguments: object) -> None:
            if event in CHANGES and next(left, None) is None:
                os._exit(9)

        sys.addaudithook(die)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("kind", ["install", "update", "again", "third", "go back"])
def test_version_that_works_is_there_after_death_before_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Given an operation, when it dies before each of its changes on the disk in turn, then a whole version starts."""
    monkeypatch.setattr(versions, "smoke", lambda folder: None)
    monkeypatch.setattr(os, "sync", lambda: None)
    payloads = [make_payload(tmp_path / number, number, 4, 1) for number in ("1.0", "1.1", "1.2")]
    archives = [tmp_path / f"{payload.name}.tar.xz" for payload in payloads]
    for payload, archive in zip(payloads, archives, strict=True):
        write_archive(payload, archive, payloads[0] if kind == "update" else None)
    new = archives[2 if kind == "third" else 1]
    for number in itertools.count():
        root = tmp_path / str(number)
        lay_out_program(root, payloads[0])
        if kind in ("again", "third", "go back"):
            versions.install(root, archives[1])
        if kind == "again":
            versions.go_back(root)
        work = partial(versions.go_back, root) if kind == "go back" else partial(versions.install, root, new)
        died = killed_before(number, work)
        assert started(root) in ("1.0", "1.1", "1.2")
        versions.clean(root)
        assert [path.name for path in (root / "versions").iterdir() if path.name.startswith(".")] == []
        assert started(root) in ("1.0", "1.1", "1.2")
        if not died:
            break
    assert number > 5
