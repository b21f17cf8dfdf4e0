"""Run the job ``stress``: evaluate the original and one version on the same difficult inputs."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

import numpy as np

from workers.contracts.after.stress import StressParams, StressResult
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, ngettext
from workers.contracts.wording import counted
from workers.evaluate.stress.attack.attacks import attack_both
from workers.evaluate.stress.backdoor.backdoors import look_for_triggers
from workers.evaluate.stress.backdoor.poison import look_for_poison
from workers.evaluate.stress.changes import StressedExamples, evaluate_changes, planned
from workers.evaluate.stress.paired import compare
from workers.evaluate.stress.samples import PictureSamples, SampledExamples, Samples, read_items, samples_for
from workers.evaluate.stress.unfamiliar import unfamiliar_rows
from workers.evaluate.stress.verdicts import headline, judged, row_of
from workers.evaluate.stress.versions import Comparison, open_version


def stress_model(params: StressParams, ctx: JobContext) -> StressResult:
    """Run all parts of the stress test.

    Raises:
        InputRefused: If there is nothing to change, or if a model fails.
    """
    started_s = time.monotonic()
    ctx.progress("Opening both versions", 0, 1)
    versions = (
        (params.original_dir, params.original_runtime, params.original_settings),
        (params.variant_dir, params.variant_runtime, params.variant_settings),
    )
    with ExitStack() as stack:
        old, new = (
            stack.enter_context(closing(open_version(folder, runtime, dict(settings), ctx.threads)))
            for folder, runtime, settings in versions
        )
        items = read_items(params, old.pipeline)

        def remaining_s(share: float) -> float:
            return share * params.max_seconds - (time.monotonic() - started_s)

        both = Comparison(old, new, samples_for(old.pipeline, items), ctx, remaining_s)
        return _stressed(params, both, items)


def _stressed(params: StressParams, both: Comparison, items: Sequence[SampledExamples]) -> StressResult:
    pipeline, samples = both.old.pipeline, both.samples
    plan = planned(samples.takes, params.full, color=getattr(pipeline.spec.preprocess, "channels", "") != "gray")
    poison, scope, planted = look_for_poison(params, pipeline, both.ctx)
    changed = evaluate_changes(both, items, plan)
    if not changed.items:
        raise InputRefused(
            "nothing_to_score",
            "None of the examples could be changed and scored",
            _("{0} were tried; {1:,} of them cannot be read any more.").format(
                counted(len(items), "example"), changed.unreadable
            ),
            "Put the examples back where they were, or optimize again with others.",
        )
    unfamiliar = unfamiliar_rows(both, changed)
    attacks = attack_both(both, changed, params) if params.attack_items else ()
    triggers = look_for_triggers(both, changed, planted) if params.look_for_triggers else None
    clean = compare(np.asarray(changed.clean, np.float64))
    rows = [
        row_of(stress, severities, changed.pairs(stress, severities), changed.pictures.get(stress.id))
        for stress, severities in plan
    ]
    clean, done = judged(clean, rows, {stress.id: stress.scene for stress, _ in plan}, changed.measure)
    unused = len(items) - len(changed.items) - changed.unreadable if changed.stopped_early else 0
    report = headline(clean, done, len(changed.items), unused, changed.measure)
    if triggers is not None and triggers.danger:
        report = triggers.words
    return StressResult(
        measure=changed.measure, full=params.full, n_items=len(items), n_answered=len(changed.items),
        seconds=params.max_seconds - both.remaining_s(1.0),
        stopped_early=changed.stopped_early, headline=report, clean=clean, rows=tuple(done), unfamiliar=unfamiliar,
        attacks=attacks, triggers=triggers, poison=poison, poison_scope=scope,
        notes=_notes(changed, samples, len(items), params), picture=changed.pictures.get("clean"), rule=2,
    )  # fmt: skip


def _notes(changed: StressedExamples, samples: Samples, total: int, params: StressParams) -> tuple[str, ...]:
    notes = []
    if changed.stopped_early:
        notes.append(
            _("{0:,} of {1:,} examples were used: more did not fit into {2:.0f} s.").format(
                len(changed.items), total, params.max_seconds
            )
        )
    if changed.unreadable:
        text = ngettext(
            "{0:,} example could not be read any more and was left out.",
            "{0:,} examples could not be read any more and were left out.",
            changed.unreadable,
        )
        notes.append(text.format(changed.unreadable))
    if isinstance(samples, PictureSamples) and samples.redrawn:
        text = ngettext(
            "{0:,} picture is not where it was; it was drawn from what the model got of it.",
            "{0:,} pictures are not where they were; they were drawn from what the model got of them.",
            samples.redrawn,
        )
        notes.append(text.format(samples.redrawn))
    if changed.measure == "agreement":
        notes.append(_("There are no labels: right is what the original answers to the unchanged input."))
    if changed.measure == "similarity":
        notes.append(_("The model gives no classes: right is an answer like the original's to the same changed input."))
    return tuple(notes)
