"""Write the pinned locks again from pyproject.toml and the packages installed in this Python.

Usage:
    .venv/bin/python installer/lock.py

Each pin has the size of its wheel and of its installed files in bytes. The wheel size is approximate, because the files
are compressed again here.
"""

import tomllib
import zlib
from collections import deque
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
# These packages have separate builds for each kind of machine. A range lets pip take the build it finds.
RANGED = ("torch", "torchvision")
HEAD = "# Written by installer/lock.py; do not edit by hand. Sizes in bytes, as measured where it was written.\n"
CHUNK_BYTES = 1 << 20
ONLY_HERE = frozenset(
    ("PySide6_Essentials", "pyqtgraph", "qtawesome", "miniaudio", "mlcommons-loadgen", "SQLAlchemy", "alembic",
     "keyring", "jeepney")
)  # fmt: skip
"""Packages that only the window and the store need, and LoadGen, which has no wheels for aarch64."""


Need = tuple[set[str], set[str]]
"""The extras of a required package, and the conditions under which it is required; "" means always."""


def closure(roots: list[str]) -> dict[NormalizedName, Need]:
    """Return all packages that `roots` (requirements) need in this environment, by normalized name."""
    needs: dict[NormalizedName, Need] = {}
    todo = deque((one, str(one.marker or "")) for one in map(Requirement, roots))
    while todo:
        requirement, condition = todo.popleft()
        name = canonicalize_name(requirement.name)
        extras, conditions = needs.setdefault(name, (set(), set()))
        known = len(extras), len(conditions)
        extras |= requirement.extras
        conditions.add(condition)
        if known != (len(extras), len(conditions)):
            for child, marker in children(distribution(name), extras):
                todo.append((child, " and ".join(part for part in (condition, marker) if part)))
    return needs


def children(package: Distribution, extras: set[str]) -> list[tuple[Requirement, str]]:
    """Return the packages that `package` needs here, each with its condition as text or ""."""
    found = []
    for text in package.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            condition = "" if marker is None or "extra ==" in str(marker) else f"({marker})"
            found.append((requirement, condition))
    return found


def sizes(package: Distribution) -> tuple[int, int]:
    """Return (bytes of the wheel, bytes on disk)."""
    download = installed = 0
    for path in package.files or []:
        file = Path(str(package.locate_file(path)))
        if not file.is_file():
            continue
        installed += file.stat().st_size
        if file.suffix != ".pyc":
            download += packed_bytes(file)
    return download, installed


def packed_bytes(file: Path) -> int:
    """Return the size of the file in bytes, compressed as in a wheel."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    total = 0
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            total += len(packer.compress(chunk))
    return total + len(packer.flush())


def pin(name: NormalizedName, conditions: set[str], declared: Mapping[NormalizedName, Requirement]) -> str:
    """Return one line of the lock."""
    package = distribution(name)
    version = Version(package.version)
    if name in RANGED:
        lowest = min(clause.version for clause in declared[name].specifier if clause.operator == ">=")
        wanted = f">={lowest},<{version.major}.{version.minor + 1}"
    else:
        wanted = f"=={version.public}"
    marker = "" if "" in conditions else f" ; {' or '.join(sorted(conditions))}"
    download, installed = sizes(package)
    spelled = package.metadata["Name"]
    return f"{spelled}{wanted}{marker}  # download {download} installed {installed}\n"


def main() -> None:
    """Write all locks.

    `language` is pinned without its dependencies, because the base already has ONNX Runtime in one of three builds.
    `sign` and `cluster` hold only the packages that the base lacks.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    program, tests = project["project"]["dependencies"], project["dependency-groups"]["test"]
    extras = project["project"]["optional-dependencies"]
    declared = {canonicalize_name(Requirement(text).name): Requirement(text) for text in [*program, *tests]}
    needed = closure([*program, "pip"])
    for_workers = closure([text for text in [*program, "pip"] if Requirement(text).name not in ONLY_HERE])
    locks = {
        "requirements.lock": needed,
        "requirements-workers.lock": for_workers,
        "requirements-test.lock": {name: need for name, need in closure(tests).items() if name not in needed},
        **{
            f"requirements-{one}.lock": {
                name: need for name, need in closure(extras[one]).items() if name not in needed
            }
            for one in ("sign", "cluster")
        },
        "requirements-language.lock": {
            canonicalize_name(Requirement(text).name): (set(), {""}) for text in extras["language"]
        },
    }
    for file, needs in locks.items():
        lines = [pin(name, conditions, declared) for name, (_extras, conditions) in sorted(needs.items())]
        (ROOT / "installer" / file).write_text(HEAD + "".join(lines), encoding="utf-8")
        print(f"{file}: {len(lines)} packages")


if __name__ == "__main__":
    main()
