"""Filters, limits and environment, as far as they can be seen without giving this process up."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from workers.contracts.process.bootstrap import RECORD_MARK
from workers.contracts.process.messages import Limits
from workers.runtime import environment
from workers.runtime.walls import landlock, seccomp
from workers.runtime.walls.limits import StopRecord, Watchdog
from workers.runtime.walls.sandbox import reason_against

LATEST_ABI, OWN_PID = 8, 4321


def instructions(
    machine: str, *, network: bool = False, start_programs: bool = False, abi: int = LATEST_ABI
) -> list[tuple[int, int, int, int]]:
    rights = seccomp.Rights(network, start_programs, abi, OWN_PID)
    code = seccomp.build_filter(seccomp.MACHINES[machine], rights)
    return [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]


def answer(program: list[tuple[int, int, int, int]], arch: int, number: int, *arguments: int) -> int:
    """Run a filter as the kernel does; the value that it returns."""
    words = {0: number, 4: arch, **{16 + 8 * at: value for at, value in enumerate(arguments)}}
    at, word = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        if code == seccomp.LOAD_WORD:
            word = words.get(value, 0)
        elif code == seccomp.AND:
            word &= value
        elif code == seccomp.RETURN:
            return value
        else:
            tests = {seccomp.JUMP_EQUAL: word == value, seccomp.JUMP_AT_LEAST: word >= value}
            at += if_true if tests[code] else if_false


DENIED, PRETENDED = seccomp.RET_ERRNO | 1, seccomp.RET_ERRNO


class Filter:
    """The filter of one kind of processor, by the names of system calls."""

    def __init__(self, machine: str, **rights: Any) -> None:
        self.known = seccomp.MACHINES[machine]
        self._program = instructions(machine, **rights)

    def __call__(self, name: str, *arguments: int) -> int:
        return answer(self._program, self.known.audit_arch, self.known.numbers[name], *arguments)

    def denies(self, name: str, *arguments: int) -> bool:
        return self(name, *arguments) == DENIED

    def allows(self, name: str, *arguments: int) -> bool:
        return self(name, *arguments) == seccomp.RET_ALLOW


both_machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


@both_machines
def test_filter_denies_sockets_programs_and_forks_alone(machine: str) -> None:
    """Given the filter of an ordinary job, Then sockets, programs and forks are denied, threads and files are not."""
    rules = Filter(machine)
    program, arch = instructions(machine), rules.known.audit_arch

    for name in ("socket", "execve", "execveat", "ptrace", "io_uring_setup", "bpf", "mount", "unshare"):
        assert rules.denies(name), name
    assert rules("fchmod") == PRETENDED
    assert rules.denies("clone", 17)
    assert rules.allows("clone", seccomp.CLONE_THREAD)
    assert rules("clone3") == seccomp.RET_ERRNO | 38
    assert answer(program, arch, 9999) == seccomp.RET_ALLOW
    assert answer(program, 0x40000003, 1) == DENIED, "calls of another architecture"


@both_machines
@pytest.mark.parametrize("rights", [{}, {"network": True}, {"start_programs": True}], ids=["plain", "network", "start"])
def test_filter_denies_reach_into_other_processes(machine: str, rights: dict[str, bool]) -> None:
    """Given any rights, Then memory, descriptors, limits and counters of other processes are out of reach."""
    rules = Filter(machine, **rights)

    for name in (
        "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "perf_event_open", "kcmp", "setns",
        "userfaultfd", "memfd_secret", "request_key", "open_by_handle_at", "name_to_handle_at", "move_mount",
        "open_tree", "fsopen", "pivot_root", "chroot", "umount2", "shmget", "mq_open", "init_module", "quotactl",
    ):  # fmt: skip
        assert rules.denies(name), name
    assert rules.allows("prlimit64", 0, 7)
    assert rules.allows("prlimit64", OWN_PID, 7)
    assert rules.denies("prlimit64", 1, 7)
    assert rules.denies("fcntl", 3, seccomp.F_SETOWN)
    assert rules.allows("fcntl", 3, 1)
    assert rules.denies("ioctl", 0, seccomp.TIOCSTI)
    assert rules.allows("ioctl", 0, 0x5401)
    assert rules.denies("personality", 0x0040000)
    assert rules.allows("personality", 0xFFFFFFFF)
    assert rules.denies("socketpair", 1, 2), "datagrams go to any socket that has a path"
    assert rules.allows("socketpair", 1, 1 | 0o2000000)


@both_machines
@pytest.mark.parametrize(("abi", "is_denied"), [(0, True), (1, True), (2, True), (3, False), (7, False)])
def test_filter_denies_emptying_files_where_landlock_does_not(machine: str, abi: int, is_denied: bool) -> None:
    """Given Landlock before version 3, Then no call empties a file that was not opened for writing."""
    rules = Filter(machine, abi=abi)
    truncate, write_only, read_write, neither = 0o1000, 1, 2, 3

    assert rules.denies("truncate") == is_denied
    assert rules.denies("openat", 0, 0, truncate) == is_denied, "O_RDONLY | O_TRUNC"
    assert rules.denies("openat", 0, 0, truncate | neither | 0o2000000) == is_denied
    assert rules.allows("openat", 0, 0, truncate | write_only), "Landlock looks at the access mode"
    assert rules.allows("openat", 0, 0, truncate | read_write | 0o100)
    assert rules.allows("openat", 0, 0, neither)
    assert (rules("openat2") == seccomp.RET_ERRNO | 38) == is_denied


@both_machines
@pytest.mark.parametrize(("abi", "is_denied"), [(1, True), (5, True), (6, False)])
def test_filter_denies_signals_to_others_where_landlock_does_not(machine: str, abi: int, is_denied: bool) -> None:
    """Given Landlock before version 6, Then a worker signals nobody but itself and its own group."""
    rules, parent, every = Filter(machine, abi=abi), 1234, 0xFFFFFFFF

    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill"):
        assert rules.denies(name, parent) == is_denied, name
        assert rules.denies(name, every) == is_denied, name
        assert rules.allows(name, OWN_PID), name
    assert rules.denies("pidfd_send_signal") == is_denied
    assert rules.allows("kill", 0)
    assert Filter(machine, abi=abi, start_programs=True).allows("kill", parent), "its programs cannot be told apart"


def test_wider_rights_allow_only_their_calls() -> None:
    online, starter = Filter("x86_64", network=True), Filter("x86_64", start_programs=True)
    arch = online.known.audit_arch

    assert online.allows("socket", 2)
    assert online.allows("socket", 10)
    assert online.denies("socket", 1), "sockets of programs here, such as Docker's"
    assert online.denies("execve")
    assert starter.allows("execve")
    assert starter("chmod") == PRETENDED
    assert starter.allows("clone", 17)
    assert starter.denies("clone", 0x10000000 | 17), "a user namespace"
    assert starter.denies("socket", 2)
    assert answer(instructions("x86_64", start_programs=True), arch, 0x40000029) == DENIED, "x32's socket"


def test_other_systems_report_missing_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given Windows or macOS, Then no wall is claimed and none is an error."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert landlock.abi() == 0
    assert landlock.restrict([]) == 0
    rights = seccomp.Rights(network=False, start_programs=False, landlock_abi=0, pid=OWN_PID)
    assert reason_against(lambda: seccomp.restrict(rights)) == ""


def test_refusal_of_the_system_has_its_reason() -> None:

    def refuse() -> bool:
        raise OSError(1, "Operation not permitted")

    assert reason_against(refuse) == "The system refused: Operation not permitted."


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


def test_watchdog_records_reason_use_and_limit() -> None:
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
