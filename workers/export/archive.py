"""Pack a bundle as a ZIP file without dates, sorted, and unpack it member by member."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from workers.contracts.errors import InputRefused, WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.pipeline.spec import PARSER_ERRORS

MAX_MEMBERS = 5000
MAX_BYTES = 16 << 30
"""Maximum unpacked size, more than any bundle of ours needs; a ZIP file that declares more is not unpacked."""
FREE_BYTES, PACKED = 256 << 20, 100
"""Size that any zip may declare, and the factor by which it may exceed its own; weights compress far less."""

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
WEIGHTS, STORED_FROM_BYTES = (".bin", ".onnx_data"), 16 << 20
"""Suffixes and minimum size of files stored without compression.

Large weights hardly shrink, and packing them takes minutes.
"""

FILE_MODE = 0o100644
"""Mode of all files: the same content gives the same archive, and everybody may read unpacked files."""


def pack(folder: Path, bundle: Path, ctx: JobContext) -> int:
    """Zip a folder, sorted and without dates; return the number of files."""
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in names:
            ctx.check_cancelled()
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_DATE)
            is_stored = path.suffix in WEIGHTS and path.stat().st_size > STORED_FROM_BYTES
            info.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
            info.external_attr = FILE_MODE << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
    return len(names)


def unpack(bundle: Path, ctx: JobContext) -> Path:
    """Return a folder unchanged; check a zip member by member and unpack it into the job's folder."""
    if bundle.is_dir():
        return bundle
    if not zipfile.is_zipfile(bundle):
        raise no_bundle(_("It is neither a folder nor a zip file."))
    folder = ctx.work_dir / "unpacked"
    try:
        with zipfile.ZipFile(bundle) as archive:
            members = archive.infolist()
            most_bytes = min(MAX_BYTES, FREE_BYTES + PACKED * bundle.stat().st_size)
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > most_bytes:
                raise no_bundle(_("It holds more than a bundle can."))
            for member in members:
                ctx.check_cancelled()
                extract(archive, member, folder)
    except (zipfile.BadZipFile, *PARSER_ERRORS) as error:
        raise no_bundle(_("The zip file is damaged ({0}).").format(error)) from error
    return folder


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Write one member below `folder`; raise `InputRefused` if it would lie elsewhere."""
    name = PurePosixPath(member.filename)
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename or is_link:
        raise no_bundle(_("It would write outside its folder ({0!r}).").format(member.filename[:80]))
    target = folder / name
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("xb") as out:
        shutil.copyfileobj(source, out, 1 << 20)


def no_bundle(reason: str) -> WorkerError:
    """Return the error for a file that is not a bundle of Fettle; `reason` is a sentence."""
    return InputRefused(
        "not_a_bundle",
        "This is not a bundle of Fettle",
        joined([reason, _("It was not checked, and nothing in it was run.")]),
        "Choose a .zip file that Fettle exported, or its unpacked folder.",
    )
