"""Read everything that is stored about one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.domain.outcome import Outcome, SearchEnd
from app.domain.project import Project
from app.domain.run import Run
from app.domain.variant import Variant
from app.persistence.repositories import NotFound, Repositories
from app.services.data.record import read_record
from app.services.flow.background import Stopped
from app.services.flow.steps import Refused
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import origin_of
from app.services.records.after_run import (
    PHONE,
    LoadRecord,
    PhoneRecord,
    Price,
    Proof,
    data_with,
    read_load,
    read_price,
    read_proof,
    read_stress,
)
from app.services.records.measured import CARD, SPEECH, SpeechRecord
from app.services.records.run_records import MACHINE, outcome_of_run, read_end, read_findings
from workers.contracts.after.stress import StressResult
from workers.contracts.data.record import DataRecord
from workers.contracts.hub import Origin
from workers.contracts.jobs import DataResult
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.specs import DeviceFacts, Finding
from workers.contracts.translation import _, joined, mark

NOTHING_ADDED = Proof()
NOTHING_KEPT = SearchEnd()
SEE_JOBS = mark("See 'fettle jobs' for the runs that there are.")


@dataclass(frozen=True)
class RunFacts:
    """All stored facts of one run; read for one use case or page.

    `original_dir` and `data_dir` are folders of the store. `first_data` is the run's first test data, `proof` what was
    added since, and `data` covers both. `stress` has findings under stress by version id. `record` is the person's
    record of the examples. `loads` has measurements under load, `speech` and `cards` a language model's
    speed and the GPU's figures, by version id. `price` is the person's price per hour. `search` is the search's stored
    state, and `findings` concern the model and its examples. `device` is the computer that measured. `phones` has what
    browsers measured by version id. `origin` is the model's place on a hub, None for a person's own model. `verdict` is
    what the model's license permits, by the hub or its own files.
    """

    project: Project
    run: Run
    variants: tuple[Variant, ...]
    original_dir: Path
    data_dir: Path
    store_root: Path
    data: DataResult | None = None
    origin: Origin | None = None
    verdict: LicenseVerdict | None = None
    first_data: DataResult | None = None
    proof: Proof = NOTHING_ADDED
    stress: Mapping[str, StressResult] = field(default_factory=dict)
    record: DataRecord | None = None
    loads: Mapping[str, LoadRecord] = field(default_factory=dict)
    price: Price | None = None
    search: SearchEnd = NOTHING_KEPT
    speech: Mapping[str, SpeechRecord] = field(default_factory=dict)
    cards: Mapping[str, CardFigures] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    device: DeviceFacts | None = None
    phones: Mapping[str, PhoneRecord] = field(default_factory=dict)

    @property
    def baseline(self) -> Variant:
        """Return the original."""
        return next(variant for variant in self.variants if variant.is_baseline)

    @property
    def judged_other(self) -> Variant | None:
        """Return the only other model of a run that judged a model made elsewhere, None for an optimization."""
        others = [variant for variant in self.variants if not variant.is_baseline]
        return others[0] if len(others) == 1 and others[0].recipe.elsewhere is not None else None

    @property
    def outcome(self) -> Outcome:
        """Return how the run ended."""
        return outcome_of_run(self.run, self.variants, self.search)

    @property
    def made(self) -> list[Variant]:
        """Return the versions with a model, judged or not: the recommended one first, then in order of trial."""
        versions = [v for v in self.variants if not v.is_baseline and v.state != "dropped" and v.artifact_key]
        return sorted(versions, key=lambda variant: (variant.id != self.run.recommended_variant_id, variant.index))

    @property
    def recommended(self) -> Variant | None:
        """Return the recommended version, None without one."""
        return self.variant(self.run.recommended_variant_id)

    def variant(self, variant_id: str | None) -> Variant | None:
        """Return the version with this id, None without one."""
        return next((variant for variant in self.variants if variant.id == variant_id), None)

    def model_dir(self, variant: Variant) -> Path:
        """Return the folder of a variant's model; raise `JobError` (exit code 3) if it could not be made."""
        if variant.recipe.runs_original_files:
            return self.original_dir
        key = variant.artifact_key
        if key is None:
            dropped = _("“{0}” was dropped before there was a model.").format(_(variant.title))
            raise Refused(
                "variant_not_made",
                "This version could not be made",
                joined([dropped, next(iter(variant.notes), "")]),
                "Take another one.",
                "fettle compare lists them.",
            )
        return self.store_root / key[:2] / key / "model"


def stored_run(repositories: Repositories, run_id: str) -> tuple[Run, Project]:
    """Return a run and its project; raise `JobError` (exit code 3) if the run is unknown."""
    try:
        run = repositories.runs.get(run_id)
        return run, repositories.projects.get(run.project_id)
    except NotFound as error:
        detail = _("Nothing is stored under {0!r}.").format(run_id)
        raise Refused("unknown_run", "There is no such run", detail, SEE_JOBS) from error


def read_facts(workspace: Workspace, run_id: str) -> RunFacts:
    """Return the facts of a run; raise `JobError` (exit code 3) if it is unknown or has no measurement yet."""
    repositories = workspace.repositories
    run, project = stored_run(repositories, run_id)
    variants = tuple(sorted(repositories.variants.list(run_id=run_id), key=lambda variant: variant.index))
    baseline = next((variant for variant in variants if variant.is_baseline), None)
    if baseline is None or baseline.artifact_key is None or run.data_key is None:
        detail = _("The run {0} is {1}.").format(run_id, run.state.value.replace("_", " "))
        raise Refused("run_empty", "This run has measured nothing yet", detail, SEE_JOBS)
    artifacts = workspace.artifacts
    data, opened = artifacts.peek(run.data_key), artifacts.peek(baseline.artifact_key)
    origin = origin_of(workspace, project)
    first_data = DataResult.model_validate(data.result) if data is not None else None
    proof = read_proof(repositories, run_id)
    return RunFacts(
        project,
        run,
        variants,
        artifacts.folder(baseline.artifact_key) / "model",
        artifacts.folder(run.data_key) / "data",
        artifacts.root,
        data_with(first_data, proof),
        origin,
        origin.verdict if origin is not None else _verdict_in(opened.result if opened is not None else {}),
        first_data,
        proof,
        read_stress(repositories, artifacts, [variant.id for variant in variants]),
        _record_of(workspace, project),
        read_load(repositories, run_id),
        read_price(repositories),
        read_end(repositories, run_id),
        repositories.records.by_owner(SPEECH, [variant.id for variant in variants]),
        repositories.records.by_owner(CARD, [variant.id for variant in variants]),
        read_findings(repositories, run_id),
        repositories.records.get(MACHINE, run_id),
        repositories.records.by_owner(PHONE, [variant.id for variant in variants]),
    )


def _record_of(workspace: Workspace, project: Project) -> DataRecord | None:
    """Return the person's record of the project's examples, None if it is empty."""
    record = read_record(workspace.repositories, project.id, project.data_path)
    return None if record.is_empty else record


def _verdict_in(result: Mapping[str, Any]) -> LicenseVerdict | None:
    """Return the license verdict by the model's files, None if an older program version opened it."""
    try:
        return LicenseVerdict.model_validate(result.get("verdict"))
    except ValidationError:
        return None


def check_stored(
    workspace: Workspace, facts: RunFacts, variant: Variant, *, contents: bool = True, stopped: Stopped = lambda: False
) -> None:
    """Check that a run's stored files are those that were measured; raise `JobError` (exit code 3) if not.

    With `contents` False only existence and size are checked. Otherwise large files take a while (see `DiskStep`).
    """
    find = partial(workspace.artifacts.get, stopped=stopped) if contents else workspace.artifacts.peek
    keys = (facts.baseline.artifact_key, facts.run.data_key, variant.artifact_key)
    if any(key is not None and find(key) is None for key in keys):
        raise Refused(
            "store_damaged",
            "Files of this run are gone",
            "Something in the data folder was removed or changed since; what is damaged is neither run nor exported.",
            "Optimize the model again; it takes what is still there from the store.",
        )
