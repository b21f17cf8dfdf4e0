"""Check a ZIP file strictly before anything in it is used, and unpack it; oddities are refused, never repaired.

Attackers bypass checks with files that scanners and loaders read differently. Therefore central and local headers must
agree, and nothing may overlap, repeat, be encrypted, point outside, or be larger than stated.
"""

import shutil
import struct
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from workers.contracts.process.disk import DiskFull
from workers.contracts.translation import _
from workers.model_io.words import damaged, refuse, shown, unsafe

MAX_MEMBERS = 20_000
MAX_UNPACKED_BYTES = 32 * 2**30
MAX_RATIO = 200
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_FORBIDDEN_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000


@dataclass(frozen=True)
class Member:
    """One file inside a ZIP file; `data_offset` is the position of its bytes in the ZIP file."""

    name: str
    size_bytes: int
    packed_bytes: int
    method: int
    mode: int
    data_offset: int

    @property
    def is_folder(self) -> bool:
        """Return whether the member is a folder."""
        return self.name.endswith("/")


def read_directory(path: Path) -> list[Member]:
    """Return all members.

    Raises:
        InputRefused: the file is damaged or odd.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if archive.comment:
                raise unsafe(
                    _("{0} has a comment after its end, which archives of models do not have.").format(path.name)
                )
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise damaged(path, _("its ZIP directory is broken ({0}).").format(error)) from error
    if not infos:
        raise refuse(
            "empty", "The file is empty", _("{0} is a ZIP file with nothing in it.").format(path.name), "Make it again."
        )
    if len(infos) > MAX_MEMBERS:
        raise unsafe(_("{0} holds {1} files, and {2} is the limit.").format(path.name, len(infos), MAX_MEMBERS))
    if min(info.header_offset for info in infos) != 0:
        raise unsafe(_("{0} has something else before its ZIP content.").format(path.name))
    with path.open("rb") as file:
        members = [_check_member(path, file, info) for info in infos]
    _check_together(path, members)
    return members


def _check_member(path: Path, file: BinaryIO, info: zipfile.ZipInfo) -> Member:
    name = info.orig_filename
    if info.flag_bits & _FORBIDDEN_FLAGS:
        raise unsafe(
            _("{0} is locked with a password or marked as a patch.").format(path.name), _("Unpack it yourself first.")
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise unsafe(_("{0} is packed by a method that models do not use.").format(path.name))
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise damaged(path, _("the part {0} is not where its directory states.").format(shown(name)))
    fields = _LOCAL_HEADER.unpack(header)
    flags, method, name_length, extra_length = fields[2], fields[3], fields[9], fields[10]
    local_name = file.read(name_length)
    is_same = (
        method == info.compress_type and local_name.decode("utf-8" if flags & 0x800 else "cp437", "replace") == name
    )
    if not is_same or flags & _FORBIDDEN_FLAGS or (not flags & 0x8 and fields[6] != info.CRC):
        raise unsafe(_("The directory of {0} and its content disagree about {1}.").format(path.name, shown(name)))
    offset = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    return Member(name, info.file_size, info.compress_size, method, mode, offset)


def _check_together(path: Path, members: list[Member]) -> None:
    """Check all members together: the first one is at the beginning, no duplicates, no overlap, plausible sizes."""
    names = [member.name.lower().rstrip("/") for member in members]
    if len(set(names)) != len(names):
        raise unsafe(_("{0} holds two files of one name.").format(path.name))
    spans = sorted((member.data_offset, member.data_offset + member.packed_bytes) for member in members)
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise unsafe(_("{0} holds files that overlap.").format(path.name))
    total = sum(member.size_bytes for member in members)
    packed = sum(member.packed_bytes for member in members)
    if total > MAX_UNPACKED_BYTES or (total > 2**26 and total > MAX_RATIO * max(packed, 1)):
        raise unsafe(_("{0} would grow to {1} bytes when it is unpacked.").format(path.name, total))


def check_names(path: Path, members: list[Member]) -> None:
    """Check members that become files: inside the folder, plain files, names that are valid on every system."""
    for member in members:
        name = member.name
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or (len(name) > 1 and name[1] == ":"):
            raise unsafe(
                _("{0} holds the file {1}, which would be written outside its folder.").format(path.name, shown(name))
            )
        if any(ord(c) < 32 for c in name) or len(name) > 1000 or len(parts) > 40 or any(len(p) > 200 for p in parts):
            raise unsafe(_("{0} holds a file with an unusable name: {1}.").format(path.name, shown(name)))
        kind = member.mode & 0o170000
        if kind not in (0, 0o100000, 0o040000):
            raise unsafe(
                _("{0} holds {1}, which is a link or a device and no plain file.").format(path.name, shown(name))
            )


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
        raise DiskFull(target.parent.parent, needed_bytes=total, free_bytes=free, safe=_("Nothing was unpacked."))
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
        raise damaged(path, _("a part of it cannot be unpacked ({0}).").format(error)) from error
    if written != size_bytes:
        raise damaged(path, _("a part of it has another size than stated."))
