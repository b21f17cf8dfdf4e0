"""Filters, limits and environment, as far as they can be seen without giving this process up."""

import json
import struct
import sys
from pathlib import Path

import pytest

from workers.contracts.process.bootstrap import RECORD_MARK
from workers.contracts.process.messages import Limits
from workers.runtime import environment
from workers.runtime.walls import landlock, seccomp
from workers.runtime.walls.limits import StopRecord, Watchdog
from workers.runtime.walls.sandbox import Protections


def instructions(machine: str, **rights: bool) -> list[tuple[int, int, int, int]]:
    code = seccomp.build_filter(seccomp.MACHINES[machine], **rights)
    return [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]


def answer(program: list[tuple[int, int, int, int]], arch: int, number: int, first_argument: int = 0) -> int:
    """Run a filter as the kernel does; the value that it returns."""
    words = {0: number, 4: arch, 16: first_argument}
    at, word = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        if code == seccomp.LOAD_WORD:
            word = words[value]
        elif code == seccomp.RETURN:
            return value
        else:
            tests = {
                seccomp.JUMP_EQUAL: word == value,
                seccomp.JUMP_AT_LEAST: word >= value,
                seccomp.JUMP_BITS: bool(word & value),
            }
            at += if_true if tests[code] else if_false


DENIED, PRETENDED = seccomp.RET_ERRNO | 1, seccomp.RET_ERRNO


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_denies_what_it_should_and_nothing_else(machine: str) -> None:
    """Given the filter of an ordinary job, Then sockets, programs and forks are denied, threads and files are not."""
    program = instructions(machine, network=False, start_programs=False)
    known = seccomp.MACHINES[machine]
    numbers = known.numbers

    def ask(name: str, argument: int = 0) -> int:
        return answer(program, known.audit_arch, numbers[name], argument)

    for name in ("socket", "execve", "execveat", "ptrace", "io_uring_setup", "bpf", "mount", "unshare"):
        assert ask(name) == DENIED, name
    assert ask("fchmod") == PRETENDED
    assert ask("clone", 17) == DENIED
    assert ask("clone", seccomp.CLONE_THREAD) == seccomp.RET_ALLOW
    assert ask("clone3") == seccomp.RET_ERRNO | 38
    assert answer(program, known.audit_arch, 9999) == seccomp.RET_ALLOW
    assert answer(program, 0x40000003, 1) == DENIED, "calls of another architecture"


def test_wider_rights_open_only_what_they_name() -> None:
    known = seccomp.MACHINES["x86_64"]
    online = instructions("x86_64", network=True, start_programs=False)
    assert answer(online, known.audit_arch, known.numbers["socket"]) == seccomp.RET_ALLOW
    assert answer(online, known.audit_arch, known.numbers["execve"]) == DENIED
    starter = instructions("x86_64", network=False, start_programs=True)
    assert answer(starter, known.audit_arch, known.numbers["execve"]) == seccomp.RET_ALLOW
    assert answer(starter, known.audit_arch, known.numbers["chmod"]) == seccomp.RET_ALLOW
    assert answer(starter, known.audit_arch, known.numbers["socket"]) == DENIED
    assert answer(starter, known.audit_arch, 0x40000029) == DENIED, "x32's socket"


def test_other_systems_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given Windows or macOS, Then no wall is claimed and none is an error."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert landlock.abi() == 0
    assert landlock.restrict([]) == 0
    assert not seccomp.restrict(network=False, start_programs=False)
    protections = Protections()
    protections.attempt("network", lambda: seccomp.restrict(network=False, start_programs=False))
    assert protections.missing == ["network (this system does not offer it)"]


def test_a_refusal_is_told_with_its_reason() -> None:
    protections = Protections()

    def refuse() -> bool:
        raise OSError(1, "Operation not permitted")

    protections.attempt("network", refuse)
    assert protections.missing == ["network (the system refused: Operation not permitted)"]


def test_telemetry_is_off_before_anything_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    environ: dict[str, str] = {}
    environment.silence_telemetry(environ, network=False)
    assert environ["ORT_DISABLE_TELEMETRY"] == environ["HF_HUB_DISABLE_TELEMETRY"] == environ["HF_HUB_OFFLINE"] == "1"
    online: dict[str, str] = {}
    environment.silence_telemetry(online, network=True)
    assert "HF_HUB_OFFLINE" not in online


def test_home_and_caches_lie_in_the_job(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    environment.move_home(environ, tmp_path / ".home")
    assert all(Path(place).is_relative_to(tmp_path) for place in environ.values())
    assert {"HOME", "TMPDIR", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR"} <= set(environ)


def test_the_watchdog_records_what_it_saw() -> None:
    """Given a limit that is exceeded already, Then the record names reason, use and limit."""
    watchdog = Watchdog(parent_pid=1)
    assert watchdog._exceeded() is None
    watchdog.watch(Limits(memory_bytes=1 << 20))
    record = watchdog._exceeded()
    assert record is not None
    assert record.used > record.limit == 1 << 20
    written = json.loads(record.line().removeprefix(RECORD_MARK))
    assert written["reason"] == "memory"
    watchdog.watch(Limits(memory_bytes=None, wall_s=0.0))
    assert watchdog._exceeded() == StopRecord("wall_time", 0.0, 0.0)
