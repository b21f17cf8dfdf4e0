"""Judge models that give several labels at once: the set of labels over the threshold, and every single score."""

from typing import Literal

import numpy as np

from workers.contracts.translation import _, mark
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Flags, Floats, Loss, Part, ProofTask
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.pairs import to_shares
from workers.evaluate.proof.stats import bootstrap_sums
from workers.pipeline.alike.shares import THRESHOLD, unlike_labels


def compare(case: Case) -> Differences:
    """Return the differences of two taggers.

    Items are those where either gives a label or a score moved. Otherwise a blind tagger would change nothing among
    1,000 texts without any label. If labels are known, micro F1 has to hold as well (paired bootstrap over items).
    """
    old, new = label_shares(case, "old"), label_shares(case, "new")
    unlike = unlike_labels(old, new)
    in_old, in_new = old >= THRESHOLD, new >= THRESHOLD
    counts = np.asarray((in_old | in_new | unlike).any(axis=1), np.bool_)
    changed = np.asarray(unlike.any(axis=1), np.bool_)
    moved = np.nan_to_num(np.abs(new - old), nan=1.0).max(axis=1, initial=0.0)
    return Differences(
        items=case.items[counts],
        changed=changed[counts],
        severity=moved[counts],
        similarity=np.clip(1 - moved[counts], 0.0, 1.0),
        parts=_parts(case, (in_old | unlike)[counts], unlike[counts]),
        loss=_loss(case, in_old, in_new),
        unseen="" if in_old.any() else _("No label in {0:,} answers: these examples cannot prove it.").format(len(old)),
    )


def label_shares(case: Case, which: Literal["old", "new"]) -> Floats:
    """Return the probabilities (n, labels), NaN where their number differs or a value is not finite."""
    answers = case.old if which == "old" else case.new
    return to_shares(case.stacked(which), answers.scores)


def _parts(case: Case, holds: Flags, unlike: Flags) -> list[Part]:
    """Return one part for each label: the items that have it, and whether it changed there."""
    parts: list[Part] = []
    for label in range(holds.shape[1]):
        at = np.flatnonzero(holds[:, label])
        if len(at):
            parts.append((Group("class", case.data.class_name(label), at), unlike[at, label]))
    return parts


def _loss(case: Case, old: Flags, new: Flags) -> Loss | None:
    """Return the loss of micro F1 over all labels: 2 TP / (2 TP + FP + FN)."""
    known = np.asarray([bool(item.labels) for item in case.facts], np.bool_)
    if not known.any():
        return None
    truth = np.zeros_like(old)
    for row, item in zip(truth, case.facts, strict=True):
        row[[label for label in item.labels if label < len(row)]] = True
    columns = []
    for given in (old, new):
        hits = 2 * (given & truth).sum(axis=1)
        columns += [hits, hits + (given ^ truth).sum(axis=1)]
    counts = np.stack(columns, axis=1)[known].astype(np.float64)
    before, after = micro_f1(counts.sum(axis=0, keepdims=True))
    drawn_before, drawn_after = micro_f1(bootstrap_sums(counts, case.seed))
    drop = float(before[0] - after[0])
    # People set their own thresholds, so correct sets at .5 alone prove nothing.
    return Loss("micro F1", float(before[0]), drop, drawn_before - drawn_after, int(known.sum()), alone=False)


def micro_f1(sums: Floats) -> tuple[Floats, Floats]:
    """Return micro F1 (k,) of the original and of the version.

    `sums` (k, 4) holds twice the hits, and hits plus errors, of the original and then of the version.
    """
    return sums[:, 0] / np.maximum(sums[:, 1], 1), sums[:, 2] / np.maximum(sums[:, 3], 1)


TASK = ProofTask(
    "labels", order=19, fits=lambda case: case.old.answer_kind == "labels" and bool(len(case.items)), compare=compare,
    empty=mark("{0:,} of {1:,} examples do not count: neither model gives them a label."),
)  # fmt: skip
