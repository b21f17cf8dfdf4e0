"""Check ZIP files that hold a model and unpack them into the job's own folder."""

import shutil
import zipfile
import zlib
from pathlib import Path

from workers.contracts.process.disk import DiskFull
from workers.model_io.readers.torch.zip_check import check_names, read_directory
from workers.model_io.words import damaged


def unpack(path: Path, target: Path) -> tuple[Path, int]:
    """Unpack a ZIP file into `target`; return it and the number of files. Modes and links are dropped.

    Raises:
        InputRefused: the file is odd or damaged.
    """
    members = read_directory(path)
    check_names(path, members)
    free = shutil.disk_usage(target.parent).free
    total = sum(member.size_bytes for member in members)
    if total > free:
        raise DiskFull(target.parent.parent, needed_bytes=total, free_bytes=free, safe="Nothing was unpacked.")
    target.mkdir()
    with zipfile.ZipFile(path) as archive:
        for member in members:
            place = target.joinpath(*member.name.rstrip("/").split("/"))
            if member.is_folder:
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, archive, member.name, member.size_bytes, place)
    return target, sum(not member.is_folder for member in members)


def _copy(path: Path, archive: zipfile.ZipFile, name: str, size_bytes: int, place: Path) -> None:
    """Copy one member, and stop if it holds more bytes than stated."""
    written = 0
    try:
        with archive.open(name) as source, place.open("xb") as out:
            while chunk := source.read(1 << 20):
                written += len(chunk)
                if written > size_bytes:
                    break
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, FileExistsError, NotADirectoryError) as error:
        raise damaged(path, f"a part of it cannot be unpacked ({error}).") from error
    if written != size_bytes:
        raise damaged(path, "a part of it is not as large as it says.")
