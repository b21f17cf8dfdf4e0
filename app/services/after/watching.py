"""Judge each new result against the last export, on the project's first test set.

A project pins the test set of its first result. When a run ends, its version (the recommended one, else the original)
is judged on that set. It is compared with the version that was exported last, or else with the last earlier result. The
result is stored with the run.
"""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.domain.record import Moment, Owner, RecordKind
from app.domain.run import WITH_RESULT, Run
from app.domain.variant import Variant
from app.persistence import Repositories
from app.persistence.repositories import NotFound
from app.services.flow.steps import Flow, FlowCancelled, JobError, Refused
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts
from app.services.run.version_steps import judge, predict, prediction_pair, stored_version, threads_of
from workers.contracts.base import Frozen
from workers.contracts.specs import Judgement
from workers.contracts.text import Text
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import day

log = logging.getLogger(__name__)


class Pinned(Frozen):
    """The test set of a project's first result; `model_key` is the opened model that its inputs were made for."""

    run_id: str
    data_key: str
    model_key: str
    sha256: str
    n_test: int
    seed: int


class ReleaseChange(Frozen):
    """A library whose version changed since the older version's predictions; "" if it was not installed."""

    name: str
    before: str
    after: str


class Figures(Frozen):
    """Figures of a released version: times in ms, sizes in bytes, accuracy from 0 to 1; None if not measured."""

    latency_p50_ms: float | None = None
    throughput_per_s: float | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    accuracy: float | None = None


class Change(Frozen):
    """Changes of predictions from one version to another; `judgement` is None if `reason` says why it failed.

    `keys` are the store's keys of the examples, and of the predictions before and after. A release also names the
    release `against` which it was compared, with the figures of that one. `in_turn` is true if both were measured side
    by side in one run.
    """

    against: int = 0
    before: Figures = Figures()
    judgement: Judgement | None = None
    reason: Text = ""
    libraries: tuple[ReleaseChange, ...] = ()
    in_turn: bool = False
    keys: tuple[str, str, str] = ("", "", "")


class Watched(Frozen):
    """Comparison of one result with the previous one; `judgement` is None if `reason` says why it failed."""

    variant_id: str
    other_run_id: str
    other_variant_id: str
    other_title: str
    other_at: Moment
    is_export: bool
    judgement: Judgement | None = None
    reason: Text = ""
    libraries: tuple[ReleaseChange, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Return whether labels prove a loss, or it exceeds the limit; without labels a change alone is no loss."""
        judged = self.judgement
        if judged is None:
            return False
        proven = judged.labelled and (judged.drop_low or 0.0) > 0
        return proven or judged.verdict == "regressed" or (judged.drop or 0.0) > judged.margin


WATCHED = RecordKind("watched", Owner.RUN, Watched)
PINNED = RecordKind("pinned", Owner.PROJECT, Pinned)


VersionOfRun = tuple[RunFacts, Variant]
"""A version with predictions, and the stored facts of its run."""


def read_watched(repositories: Repositories, run_id: str) -> Watched | None:
    """Return the comparison made when this run ended, None if there was nothing to compare with."""
    return repositories.records.get(WATCHED, run_id)


def read_pinned(repositories: Repositories, project_id: str) -> Pinned | None:
    """Return the project's test set, None before its first result with a person's own examples."""
    return repositories.records.get(PINNED, project_id)


def then_watched(space: Workspace, flow: Flow[Run]) -> Flow[Run]:
    """Execute a run and then the comparison; the result of the run is kept even if the comparison fails."""
    run = yield from flow
    try:
        yield from watch(space, run)
    except (JobError, FlowCancelled) as error:
        log.info("the result of %s was not compared with the one before: %s", run.id, error)
    except Exception:  # a full disk, damaged files, or our own bug: the run is recorded all the same
        log.exception("the result of %s could not be compared with the one before", run.id)
    return run


def watch(space: Workspace, run: Run) -> Flow[Watched | None]:
    """Pin the test set if none is, then judge the run's result against the previous one; predictions are cached.

    Returns:
        The comparison; None if nothing came before, or if the original would only be compared with itself.
    """
    if run.state not in WITH_RESULT:
        return None
    facts = read_facts(space, run.id)
    pinned = _pin(space, facts)
    reference = _reference(space, facts) if pinned is not None else None
    if pinned is None or reference is None:
        return None
    before, at, is_export = reference
    other_facts, other = before
    variant = facts.recommended or facts.baseline
    change = yield from _change(space, pinned, before, (facts, variant))
    same_model = other_facts.baseline.artifact_key == facts.baseline.artifact_key
    is_original_again = same_model and other.is_baseline and variant.is_baseline
    if is_original_again and change.judgement and not change.judgement.changed_count:
        return None
    watched = Watched(
        variant_id=variant.id,
        other_run_id=other_facts.run.id,
        other_variant_id=other.id,
        other_title=other.title,
        other_at=at,
        is_export=is_export,
        judgement=change.judgement,
        reason=change.reason,
        libraries=change.libraries,
    )
    space.repositories.records.put(WATCHED, run.id, watched)
    return watched


def judged_change(space: Workspace, before: VersionOfRun, after: VersionOfRun) -> Flow[Change]:
    """Judge one version's predictions compared with another's, of any two runs of a project.

    The examples are the project's pinned test set, else those of the first run.
    """
    facts = before[0]
    pinned = read_pinned(space.repositories, facts.project.id)
    if pinned is None or space.artifacts.peek(pinned.data_key) is None:
        pinned = _pinned_of(facts)
    if pinned is None:
        return Change(reason="The examples of the version before are no longer known.")
    return (yield from _change(space, pinned, before, after, predicts=True))


def _change(
    space: Workspace, pinned: Pinned, before: VersionOfRun, after: VersionOfRun, *, predicts: bool = False
) -> Flow[Change]:
    """Judge two versions; `predicts` makes predictions that the store has lost."""
    try:
        first = yield from _answers(space, pinned, *before, predicts=predicts)
        second = yield from _answers(space, pinned, *after, predicts=predicts)
        judgement = yield from _judge(space, pinned, after[0], first, second)
    except JobError as error:
        return Change(reason=error.error.detail)
    except (OSError, ValueError) as error:
        log.warning("files that %s is compared with cannot be read: %s", after[0].run.id, error)
        return Change(reason="Its files, or those of the version before, cannot be read.")
    libraries = _changed(made_with(space, first), made_with(space, second))
    return Change(judgement=judgement, libraries=libraries, keys=(pinned.data_key, first, second))


def _pin(space: Workspace, facts: RunFacts) -> Pinned | None:
    """Return the project's test set; pin this run's if there is none or if its files are gone."""
    repositories = space.repositories
    pinned = read_pinned(repositories, facts.project.id)
    if pinned is not None and space.artifacts.peek(pinned.data_key) is not None:
        return pinned
    pinned = _pinned_of(facts)
    if pinned is None or facts.first_data is None or facts.first_data.origin == "made":
        return None
    repositories.records.put(PINNED, facts.project.id, pinned)
    return pinned


def _pinned_of(facts: RunFacts) -> Pinned | None:
    """Return a run's own test set, None if it is no longer known."""
    data, key, model = facts.first_data, facts.run.data_key, facts.baseline.artifact_key
    if data is None or key is None or model is None:
        return None
    seed = facts.run.goal.seed
    return Pinned(run_id=facts.run.id, data_key=key, model_key=model, sha256=data.sha256, n_test=data.n_test, seed=seed)


def _reference(space: Workspace, facts: RunFacts) -> tuple[VersionOfRun, datetime, bool] | None:
    """Return the version exported last (True), else the one of the previous result (False), with its time."""
    runs = {run.id: run for run in space.repositories.runs.list(project_id=facts.project.id)}
    exports = [
        record for run_id in runs if run_id != facts.run.id for record in space.repositories.exports.list(run_id)
    ]
    for record in sorted(exports, key=lambda record: record.created_at, reverse=True):
        version = _stored(space, record.run_id, record.variant_id)
        if version is not None:
            return version, record.created_at, True
    before = [run for run in runs.values() if run.state in WITH_RESULT and run.created_at < facts.run.created_at]
    for run in sorted(before, key=lambda run: run.created_at, reverse=True):
        version = _stored(space, run.id, run.recommended_variant_id or run.baseline_variant_id)
        if version is not None:
            return version, run.finished_at or run.created_at, False
    return None


def _stored(space: Workspace, run_id: str, variant_id: str | None) -> VersionOfRun | None:
    """Return a version whose predictions may still exist."""
    try:
        facts = read_facts(space, run_id)
    except JobError:
        return None
    variant = facts.variant(variant_id)
    return (facts, variant) if variant is not None and variant.answers_key else None


def _answers(space: Workspace, pinned: Pinned, facts: RunFacts, variant: Variant, *, predicts: bool) -> Flow[str]:
    """Return the key of a version's predictions for the pinned test set; predict if it has those of other examples."""
    data = facts.first_data
    known = (pinned.sha256, pinned.n_test, pinned.seed)
    same = data is not None and (data.sha256, data.n_test, facts.run.goal.seed) == known
    if facts.run.data_key == pinned.data_key or same:
        if variant.answers_key is not None and space.artifacts.peek(variant.answers_key) is not None:
            return variant.answers_key
        if not predicts:
            raise _not_judged(_("The answers of “{0}” are no longer in the store.").format(_(variant.title)))
    if facts.baseline.artifact_key != pinned.model_key:
        raise _not_judged(mark("The model and the examples were both others than those that the project began with."))
    data_dir = space.artifacts.folder(pinned.data_key) / "data"
    version = yield from predict(stored_version(facts, variant), data_dir, threads_of(facts))
    return str(version.variant.answers_key)


def _judge(space: Workspace, pinned: Pinned, facts: RunFacts, before: str, after: str) -> Flow[Judgement]:
    folder = space.artifacts.folder
    pair = prediction_pair(folder(pinned.data_key) / "data", folder(before), folder(after))
    return (yield from judge([pair], facts.run.goal.max_loss_pct, mark("Compare with the version before")))


def made_with(space: Workspace, key: str) -> dict[str, str]:
    """Return the library versions with which predictions were made, {} if that is unknown."""
    try:
        made_by = json.loads(space.repositories.artifacts.get(key).made_by_json)
        return {str(name): str(number) for name, number in made_by["versions"].items()}
    except (NotFound, KeyError, ValueError, AttributeError):
        return {}


def _changed(before: dict[str, str], after: dict[str, str]) -> tuple[ReleaseChange, ...]:
    if not before or not after:
        return ()
    # another program release may record more libraries, which then did not change
    names = sorted({*before, *after} if before.get("fettle") == after.get("fettle") else {*before} & {*after})
    return tuple(
        ReleaseChange(name=name, before=before.get(name, ""), after=after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    )


def _not_judged(why: str) -> JobError:
    return Refused("not_comparable", "It cannot be compared with the version before", why, "Nothing is lost.")


NOT_COMPARED = (
    mark("It could not be compared with the version of {0}."),
    mark("It could not be compared with the version exported on {0}."),
)
COMPARED = (mark("Compared with the version of {0}: {1}"), mark("Compared with the version exported on {0}: {1}"))
WORSE = (
    mark("It answers worse than the version of {0}: {1}"),
    mark("It answers worse than the version exported on {0}: {1}"),
)
DIFFERENT = (
    mark("Its answers differ, beyond your limit, from the version of {0}: {1}"),
    mark("Its answers differ, beyond your limit, from the version exported on {0}: {1}"),
)
"""Openings for a version of a run, and for an exported one."""


def watched_words(watched: Watched) -> str:
    """Return the comparison as text: "Compared with the version of 12 November 2025, 09:05: 2 of 180 …"."""
    when = joined([day(watched.other_at), f"{watched.other_at.astimezone():%H:%M}"], ", ")
    judged = watched.judgement
    if judged is None:
        return joined([_(NOT_COMPARED[watched.is_export]).format(when), _(watched.reason)])
    opening = COMPARED
    if watched.is_worse:
        opening = WORSE if judged.labelled else DIFFERENT
    text = _(opening[watched.is_export]).format(when, difference_words(judged))
    return joined([text, libraries_words(watched.libraries) if watched.is_worse or judged.changed_count else ""])


def libraries_words(libraries: Sequence[ReleaseChange]) -> str:
    """Return a further sentence that names the first changed libraries, "" without any."""
    none = _("none")
    report = [_("{0} {1} → {2}").format(one.name, one.before or none, one.after or none) for one in libraries[:3]]
    return _("Libraries have changed since: {0}.").format(joined(report, ", ")) if report else ""


def difference_words(judged: Judgement) -> str:
    """Return the difference as text: "2 of 180 answers differ, none worse."."""
    if not judged.changed_count:
        return _("all {0:,} answers are the same.").format(judged.n)
    if not judged.labelled:
        return _("{0:,} of {1:,} answers differ.").format(judged.changed_count, judged.n)
    worse = round((judged.negative_flips or 0.0) * judged.n_drop)
    text = _("{0:,} of {1:,} answers differ, {2:,} for the worse.")
    if not worse:
        text = _("{0:,} of {1:,} answers differ, none worse.")
    return text.format(judged.changed_count, judged.n, worse)


def judged_document(judged: Judgement | None) -> dict[str, Any]:
    """Return the figures of a comparison of two versions; None if it failed."""
    return {
        "verdict": judged.verdict if judged is not None else "unmeasured",
        "n": judged.n if judged is not None else 0,
        "changed": judged.changed_count if judged is not None else None,
        "agreement": judged.agreement if judged is not None else None,
        "drop": judged.drop if judged is not None else None,
    }


def watched_document(watched: Watched | None) -> dict[str, Any] | None:
    """Return the comparison as `fettle compare` prints it; changed items are counted, not listed."""
    if watched is None:
        return None
    judged = watched.judgement
    return {
        "against": {
            "run_id": watched.other_run_id,
            "variant": watched.other_variant_id,
            "at": watched.other_at.isoformat(),
            "exported": watched.is_export,
        },
        "variant": watched.variant_id,
        **judged_document(judged),
        "negative_flips": judged.negative_flips if judged is not None else None,
        "worse": watched.is_worse,
        "libraries": [one.model_dump() for one in watched.libraries],
        "text": watched_words(watched),
    }
