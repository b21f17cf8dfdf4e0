"""Run the job ``stress``: evaluate the original and one version on the same difficult inputs."""

import time
from dataclasses import dataclass, field

import numpy as np

from workers.contracts.after.stress import AttackRow, StressParams, StressResult
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.evaluate.stress.attack.attacks import Budget, attack_both
from workers.evaluate.stress.backdoor.backdoors import look_for_triggers
from workers.evaluate.stress.backdoor.poison import look_for_poison
from workers.evaluate.stress.changes import Asking, StressedExamples
from workers.evaluate.stress.registry import planned
from workers.evaluate.stress.samples import PictureSamples, Samples, read_items, samples_for
from workers.evaluate.stress.unfamiliar import unfamiliar_rows
from workers.evaluate.stress.verdicts import cell_of, headline, judged, row_of
from workers.evaluate.stress.versions import Version, open_version

CHANGES_UNTIL, UNFAMILIAR_UNTIL, SQUARE_UNTIL, PGD_UNTIL = 0.55, 0.65, 0.75, 0.82
"""Share of the time by which each part ends; triggers have the rest."""


@dataclass
class Clock:
    """The time limit of one job."""

    max_seconds: float
    started_s: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started_s

    def left(self, share: float = 1.0) -> float:
        """Return the seconds until this share of the time is used up."""
        return share * self.max_seconds - self.spent_s


def stress_model(params: StressParams, ctx: JobContext) -> StressResult:
    """Run all parts of the stress test.

    Raises:
        InputRefused: If there is nothing to change, or if a model fails.
    """
    clock = Clock(params.max_seconds)
    ctx.progress("Opening both versions", 0, 1)
    old = open_version(params.original_dir, params.original_runtime, dict(params.original_settings), ctx.threads)
    try:
        new = open_version(params.variant_dir, params.variant_runtime, dict(params.variant_settings), ctx.threads)
        try:
            return _stressed(params, ctx, clock, old, new)
        finally:
            new.close()
    finally:
        old.close()


def _stressed(params: StressParams, ctx: JobContext, clock: Clock, old: Version, new: Version) -> StressResult:
    items = read_items(params, old.pipeline)
    samples = samples_for(old.pipeline, items)
    plan = planned(samples.takes, params.full, color=getattr(old.pipeline.spec.preprocess, "channels", "") != "gray")
    poison = look_for_poison(params, old.pipeline, ctx)
    changed = Asking(old, new, samples, ctx, lambda: clock.left(CHANGES_UNTIL)).run(items, plan)
    if not changed.items:
        raise InputRefused(
            "nothing_to_score",
            "None of the examples could be changed and scored",
            f"{len(items):,} examples were tried; {changed.unreadable:,} of them cannot be read any more.",
            "Put the examples back where they were, or optimize again with others.",
        )
    unfamiliar = unfamiliar_rows(old, new, samples, changed, ctx, lambda: clock.left(UNFAMILIAR_UNTIL))
    attacks = _attacks(params, ctx, clock, old, new, samples, changed)
    triggers = None
    if params.look_for_triggers:
        triggers = look_for_triggers(old, new, samples, changed, poison.triggers, ctx, clock.left)
    clean = cell_of(0, "", np.asarray(changed.clean, np.float64))
    rows = [
        row_of(stress, severities, changed.pairs(stress, severities), changed.pictures.get(stress.id))
        for stress, severities in plan
    ]
    clean, done = judged(clean, rows, {stress.id: stress.scene for stress, _ in plan}, changed.measure)
    unused = len(items) - len(changed.items) - changed.unreadable if changed.stopped_early else 0
    told = headline(clean, done, len(changed.items), unused, changed.measure)
    if triggers is not None and triggers.danger:
        told = triggers.words
    return StressResult(
        rule=2,
        measure=changed.measure,
        full=params.full,
        n_items=len(items),
        n_answered=len(changed.items),
        seconds=clock.spent_s,
        stopped_early=changed.stopped_early,
        headline=told,
        clean=clean,
        rows=tuple(done),
        unfamiliar=unfamiliar,
        attacks=attacks,
        triggers=triggers,
        poison=poison.findings,
        poison_scope=poison.scope,
        notes=_notes(changed, samples, len(items), params),
        picture=changed.pictures.get("clean"),
    )


def _attacks(
    params: StressParams,
    ctx: JobContext,
    clock: Clock,
    old: Version,
    new: Version,
    samples: Samples,
    changed: StressedExamples,
) -> tuple[AttackRow, ...]:
    if not params.attack_items:
        return ()
    budget = Budget(
        params.attack_eps, params.attack_queries, params.attack_items, params.attack_restarts, clock.left,
        SQUARE_UNTIL, PGD_UNTIL,
    )  # fmt: skip
    return attack_both(old, new, samples, changed, budget, ctx)


def _notes(changed: StressedExamples, samples: Samples, total: int, params: StressParams) -> tuple[str, ...]:
    notes = []
    if changed.stopped_early:
        notes.append(
            f"{len(changed.items):,} of {total:,} examples were used: more did not fit into {params.max_seconds:.0f} s."
        )
    if changed.unreadable:
        notes.append(f"{changed.unreadable:,} examples could not be read any more and were left out.")
    if isinstance(samples, PictureSamples) and samples.redrawn:
        notes.append(
            f"{samples.redrawn:,} pictures are not where they were; they were drawn from what the model got of them."
        )
    if changed.measure == "agreement":
        notes.append("There are no labels: right is what the original answers to the unchanged input.")
    if changed.measure == "similarity":
        notes.append("The model gives no classes: right is an answer like the original's to the same changed input.")
    return tuple(notes)
