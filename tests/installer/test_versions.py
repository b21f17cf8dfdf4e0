"""Install, test, go back and remove versions of a small program, with archives that are whole, damaged or hostile."""

import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from made_payload import ROOT, lay_out_program, make_payload
from run_text import run_text
from steps.words import SetupError
from versions.archive import BLOCK, PlainStream, unpack
from versions.install import adopt, clean, go_back, install, remove
from versions.publish import write_archive


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder of a program, with a space and an umlaut in its path, at version 1.0; payloads lie beside it."""
    root = tmp_path / "größe mit leer" / "fettle"
    lay_out_program(root, make_payload(tmp_path / "1.0", "1.0"))
    make_payload(tmp_path / "1.1", "1.1")
    return root


@pytest.fixture
def archive(program: Path, tmp_path: Path) -> Path:
    """The whole archive of version 1.1."""
    write_archive(tmp_path / "1.1", tmp_path / "full.tar.xz")
    return tmp_path / "full.tar.xz"


def starts(root: Path, home: Path | None = None) -> str:
    return run_text(
        [root / "fettle", "--version"], env={**os.environ, "FETTLE_HOME": str(home or root.parent)}
    ).stdout.strip()


def versions(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "versions").iterdir())


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(SetupError) as caught:
        work()
    return caught.value.code


def test_install_of_whole_archive_starts_it_and_go_back_starts_the_one_before(program: Path, archive: Path) -> None:
    """Given version 1.0, when 1.1 is installed, gone back from and returned to, then the launcher starts the right one."""
    assert starts(program) == "fettle 1.0"
    assert install(program, archive) == "1.1"
    assert (starts(program), versions(program)) == ("fettle 1.1", ["1.0", "1.1"])
    assert go_back(program) == "1.0"
    assert starts(program) == "fettle 1.0"
    assert go_back(program) == "1.1"
    assert starts(program) == "fettle 1.1"
    assert code_of(lambda: install(program, archive)) == "version_installed"
    assert not os.access(program / "versions/1.1/fettle/app/version.py", os.W_OK) or os.geteuid() == 0


def test_delta_is_small_and_takes_the_rest_from_the_installed_version(program: Path, tmp_path: Path) -> None:
    """Given an archive of changed files, when it is installed, then unchanged files share their room with version 1.0."""
    entry = write_archive(tmp_path / "1.1", tmp_path / "delta.tar.xz", tmp_path / "1.0")
    assert entry == write_archive(tmp_path / "1.1", tmp_path / "delta.tar.xz", tmp_path / "1.0")
    assert entry["size_bytes"] < 10_000
    install(program, tmp_path / "delta.tar.xz", entry["sha256"])
    large = "python/lib/large.so"
    assert (program / "versions/1.0" / large).samefile(program / "versions/1.1" / large)
    (program / "versions/1.1" / large).chmod(0o644)
    (program / "versions/1.1" / large).write_bytes(b"other")
    assert code_of(lambda: adopt(program, "1.1")) == "version_damaged"


def test_third_version_replaces_the_oldest_unless_it_runs(program: Path, archive: Path, tmp_path: Path) -> None:
    """Given version 1.0 in use, when two others are installed, then it stays until it has ended."""
    write_archive(make_payload(tmp_path / "1.2", "1.2"), tmp_path / "new.tar.xz")
    holding = subprocess.Popen([program / "fettle", "--hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holding.stdout is not None and holding.stdout.readline() == "held\n"
    install(program, archive)
    install(program, tmp_path / "new.tar.xz")
    assert versions(program) == ["1.0", "1.1", "1.2"]
    assert code_of(lambda: remove(program, "1.0")) == "version_running"
    holding.communicate("")
    clean(program)
    assert versions(program) == ["1.1", "1.2"]
    remove(program, "1.1")
    assert code_of(lambda: go_back(program)) == "version_none"
    assert (starts(program), versions(program)) == ("fettle 1.2", ["1.2"])


def test_choice_of_one_person_holds_until_another_version_is_current(
    program: Path, archive: Path, tmp_path: Path
) -> None:
    """Given a program of the system, when one person goes back, then only that person's launcher starts 1.0."""
    install(program, archive)
    home = tmp_path / "home"
    assert go_back(program, home / "program-version") == "1.0"
    assert (starts(program, home), starts(program)) == ("fettle 1.0", "fettle 1.1")
    write_archive(make_payload(tmp_path / "1.2", "1.2"), tmp_path / "new.tar.xz")
    install(program, tmp_path / "new.tar.xz")
    assert starts(program, home) == "fettle 1.2"


@pytest.mark.parametrize("broken", ["pointer", "folder", "python"])
def test_launcher_starts_another_version_if_the_current_one_is_broken(
    program: Path, archive: Path, broken: str
) -> None:
    """Given a broken pointer or current version, when the program starts, then it is a version that works."""
    install(program, archive)
    if broken == "pointer":
        (program / "pointer").write_bytes(b"\0" * 9)
    elif broken == "folder":
        (program / "versions/1.1/payload.json").rename(program / "elsewhere")
    else:
        (program / "versions/1.1/python/bin").chmod(0o755)
        (program / "versions/1.1/python/bin/python3").unlink()
    assert starts(program) == "fettle 1.0"


def test_version_that_does_not_start_is_not_installed(program: Path, tmp_path: Path) -> None:
    """Given a version whose engine does not load, when it is installed, then the pointer and the folders stay."""
    bad = make_payload(tmp_path / "bad", "1.3", smoke="raise ImportError('libtorch.so')")
    write_archive(bad, tmp_path / "bad.tar.xz")
    assert code_of(lambda: install(program, tmp_path / "bad.tar.xz")) == "version_does_not_start"
    assert (starts(program), versions(program)) == ("fettle 1.0", ["1.0"])


def archive_of(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None, /, **odd: object) -> Path:
    """An archive whose list has wrong digests, and in which `odd` changes."""
    listed = {"version": "1.1", "platform": "any", "files": dict.fromkeys(files, "0" * 64), "links": links or {}} | odd
    with tarfile.open(path, "w:xz", preset=0) as tar:
        for name, data in {"payload.json": json.dumps(listed).encode(), **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


HOSTILE = {
    "outside": lambda path: archive_of(path, {"../outside": b"x"}),
    "absolute": lambda path: archive_of(path, {"/outside": b"x"}),
    "digest": lambda path: archive_of(path, {"a": b"x"}),
    "missing": lambda path: archive_of(path, {}, files={"a": "0" * 64}),
    "link-out": lambda path: archive_of(path, {}, {"a": "../../outside"}),
    "link-through": lambda path: archive_of(path, {}, {"a": ".", "a/b": "../outside"}),
    "version": lambda path: archive_of(path, {}, version="../1.1"),
    "shape": lambda path: archive_of(path, {}, files=["a"]),
    "platform": lambda path: archive_of(path, {}),
    "no-archive": lambda path: path.write_bytes(b"PK" * 999),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused_and_leaves_nothing(program: Path, tmp_path: Path, name: str) -> None:
    """Given an archive that leaves its folder or lies, when it is installed, then nothing is written and 1.0 starts."""
    HOSTILE[name](tmp_path / "bad.tar.xz")
    expected = "version_platform" if name == "platform" else "version_damaged"
    assert code_of(lambda: install(program, tmp_path / "bad.tar.xz")) == expected
    assert (versions(program), (tmp_path / "outside").exists()) == (["1.0"], False)
    assert starts(program) == "fettle 1.0"


def test_members_that_are_no_files_are_refused(tmp_path: Path) -> None:
    """Given a link or a device in an archive, when it is unpacked, then it is refused."""
    odd, folder = tmp_path / "odd.tar.xz", tmp_path / "folder"
    folder.mkdir()
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(odd, "w:xz") as tar:
            member = tarfile.TarInfo("payload.json")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        assert code_of(lambda: unpack(odd, folder, None, lambda *_: None)) == "version_damaged"
        assert list(folder.iterdir()) == []


def test_stream_never_gives_more_at_once_than_a_block() -> None:
    """Given a header that claims a gigabyte, when it is read, then the stream refuses before it allocates."""
    stream = PlainStream(io.BytesIO(lzma.compress(bytes(5 << 20))))
    assert len(stream.read(BLOCK)) == BLOCK
    with pytest.raises(ValueError):
        stream.read(1 << 30)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_truncated_archive_is_refused(program: Path, archive: Path, share: float) -> None:
    """Given a part of an archive, when it is installed, then it is refused with and without its digest."""
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    for digest in ("", "0" * 64):
        assert code_of(lambda digest=digest: install(program, archive, digest)) == "version_damaged"
    assert versions(program) == ["1.0"]


def test_command_without_room_reports_a_full_disk(program: Path, archive: Path) -> None:
    """Given a limit that no file may exceed, when a version is installed, then disk_full is reported and 1.0 starts."""
    command = [sys.executable, "-ESP", ROOT / "installer/bootstrap.py", "versions", "install", program, archive]
    limited = [sys.executable, "-c", LIMITED, *map(str, command)]
    done = run_text(limited, env={**os.environ, "FETTLE_SETUP_JSON": "1"})
    assert (done.returncode, json.loads(done.stderr.splitlines()[-1])["code"]) == (6, "disk_full")
    assert (starts(program), versions(program)) == ("fettle 1.0", ["1.0"])


LIMITED = """import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_folder_that_cannot_be_written_or_is_busy_is_named(program: Path, archive: Path) -> None:
    """Given a system's folder, or an installation under way, when a version is installed, then the error says so."""
    assert code_of(lambda: install(Path("/sys/fettle"), archive)) == "version_read_only"
    from versions.root import Root

    with Root(program).held():
        assert code_of(lambda: install(program, archive)) == "version_busy"
