"""Copy the locked packages of a clone that is set up, without what the program never uses."""

import csv
import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from steps import environment, lockfile
from steps.place import Place
from steps.words import SetupError

from package import elf, python

UNUSED = re.compile(
    r"(.*/)?(tests|__pycache__)/.*|.*\.(a|lib|pyi|pdb|pyc|qmltypes)"
    r"|(onnx/backend/test|torch/(test|share|bin/(protoc|test))|openvino/(include|cmake)|numpy/_core/include)\b.*"
    r"|PySide6/(assistant|designer|linguist|lrelease|lupdate|balsam\w*|qml\w+|svgtoqml|rcc|uic|qsb)"
    r"|PySide6/(include|typesystems|glue|doc|scripts|lib|Qt/(qml|libexec|metatypes|resources|modules|mkspecs))/.*"
    r"|PySide6/Qt/plugins/(designer|egldeviceintegrations|generic|printsupport|qmllint|qmltooling|sqldrivers"
    r"|vectorimageformats|wayland-graphics-integration-server)/.*"
    r"|PySide6/Qt/plugins/(imageformats/libqpdf|platforminputcontexts/libqtvirtualkeyboardplugin|platforms/libq(?:eglfs"
    r"|linuxfb|minimalegl|vkkhrdisplay|vnc)|wayland-shell-integration/libwl-shell)\b.*"
    r"|PySide6/Qt/translations/(?!qtbase_).*"
)
"""Files of packages that are left out: tests, static libraries, types, tools of Qt and what only they load.

The headers of torch remain, because torch.compile needs them.
"""

QT_MODULE = re.compile(r"\b(Qt[A-Z]\w+)\b")
QT_LIBRARY = re.compile(r"PySide6/(?:(Qt[A-Z]\w+)\.abi3\.so|libpyside6qml.*|Qt/lib/(lib\w+\.so.*))")

MOST_CHARACTERS = 140
"""Longest path below site-packages: with the folder of a person's programs, Windows allows 259."""

BESIDE_QT = ("libxcb-cursor.so.0", "libxkbcommon-x11.so.0", "libxcb-icccm.so.4", "libxcb-keysyms.so.1")
"""Libraries that the payload brings for Qt, because many desktops lack them and only an administrator can add them."""


def copy_packages(place: Place, site: Path) -> dict[str, str]:
    """Copy the packages of the lock and return their versions by name.

    Raises:
        SetupError: If a package is missing, has another version, or a file differs from its record.
    """
    locked = []
    for info in _locked(place):
        rows = [row for row in _rows(info) if not UNUSED.fullmatch(row[0]) and not row[0].startswith("..")]
        if sys.platform == "linux" and info.name.startswith("pyside6"):
            unused = _unused_qt(place, [row[0] for row in rows])
            rows = [row for row in rows if row[0] not in unused]
        for name, digest, _ in rows:
            if digest and not environment.matches(place.site_packages / name, digest):
                raise SetupError(f"{name} differs from what its package recorded.", REPAIR)
            copy = site / _short(name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(place.site_packages / name, copy)
        with (site / info.name / "RECORD").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows((_short(name), *rest) for name, *rest in rows)
        locked.append(info)
    return dict(map(environment.named, locked))


def bring_qt_libraries(site: Path, licenses: Path) -> None:
    """Copy the libraries of X11 that Qt's window needs beside Qt's own libraries."""
    libraries = site / "PySide6" / "Qt" / "lib"
    python.save_licenses(elf.bring_libraries((), libraries, BESIDE_QT), licenses)


def _locked(place: Place) -> Iterator[Path]:
    there = {environment.name_of(info): info for info in environment.distributions(place)}
    for pin in lockfile.read(place.locks("program")):
        requirement = Requirement(pin.requirement)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        info = there.get(pin.name)
        version = environment.named(info)[1] if info is not None else ""
        if info is None or not requirement.specifier.contains(version, prereleases=True):
            raise SetupError(f"{requirement} is not installed here (found: {version or 'none'}).", REPAIR)
        yield info


def _short(name: str) -> str:
    """Return a name that Windows can keep for a license in deep folders; other names stay."""
    folder, found, inner = name.partition(".dist-info/licenses/")
    if not found or len(name) <= MOST_CHARACTERS:
        return name
    return f"{folder}{found}{hashlib.sha256(inner.encode()).hexdigest()[:12]}-{inner.rpartition('/')[2]}"


REPAIR = "Set the clone up again: python3 installer/bootstrap.py repair"


def _rows(info: Path) -> list[list[str]]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        return sorted(row for row in csv.reader(file) if row and (info.parent / row[0]).is_file())


def _unused_qt(place: Place, names: list[str]) -> set[str]:
    """Return the modules and libraries of Qt that neither the program nor a plugin that remains needs."""
    libraries = {found[2] or name: name for name in names if (found := QT_LIBRARY.fullmatch(name))}
    site = place.site_packages
    users = (place.root / "app", place.root / "widgets", site / "pyqtgraph", site / "qtawesome")
    sources = [path.read_text(encoding="utf-8") for folder in users for path in folder.rglob("*.py")]
    words = {word for source in sources for word in QT_MODULE.findall(source)}
    todo = [name for name in names if (module := QT_LIBRARY.fullmatch(name)) and module[1] in words]
    todo += [name for name in names if name.startswith("PySide6/Qt/plugins/") and name.endswith(".so")]
    kept = set(todo)
    while todo:
        for needed in elf.needed(site / todo.pop()):
            if (name := libraries.get(needed)) is not None and name not in kept:
                kept.add(name)
                todo.append(name)
    return set(libraries.values()) - kept
