"""Gives a running service another bundle, as its own ``serve.py --switch FOLDER`` does, after unpacking it.

The service loads it beside the present one, compares its golden predictions, and stays with the present one where they
differ (Open Inference Protocol v2, model repository extension: ``POST /v2/repository/models/NAME/load``).
"""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.folder import sha256_file
from workers.contracts.process.context import JobContext
from workers.contracts.serving import SwitchParams, SwitchResult
from workers.export.archive import extract
from workers.export.service.bundle_files.fettle_service.loading import NoService, NotLoaded, request_load
from workers.export.service.bundle_files.fettle_service.secret import read_secret
from workers.pipeline.golden import SUMS_FILE, check_sums


def switch(params: SwitchParams, ctx: JobContext) -> SwitchResult:
    """Raises `InputRefused` for what is no service's bundle or is not taken, `BackendMissing` where nobody answers."""
    folder = Path(params.folder)
    ctx.progress("Unpack the bundle beside the one that runs", 0, 2)
    unpack_whole(Path(params.bundle), params.sha256, folder, ctx)
    ctx.progress("The service takes it", 1, 2)
    version = _load(params, folder)
    ctx.progress("The service takes it", 2, 2)
    return SwitchResult(version=version, folder=str(folder))


def unpack_whole(bundle: Path, sha256: str, folder: Path, ctx: JobContext) -> None:
    """Unpack the release into `folder`, which a service may go on reading: whole, or as it was.

    A folder from an earlier switch stays where it is the archive's content, byte by byte: checksums inside it would
    confirm whatever was put there with them. Raises `InputRefused` for a bundle that is not the release (`sha256`).
    """
    if sha256_file(bundle) != sha256:
        raise _refused(f"{bundle.name} is not the release: its sha256 is another one.")
    if _is_content_of(bundle, folder, ctx):
        return
    growing = ctx.work_dir / "unpacked"
    with zipfile.ZipFile(bundle) as archive:
        for member in archive.infolist():
            ctx.check_cancelled()
            extract(archive, member, growing)
    if problems := check_sums(growing):
        raise _refused(f"{bundle.name} is not as it was written. {problems[0]}")
    folder.mkdir(parents=True, exist_ok=True)  # made by who asked; only what is in it may be written
    for path in list(folder.iterdir()):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in sorted(growing.iterdir(), key=lambda path: path.name == SUMS_FILE):  # last: it makes the bundle whole
        shutil.move(path, folder / path.name)


def _is_content_of(bundle: Path, folder: Path, ctx: JobContext) -> bool:
    """Whether `folder` holds exactly the files of the archive, and no link."""
    with zipfile.ZipFile(bundle) as archive:
        members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
        found = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        names = {path.relative_to(folder).as_posix() for path in found}
        if any(path.is_symlink() for path in found) or names != set(members):
            return False
        for name, member in members.items():
            ctx.check_cancelled()
            digest = hashlib.sha256()
            with archive.open(member) as stored:
                while piece := stored.read(1 << 20):
                    digest.update(piece)
            if digest.hexdigest() != sha256_file(folder / name):
                return False
    return True


def _load(params: SwitchParams, folder: Path) -> str:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if "serving" not in manifest:
        raise _refused("This bundle runs no service.")
    key = params.api_key or (read_secret(Path(params.secret_file)) if params.secret_file else "")
    try:
        return request_load(params.host, params.port, manifest["serving"]["name"], folder, key)
    except NoService as error:
        raise BackendMissing(
            "no_service",
            "No service answers there",
            f"Nothing of ours answers at {params.host}:{params.port} ({error}). Nothing was changed.",
            "Start it with 'python serve.py', or give its address and port as its first line said them.",
        ) from error
    except NotLoaded as error:
        raise _refused(f"{error}.") from error


def _refused(reason: str) -> InputRefused:
    return InputRefused(
        "switch_refused",
        "The service did not take this bundle",
        f"{reason} The one before goes on answering, and nothing was changed.",
        "Give it its key if it has one, or try another release.",
    )
