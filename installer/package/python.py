"""Copy the Python that runs this and make the copy find its files wherever it lies."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from package import elf

UNUSED = re.compile(
    r"(site|user)customize\.py|test|tests|idlelib|turtledemo|tkinter|ensurepip|config-.*|site-packages|__pycache__|.*\.a"
    r"|(_tkinter|readline|nis|_crypt|_ctypes_test|_test\w*|_xx\w*|xx\w*)\..*\.so"
)
"""Names in the standard library that are left out: `readline` because its license is the GPL, and what this computer's
administrator added to every start of Python."""


def copy_python(folder: Path) -> Path:
    """Copy Python to `folder` without what the program never uses, and return the path of its program.

    Headers remain, because torch.compile needs them. Compiled modules get copies of the libraries they are linked to
    (OpenSSL, SQLite, libffi …), with their licenses.
    """
    base, name = Path(sys.base_prefix), f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if os.name == "nt":
        shutil.copytree(base, folder, ignore=_ignore)
        return folder / "python.exe"
    shutil.copytree(base / "lib" / name, folder / "lib" / name, ignore=_ignore)
    shutil.copytree(base / "include" / name, folder / "include" / name)
    (folder / "lib" / name / "site-packages").mkdir()
    program = folder / "bin" / name
    program.parent.mkdir()
    shutil.copyfile(base / "bin" / name, program)
    program.chmod(0o755)
    for link in ("python3", "python"):
        (program.parent / link).symlink_to(name)
    for library in base.glob(f"lib/lib{name}*.so.*"):
        shutil.copyfile(library, folder / "lib" / library.name)
    if sys.platform == "darwin":
        _relocate_mac(base, folder, program)
    else:
        _relocate(folder)
    return program


def _ignore(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if UNUSED.fullmatch(name)}


def _relocate(folder: Path) -> None:
    files = [path for path in sorted(folder.rglob("*")) if elf.is_elf(path)]
    for path in files:
        elf.set_search_path(path, folder / "lib")
    save_licenses(elf.bring_libraries(files, folder / "lib"), folder / "licenses")


def save_licenses(libraries: list[Path], folder: Path) -> None:
    """Save the licenses of libraries that are copies of this system's, by the system's packages."""
    folder.mkdir(exist_ok=True)
    for library in libraries:
        report = subprocess.run(["dpkg", "-S", f"*/{library.name}"], capture_output=True, text=True, check=True).stdout
        package = report.partition(":")[0]
        shutil.copyfile(Path("/usr/share/doc", package, "copyright"), folder / f"{package}.txt")


def _relocate_mac(base: Path, folder: Path, program: Path) -> None:
    """Make the program load its library from the copy; it is signed again, because a change breaks its signature."""
    report = subprocess.run(["otool", "-L", program], capture_output=True, text=True, check=True).stdout
    for linked in re.findall(rf"^\s+({re.escape(str(base))}\S+)", report, re.MULTILINE):
        shutil.copyfile(linked, folder / "lib" / Path(linked).name)
        change = ["-change", linked, f"@loader_path/../lib/{Path(linked).name}"]
        subprocess.run(["install_name_tool", *change, program], check=True)
    subprocess.run(["codesign", "--force", "--sign", "-", program], check=True)
