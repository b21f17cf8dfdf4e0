"""Write the hashes of the wheels that exported bundles and the optional sets need.

Usage:
    .venv/bin/python installer/hashes.py [sets|workers]

pip resolves each wheel for each platform and each Python without downloading it. An export has no network. It writes
`requirements.lock` from this file and reports a version that is installed but missing from the file.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "installer")]

from steps import folders  # noqa: E402
from steps.lockfile import normalized, read  # noqa: E402
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


GLIBC = {"x86_64": 28, "aarch64": 35}
"""Oldest glibc 2.N of other computers by processor; OpenVINO's wheels decide for aarch64 (app/computers/fitting.py)."""
OF_WORKERS = ROOT / "installer" / "workers_hashes.json"
"""File of the hashes of the wheels that other computers install (app/computers/install.py)."""


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
    report = _report([wheel], platform, python)
    if report is None:
        return None
    info = report[0]["download_info"]
    return info["archive_info"]["hashes"]["sha256"], info["url"].endswith("-none-any.whl")


def _report(wheels: list[str], platform: tuple[str, ...], python: str) -> list[dict[str, Any]] | None:
    """Return pip's report on the wheels that it would install; None if one of them does not exist."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--only-binary=:all:", "--target", folder, "--python-version", python, "--report", str(report)]
        command += [word for name in platform for word in ("--platform", name)]
        subprocess.run([*command, *wheels], stdout=subprocess.DEVNULL, check=False)
        if not report.is_file():
            return None
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return found


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


def write_worker_hashes() -> None:
    """Write the hashes of the packages that workers need on other computers, whose system is Linux.

    Raises:
        SystemExit: if a package has no wheel for a processor and a Python.
    """
    lock = ROOT / "installer" / "requirements-workers.lock"
    wheels = [pin for pin in read([lock]) if "==" in pin.requirement]
    found: dict[str, set[str]] = {f"{pin.name}=={pin.version}": set() for pin in wheels}
    for processor, newest in GLIBC.items():
        platform = (
            *(f"manylinux_2_{glibc}_{processor}" for glibc in range(newest, 16, -1)),
            f"manylinux2014_{processor}",
        )
        for python in PYTHONS:
            markers = {"python_version": python, "platform_machine": processor}
            wanted = [pin for pin in wheels if _applies(pin.requirement, markers)]
            report = _report([pin.requirement.partition(";")[0] for pin in wanted], platform, python)
            if report is None:
                raise SystemExit(f"a package of {lock.name} has no wheel for {platform[0]} and Python {python}")
            for row in report:
                name = f"{normalized(row['metadata']['name'])}=={row['metadata']['version']}"
                found[name].add(row["download_info"]["archive_info"]["hashes"]["sha256"])
            print(f"{platform[0]}, Python {python}: {len(report)} of {len(wanted)} wheels", flush=True)
    text = json.dumps({name: sorted(hashes) for name, hashes in found.items()}, indent=1)
    OF_WORKERS.write_text(text + "\n", encoding="utf-8")


def _applies(requirement: str, markers: dict[str, str]) -> bool:
    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"sys_platform": "linux", "platform_system": "Linux", **markers})


def write(path: Path, names: list[str]) -> None:
    """Write a file of hashes again."""
    found = {}
    for wheel in names:
        found[wheel] = hashes_of(wheel)
        print(f"{wheel}: {len(found[wheel])} wheels", flush=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write the file that the command names, or all of them."""
    chosen = sys.argv[1:]
    if chosen in ([], ["workers"]):
        write_worker_hashes()
    if chosen in ([], ["sets"]):
        write(OF_SETS, set_wheels())
    if not chosen:
        write(HASHES, wheels())


if __name__ == "__main__":
    main()
