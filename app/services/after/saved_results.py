"""Save the result of a run as a signed file, and show results of other computers beside a project's own.

A result from elsewhere is somebody's claim. It is stored as a record of the project and changes no verdict.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.domain.saved_result import (
    MOST_BYTES,
    MOST_VERSIONS,
    BadResult,
    Recipe,
    ResultFile,
    SavedFigures,
    SavedMachine,
    SavedResult,
    SavedStep,
    SavedVerdict,
    SavedVersion,
    Signer,
    parse,
    signed_bytes,
    validated,
)
from app.domain.variant import Variant
from app.files import write_whole
from app.persistence import Repositories
from app.services.after.watching import made_with
from app.services.flow.steps import JobError, Refused
from app.services.flow.workspace import Workspace
from app.services.records.documents import verdict
from app.services.records.facts import RunFacts
from app.services.records.run_records import MACHINE
from app.signing_key import fingerprint, make_own_key, own_key, public_pem, sign, signer_of
from workers.contracts.base import Frozen
from workers.contracts.folder import read_model
from workers.contracts.specs import DeviceFacts
from workers.contracts.translation import _, mark

MEDIA_TYPE = "application/vnd.fettle.result+json"
ENGINES = frozenset(
    ("fettle", "onnxruntime", "onnxruntime-gpu", "onnxruntime-genai", "openvino", "nncf", "torch", "tensorrt",
     "tensorrt-rtx", "nvidia-cudnn-cu13")
)  # fmt: skip
MOST_RESULTS, MOST_SIGNERS = 50, 500
SIGNERS_KEY = "result-signers"
_ID = re.compile(r"[\w.+-]{0,64}")


class Signers(Frozen):
    """Fingerprints of the keys that the person accepted, oldest first."""

    fingerprints: tuple[str, ...] = ()


class OpenedResult(Frozen):
    """A result from a file whose signature was checked; `signed_by` is the fingerprint of its key, "" without one."""

    result: SavedResult
    signed_by: str = ""


RESULT = RecordKind("result", Owner.PROJECT, OpenedResult)
"""Kind of the record; its item is the digest of the signed content."""


@dataclass(frozen=True)
class ShownResult:
    """One result from elsewhere with what this computer knows about it; `is_like` is None without an own machine."""

    item: str
    opened: OpenedResult
    signer: Signer
    is_like: bool | None


def saved_result(space: Workspace, facts: RunFacts) -> SavedResult:
    """Return the result of a run for a file; raise `JobError` (exit code 3) if its computer is not recorded."""
    run, device = facts.run, space.repositories.records.get(MACHINE, facts.run.id)
    if device is None or not facts.baseline.is_measured:
        raise Refused(
            "result_not_measured",
            "This run has no result to save",
            "It has no measurement, or an older program version made it and did not record the computer.",
            "Measure again, then save the result.",
        )
    made = [one for one in facts.made if one.is_measured][:MOST_VERSIONS]  # the recommended one comes first
    engines = made_with(space, facts.baseline.answers_key or "")
    return SavedResult(
        model_sha256=facts.project.model_sha256,
        machine=_machine(device),
        engines={name: engines[name] for name in sorted(ENGINES & engines.keys()) if _ID.fullmatch(engines[name])},
        original=_version(facts, facts.baseline),
        versions=tuple(_version(facts, one) for one in made),
        recommended=0 if made and made[0].id == run.recommended_variant_id else None,
        limit_pct=run.goal.max_loss_pct,
        measured_on=(run.finished_at or run.created_at).astimezone(UTC).date(),
    )


def save_result(space: Workspace, facts: RunFacts, out: Path, key: Path | None = None) -> str:
    """Write the signed result of a run and return the fingerprint of `key`, by default this installation's.

    Raises:
        JobError: the run has no result, the key cannot sign, or the file cannot be written (exit code 3).
        DataFolderUnusable: this installation's key cannot be created.
    """
    key = key or make_own_key(space.paths)
    try:
        result = saved_result(space, facts)
    except ValidationError as error:  # a figure is beyond the limits of the format
        raise _refusal(BadResult("figures", f"{error.errors()[0]['loc']}")) from error
    try:
        content = ResultFile(result=result, public_key=public_pem(key)).model_dump(mode="json")
        content["signature"] = sign(key, signed_bytes(content), MEDIA_TYPE)
    except (ValueError, OSError) as error:
        detail = _("The key {0} cannot be used: {1}.").format(key, error)
        hint = mark("Use a private key of an elliptic curve as PEM, without a password.")
        raise Refused("result_key_unusable", "The result was not saved", detail, hint) from error
    try:
        write_whole(out, (json.dumps(content, indent=1) + "\n").encode(), 0o644)
    except OSError as error:
        detail = _("{0} cannot be written: {1}.").format(out, error.strerror or error)
        raise Refused("result_not_saved", "The result was not saved", detail, "Choose another place.") from error
    return signer_of(content["public_key"], content["signature"], signed_bytes(content), MEDIA_TYPE)


def read_result(path: Path) -> tuple[str, OpenedResult]:
    """Return a result with its id after checks of size, form, signature and figures; raise `JobError` (exit code 3)."""
    try:
        if not path.is_file():  # a pipe would block
            raise FileNotFoundError(2, _("it is no file"))
        with path.open("rb") as file:
            content = parse(file.read(MOST_BYTES + 1))
        signed = signed_bytes(content)
        signature, key = (content.get(name) or "" for name in ("signature", "public_key"))
        signed_by = signer_of(str(key), str(signature), signed, MEDIA_TYPE) if signature or key else ""
        if (signature or key) and not signed_by:
            raise BadResult("changed")
        opened = OpenedResult(result=validated(content).result, signed_by=signed_by)
        return hashlib.sha256(signed).hexdigest(), opened
    except OSError as error:
        detail = _("{0} cannot be read: {1}.").format(path.name, error.strerror or error)
        raise Refused("result_unreadable", "The result was not opened", detail, "Choose another file.") from error
    except BadResult as error:
        raise _refusal(error) from error


def add_result(space: Workspace, project: Project | None, item: str, opened: OpenedResult) -> None:
    """Store a result with the project of its model; raise `JobError` (exit code 3) if it is about another model."""
    repositories, model = space.repositories, opened.result.model_sha256
    if project is None or project.model_sha256 != model:
        names = [one.name for one in repositories.projects.list() if one.model_sha256 == model]
        detail = _("Its model has the SHA-256 {0}….").format(model[:16])
        hint = mark("Open that model, then open the result again.")
        if names:
            hint = _("Open the project “{0}”, then open the result again.").format(names[0])
        raise Refused("result_other_model", "This result is about another model", detail, hint)
    known = repositories.records.items(RESULT, project.id)
    if item not in known and len(known) >= MOST_RESULTS:
        detail = _("A project holds at most {0} results of other computers.").format(MOST_RESULTS)
        raise Refused("result_too_many", "The result was not added", detail, "Remove one of them first.")
    with space.writing():
        repositories.records.put(RESULT, project.id, opened, item)


def remove_result(space: Workspace, project_id: str, item: str) -> None:
    """Remove a result of another computer from a project; a missing one is ignored."""
    with space.writing():
        space.repositories.records.delete(RESULT, project_id, item)


def shown_results(space: Workspace, facts: RunFacts) -> tuple[ShownResult, ...]:
    """Return the results of other computers for the model of a run, the newest first."""
    device = space.repositories.records.get(MACHINE, facts.run.id)
    own = _machine(device) if device is not None else None
    known = space.repositories.records.items(RESULT, facts.project.id)
    rows = [
        ShownResult(
            item, one, signer(space, one.signed_by), one.result.machine.is_like(own) if own is not None else None
        )
        for item, one in known.items()
        if one.result.model_sha256 == facts.project.model_sha256
    ]
    return tuple(sorted(rows, key=lambda row: row.opened.result.measured_on, reverse=True))


def own_machine(space: Workspace, model_sha256: str) -> SavedMachine | None:
    """Return the computer of the newest run of a model here, None without one."""
    repositories = space.repositories
    projects = {one.id for one in repositories.projects.list() if one.model_sha256 == model_sha256}
    runs = {run.id: run for run in repositories.runs.list() if run.project_id in projects}
    machines = repositories.records.by_owner(MACHINE, runs)
    newest = max(machines, key=lambda run_id: runs[run_id].created_at, default=None)
    return None if newest is None else _machine(machines[newest])


def signer(space: Workspace, signed_by: str) -> Signer:
    """Return what is known about the key of a result."""
    if not signed_by:
        return Signer.NONE
    if signed_by == fingerprint(own_key(space.paths)):
        return Signer.OWN
    return Signer.KNOWN if signed_by in _accepted(space.repositories).fingerprints else Signer.NEW


def accept_signer(space: Workspace, signed_by: str, is_accepted: bool = True) -> None:
    """Remember the key of a result, which the person checked, for results that come later; or forget it."""
    known = [one for one in _accepted(space.repositories).fingerprints if one != signed_by]
    signers = Signers(fingerprints=(*known, *([signed_by] if is_accepted else []))[-MOST_SIGNERS:])
    with space.writing():
        space.repositories.settings.put(SIGNERS_KEY, signers.model_dump(mode="json"))


def own_recipes(facts: RunFacts) -> dict[Recipe, Variant]:
    """Return the measured versions of a run by what versions of other computers can have in common with them."""
    return {_version(facts, one).recipe: one for one in facts.variants if one.is_measured}


def _accepted(repositories: Repositories) -> Signers:
    return repositories.settings.read(SIGNERS_KEY, Signers) or Signers()


def _refusal(error: BadResult) -> Refused:
    """Return the error for people about a file that is no valid result."""
    if error.flaw == "changed":
        detail = mark("Its signature does not match: somebody changed it after it was signed, or it was damaged.")
        hint = mark("Believe none of its figures. Get the file again from the person who saved it.")
        return Refused("result_changed", "This result was changed", detail, hint)
    if error.flaw == "format":
        detail = _("Its format is {0!r}.").format(error.detail)
        hint = mark("Install the newest Fettle, or have the result saved again with this version.")
        return Refused("result_other_format", "This result has another format", detail, hint)
    if error.flaw == "figures":
        detail = _("A field is missing, unknown or impossible ({0}).").format(error.detail)
        return Refused("result_figures", "This result has impossible figures", detail, "Get the file again.")
    detail = _("It is not a file that “Save result” wrote ({0}).").format(error.detail)
    return Refused("result_unreadable", "The result was not opened", detail, "Choose another file.")


def _machine(device: DeviceFacts) -> SavedMachine:
    return SavedMachine(
        processor=_plain(device.processor),
        features=tuple(filter(_ID.fullmatch, device.features))[:64],
        cores=device.cores,
        memory_bytes=device.memory_bytes,
        cards=tuple(map(_plain, device.gpus))[:64],
    )


def _plain(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:120]


def _version(facts: RunFacts, variant: Variant) -> SavedVersion:
    measured, judged = variant.measurement, variant.judgement
    figures: dict[str, Any] = {
        name: getattr(measured, name) or None for name in SavedFigures.model_fields if hasattr(measured, name)
    }
    in_turn = variant.is_side_by_side and not variant.is_baseline
    has_interval = in_turn and not measured.under_load
    figures |= {
        "speedup": measured.shown_speedup if in_turn else None,
        "speedup_low": measured.speedup_low if has_interval else None,
        "speedup_high": measured.speedup_high if has_interval else None,
        "n": measured.n,
        "sets": measured.sets,
        "under_load": bool(measured.under_load),
        "tokens_per_s": facts.speech[variant.id].tokens_per_s if variant.id in facts.speech else None,
    }
    bounds: dict[str, Any] = {}
    if judged is not None:
        names = ("task", "n", "changed_high", "level", "accuracy", "accuracy_low", "accuracy_high")
        bounds = {name: getattr(judged, name) for name in names} | {"changed": judged.changed_count}
        bounds |= {"loss": judged.drop, "loss_low": judged.drop_low, "loss_high": judged.drop_high}
    return SavedVersion(
        sha256=_digest(facts, variant),
        size_bytes=variant.size_bytes,
        runtime=variant.runtime,
        precision=variant.precision,
        steps=tuple(
            SavedStep(technique=step.technique, version=step.version, params=_settings(step.params))
            for step in variant.recipe.steps
        ),
        made_elsewhere=variant.recipe.elsewhere is not None,
        figures=SavedFigures(**figures),
        verdict=SavedVerdict.model_validate({"verdict": verdict(variant), **bounds}),
    )


def _digest(facts: RunFacts, variant: Variant) -> str | None:
    """Return the SHA-256 of a model's file, or of the names and digests of several; None if they are gone."""
    try:
        files = read_model(facts.model_dir(variant)).artifact.files
    except (OSError, ValueError, JobError):
        return None
    if len(files) == 1:
        return files[0].sha256
    lines = sorted(f"{file.path}\0{file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _settings(params: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return parameters that are numbers, switches and choices; paths and names of parts of a model are left out."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        plain = all(
            isinstance(one, (bool, int, float)) or (isinstance(one, str) and _ID.fullmatch(one)) for one in parts
        )
        if plain and len(parts) <= 64 and _ID.fullmatch(name):
            found[name] = tuple(parts) if isinstance(value, (list, tuple)) else value
    return found
