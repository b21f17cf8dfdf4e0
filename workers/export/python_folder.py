"""The target *Python folder*: only the runtime that the variant needs, and everything to run and check it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.decisions import DECISIONS_FILE, log_text
from workers.contracts.folder import read_model, sha256_file
from workers.contracts.pipeline import PipelineSpec, read_pipeline, write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RunParams, Stage
from workers.contracts.techniques import TargetSpec
from workers.export.archive import pack
from workers.export.bom import BOM_FILE, ShippedLibrary, bill
from workers.export.card.page.page import CARD_FILE, card_page
from workers.export.card.text import card, card_text
from workers.export.evidence import EVIDENCE_FILE, evidence
from workers.export.fresh_environment import LOCK, locked
from workers.export.layout import (
    CHAT_SCRIPTS,
    USUAL_PLACE,
    Place,
    copy_code,
    copy_model,
    manifest,
    model_files,
    module_of,
    requirement_lines,
    runtime_entry,
    with_columns,
    write_manifest,
)
from workers.export.selftest import TEST_STAGES, selftest
from workers.export.stages import WRITE, report, stage
from workers.infer.base import Runtime, Session
from workers.measure.opening import find_runtime, open_session
from workers.monitor.reference import FILE, FOLDER, Reference, common_tokens, reference_of
from workers.pipeline.golden import write_golden, write_sums
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared

FALLBACK = "fallback"
SAME_PACKAGE = {"onnxruntime": "onnxruntime-gpu"}
"""Packages that share one folder, with the package that includes the other."""


def code_of(fallback: RunParams) -> tuple[str, ...]:
    """Return the modules of the fallback's runtime."""
    runtime = find_runtime(fallback.runtime)
    return (module_of(runtime), *runtime.modules)


def needs_of(fallback: RunParams, there: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distributions that the fallback, which runs in ONNX Runtime as judged, needs besides those `there`."""
    needed = find_runtime(fallback.runtime).requirements
    return tuple(name for name in needed if name not in there and SAME_PACKAGE.get(name) not in there)


def write_fallback(folder: Path, fallback: RunParams, params: ExportParams, ctx: JobContext) -> dict[str, Any]:
    """Write the fallback's files and golden predictions into the bundle's `folder`; return its manifest entry."""
    runtime, model = find_runtime(fallback.runtime), read_model(Path(fallback.model_dir))
    place = folder / FALLBACK
    place.mkdir()
    copy_model(place, model, runtime, Place())
    pipeline = load_pipeline(place)
    with closing(open_session(model.folder, fallback.runtime, fallback.settings, ctx.threads)) as session:
        requested = Prepared(folder / "golden" / "inputs")
        feeds = ({name: values.copy() for name, values in one.items()} for one in requested)
        write_prepared(folder / "golden" / FALLBACK, ({"answer": pipeline.answer(session, one)} for one in feeds))
    size_bytes = sum(path.stat().st_size for path in (place / "model").rglob("*") if path.is_file())
    entry = runtime_entry(runtime, fallback.settings, params.facts)
    del entry["requirements"]
    return {
        "title": params.facts.original["title"],
        "size_bytes": size_bytes,
        "runtime": entry,
        "model": {
            "folder": f"{FALLBACK}/model", "main": model_files(model, runtime)[0], "precision": model.artifact.precision
        },
    }  # fmt: skip


MOST_ITEMS, MOST_S = 2000, 30.0
"""Maximum number of items and seconds; a thousand items suffice for a histogram of twenty parts."""


def _evaluated(items: Prepared, pipeline: Pipeline, session: Session, ctx: JobContext) -> Reference:
    """Return the figures of the test items and of the session's predictions for them."""
    common = common_tokens(pipeline, islice(items, MOST_ITEMS))
    until_s = time.monotonic() + MOST_S

    def answered() -> Iterator[tuple[Any, Any]]:
        for feeds in islice(items, MOST_ITEMS):
            ctx.check_cancelled()
            yield feeds, pipeline.answer(session, feeds)
            if time.monotonic() > until_s:
                return

    return reference_of(pipeline, answered(), common)


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
        predictor: The model that predicts here if the version itself cannot.
    """

    commands: tuple[str, ...] = COMMANDS
    more: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: Place = USUAL_PLACE
    head: Mapping[str, Any] = field(default_factory=dict)
    shipped: tuple[ShippedLibrary, ...] = ()
    predictor: ExportParams | None = None


USUAL_CONTENTS = Contents()


OwnTest = tuple[Stage, Callable[[], tuple[ExportCheck, ...]]]
"""A target's additional test of the unpacked bundle: its stage, and a function that raises `WorkerError` on failure."""


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
        own_stage, run_test = own
        with stage(ctx, own_stage):
            checks = (*checks, *run_test())
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
    spec = with_columns(read_pipeline(model.folder), params.facts)
    copy_model(folder, model, runtime, place)
    write_pipeline(folder, spec)
    fallback = params.fallback
    imported = (*runtime.modules, *(code_of(fallback) if fallback is not None else ()))
    copy_code(folder, module_of(runtime), imported, CHAT_SCRIPTS if spec.chat is not None else ())
    more = needs_of(fallback, runtime.requirements) if fallback is not None else ()
    requirements = requirement_lines(runtime, spec, (*contents.needs, *more))
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    lock, unlocked = locked(requirements)
    if lock:
        (folder / LOCK).write_text(lock, encoding="utf-8")
    besides = _answers(folder, contents.predictor or params, params, ctx)
    if fallback is not None:
        commands = (*commands, MEASURE)
    (folder / "README.md").write_text(card(params.facts, spec, commands, contents.head), encoding="utf-8")
    (folder / CARD_FILE).write_text(card_page(params.facts, spec, commands), encoding="utf-8")
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
    return requirements, card_text(params.facts, spec, commands)


def _answers(folder: Path, predictor: ExportParams, params: ExportParams, ctx: JobContext) -> dict[str, Any]:
    """Write the predictions of `predictor` for golden inputs and evaluation data; return the fallback's manifest entry.

    The fallback has its own predictions. Inputs that Fettle made are no evaluation data: the reference is then empty,
    and the beginning of a log replaces it.
    """
    items, pipeline, data = Prepared(Path(predictor.data_dir) / "test"), load_pipeline(folder), predictor.facts.data
    reference = Reference(names=tuple(pipeline.spec.classes or ())[:1000])
    model_dir = Path(predictor.model_dir)
    with closing(open_session(model_dir, predictor.runtime, predictor.settings, ctx.threads)) as session:
        write_golden(folder / "golden", pipeline, session, islice(items, predictor.golden))
        if data is not None and data.origin == "person":
            reference = _evaluated(items, pipeline, session, ctx)
    (folder / FOLDER).mkdir()
    text = json.dumps(reference.to_json(), ensure_ascii=False, separators=(",", ":"))
    (folder / FOLDER / FILE).write_text(text, encoding="utf-8")
    return {"fallback": write_fallback(folder, params.fallback, params, ctx)} if params.fallback is not None else {}


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
