"""Read what compiled files of Linux need, and make them find their libraries beside themselves."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from steps.words import SetupError

SYSTEM = re.compile(
    r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|libstdc\+\+|libxcb|libX11.*|libXau|libXdmcp)\.so.*"
)
"""Libraries that stay the system's: those of the C and C++ compilers, and the protocol of X11."""

_GLIBC = re.compile(rb"GLIBC_2\.(\d+)\b")


def is_elf(path: Path) -> bool:
    """Return whether a regular file is a compiled file of Linux."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path: Path) -> list[str]:
    """Return the names of the libraries that a compiled file is linked to."""
    return _patchelf("--print-needed", str(path)).split()


def set_search_path(path: Path, folder: Path) -> None:
    """Make a compiled file look for its libraries in `folder`, wherever both are moved together."""
    up = "/".join([".."] * len(path.parent.relative_to(folder.parent).parts))
    _patchelf("--set-rpath", f"$ORIGIN/{up}/{folder.name}", str(path))


def bring_libraries(files: Iterable[Path], folder: Path, wanted: Iterable[str] = ()) -> list[Path]:
    """Copy the system's libraries that files and `wanted` names need into `folder`, with all that those need.

    Args:
        files: Compiled files; they must find `folder` by themselves.
        folder: Where the copies go, next to libraries that are there already.
        wanted: Names of further libraries.

    Returns:
        The files of this system that were copied.

    Raises:
        SetupError: If this system lacks one of them.
    """
    found = dict(re.findall(r"^\s*(\S+) \(libc6,x86-64[^)]*\) => (\S+)$", _ldconfig(), re.MULTILINE))
    todo = {*wanted, *(name for path in files for name in needed(path))}
    seen, copied = set[str](), []
    while todo:
        name = min(todo)
        todo.remove(name)
        seen.add(name)
        if SYSTEM.fullmatch(name) or (folder / name).exists():
            continue
        if name not in found:
            raise SetupError(f"The library {name} is missing on this computer.", "Install it, then build again.")
        source = Path(found[name]).resolve()
        copy = folder / name
        shutil.copyfile(source, copy)
        _patchelf("--set-rpath", "$ORIGIN", str(copy))
        copied.append(source)
        todo |= set(needed(copy)) - seen
    return copied


def newest_glibc(files: Iterable[Path]) -> str:
    """Return the version of glibc that the files together need ("2.38"), by the versions of the symbols they name."""
    return f"2.{max(int(minor) for path in files for minor in _GLIBC.findall(path.read_bytes()))}"


def _ldconfig() -> str:
    return subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout


def _patchelf(*arguments: str) -> str:
    program = shutil.which("patchelf")
    if program is None:
        raise SetupError("The program patchelf is missing.", "Install it, for example: apt-get install patchelf")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout
