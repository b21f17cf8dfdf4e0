"""Assemble the payload: a private Python with the locked packages, the program, and the record of all files."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from steps.place import Place
from steps.setup import OWN_PACKAGES
from steps.words import print_line

from app.files import digest_of
from package import elf
from package.packages import bring_qt_libraries, copy_packages
from package.python import copy_python

RECORD = "payload.json"
PYTHON, PROGRAM = "python", "fettle"
EPOCH_S = 1_700_000_000
"""Time of all files in seconds since 1970, unless SOURCE_DATE_EPOCH names another."""

_COMPILE = """
import compileall, sys
from py_compile import PycInvalidationMode
root = sys.argv[1]
for name in sys.stdin.read().splitlines():
    compileall.compile_file(f"{root}/{name}", stripdir=root, force=True, quiet=2,
                            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
"""


def epoch_s() -> int:
    """Return the time that all files of packages get, in seconds since 1970."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH_S))


def assemble(place: Place, folder: Path, version: str, same_python: Path | None = None) -> None:
    """Write the payload of a version into a new folder.

    Args:
        place: The clone, set up.
        folder: The folder to create; an older one is replaced.
        version: The version that the payload's program reports.
        same_python: A payload of the same clone whose Python and packages are linked instead of assembled again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if same_python is None:
        packages, python = _new_python(place, folder / PYTHON)
        glibc = elf.newest_glibc(path for path in _files(folder) if elf.is_elf(path)) if sys.platform == "linux" else ""
    else:
        shutil.copytree(same_python / PYTHON, folder / PYTHON, symlinks=True, copy_function=os.link)
        known = json.loads((same_python / RECORD).read_text(encoding="utf-8"))
        packages, glibc = known["packages"], known["needs"]["glibc"]
        python = folder / known["python"]
    copy_program(place.root, folder / PROGRAM, version)
    print_line("Compiling …")
    compile_all(python, folder, [PROGRAM] if same_python else [PYTHON, PROGRAM])
    facts = {
        "version": version,
        "platform": f"{sys.platform}-{platform.machine().lower()}",
        "python": python.relative_to(folder).as_posix(),
        "needs": {"glibc": glibc},
        "packages": packages,
    }
    write_record(folder, facts)


def _new_python(place: Place, folder: Path) -> tuple[dict[str, str], Path]:
    print_line("Copying Python …")
    python = copy_python(folder)
    site = folder / Path(sysconfig.get_path("purelib", vars={"base": ""}).lstrip("/\\"))
    print_line("Copying and comparing the packages …")
    packages = copy_packages(place, site)
    if sys.platform == "linux":
        bring_qt_libraries(site, folder / "licenses")
    lead = os.path.relpath(folder.parent / PROGRAM, site)
    (site / "fettle.pth").write_text(f"{Path(lead).as_posix()}\n", encoding="ascii")
    return packages, python


def copy_program(root: Path, folder: Path, version: str) -> None:
    """Copy the program's own files of the clone, with the version that it reports."""
    report = subprocess.run(
        ["git", "ls-files", "-z", *OWN_PACKAGES, "installer", "LICENSE"], cwd=root, capture_output=True, check=True
    )
    for name in report.stdout.decode().strip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    stated = folder / "app" / "version.py"
    stated.write_text(re.sub(r'(?<=VERSION = ").*(?=")', version, stated.read_text(encoding="utf-8")), encoding="utf-8")


def compile_all(python: Path, folder: Path, parts: list[str]) -> None:
    """Compile all modules in a fixed order and without their times, so that each build gives the same bytes."""
    names = [
        path.relative_to(folder).as_posix()
        for part in parts
        for path in _files(folder / part)
        if path.suffix == ".py" and not path.is_symlink()
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "PYTHONHASHSEED": "0"}
    command = [str(python), "-BPsSX", "utf8", "-c", _COMPILE, str(folder)]
    # One process for each half, so that the order within a process never changes.
    halves = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    for index, process in enumerate(halves):
        assert process.stdin is not None
        process.stdin.write("\n".join(names[index::2]))
        process.stdin.close()
    for process in halves:
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, command[:3])


def write_record(folder: Path, facts: Mapping[str, object]) -> None:
    """Write `payload.json` (facts, sha256 of files, targets of links), and fix all times and rights."""
    files, links = {}, {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            links[name] = str(path.readlink())
        elif name != RECORD:
            files[name] = digest_of(path)
    record = json.dumps({**facts, "files": files, "links": links}, indent=0, sort_keys=True)
    (folder / RECORD).write_text(record + "\n", encoding="utf-8")
    settle(folder)


def settle(folder: Path) -> None:
    """Give all files and folders the same time and rights that do not depend on who builds."""
    for path in (*_everything(folder), folder):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (epoch_s(), epoch_s()), follow_symlinks=os.utime not in os.supports_follow_symlinks)


def _everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def _files(folder: Path) -> list[Path]:
    return [path for path in _everything(folder) if path.is_symlink() or path.is_file()]
