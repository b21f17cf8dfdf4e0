"""Which walls are reported as held and missing, by what the kernel offers."""

import sys

import pytest

from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.protections import FILES, NETWORK, PRIVILEGES, PROGRAMS, SIGNALS, missing_in_words
from workers.runtime.walls import landlock, sandbox, seccomp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")


def walls(
    monkeypatch: pytest.MonkeyPatch,
    version: int,
    *,
    has_seccomp: bool = True,
    threads_outside: bool = False,
    **rights: bool,
) -> tuple[set[str], set[str]]:
    """Names of the walls that hold and that are missing, on a kernel with this version of Landlock."""
    monkeypatch.setattr(landlock, "abi", lambda: version)
    monkeypatch.setattr(landlock, "leaves_threads_out", lambda version: threads_outside)
    monkeypatch.setattr(landlock, "restrict", lambda grants, **_: version)
    monkeypatch.setattr(seccomp, "restrict", lambda rights: has_seccomp)
    monkeypatch.setattr(sandbox.capabilities, "drop_all", lambda: None)
    found = sandbox.first_layer(ChildConfig(parent_pid=1, write_root=".", **rights))
    assert all(missing_in_words(missing).startswith("This system has nothing that keeps") for missing in found.missing)
    return set(found.held), {missing.name for missing in found.missing}


@pytest.mark.parametrize(
    ("version", "has_seccomp", "missing"),
    [
        (7, True, set()),
        (2, True, set()),
        (7, False, {NETWORK, PROGRAMS}),
        (5, False, {NETWORK, PROGRAMS, SIGNALS}),
        (2, False, {NETWORK, PROGRAMS, SIGNALS, FILES}),
        (0, True, {FILES}),
        (0, False, {NETWORK, PROGRAMS, SIGNALS, FILES}),
    ],
)
def test_first_layer_reports_missing_features_of_the_kernel(
    monkeypatch: pytest.MonkeyPatch, version: int, has_seccomp: bool, missing: set[str]
) -> None:
    """Given kernels of many ages, Then a wall that one of its features alone does not make is reported as missing."""
    found = walls(monkeypatch, version, has_seccomp=has_seccomp)

    assert found == ({FILES, NETWORK, PROGRAMS, SIGNALS, PRIVILEGES} - missing, missing)


def test_first_layer_of_a_job_that_starts_programs_cannot_filter_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given Landlock before version 6, When a job may start programs, Then the wall against signals is missing."""
    assert walls(monkeypatch, 5, start_programs=True)[1] == {SIGNALS}
    assert walls(monkeypatch, 6, start_programs=True)[1] == set()


def test_first_layer_reports_threads_that_it_does_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a process that has threads already, Then the wall around files is missing."""
    assert walls(monkeypatch, 7, threads_outside=True)[1] == {FILES}
