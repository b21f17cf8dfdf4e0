"""What all tests share."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import forking
import made_once
import own_core
import pytest

from app.quick_imports import forget_feature_imports
from app.set_folders import activate_own

NVML = "libnvidia-ml.so.1"
TESTS = Path(__file__).parent
COMPLETE_WORKFLOWS = ("integration", "window")
MAKES_THE_DEMO = TESTS / "integration" / "commands" / "test_demo.py"
BY_MARK_ALONE = ("slow", "gpu", "gpu_libs", "models")


for bus in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"):
    os.environ[bus] = "unix:path=/nowhere"  # no test notifies the person or asks to sleep
os.environ.setdefault("FETTLE_WAIT_FOR_QUIET_S", "0")  # tests run side by side, so it is never quiet


def pytest_configure() -> None:
    """A shell starts what runs in the background with SIGINT ignored, and the programs under test would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    activate_own()
    forget_feature_imports()  # of PySide6, which pytest-qt has loaded by now
    own_core.pin(os.environ.get("PYTEST_XDIST_WORKER", ""))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the million objects of all tests out of Python's garbage collections, of which a full one took 0.8 s."""
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the complete workflows and sort the tests.

    The demo run comes first, so that the second process finds it finished and does not wait for it. The window's tests
    come next, because they take longest: no process waits for the other at the end.
    """
    items.sort(key=lambda item: (item.path != MAKES_THE_DEMO, not item.path.is_relative_to(TESTS / "window")))
    for item in items:
        is_workflow = any(item.path.is_relative_to(TESTS / room) for room in COMPLETE_WORKFLOWS)
        if is_workflow and not any(item.get_closest_marker(mark) for mark in BY_MARK_ALONE):
            item.add_marker("whole")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """As in the program, widgets are collected between events, never by Python code that Qt calls (`app.bootstrap`)."""
    if "qapp" not in getattr(item, "fixturenames", ()):
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set the folder where all processes of a run of tests keep shared results (`made_once`); commands share a fork server."""
    base = tmp_path_factory.getbasetemp()
    made_once.place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made once"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.cli.session.WorkerPool", forking.pool_of_commands)
        yield
    made_once.place = None
    forking.close_servers()


@pytest.fixture(scope="session", autouse=True)
def no_syncs() -> Iterator[None]:
    """Do not wait for the disk, which takes most of the time of a test that writes; no test cuts the power."""
    from app.persistence import engine

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _file: None)
        patched.setattr(engine, "WRITING", (*engine.WRITING, "synchronous=OFF"))
        yield


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Any]:
    """Another computer, reached by SSH on loopback (`own_sshd.Sshd`)."""
    from own_sshd import run_sshd

    with run_sshd(tmp_path) as sshd:
        yield sshd


@pytest.fixture
def far_sshd(tmp_path: Path) -> Iterator[Any]:
    """Another computer with one core and a network of its own, without the latter where this account can make none."""
    from own_sshd import Machine, can_make_networks, run_sshd

    with run_sshd(tmp_path / "far", Machine("far", "0") if can_make_networks() else None) as sshd:
        yield sshd


@pytest.fixture
def quick_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other computers are added without importing the workers there."""
    from own_sshd import skip_import

    skip_import(monkeypatch)


@pytest.fixture(scope="session")
def qapp_cls() -> type:
    """Widgets are tested in the program's own application object."""
    from widgets.application import WindowApplication

    return WindowApplication


def _stand_in(folder: Path, source: str, name: str) -> None:
    """Build a stand-in of the driver. The test set-up installs the compiler that it needs."""
    if sys.platform != "linux":
        pytest.skip("the stand-in is a Linux library")
    compiler = shutil.which("cc")
    assert compiler is not None, "the test set-up installs a C compiler"
    flags = ["-shared", "-fPIC", "-O1", "-w", f"-Wl,-soname,{name}"]
    path = Path(__file__).parent / "fixtures" / source
    subprocess.run([compiler, *flags, "-o", str(folder / name), str(path)], check=True)


@pytest.fixture(scope="session")
def nvml_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the stand-in for NVML."""
    folder = tmp_path_factory.mktemp("nvml")
    _stand_in(folder, "fakenvml.c", NVML)
    return folder


@pytest.fixture(scope="session")
def driver_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the stand-ins for NVML and for CUDA's driver, whose cuInit answers FETTLE_FAKECUDA_RC."""
    folder = tmp_path_factory.mktemp("driver")
    _stand_in(folder, "fakenvml.c", NVML)
    _stand_in(folder, "fakecuda.c", "libcuda.so.1")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB; only where this account may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    mounted = mounted and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("no right to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Captured text may hold names that are no text (lone surrogates), which the workers of pytest-xdist cannot send."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report
