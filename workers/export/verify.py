"""Check a bundle with this program's own code; no code of the bundle is ever run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.contracts.bundles import VerifyParams, VerifyResult
from workers.contracts.errors import JobCancelled
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.techniques import TargetSpec
from workers.contracts.translation import _, ngettext
from workers.export.archive import no_bundle, unpack
from workers.infer.fit import fit_settings
from workers.measure.opening import find_runtime
from workers.model_io.safety import check_programs
from workers.pipeline.generating import Load, checked_main, open_whole
from workers.pipeline.golden import NOT_LISTED, SUMS_FILE, check_sums, compare_golden
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.trust import (
    BY_HAND,
    DECISIONS_FILE,
    SIGNATURE_FILE,
    Signed,
    check_decisions,
    check_signature,
    differences,
)

CACHES = "__pycache__"
NEEDED = ("manifest.json", "pipeline.json", SUMS_FILE)
MOST_LIST_BYTES, MOST_PROBLEMS = 16 << 20, 100
"""Largest accepted list of files, manifest or log, which are read as a whole, and most problems that are reported."""


def verify(params: VerifyParams, ctx: JobContext, targets: Mapping[str, TargetSpec]) -> VerifyResult:
    """Check the hash of every file, then run the target's check or compare the golden predictions.

    Raises:
        InputRefused: The file is no bundle, or it holds a program of other people that is unsafe or lacks consent.
    """
    bundle = from_text(params.bundle)
    folder = unpack(bundle, ctx)
    if not any((folder / name).is_file() for name in NEEDED):
        raise no_bundle(_("It has no {0}.").format(", ".join(NEEDED)))
    lists = [folder / name for name in (*NEEDED, SIGNATURE_FILE, DECISIONS_FILE)]
    if any(path.is_file() and path.stat().st_size > MOST_LIST_BYTES for path in lists):
        raise no_bundle(_("It holds more than a bundle can."))
    ctx.progress("Compare the files with their checksums", 0, 2)
    signed = check_signature(folder)
    parts = (check_sums(folder), _manifest_problems(folder), signed.problems, check_decisions(folder))
    problems = list(dict.fromkeys(text for part in parts for text in part))
    ctx.progress("Compare its answers", 1, 2)
    alike = 0
    if not problems:  # changed files are not loaded
        is_own = signed.is_checked and signed.signed_by == params.own_key
        check_programs(folder, bundle.name, params.allow_code or is_own, ctx)
        alike, differences = _check(folder, ctx, targets)
        problems += differences
    ctx.progress("Compare its answers", 2, 2)
    findings = [Finding(level="danger", what=text) for text in problems[:MOST_PROBLEMS]]
    if left := len(problems[MOST_PROBLEMS:]):
        text = ngettext("{0:,} further problem is not listed.", "{0:,} further problems are not listed.", left)
        findings.append(Finding(level="danger", what=text.format(left)))
    if any(folder.rglob(CACHES)):
        text = _("Python runs the files in {0} instead of the scripts. Delete these folders, then verify again.")
        findings.append(Finding(level="warning", what=text.format(CACHES)))
    if signed.signed_by and not signed.problems:
        findings.append(_signed(signed, params.own_key))
    if not problems:
        text = ngettext(
            "All files are unchanged; {0} answer is alike.", "All files are unchanged; {0} answers are alike.", alike
        )
        findings.append(Finding(level="info", what=text.format(alike)))
    return VerifyResult(ok=not problems, findings=tuple(findings))


def _signed(signed: Signed, own_key: str) -> Finding:
    """Return a finding about the signer; an attacker can sign a changed bundle anew, so compare the key."""
    if not signed.is_checked:
        text = _("Its signature was not checked: the package cryptography is not installed. To check it: {0}")
        return Finding(level="warning", what=text.format(BY_HAND))
    if signed.signed_by == own_key:
        text = _("Unchanged since this installation of Fettle signed it (key {0}).").format(signed.signed_by)
        return Finding(level="info", what=text)
    text = _(
        "Unchanged since it was signed with the key {0}. That is another key than this installation's: ask "
        "the person who gave you the bundle whether it is theirs."
    ).format(signed.signed_by)
    return Finding(level="info", what=text)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest; raise `ValueError` if it is missing or invalid."""
    path = folder / "manifest.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        runtime, model = document["runtime"], document["model"]
        str(runtime["id"]), dict(runtime["settings"]), str(model["main"]), dict(document["files"])
    except (OSError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return dict(document)


def _manifest_problems(folder: Path) -> list[str]:
    """Return problems by the manifest, which names every file too, so that a shortened checksum list hides nothing."""
    try:
        document = read_manifest(folder)
    except ValueError:
        is_there = (folder / "manifest.json").exists()
        return [_("manifest.json was changed.") if is_there else _("manifest.json is missing.")]
    return differences(folder, document["files"], ("manifest.json", *NOT_LISTED))


def _check(folder: Path, ctx: JobContext, targets: Mapping[str, TargetSpec]) -> tuple[int, list[str]]:
    """Run the check of the bundle's target; bundles from before there were several name none."""
    document = read_manifest(folder)
    if "target" not in document:
        return golden_answers(folder, ctx)
    target_id = str(document["target"])
    if target_id not in targets:
        return 0, [_("It was written for {0!r}, which this Fettle cannot check.").format(target_id[:80])]
    check = targets[target_id].check or golden_answers
    return check(folder, ctx)


def golden_answers(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    """Return the number of golden predictions that are equal here, and the differences."""
    document = read_manifest(folder)
    return answers_with(find_runtime(str(document["runtime"]["id"])).load, document, folder, ctx)


def answers_with(load: Load, document: Mapping[str, Any], folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    """Compare the golden predictions with a model opened by `load`; `document` is the bundle's manifest."""
    try:
        main = checked_main(str(document["model"]["main"]))
        place = checked_main(str(document["model"].get("folder", "model")))  # older manifests have no folder
        settings, _notes = fit_settings(
            document["runtime"]["settings"],
            str(document["model"].get("precision", "")),
            dict(document["runtime"].get("measured_on", {})),
            ctx.threads,
        )
        pipeline = load_pipeline(folder)
        loop = pipeline.spec.generation
        session = open_whole(load, folder / place, main, settings, ctx.threads, loop)
        return compare_golden(folder / "golden", pipeline, session)
    except (JobCancelled, MemoryError):
        raise
    except Exception as error:  # damaged files, and errors of engines, which share no base
        return 0, [_("The model does not run: {0}").format(error)]
