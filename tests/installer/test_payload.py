"""What a payload holds, from small made trees; complete packages are tested by `-m package`."""

import base64
import configparser
import hashlib
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from package import command_line, deb, other_systems
from package.packages import UNUSED, copy_packages
from package.payload import compile_all, epoch_s, write_record
from package.python import UNUSED as UNUSED_PYTHON
from steps.place import Place
from steps.words import SetupError

from app.cli.commands import COMMANDS, GROUPS

NAMESPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


def made_payload(folder: Path) -> Path:
    for name, text in {"one.py": "NAME = frozenset({'b', 'a'})\n", "deep/two.py": "import one\n"}.items():
        (folder / "fettle" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "fettle" / name).write_text(text, encoding="utf-8")
    (folder / "fettle" / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "fettle" / "run").chmod(0o750)
    (folder / "fettle" / "link").symlink_to("one.py")
    compile_all(Path(sys.executable), folder, ["fettle"])
    write_record(folder, {"version": "1.0", "platform": "made", "needs": {"glibc": "2.38"}})
    return folder


def made_clone(root: Path) -> Place:
    """A clone whose lock names one package, which is installed with a test and its byte code."""
    place = Place(root)
    site = place.site_packages
    contents = {
        "alpha/__init__.py": "version = 1\n", "alpha/tests/test_alpha.py": "", "alpha-1.0+cpu.dist-info/METADATA": "Name: alpha\n",
    }  # fmt: skip
    rows = ["../../../bin/alpha,,", "alpha/__pycache__/__init__.cpython-311.pyc,,"]
    for name, text in contents.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(text)}")
    (site / "alpha-1.0+cpu.dist-info" / "RECORD").write_text("\n".join(rows), encoding="utf-8")
    (root / "installer").mkdir()
    lock = 'alpha>=1,<2  # download 1 installed 2\nbeta==1.0 ; (sys_platform == "nowhere")\n'
    (root / "installer" / "requirements.lock").write_text(lock, encoding="utf-8")
    return place


def test_payload_made_twice_in_other_folders_has_the_same_record(tmp_path: Path) -> None:
    """Given the same files in two folders, When each is compiled and recorded, Then both records are the same bytes and
    name every file and link, and no byte code is compared with times at a start."""
    first, second = made_payload(tmp_path / "first"), made_payload(tmp_path / "ein zweiter Ördner")
    record = (first / "payload.json").read_bytes()
    assert record == (second / "payload.json").read_bytes()
    facts = json.loads(record)
    cached = f"__pycache__/one.{sys.implementation.cache_tag}.pyc"
    assert set(facts["files"]) == {
        "fettle/one.py", "fettle/deep/two.py", "fettle/run", f"fettle/{cached}", f"fettle/deep/{cached.replace('one', 'two')}",
    }  # fmt: skip
    assert facts["links"] == {"fettle/link": "one.py"}
    assert facts["files"]["fettle/run"] == hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert (first / "fettle" / cached).read_bytes()[4:8] == b"\x01\0\0\0"
    assert (first / "fettle" / "run").stat().st_mtime == epoch_s()
    assert (first / "fettle" / "run").stat().st_mode & 0o777 == 0o755


def test_packages_are_copied_without_tests_and_scripts(tmp_path: Path) -> None:
    """Given a locked package, When it is copied, Then its tests, byte code and scripts are left out, also of its record."""
    site = tmp_path / "site"
    assert copy_packages(made_clone(tmp_path / "clone"), site) == {"alpha": "1.0+cpu"}
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert files == {"alpha/__init__.py", "alpha-1.0+cpu.dist-info/METADATA", "alpha-1.0+cpu.dist-info/RECORD"}
    assert "tests" not in (site / "alpha-1.0+cpu.dist-info" / "RECORD").read_text(encoding="utf-8")


def test_changed_package_is_refused(tmp_path: Path) -> None:
    """Given a file that differs from its package's record, When packages are copied, Then nothing is built from it."""
    place = made_clone(tmp_path / "clone")
    (place.site_packages / "alpha" / "__init__.py").write_text("version = 2\n", encoding="utf-8")
    with pytest.raises(SetupError):
        copy_packages(place, tmp_path / "site")


@pytest.mark.parametrize(
    ("name", "is_unused"),
    [
        ("numpy/tests/test_a.py", True), ("torch/include/ATen/ATen.h", False), ("torch/bin/torch_shm_manager", False),
        ("torch/bin/protoc", True), ("PySide6/Qt/qml/QtQuick/qmldir", True), ("PySide6/Qt/plugins/platforms/libqxcb.so", False),
        ("PySide6/Qt/translations/qtbase_de.qm", False), ("PySide6/Qt/translations/designer_de.qm", True),
        ("numpy/testing/__init__.py", False), ("PySide6/qmlls", True), ("torch/testing/__init__.py", False),
    ],
)  # fmt: skip
def test_unused_files_are_tests_tools_and_static_libraries(name: str, is_unused: bool) -> None:
    """Given a file of a package, Then the rule leaves out what no run loads."""
    assert bool(UNUSED.fullmatch(name)) is is_unused


def test_python_leaves_out_libraries_under_the_gpl() -> None:
    """Given modules of the standard library, When Python is copied, Then readline and the tests are left out."""
    names = {
        "readline.cpython-311-x86_64-linux-gnu.so": True,
        "test": True,
        "_ssl.cpython-311-x86_64-linux-gnu.so": False,
    }
    assert {name: bool(UNUSED_PYTHON.fullmatch(name)) for name in names} == names


def test_desktop_file_names_the_types_that_are_declared() -> None:
    """Given the desktop file, When its types are read, Then each is declared with an ending that all systems share."""
    desktop = configparser.ConfigParser(interpolation=None)
    desktop.read_string(deb.fill("fettle.desktop", "1.0"))
    types = desktop["Desktop Entry"]["MimeType"].strip(";").split(";")
    declared = ET.fromstring(deb.fill("fettle-mime.xml", "1.0"))
    assert [row.attrib["type"] for row in declared] == types
    endings = [row.attrib["pattern"] for row in declared.iter(f"{NAMESPACE}glob")]
    assert endings == [f"*.{ending}" for ending in other_systems.TYPES]
    assert desktop["Desktop Entry"]["Exec"].split() == ["fettle", "%F"]
    metainfo = ET.fromstring(deb.fill("fettle.metainfo.xml", "1.2.3"))
    assert [row.text for row in metainfo.iter("mediatype")] == types
    assert [row.attrib["version"] for row in metainfo.iter("release")] == ["1.2.3"]


@pytest.mark.parametrize("shell", [command_line.bash, command_line.zsh, command_line.fish])
def test_completions_have_every_command_and_option(shell: object) -> None:
    """Given all commands, When completions are written, Then each command, member of a group and option is in them."""
    assert callable(shell)
    text = shell()
    names = {*COMMANDS, *GROUPS, *(member for _, members in GROUPS.values() for member in members if member)}
    options = {name for _, found in command_line.rows().values() for name in found}
    assert {"--data", "--time-budget", "--out"} <= options
    words = set(text.replace("'", " ").replace(":", " ").replace('"', " ").replace("-l ", "--").split())
    assert names | options <= words


def test_manual_page_has_a_section_for_every_command() -> None:
    """Given all commands, When the manual page is written, Then each has a section and no line is a stray request."""
    page = command_line.manual("1.0", "2026-01-01").splitlines()
    assert {f".SS {words}" for words in command_line.rows()} <= set(page)
    requests = {line.split()[0] for line in page if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".B", ".br", ".ad"}


def test_package_depends_on_libraries_that_it_does_not_bring() -> None:
    """Given a payload with one of Qt's libraries, When its dependencies are listed, Then that one is not among them."""
    record = {"needs": {"glibc": "2.38"}, "files": {"python/Qt/lib/libxcb-cursor.so.0": ""}}
    listed = deb.depends(record).split(", ")
    assert {"libc6 (>= 2.38)", "libegl1", "libxcb-icccm4", "libglib2.0-0t64 | libglib2.0-0"} <= set(listed)
    assert "libxcb-cursor0" not in listed
