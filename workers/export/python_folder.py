"""The target *Python folder*: only the runtime that the variant needs, and everything to run and check it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.decisions import DECISIONS_FILE, log_text
from workers.contracts.folder import read_model, sha256_file
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage
from workers.contracts.techniques import TargetSpec
from workers.export.archive import pack
from workers.export.bom import BOM_FILE, ShippedLibrary, bill
from workers.export.card.page.page import CARD_FILE, card_page
from workers.export.card.text import card, card_text
from workers.export.evaluated import write_reference
from workers.export.evidence import EVIDENCE_FILE, evidence
from workers.export.falling_back import FOLDER as FALLBACK
from workers.export.falling_back import code_of, needs_of, write_fallback
from workers.export.layout import (
    CHAT_SCRIPTS,
    USUAL_PLACE,
    Place,
    copy_code,
    copy_model,
    manifest,
    module_of,
    requirement_lines,
    write_manifest,
)
from workers.export.selftest import TEST_STAGES, selftest
from workers.export.stages import WRITE, report, stage
from workers.export.wheels import LOCK, locked
from workers.infer.base import Runtime
from workers.measure.opening import find_runtime, open_session
from workers.pipeline.golden import write_golden, write_sums
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

COMMANDS = ("pip install -r requirements.txt", "python run.py {input}")
MEASURE = "python verify.py --measure"
"""Additional command for bundles with a fallback to measure against."""


@dataclass(frozen=True)
class Contents:
    """A target's own parts of a bundle.

    Attributes:
        commands: Commands that run it, for the card.
        more: Content of files by name (folders with "/").
        needs: Distributions that these files import.
        facts: Entries of the manifest.
        place: Location of the model.
        head: Entries of the card's header for the hub.
        shipped: Libraries of others in the bundle.
        asked: The model that predicts here if the version itself cannot.
    """

    commands: tuple[str, ...] = COMMANDS
    more: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: Place = USUAL_PLACE
    head: Mapping[str, Any] = field(default_factory=dict)
    shipped: tuple[ShippedLibrary, ...] = ()
    asked: ExportParams | None = None


USUAL_CONTENTS = Contents()


@dataclass(frozen=True)
class OwnTest:
    """A target's additional test of the unpacked bundle; `run` raises `WorkerError` on failure."""

    stage: Stage
    run: Callable[[], tuple[ExportCheck, ...]]


def write_bundle(
    params: ExportParams, ctx: JobContext, contents: Contents = USUAL_CONTENTS, own: OwnTest | None = None
) -> ExportResult:
    """Write a bundle with a target's own contents, zip and test it.

    Raises:
        WorkerError: A test fails.
    """
    folder, bundle = ctx.work_dir / "bundle", ctx.work_dir / "bundle.zip"
    folder.mkdir()
    report(ctx, WRITE, 0, 2)
    requirements, text = fill(folder, params, find_runtime(params.runtime), ctx, contents)
    report(ctx, WRITE, 1, 2)
    count = pack(folder, bundle, ctx)
    report(ctx, WRITE, 2, 2)
    checks, answer = selftest(bundle, requirements, ctx)
    if own is not None:
        with stage(ctx, own.stage):
            checks = (*checks, *own.run())
    return ExportResult(
        sha256=sha256_file(bundle),
        size_bytes=bundle.stat().st_size,
        files=count,
        selftest=checks,
        card_text=text,
        card_page=(folder / CARD_FILE).read_text(encoding="utf-8"),
        printed=(answer,),
    )


def fill(
    folder: Path, params: ExportParams, runtime: Runtime, ctx: JobContext, contents: Contents = USUAL_CONTENTS
) -> tuple[list[str], str]:
    """Write all files of the bundle; return (requirements, card text for human readers)."""
    commands, place = contents.commands, contents.place
    model = read_model(Path(params.model_dir))
    spec = read_pipeline(model.folder)
    copy_model(folder, model, runtime, place)
    fallback = params.fallback
    imported = (*runtime.modules, *(code_of(fallback) if fallback is not None else ()))
    copy_code(folder, module_of(runtime), imported, CHAT_SCRIPTS if spec.chat is not None else ())
    more = needs_of(fallback, runtime.requirements) if fallback is not None else ()
    requirements = requirement_lines(runtime, spec, (*contents.needs, *more))
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    lock, unlocked = locked(requirements)
    if lock:
        (folder / LOCK).write_text(lock, encoding="utf-8")
    besides = _answers(folder, contents.asked or params, params, ctx)
    if fallback is not None:
        commands = (*commands, MEASURE)
    judged = params.facts.data.n_test if params.facts.data else 0
    (folder / "README.md").write_text(card(params.facts, spec, judged, commands, contents.head), encoding="utf-8")
    (folder / CARD_FILE).write_text(card_page(params.facts, spec, judged, commands), encoding="utf-8")
    held = (folder / place.folder, folder / FALLBACK / "model")
    weights = [path for one in held for path in one.rglob("*") if path.is_file()]
    hashes = {path.relative_to(folder).as_posix(): sha256_file(path) for path in weights}
    listed = bill(params.facts, spec, requirements, hashes, contents.shipped)
    papers = {BOM_FILE: listed, EVIDENCE_FILE: evidence(params.facts)}
    decisions = params.facts.decisions
    if decisions:
        papers[DECISIONS_FILE] = log_text(decisions)
    for name, content in {**papers, **contents.more}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    document = {
        **manifest(params, model, runtime, place),
        **contents.facts,
        **besides,
        "unlocked": list(unlocked),
        "decisions": {"count": len(decisions), "sha256": decisions[-1].sha256 if decisions else ""},
    }
    document["example"] = example(folder, spec)
    write_manifest(folder, document)
    write_sums(folder)
    return requirements, card_text(params.facts, spec, judged, commands)


def _answers(folder: Path, asked: ExportParams, params: ExportParams, ctx: JobContext) -> dict[str, Any]:
    """Write the predictions of `asked` for golden inputs and evaluation data; return the fallback's manifest entry.

    The fallback has predictions of its own.
    """
    _golden(folder, asked, ctx)
    fallback = params.fallback
    besides = {"fallback": write_fallback(folder, fallback, params, ctx)} if fallback is not None else {}
    write_reference(folder, asked, ctx)
    return besides


def _golden(folder: Path, params: ExportParams, ctx: JobContext) -> None:
    """Write the first test inputs with the variant's predictions here."""
    items = Prepared(Path(params.data_dir) / "test")
    pipeline = load_pipeline(folder)
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    try:
        count = min(params.golden, len(items))
        write_golden(folder / "golden", pipeline, session, (items[index] for index in range(count)))
    finally:
        session.close()


def example(folder: Path, spec: PipelineSpec) -> dict[str, Any]:
    """Return the self-test's input for run.py: a text, or the first golden input as a file."""
    if spec.preprocess.kind == "text":
        return {"text": "A short text to try this model with."}
    import numpy as np

    feeds = Prepared(folder / "golden" / "inputs")[0]
    np.savez(folder / "golden" / "example.npz", **feeds)  # type: ignore[arg-type]
    return {"file": "golden/example.npz"}


TARGET = TargetSpec(
    id="python",
    title="Python folder",
    summary="One command on any computer with Python",
    write=write_bundle,
    stages=(WRITE, *TEST_STAGES),
    commands=COMMANDS,
    how_to_run="Run it anywhere with Python",
    icon="folder",
    order=10,
    falls_back=True,
)
