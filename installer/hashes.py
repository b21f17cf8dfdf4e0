"""Write the hashes of the wheels that exported bundles and the optional sets need.

Usage:
    .venv/bin/python installer/hashes.py [sets]

pip resolves each wheel for each platform and each Python without downloading it. An export has no network. It writes
`requirements.lock` from this file and reports a version that is installed but missing from the file.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "installer")]

from steps import folders  # noqa: E402
from steps.lockfile import read  # noqa: E402
from steps.place import Place  # noqa: E402

from workers.export.fresh_environment import HASHES, closure  # noqa: E402
from workers.export.layout import NEEDS  # noqa: E402
from workers.registry import runtimes, targets  # noqa: E402

FOR_CARDS = ROOT / "installer" / "requirements-rtx.lock"
"""Lock with the packages that bundles for NVIDIA GPUs need and that are optional in addition to the base."""

PLATFORMS = (
    ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    ("win_amd64",),
    ("macosx_14_0_arm64", "macosx_11_0_arm64"),
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OF_SETS = ROOT / "installer" / "set_hashes.json"
"""File of the hashes of the optional sets' wheels, which an installation accepts (steps/folders.py)."""


def wheels() -> list[str]:
    """Return name==version of all wheels from the package index that a bundle can need, as installed here."""
    needs = {name for names in NEEDS.values() for name in names} | {"numpy"}
    needs |= {name for runtime in runtimes().values() if runtime.available().available for name in runtime.requirements}
    needs |= {name for target in targets().values() for name in target.needs}
    found = {name: Version(one.version) for name, one in closure(sorted(needs)).items()}
    installed = [f"{name}=={version}" for name, version in sorted(found.items()) if version.local is None]
    return sorted({*installed, *(pin.requirement for pin in read([FOR_CARDS]) if pin.name in needs)})


def chosen_wheel(wheel: str, platform: tuple[str, ...], python: str) -> tuple[str, bool] | None:
    """Return the wheel that pip chooses for a platform and a Python.

    Returns:
        The sha256 of the wheel and whether it fits every platform; None if there is no wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--only-binary=:all:", "--target", folder, "--python-version", python, "--report", str(report)]
        command += [word for name in platform for word in ("--platform", name)]
        subprocess.run([*command, wheel], capture_output=True, check=False)
        if not report.is_file():
            return None
        (found,) = json.loads(report.read_text(encoding="utf-8"))["install"]
    info = found["download_info"]
    return info["archive_info"]["hashes"]["sha256"], info["url"].endswith("-none-any.whl")


def hashes_of(wheel: str) -> list[str]:
    """Return the sorted sha256 of all wheels of one version."""
    found = set[str]()
    for python in PYTHONS:
        for platform in PLATFORMS:
            report = chosen_wheel(wheel, platform, python)
            if report is not None:
                found.add(report[0])
                if report[1]:
                    return sorted(found)
    return sorted(found)


def set_wheels() -> list[str]:
    """Return name==version of the wheels of the optional sets that are installed into folders of their own."""
    names = [name for name in folders.LOCKS if name != "web"]
    return sorted({f"{pin.name}=={pin.version}" for name in names for pin in folders.pins(Place(ROOT), name)})


def write(path: Path, names: list[str]) -> None:
    """Write a file of hashes again."""
    found = {}
    for wheel in names:
        found[wheel] = hashes_of(wheel)
        print(f"{wheel}: {len(found[wheel])} wheels", flush=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write the file of the sets, and without `sets` that of bundles too."""
    write(OF_SETS, set_wheels())
    if sys.argv[1:] != ["sets"]:
        write(HASHES, wheels())


if __name__ == "__main__":
    main()
