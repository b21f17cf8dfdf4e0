"""Set up the sandbox of a worker and report protections that this computer lacks.

Layer 1 is set up before any library is imported, since threads that exist already stay unrestricted (importing numpy
starts one). It allows the system's libraries, the root of the jobs' folders and the inputs known by then. Layer 2
narrows it to one job.
"""

import errno
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from workers.contracts.optional_sets import set_folders
from workers.contracts.paths import from_text
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Ready
from workers.contracts.process.protections import (
    ALL,
    FILES,
    NETWORK,
    PRIVILEGES,
    PROGRAMS,
    SIGNALS,
    MissingProtection,
)
from workers.contracts.translation import _, mark
from workers.runtime.walls import capabilities, landlock, moving, seccomp
from workers.runtime.walls.landlock import DEVICE, EXECUTE, MAKE_SYM, READ, TRUNCATE, WRITE, WRITE_FILE, Grant

SYSTEM = (
    "/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime",
    "/usr/share/zoneinfo", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg",
    "/proc/pressure", "/proc/uptime", "/proc/version", "/proc/sys", "/proc/cgroups", "/sys/devices", "/sys/class",
    "/sys/bus", "/sys/fs/cgroup", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
FOR_NETWORK = (
    "/etc/ssl", "/etc/pki", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
    "/etc/services", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/run/systemd/resolve",
)  # fmt: skip
FOR_PROGRAMS = ("/usr/bin", "/bin", "/usr/local/bin", "/usr/libexec", "/usr/include", "/usr/local/include")
"""Folders of programs; the last three hold the parts and header files of a C++ compiler."""
GPU_FILES = (
    "/proc/driver/nvidia", "/proc/driver/nvidia-uvm", "/proc/devices", "/proc/modules", "/proc/filesystems",
    "/usr/share/nvidia", "/etc/nvidia", "/sys/module",
)  # fmt: skip
GPU_DEVICES = ("nvidia*", "dri", "dxg", "shm")
OWN_THREADS = "/proc/self/task"
"""Folder to which drivers from 570 on write their thread names in `cuInit`.

Without access `cuInit` fails with error 304, while NVML and nvidia-smi still work (nolabs-ai/nono#673,
NVIDIA/OpenShell#1486).
"""

SWITCHED_OFF = mark("switched off")
EMPTYING = mark("its kernel lets a program empty files that it may not open")
OLD_FOR_SIGNALS = mark("its kernel is older than 6.12")
THREADS = mark("its kernel does not reach threads that were started before")


@dataclass
class Protections:
    """Protections of one process, active and missing ones; both go into the child's `Ready`."""

    held: list[str] = field(default_factory=list)
    missing: list[MissingProtection] = field(default_factory=list)

    def record(self, name: str, reason: str | None) -> None:
        """Add one protection to the active ones, or with a `reason` (see `reason_against`) to the missing ones."""
        if reason is None:
            self.held.append(name)
        else:
            self.missing.append(MissingProtection(name=name, reason=reason))

    def ready(self) -> Ready:
        """Return the message that this process is ready under these protections."""
        held, missing = tuple(self.held), tuple(self.missing)
        return Ready(pid=os.getpid(), protections=held, missing_protections=missing)


def reason_against(wall: Callable[[], bool]) -> str | None:
    """Activate one protection.

    Returns:
        None on success, "" where the computer does not offer it, else the sentence why it is missing.
    """
    try:
        return None if wall() else ""
    except OSError as error:
        absent = error.errno in (errno.ENOSYS, errno.EOPNOTSUPP)
        return "" if absent else _("The system refused: {0}.").format(error.strerror or error)


def _because(why: str) -> str:
    return _("The reason: {0}.").format(_(why))


def _code_roots(job_kinds: str) -> list[Path]:
    """Return the folders that code is imported from: Python, its packages, optional sets, and our workers."""
    roots = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2], *set_folders()]
    spec = importlib.util.find_spec(job_kinds) if job_kinds else None
    if spec is not None:
        roots += [Path(place) for place in spec.submodule_search_locations or ()]
    extra = os.environ.get("LD_LIBRARY_PATH", "")  # set by the user, e.g. for the GPU's libraries
    return roots + [Path(place) for place in extra.split(os.pathsep) if place]


def system_grants(config: ChildConfig) -> list[Grant]:
    """Return the file rights that every job needs; programs and devices are included only if `config` requests them."""
    run = READ | EXECUTE if config.start_programs else READ
    grants = [Grant(Path(place), run) for place in SYSTEM]
    grants += [Grant(place, run) for place in _code_roots(config.job_kinds)]
    grants.append(Grant(Path(os.devnull), DEVICE))
    if config.network:
        grants += [Grant(Path(place), READ) for place in FOR_NETWORK]
    if config.start_programs:
        grants += [Grant(Path(place), run) for place in FOR_PROGRAMS]
    if config.gpu:
        grants += [Grant(Path(place), READ) for place in GPU_FILES]
        grants.append(Grant(Path(OWN_THREADS), READ | WRITE_FILE | TRUNCATE))
        grants += [Grant(place, DEVICE) for name in GPU_DEVICES for place in Path("/dev").glob(name)]
    return grants


def job_grants(
    config: ChildConfig, read_paths: Iterable[str], work_dir: str, write_paths: Iterable[str]
) -> list[Grant]:
    """Return the rights to the job's own files.

    A link grants nothing, since Landlock checks its destination; the parent removes links that are left. Files in
    `write_paths` outlive the job, so links and starting programs are forbidden there.
    """
    write = WRITE | MAKE_SYM | (EXECUTE if config.start_programs else 0)
    grants = [Grant(Path(work_dir), write), *(Grant(Path(place), WRITE) for place in write_paths)]
    return grants + [Grant(from_text(place), READ) for place in read_paths]


def _privileges() -> bool:
    if sys.platform == "linux" and os.geteuid() == 0:
        capabilities.drop_all()
    return sys.platform == "linux"


def first_layer(config: ChildConfig) -> Protections:
    """Restrict this process to the rights that jobs of `config` may ever need."""
    protections = Protections()
    if not config.sandbox:
        protections.missing = [MissingProtection(name=name, reason=_because(SWITCHED_OFF)) for name in ALL]
        return protections
    grants = [*system_grants(config), *job_grants(config, config.read_roots, config.write_root, config.write_paths)]
    version = landlock.abi()
    leaves_out = leaves_threads_out(version)
    rights = seccomp.Rights(
        network=config.network,
        start_programs=config.start_programs,
        landlock_abi=version,
        pid=os.getpid(),
        leads_group=sys.platform != "win32" and os.getpgid(0) == os.getpid(),
    )
    protections.record(PRIVILEGES, reason_against(_privileges))
    files = reason_against(lambda: landlock.restrict(grants, deny_tcp=not config.network) > 0)
    calls = reason_against(lambda: seccomp.restrict(rights))
    if 0 < version < moving.REFER_ABI:
        moving.move_by_copying()
    if files is None:
        files = _because(EMPTYING) if version < landlock.TRUNCATE_ABI and calls is not None else leaves_out
    protections.record(FILES, files)
    for name, lifted in ((NETWORK, config.network), (PROGRAMS, config.start_programs)):
        if not lifted:
            protections.record(name, calls)
    covered = version >= landlock.SIGNALS_ABI
    protections.record(SIGNALS, None if covered else calls if rights.filters_signals else _because(OLD_FOR_SIGNALS))
    return protections


def leaves_threads_out(version: int) -> str | None:
    """Return a sentence if Landlock of this version does not reach all threads of this process, otherwise None."""
    return _because(THREADS) if version and landlock.leaves_threads_out(version) else None


def second_layer(
    config: ChildConfig, read_paths: Iterable[str], work_dir: str, write_paths: Iterable[str] = ()
) -> tuple[MissingProtection, ...]:
    """Narrow this process to one job's inputs and folders.

    Call it before libraries start threads. A worker that was started for this job is already that narrow.

    Returns:
        The missing protection of files, if threads stay outside.

    Raises:
        OSError: The kernel refuses.
    """
    known = job_grants(config, config.read_roots, config.write_root, config.write_paths)
    wanted = job_grants(config, read_paths, work_dir, write_paths)
    if not config.sandbox or wanted == known:
        return ()
    version = landlock.abi()
    leaves_out = leaves_threads_out(version)
    landlock.restrict([*system_grants(config), *wanted], deny_tcp=not config.network)
    return () if leaves_out is None else (MissingProtection(name=FILES, reason=leaves_out),)
