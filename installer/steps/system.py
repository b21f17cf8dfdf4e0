"""Install system libraries and programs that pip cannot install, or show the command for it."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from steps.words import SetupError, print_line

# (library that PySide6's Qt opens, Debian's package)
QT_BASE = (
    ("libEGL.so.1", "libegl1"), ("libGL.so.1", "libgl1"), ("libfontconfig.so.1", "libfontconfig1"),
    ("libfreetype.so.6", "libfreetype6"), ("libglib-2.0.so.0", "libglib2.0-0"), ("libdbus-1.so.3", "libdbus-1-3"),
    ("libxkbcommon.so.0", "libxkbcommon0"), ("libX11.so.6", "libx11-6"),
)  # fmt: skip
QT_X11 = (
    ("libX11-xcb.so.1", "libx11-xcb1"), ("libxcb-cursor.so.0", "libxcb-cursor0"),
    ("libxcb-icccm.so.4", "libxcb-icccm4"), ("libxcb-image.so.0", "libxcb-image0"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1"), ("libxcb-randr.so.0", "libxcb-randr0"),
    ("libxcb-render-util.so.0", "libxcb-render-util0"), ("libxcb-shape.so.0", "libxcb-shape0"),
    ("libxcb-shm.so.0", "libxcb-shm0"), ("libxcb-sync.so.1", "libxcb-sync1"),
    ("libxcb-xfixes.so.0", "libxcb-xfixes0"), ("libxcb-xkb.so.1", "libxcb-xkb1"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
)  # fmt: skip
QT_WAYLAND = (("libwayland-client.so.0", "libwayland-client0"), ("libwayland-cursor.so.0", "libwayland-cursor0"))
# (program that the tests call, Debian's package)
TEST_PROGRAMS = (
    ("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("openbox", "openbox"), ("convert", "imagemagick"),
    ("fc-list", "fontconfig"), ("cc", "gcc"), ("dbus-daemon", "dbus-daemon"),
    ("/usr/libexec/at-spi-bus-launcher", "at-spi2-core"), ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/sbin/tc", "iproute2"),
)  # fmt: skip
# Programs for tests of web pages: large and with many dependencies, so they are installed separately.
PAGE_PROGRAMS = (("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("node", "nodejs"), ("npm", "npm"))
TEST_FONT = ("DejaVuSans.ttf", "fonts-dejavu-core")


def has_display(environment: Mapping[str, str]) -> bool:
    """Return whether a window can be opened; always True on systems without X11."""
    return not sys.platform.startswith("linux") or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") or environment.get("QT_QPA_PLATFORM")
    )


def opens_window(arguments: list[str], environment: Mapping[str, str]) -> bool:
    """Return whether `fettle ARGUMENTS` opens a window: no command, no printing option, and a display."""
    if any(argument in ("--version", "--help", "--json", "-h") for argument in arguments):
        return False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--data-dir":
            next(rest, None)
        elif not argument.startswith("-") and argument.isalpha():  # a command; a file has a dot or a slash
            return False
    return has_display(environment)


def missing_libraries(wanted: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Return the libraries that the system's loader does not find, with their packages."""
    return [(library, package) for library, package in wanted if not _loads(library)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def window_libraries(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the libraries that Qt needs for the display of this session."""
    if environment.get("QT_QPA_PLATFORM", "").startswith(("offscreen", "minimal")):
        return QT_BASE
    return QT_BASE + (QT_WAYLAND if environment.get("WAYLAND_DISPLAY") else QT_X11)


def ready_for_window(environment: Mapping[str, str], log: Path) -> None:
    """Install the libraries that Qt lacks here.

    Raises:
        SetupError: if they cannot be installed. Its text names them and the command.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = missing_libraries(window_libraries(environment))
    if not missing:
        return
    packages = [package for _, package in missing]
    if may_install() and install_packages(packages, log):
        return
    raise SetupError(
        f"The window needs libraries that this system lacks: {', '.join(library for library, _ in missing)}.",
        command_for(missing) + " Commands such as `fettle demo` work without them.",
    )


def ready_for_tests(log: Path) -> None:
    """Install the programs that the tests call, or report the missing ones; tests that need them report it as well."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_libraries(QT_BASE + QT_X11) + _missing_programs(TEST_PROGRAMS)
    if not any(Path("/usr/share/fonts").rglob("*.ttf")):
        missing.append(TEST_FONT)
    for wanted in (missing, _missing_programs(PAGE_PROGRAMS)):
        if wanted:
            _bring(wanted, log)


def _missing_programs(programs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(program, package) for program, package in programs if shutil.which(program) is None]


def _bring(missing: list[tuple[str, str]], log: Path) -> None:
    if may_install() and install_packages([package for _, package in missing], log):
        return
    print_line(f"Missing for the tests: {', '.join(name for name, _ in missing)}.")
    print_line(command_for(missing))


def may_install() -> bool:
    """Return whether this process may install packages: as root on a system of the Debian family."""
    return os.name != "nt" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_packages(packages: list[str], log: Path) -> bool:
    """Install packages with apt-get and return whether it succeeded; its output goes to the log."""
    if not may_install():
        return False
    print_line(f"Installing system packages: {', '.join(packages)} …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            run = subprocess.run(
                ["apt-get", "-q", *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                check=False,
            )
    if run.returncode != 0:
        print_line(f"apt-get could not install them; its own words are in {log}.")
    return run.returncode == 0


def command_for(missing: list[tuple[str, str]]) -> str:
    """Return one sentence with the install command for this system's family."""
    if shutil.which("apt-get"):
        return f"Install them with: sudo apt-get install -y {' '.join(package for _, package in missing)}"
    capabilities = " ".join(f"'{name}()(64bit)'" if ".so." in name else name for name, _ in missing)
    for manager in ("dnf", "zypper"):
        if shutil.which(manager):
            return f"Install them with: sudo {manager} install {capabilities}"
    names = " ".join(package for _, package in missing)
    return f"Install them with your system's package manager (Debian calls them {names})."
