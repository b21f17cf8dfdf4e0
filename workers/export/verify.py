"""Checks a bundle through this program's own code. Nothing that lies in the bundle is ever run."""

import json
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from workers.contracts.context import JobContext
from workers.contracts.errors import InputRefused, WorkerError
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import VerifyParams, VerifyResult
from workers.contracts.specs import Finding
from workers.infer.base import NotRunnable
from workers.measure.opening import find_runtime
from workers.pipeline import PipelineError, load_pipeline
from workers.pipeline.golden import SUMS_FILE, check_sums, compare_golden

MAX_MEMBERS = 5000
MAX_BYTES = 16 << 30
"""More than any bundle of ours holds; a zip that declares more is not unpacked."""

NEEDED = ("manifest.json", "pipeline.json", SUMS_FILE)


def verify(params: VerifyParams, ctx: JobContext) -> VerifyResult:
    """Hashes of every file, then the golden answers. Raises `InputRefused` for what is no bundle at all."""
    folder = _unpack(Path(params.bundle), ctx)
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise _no_bundle(f"it has no {', '.join(missing)}")
    ctx.progress("Compare the files with their checksums", 0, 2)
    problems = check_sums(folder)
    problems += [text for text in _manifest_problems(folder) if text not in problems]
    ctx.progress("Compare its answers", 1, 2)
    alike = 0
    if not problems:  # changed files are not loaded
        alike, differences = _golden(folder, ctx)
        problems += differences
    ctx.progress("Compare its answers", 2, 2)
    findings = [Finding(level="danger", what=text) for text in problems]
    if not problems:
        findings.append(Finding(level="info", what=f"All files are as they were written; {alike} answers are alike."))
    return VerifyResult(ok=not problems, findings=tuple(findings))


def _unpack(bundle: Path, ctx: JobContext) -> Path:
    """A folder stays where it is; a zip is checked member by member, then unpacked into the job's folder."""
    if bundle.is_dir():
        return bundle
    if not zipfile.is_zipfile(bundle):
        raise _no_bundle("it is neither a folder nor a zip file")
    folder = ctx.work_dir / "unpacked"
    try:
        with zipfile.ZipFile(bundle) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
                raise _no_bundle("it holds more than a bundle can")
            for member in members:
                ctx.check_cancelled()
                _extract(archive, member, folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise _no_bundle(f"the zip file is damaged ({error})") from error
    return folder


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    name = PurePosixPath(member.filename)
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename or is_link:
        raise _no_bundle(f"it wants to write outside its folder ({member.filename[:80]!r})")
    target = folder / name
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("xb") as out:
        shutil.copyfileobj(source, out, 1 << 20)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        runtime, model = document["runtime"], document["model"]
        str(runtime["id"]), dict(runtime["settings"]), str(model["main"]), dict(document["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_bundle("its manifest.json cannot be understood") from error
    return dict(document)


def _manifest_problems(folder: Path) -> list[str]:
    listed = _manifest(folder)["files"]
    problems = []
    for name, digest in listed.items():
        path = folder / name
        if ".." in PurePosixPath(name).parts or not path.is_file():
            problems.append(f"{name} is missing.")
        elif sha256_file(path) != digest:
            problems.append(f"{name} was changed.")
    return problems


def _golden(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    document = _manifest(folder)
    runtime = find_runtime(str(document["runtime"]["id"]))
    main = folder / "model" / PurePosixPath(document["model"]["main"]).name
    try:
        session = runtime.load(main, document["runtime"]["settings"], ctx.threads)
        return compare_golden(folder / "golden", load_pipeline(folder), session)
    except (NotRunnable, PipelineError, ValueError, OSError, KeyError) as error:
        return 0, [f"The model does not run: {error}"]


def _no_bundle(reason: str) -> WorkerError:
    return InputRefused(
        "not_a_bundle",
        "This is no bundle of Fettle",
        f"It was not checked: {reason}. Nothing in it was run.",
        "Choose a .zip file that Fettle exported, or its unpacked folder.",
    )
