"""Export a variant as a self-contained bundle; an old file stays until the new one has passed its self-test."""

import contextlib
import logging
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from app.domain.choose import is_regressed, is_safe
from app.domain.job import ExportRecord
from app.domain.variant import Variant
from app.files import move_synced
from app.paths import MAX_NAME_BYTES, why_not_writable
from app.services.after.bundles import check_key, check_push, push, signed
from app.services.after.card import card_load, speed_facts
from app.services.after.fitting import check_takes, fallback_bytes, falls_back_usually, fitting, instead_of
from app.services.flow.background import Stopped, never, pieces
from app.services.flow.steps import DiskStep, Flow, JobError, JobStep, Refused, StepResult, Unavailable
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.decisions import planned_decision, read_decisions, record_decision
from app.services.records.documents import variant_document
from app.services.records.facts import RunFacts, check_stored
from app.services.records.run_records import saved_objective
from app.services.run.version_steps import stored_version
from app.version import VERSION
from workers.contracts.bundles import CardFacts, ExportParams, ExportResult, InsteadOf
from workers.contracts.decisions import Decision
from workers.contracts.hub import HubPushResult
from workers.contracts.jobs import DescribeResult
from workers.contracts.process.disk import NO_ROOM, DiskFull
from workers.contracts.process.messages import Limits
from workers.contracts.specs import DescribedTarget, DeviceFacts, ModelInfo, RunParams
from workers.contracts.translation import _, mark

log = logging.getLogger(__name__)

MIN_REASON_CHARS = 10
"""Least characters of an override reason; it goes into the card, so it must be a sentence."""


@dataclass(frozen=True)
class ExportRequest:
    """What to export or release, and where to; made by the page or the command.

    `variant_id` None means the recommended version. `target` "" means the first available one, or for a release that of
    the current release. A release ignores `out`. `override_reason` is required for a regressed variant and ignored for
    others. `answers` belong to the target's questions by id. `sign_key` is the file of a private key to sign with.
    `fallback` includes the original for computers on which the version is slower; None means `falls_back_usually`.
    """

    variant_id: str | None = None
    target: str = ""
    out: Path = Path()
    override_reason: str | None = None
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    sign_key: Path | None = None
    fallback: bool | None = None


@dataclass(frozen=True)
class Written:
    """A tested bundle in a job's folder, until `forget` removes it.

    `decision` is in its log already, and is recorded in the database once the bundle has its final place.
    """

    done: StepResult[ExportResult]
    variant: Variant
    target: DescribedTarget
    repo: str
    reason: str | None
    decision: Decision | None = None

    @property
    def path(self) -> Path:
        """Return the present path of the bundle."""
        return self.done.folder / self.done.result.path

    def forget(self) -> None:
        """Remove the job's folder after the bundle was moved or rejected."""
        shutil.rmtree(self.done.folder, ignore_errors=True)

    def record(self, path: Path) -> ExportRecord:
        """Return the record of the export with its final path."""
        return ExportRecord(
            id=uuid.uuid4().hex[:12],
            run_id=self.variant.run_id,
            variant_id=self.variant.id,
            target=self.target.id,
            path=str(path),
            sha256=self.done.result.sha256,
            size_bytes=self.done.result.size_bytes,
            created_at=datetime.now(UTC),
            selftest_json=self.done.result.model_dump_json(include={"selftest", "signed_by"}),
            override_reason=self.reason,
        )


@dataclass(frozen=True)
class Exported:
    """A bundle in its final place with the result of its self-test.

    `instead_of` is the recommended version that the target cannot take; `pushed` is set if its files are on the hub.
    """

    path: Path
    result: ExportResult
    record: ExportRecord
    target: DescribedTarget
    instead_of: InsteadOf | None = None
    pushed: HubPushResult | None = None


def version_of(facts: RunFacts, variant_id: str) -> Variant:
    """Return the run's version of this id; raise `JobError` (exit code 3) if there is none."""
    variant = facts.variant(variant_id)
    if variant is None:
        detail = _("The run {0} has no version {1!r}.").format(facts.run.id, variant_id)
        hint = mark("Take one of the ids that 'fettle compare' lists.")
        raise Refused("unknown_variant", "There is no such version in this run", detail, hint)
    return variant


def pick(facts: RunFacts, variant_id: str | None, reason: str | None) -> Variant:
    """Return the requested or recommended variant (else the original); a regressed one needs a reason."""
    variant = version_of(facts, variant_id or facts.run.recommended_variant_id or facts.baseline.id)
    if is_regressed(variant) and len((reason or "").strip()) < MIN_REASON_CHARS:
        raise Refused(
            "regressed",
            "This version answers worse than your limit allows",
            _("“{0}” is a silent regression; it is not exported without a written reason.").format(_(variant.title)),
            "Take the recommended version, or say why in a sentence.",
            '--accept-regression "WHY".',
        )
    return variant


def override_of(variant: Variant, request: ExportRequest) -> str | None:
    """Return the override reason for card, manifest, history and log; None if no reason was needed."""
    return " ".join((request.override_reason or "").split()) if is_regressed(variant) else None


def export(workspace: Workspace, facts: RunFacts, request: ExportRequest) -> Flow[Exported]:
    """Write the bundle, run its self-test in a fresh environment, and only then put the file in its place."""
    pick(facts, request.variant_id, request.override_reason)
    check_writable(request.out)
    written = yield from write_tested(workspace, facts, request)
    try:
        yield DiskStep(lambda stopped: place(written.path, request.out, stopped))
    finally:
        written.forget()
    record, target, result = written.record(request.out), written.target, written.done.result
    with workspace.repositories.together():
        if written.decision is not None:
            record_decision(workspace.repositories, facts.project.id, written.decision)
        workspace.repositories.exports.add(record)
    if written.reason is not None:
        report = (written.variant.title, facts.run.id, request.out, written.reason)
        log.warning("“%s” of run %s is a regression and was exported to %s all the same: %s", *report)
    pushed = (yield from push(workspace, written.repo, request.out)) if written.repo else None
    return Exported(request.out, result, record, target, instead_of(target, facts, written.variant), pushed)


def write_tested(workspace: Workspace, facts: RunFacts, request: ExportRequest) -> Flow[Written]:
    """Write a bundle into a job's folder. Exporting an unproven version is a decision that the caller records."""
    variant = pick(facts, request.variant_id, request.override_reason)
    machine = yield from describe()
    target = target_of(machine, request.target)
    answers = answers_to(target, request.answers)
    if request.variant_id is None:
        variant = pick(facts, fitting(target, facts, variant).id, request.override_reason)
    check_takes(target, facts, variant)
    repo = answers.get(target.pushed_to, "")
    if repo:
        yield from check_push(workspace, repo)
    yield DiskStep(lambda stopped: check_stored(workspace, facts, variant, stopped=stopped))
    reason = override_of(variant, request)
    decision = _unsafe_decision(workspace, facts, variant, target.id, reason)
    decisions = read_decisions(workspace.repositories, facts.project.id).entries
    if decision is not None:
        decisions = (*decisions, decision)
    if request.sign_key is not None:
        yield from check_key(request.sign_key)
    done = yield _export_step(facts, variant, request, (target, answers), machine.device, decisions)
    if request.sign_key is not None:
        done = yield from signed(done, request.sign_key)
    return Written(done, variant, target, repo, reason, decision)


def _unsafe_decision(
    workspace: Workspace, facts: RunFacts, variant: Variant, target_id: str, reason: str | None
) -> Decision | None:
    """Return the decision of exporting a regressed version, or of the first export of an unproven one."""
    repositories, project_id = workspace.repositories, facts.project.id
    of: dict[str, JsonValue] = {"title": variant.title, "limit_pct": facts.run.goal.max_loss_pct}
    whose = {"run_id": facts.run.id, "variant_id": variant.id}
    if reason is not None:
        report = {**of, "target": target_id}
        return planned_decision(repositories, project_id, "exported_anyway", report, why=reason, **whose)
    if not variant.is_baseline and not is_safe(variant):
        entries = read_decisions(repositories, project_id).entries
        if not any(entry.kind == "exported_unproven" and entry.variant_id == variant.id for entry in entries):
            return planned_decision(repositories, project_id, "exported_unproven", of, **whose)
    return None


def target_of(machine: DescribeResult, target_id: str) -> DescribedTarget:
    """Return the target of this id ("": the first available); raise `JobError` if it cannot be written."""
    for row in machine.targets:
        if row.id == target_id or (not target_id and row.available):
            if not row.available:
                title = _("“{0}” cannot be written here").format(_(row.title))
                hint = _("To install: {0}").format(_(row.hint))
                detail = mark("What it needs is not installed.")
                raise Unavailable("target_missing", title, detail, hint)
            return row
    detail, known = _("Fettle cannot write {0!r}.").format(target_id), ", ".join(row.id for row in machine.targets)
    raise Refused("unknown_target", "There is no such kind of bundle", detail, _("Choose one of: {0}.").format(known))


def answers_to(target: DescribedTarget, given: Mapping[str, str]) -> dict[str, str]:
    """Return the person's answers to the target's questions; raise `JobError` if a required one is missing."""
    answers = {question.id: given.get(question.id, "").strip() for question in target.questions}
    unknown = sorted(set(given) - set(answers))
    silent = next((q for q in target.questions if q.needed and not answers[q.id]), None)
    if unknown or silent is not None:
        requested = ", ".join(answers) or _("nothing")
        detail = (
            _("“{0}” has no answer.").format(_(silent.title))
            if silent
            else _("It does not ask for {0}.").format(", ".join(unknown))
        )
        raise Refused(
            "answer_needed",
            _("“{0}” asks for other things").format(_(target.title)),
            detail,
            _("It asks for: {0}.").format(requested),
        )
    return answers


def _export_step(
    facts: RunFacts,
    variant: Variant,
    request: ExportRequest,
    answered: tuple[DescribedTarget, dict[str, str]],
    device: DeviceFacts,
    decisions: tuple[Decision, ...],
) -> JobStep[ExportResult]:
    version = stored_version(facts, variant)
    target, answers = answered
    wanted = falls_back_usually(target, facts, variant) if request.fallback is None else request.fallback
    fallback = None
    if wanted and fallback_bytes(target, facts, variant) is not None:
        fallback = RunParams(**stored_version(facts, facts.baseline).parameters())
    besides = (Path(fallback.model_dir),) if fallback is not None else ()
    return JobStep(
        "export",
        ExportParams(
            target=target.id,
            answers=answers,
            fallback=fallback,
            **version.parameters(),
            original_dir=str(facts.original_dir),
            data_dir=str(facts.data_dir),
            facts=card_facts(facts, variant, request, device).model_copy(
                update={"instead_of": instead_of(target, facts, variant), "decisions": decisions}
            ),
        ),
        ExportResult,
        "Write the bundle",
        (version.model_dir, facts.original_dir, facts.data_dir, *besides),
        keep_folder=True,
        limits=Limits(start_programs=True),
    )


def card_facts(facts: RunFacts, variant: Variant, request: ExportRequest, device: DeviceFacts) -> CardFacts:
    """Return all facts of the model card and the manifest, from the store."""
    project, run = facts.project, facts.run
    info = ModelInfo.model_validate_json(project.info_json or "{}")
    judged = None if variant.is_baseline else variant.judgement
    return CardFacts(
        title=f"{project.name}, {variant.title}",
        project=project.name,
        made_at=(run.finished_at or run.created_at).astimezone(UTC).isoformat(timespec="seconds"),
        fettle_version=VERSION,
        purpose=request.purpose or project.purpose,
        not_for=request.not_for or project.not_for,
        contact=request.contact or project.contact,
        license=info.license or (facts.origin.license if facts.origin else None),
        origin=Path(project.model_path).name,
        original_sha256=project.model_sha256,
        device=facts.device if facts.run.goal.computer and facts.device is not None else device,
        original=variant_document(facts.baseline),
        variant=variant_document(variant),
        data=facts.data,
        limit_pct=run.goal.max_loss_pct,
        override_reason=override_of(variant, request),
        run_id=run.id,
        n_judged=variant.judgement.n if variant.judgement else None,
        chosen_from=facts.outcome.chosen_from if variant == facts.recommended else 0,
        hub_origin=facts.origin,
        license_verdict=facts.verdict,
        stress=facts.stress.get(variant.id),
        scores=judged.scores if judged else (),
        worst_slice=judged.worst_slice if judged else None,
        worst_slice_drop=judged.worst_slice_drop if judged else None,
        worst_slice_n=judged.slices[0].n if judged and judged.slices else None,
        worst_slice_judged=not judged or not judged.slices or judged.slices[0].judged,
        data_record=facts.record,
        load=card_load(facts.loads, facts.price, variant),
        elsewhere=variant.recipe.elsewhere,
        speed=speed_facts(variant, saved_objective(run)),
    )


def check_writable(out: Path) -> None:
    """Raise `JobError` at once if a file could not be written at the end."""
    folder = out.absolute().parent
    if len(os.fsencode(out.name)) > MAX_NAME_BYTES:
        detail = _("A file's name may have {0} bytes.").format(MAX_NAME_BYTES)
        raise Refused("name_too_long", "The name is too long", detail, "Choose a shorter one. Nothing was changed.")
    if not folder.is_dir():
        title, detail = mark("The folder is not there"), _("There is no folder {0}.").format(folder)
        raise Refused("no_folder", title, detail, "Create it, or choose another place.")
    if why_not_writable(folder) or out.is_dir():
        title, detail = mark("The file cannot be written there"), _("{0} cannot be written.").format(out)
        raise Refused("not_writable", title, detail, "Choose another place. Nothing was changed.")


def place(source: Path, out: Path, stopped: Stopped = never) -> None:
    """Copy to a file next to `out`, sync, and rename it; raises `JobError`, or InterruptedError when `stopped`."""
    partial = out.with_name(f".fettle-{uuid.uuid4().hex[:12]}.part")
    try:
        with partial.open("wb") as write:
            write.writelines(pieces(source, stopped))
        move_synced(partial, out)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, InterruptedError):
            raise
        if error.errno in NO_ROOM:
            hint, needed_bytes = mark("Make room there or choose another place, then try again."), source.stat().st_size
            full = DiskFull(
                out.absolute().parent, needed_bytes=needed_bytes, safe=mark("The old file is as it was."), hint=hint
            )
            raise JobError(full.info(), 3) from error
        raise Refused(
            "not_written",
            "The file could not be written",
            f"{out}: {error.strerror or error}.",
            "Put that right or choose another place, then try again. The old file is as it was.",
        ) from error
