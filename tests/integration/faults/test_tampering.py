"""A bundle that is not as it was written is refused, and what differs is named."""

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fettle_command import Demo
from run_text import run_text
from tampered import check, refusals

from workers.contracts.errors import InputRefused
from workers.pipeline.golden import SUMS_FILE


@pytest.fixture
def bundle(demo: Demo, tmp_path: Path) -> Path:
    """An unpacked copy that a test may spoil."""
    folder = tmp_path / "bundle"
    shutil.unpack_archive(demo.bundle, folder)
    return folder


def zipped(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "again.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def with_new_sums(folder: Path, *changed: str) -> None:
    """An attacker may write new checksums, too."""
    lines = dict(
        reversed(line.split("  ", 1)) for line in (folder / SUMS_FILE).read_text(encoding="utf-8").splitlines()
    )
    for name in changed:
        lines[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / SUMS_FILE).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items())))


def test_every_file_that_is_changed_or_removed_is_named(bundle: Path, tmp_path: Path) -> None:
    """Given a bundle, when any one of its files has one bit changed or is gone, then exactly this file is named."""
    for name in names(bundle):
        path = bundle / name
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]) if before else b"#")
        assert refusals(check(bundle, tmp_path)) == {f"{name} was changed."}
        path.unlink()
        assert refusals(check(bundle, tmp_path)) == {f"{name} is missing."}
        path.write_bytes(before)
    assert check(bundle, tmp_path).ok


@pytest.mark.parametrize(
    "name", ["extra.txt", "golden/extra.bin", "fettle_bundle/pipeline/sitecustomize.py", "numpy.py"]
)
def test_every_file_that_is_added_is_named(bundle: Path, tmp_path: Path, name: str) -> None:
    """Given a bundle, when a file is added anywhere, even with its checksum, then it is named."""
    (bundle / name).write_bytes(b"print('mine')")
    assert refusals(check(bundle, tmp_path)) == {f"{name} was added."}
    with_new_sums(bundle, name)
    assert f"{name} was added." in refusals(check(bundle, tmp_path))


def with_new_checksum(bundle: Path) -> str:
    (bundle / "run.py").write_text("print('mine')")
    with_new_sums(bundle, "run.py")
    return "run.py was changed."


def with_a_shorter_list(bundle: Path) -> str:
    sums = bundle / SUMS_FILE
    sums.write_text("".join(line for line in sums.read_text().splitlines(keepends=True) if "bundle.py" not in line))
    (bundle / "bundle.py").write_text("print('mine')")
    return "bundle.py was changed."


def with_a_link(bundle: Path) -> str:
    """A link to the very same content."""
    shutil.move(bundle / "run.py", bundle.parent / "kept.py")
    (bundle / "run.py").symlink_to(bundle.parent / "kept.py")
    return "run.py was changed."


@pytest.mark.parametrize("tamper", [with_new_checksum, with_a_shorter_list, with_a_link])
def test_changed_file_is_named_despite_new_checksums_or_a_link(
    bundle: Path, tmp_path: Path, tamper: Callable[[Path], str]
) -> None:
    """Given a changed file whose checksum was changed or removed too, or a link in its place, then it is named."""
    assert tamper(bundle) in refusals(check(bundle, tmp_path))


def test_exchanged_predictions_are_reported(bundle: Path, tmp_path: Path) -> None:
    """Given answers that were exchanged with all their checksums, then the model answers otherwise, and that is reported."""
    path = bundle / "golden" / "answers" / "input0.bin"
    path.write_bytes(path.read_bytes()[::-1])
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["golden/answers/input0.bin"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with_new_sums(bundle, "golden/answers/input0.bin", "manifest.json")
    found = refusals(check(bundle, tmp_path))
    assert any(text.startswith("Golden input") for text in found)


def test_verify_cache_of_python_in_folder_or_zip_is_refused_by_name(bundle: Path, tmp_path: Path) -> None:
    """Given a file in __pycache__, which Python runs in place of a script, then the bundle is refused and it is named."""
    name = "fettle_bundle/__pycache__/__init__.cpython-311.pyc"
    (bundle / name).parent.mkdir()
    (bundle / name).write_bytes(b"mine")
    assert refusals(check(bundle, tmp_path)) == {f"{name} was added."}
    assert "warning" in {finding.level for finding in check(bundle, tmp_path).findings}
    assert refusals(check(zipped(bundle, tmp_path), tmp_path)) == {f"{name} was added."}


def slip(archive: zipfile.ZipFile) -> None:
    archive.writestr("../outside.txt", "mine")


def absolute(archive: zipfile.ZipFile) -> None:
    archive.writestr("/tmp/outside.txt", "mine")


def drive(archive: zipfile.ZipFile) -> None:
    archive.writestr("C:\\outside.txt", "mine")


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")


@pytest.mark.parametrize("spoil", [slip, absolute, drive, link])
def test_zip_that_leaves_its_folder_is_refused(
    demo: Demo, tmp_path: Path, spoil: Callable[[zipfile.ZipFile], None]
) -> None:
    """Given a zip with a member that leaves its folder, then nothing of it is unpacked outside, and it is refused."""
    path = tmp_path / "bad.zip"
    shutil.copyfile(demo.bundle, path)
    with zipfile.ZipFile(path, "a") as archive:
        spoil(archive)
    with pytest.raises(InputRefused) as refused:
        check(path, tmp_path)
    assert refused.value.code == "not_a_bundle"
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"<html>sign in</html>"])
def test_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    """Given a file that is no zip, an empty folder, or a zip of something else, then that is reported."""
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    folder = tmp_path / "empty"
    folder.mkdir()
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "a")
    for bundle in (path, folder, other):
        with pytest.raises(InputRefused) as refused:
            check(bundle, tmp_path)
        assert refused.value.code == "not_a_bundle"


def test_the_command_names_it_too(demo: Demo, bundle: Path, tmp_path: Path) -> None:
    """Given a tampered zip, when `fettle verify` looks at it, then it ends with exit code 3 and names the file."""
    (bundle / "model" / names(bundle / "model")[0]).write_bytes(b"mine")
    done = demo.fettle.here("verify", zipped(bundle, tmp_path), "--json")
    assert done.code == 3
    assert done.document["ok"] is False
    assert any("was changed." in finding["what"] for finding in done.document["findings"])
    assert done.last_line == "The bundle was changed or answers otherwise."


def test_the_bundle_itself_refuses_too(demo: Demo, bundle: Path) -> None:
    """Given a tampered folder, when its own verify.py runs, then exit code 3, the file named, the model not loaded."""
    (bundle / "model" / names(bundle / "model")[0]).write_bytes(b"mine")
    done = run_text([sys.executable, "-B", "verify.py"], cwd=bundle)
    assert done.returncode == 3
    assert "was changed." in done.stdout
    assert "Traceback" not in done.stderr
