"""The folder that a service gets is the release's content, whatever lies there already."""

import zipfile
from pathlib import Path

import pytest

from workers.contracts.errors import InputRefused
from workers.contracts.folder import sha256_file
from workers.export.service.switching import unpack_whole
from workers.pipeline.golden import check_sums, write_sums
from workers.runtime.recording import RecordingContext


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """An archive of three files with their checksums."""
    folder = tmp_path / "source"
    (folder / "model").mkdir(parents=True)
    (folder / "serve.py").write_text("print('sound')")
    (folder / "model" / "model.onnx").write_bytes(b"weights")
    write_sums(folder)
    with zipfile.ZipFile(tmp_path / "release.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return tmp_path / "release.zip"


def unpack(release: Path, folder: Path, tmp_path: Path) -> None:
    work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
    work.mkdir()
    unpack_whole(release, sha256_file(release), folder, RecordingContext(work))


def test_unpack_whole_folder_with_other_code_and_fitting_checksums_is_replaced(release: Path, tmp_path: Path) -> None:
    """Given an earlier folder whose script and checksums were both changed, then the release's script lies there."""
    folder = tmp_path / "unpacked"
    unpack(release, folder, tmp_path)
    (folder / "serve.py").write_text("print('mine')")
    (folder / "extra.py").write_text("print('mine')")
    write_sums(folder)
    assert check_sums(folder) == []
    unpack(release, folder, tmp_path)
    assert (folder / "serve.py").read_text() == "print('sound')"
    assert not (folder / "extra.py").exists()


def test_unpack_whole_folder_with_a_link_is_replaced(release: Path, tmp_path: Path) -> None:
    """Given a link in the place of a file with the same content, then the file lies there."""
    folder = tmp_path / "unpacked"
    unpack(release, folder, tmp_path)
    (folder / "serve.py").rename(tmp_path / "elsewhere.py")
    (folder / "serve.py").symlink_to(tmp_path / "elsewhere.py")
    unpack(release, folder, tmp_path)
    assert not (folder / "serve.py").is_symlink()


def test_unpack_whole_same_content_is_left_in_place(release: Path, tmp_path: Path) -> None:
    """Given the folder of an earlier switch, then a service may go on reading the same files."""
    folder = tmp_path / "unpacked"
    unpack(release, folder, tmp_path)
    before = (folder / "serve.py").stat().st_ino
    unpack(release, folder, tmp_path)
    assert (folder / "serve.py").stat().st_ino == before


def test_unpack_whole_other_archive_is_refused(release: Path, tmp_path: Path) -> None:
    """Given an archive that is not the release, then it is refused and nothing is unpacked."""
    with pytest.raises(InputRefused) as refused:
        unpack_whole(release, "0" * 64, tmp_path / "unpacked", RecordingContext(tmp_path / "work"))
    assert refused.value.code == "switch_refused"
    assert not (tmp_path / "unpacked").exists()
