"""Set up one clone completely, from nothing or from the point where an earlier set-up stopped."""

import errno
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps import environment, lockfile, machine, sets
from steps.exclusive import exclusive
from steps.lockfile import Pin
from steps.need import cost_of
from steps.pip import Pip
from steps.place import Place, is_ready, write_stamp
from steps.words import SetupError, print_line, size

OWN_PACKAGES = ("app", "widgets", "workers", "presets")


def ensure(place: Place, group: str) -> None:
    """Set `group` ("program" or "tests") up unless that is done.

    Raises:
        SetupError: if the set-up cannot continue.
    """
    if not is_ready(place, group):
        with disk_errors(place.venv), exclusive(place.lock_file) as held:
            if not is_ready(place, group):
                _set_up(place, group, held)


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the disk of `folder` into `SetupError` with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError("The disk is full.", "Make room, then try again: it goes on where it was.") from error
        raise SetupError(
            f"Nothing can be written in {folder}: {error.strerror or error}.",
            "Make that folder writable, or put Fettle where you may write, then try again.",
        ) from error


def take_set(place: Place, name: str) -> None:
    """Switch to a set of packages for NVIDIA GPUs, or to none, for this and all later set-ups.

    Raises:
        SetupError: if the set is not available or cannot be installed.
    """
    sets.choose(machine.detect(), name)  # an unavailable set is refused before it is saved
    sets.remember(place, name)
    for group in _groups(place):
        ensure(place, group)
    if name == "rtx" and (code := add(place, name)):
        sys.exit(code)
    print_line(f"Fettle has {sets.TITLES[name]}.")


def _groups(place: Place) -> list[str]:
    return [group for group in ("program", "tests") if place.stamp(group).exists()] or ["program"]


def add(place: Place, name: str) -> int:
    """Install an optional set with the environment's Python and pip; return the exit code, not 0 after a failure."""
    bootstrap = str(place.root / "installer" / "bootstrap.py")
    command = [str(place.python), bootstrap, "add", name, str(place.sets)]
    return subprocess.run(command, env=environment.clean_environment(), check=False).returncode


def repair(place: Place) -> None:
    """Compare every installed file with its package's record and install changed packages again."""
    with exclusive(place.lock_file) as held:
        groups = _groups(place)
        for group in groups:
            place.stamp(group).unlink(missing_ok=True)
        if environment.works(place):
            print_line("Comparing all files with what their packages say …")
            environment.mend(place, thorough=True)
        for group in groups:
            _set_up(place, group, held)


def _set_up(place: Place, group: str, held: int) -> None:
    started = time.monotonic()
    print_line(f"Setting Fettle up in {place.venv}")
    chosen, why = sets.choose(machine.detect(), sets.requested_set(place))
    if why:
        print_line(why)
    if environment.works(place):
        environment.mend(place)
    else:
        if place.python.exists() or place.python.is_symlink():
            print_line("The environment there does not work any more: it is made anew.")
        environment.make(place)
    pip = Pip(place, held)
    pins = sets.pins_of(chosen, lockfile.read(place.locks(group)), place)
    for pin in pins:
        if pin.name == "pip":
            pip.bring_itself(pin.requirement)
    _install(place, pip, pins, chosen)
    sets.make_links(place.python, place.site_packages)
    environment.lead_to_clone(place)
    compile_own(place)
    files = environment.key_files(place)
    for done in {"program", group}:  # the locks of the tests include those of the program
        write_stamp(place, done, files)
    if chosen == "rtx":
        add(place, chosen)  # without it Fettle works too, so a failure does not end the set-up
    print_line(f"Fettle is set up ({time.monotonic() - started:.0f} s). Later starts go straight on.")


def _install(place: Place, pip: Pip, pins: list[Pin], chosen: str) -> None:
    there = {environment.name_of(path) for path in environment.distributions(place)}
    gone = sets.unwanted(chosen, there)
    if {sets.BASE, sets.GPU} <= there:
        print_line("Packages for the processor and for NVIDIA GPUs were mixed: they are put right.")
    if chosen == "cuda" and sys.platform == "linux":
        gone += sets.processor_builds(place)
    for name in gone:
        pip.remove(name)
    wanted = place.venv / "wanted.txt"
    wanted.write_text("".join(f"{pin.requirement}\n" for pin in pins if pin.name != "pip"), encoding="utf-8")
    items = pip.plan(wanted)
    if items:
        needed, lines = cost_of(items, pins, takes_cuda=chosen == "cuda")
        for line in lines:
            print_line(line)
        check_room(place.venv, needed)
        pip.install(items)
    if broken := environment.mend(place):
        raise SetupError(
            f"After the installation, files of these packages are missing: {', '.join(broken)}.",
            "Try again: they are installed anew.",
        )


def check_room(folder: Path, needed: int) -> None:
    """Raise `SetupError` if the disk of `folder` has fewer than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"About {size(needed)} are needed on the disk of {folder}, and {size(free)} are free.",
            "Make room, then try again.",
        )


def compile_own(place: Place) -> None:
    """Compile Fettle's own modules to byte code.

    Without it the first window takes seconds longer, and every job takes a twentieth of a second longer, because worker
    processes cannot write byte code.
    """
    present = [name for name in OWN_PACKAGES if (place.root / name).is_dir()]
    if not present:
        return
    subprocess.run(
        [place.python, "-m", "compileall", "-q", *present],
        cwd=place.root,
        env=environment.clean_environment(),
        stdout=subprocess.DEVNULL,
        check=False,
    )
