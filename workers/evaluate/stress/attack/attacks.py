"""Attack each version within a stated budget, and try the original's changed inputs on the other one (transfer).

Surviving a budget says nothing about larger budgets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, AttackRow, AttackWay
from workers.contracts.process.context import JobContext
from workers.contracts.wording import percent
from workers.evaluate.stress.attack.gradients import Gradients, gradients_of
from workers.evaluate.stress.attack.pgd import pgd_attack
from workers.evaluate.stress.attack.space import Batches, Space, spaces_of
from workers.evaluate.stress.attack.square import Predict, margin_of, square_attack
from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.changes import StressedExamples
from workers.evaluate.stress.paired import about, compare
from workers.evaluate.stress.samples import SampledExamples, Samples
from workers.evaluate.stress.versions import Version

SQUARE = ("square", "Square attack", "arXiv 1912.00049")
PGD = ("pgd", "Gradient attack (PGD)", "arXiv 1706.06083")
CHUNK = 4
REQUEST = 16
PGD_STEPS = 10
STAGE, GRADIENT_STAGE = "Attacking both versions within the budget", "Attacking with gradients"

Fooled = NDArray[np.bool_]


@dataclass(frozen=True)
class Budget:
    """Limits of the attacks. The stress job creates one instance.

    Attributes:
        eps: Largest change of a value as a share of the range; None for `usual_eps`.
        queries: Requests for each start on each input.
        items: Largest number of inputs.
        restarts: Number of starts on each input.
        left: `left(share)` returns the seconds until that share of the time is used up.
        square: Share of the time by which the Square attack ends.
        pgd: Share of the time by which the gradient attack ends.
    """

    eps: float | None
    queries: int
    items: int
    restarts: int
    left: Callable[[float], float]
    square: float
    pgd: float


@dataclass(frozen=True)
class Scene:
    """Both versions, and the inputs that both predict correctly.

    Attributes:
        versions: The original and the optimized version.
        spaces: The space of each version.
        targets: The inputs.
        classes: Predicted class of each input (n,).
        eps: Largest change of a value, 0..1.
        budget: Limits of the attacks.
        ctx: Context of the job.
    """

    versions: tuple[Version, Version]
    spaces: tuple[Space, Space]
    targets: Sequence[SampledExamples]
    classes: NDArray[np.int64]
    eps: float
    budget: Budget
    ctx: JobContext

    def batches(self, part: slice) -> tuple[Batches, Batches]:
        """Return the batches of some of the inputs, for each version."""
        first, second = (Batches(space, self.spaces[0], self.targets[part]) for space in self.spaces)
        return first, second


@dataclass(frozen=True)
class AttackResult:
    """Result of one attack on the first inputs.

    Attributes:
        fooled: Which inputs fooled each version when it was attacked itself (n,); None if it was not attacked.
        handed_on: Which of the original's changed inputs fool the optimized version (n,).
        why_not: Why a version was not attacked.
        ways: Whether predictions or gradients of each version were used.
    """

    fooled: tuple[Fooled | None, Fooled | None]
    handed_on: Fooled | None
    why_not: tuple[str, str] = ("", "")
    ways: tuple[AttackWay | None, AttackWay | None] = ("answers", "answers")


def attack_both(
    old: Version, new: Version, samples: Samples, changed: StressedExamples, budget: Budget, ctx: JobContext
) -> tuple[AttackRow, ...]:
    """Run all attacks and return one row for each; if an attack is not possible, its row says why."""
    scene = _scene(old, new, samples, changed, budget, ctx)
    if isinstance(scene, str):
        return tuple(
            AttackRow(id=id_, title=title, source=source, why_not=scene) for id_, title, source in (SQUARE, PGD)
        )
    return _square(scene), _pgd(scene)


def usual_eps(side_px: int) -> float:
    """Return 4/255 from 64 pixels on, as papers use for photographs, and 8/255 for smaller pictures and for numbers."""
    return 4 / 255 if side_px >= 64 else 8 / 255


def _scene(
    old: Version, new: Version, samples: Samples, changed: StressedExamples, budget: Budget, ctx: JobContext
) -> Scene | str:
    """Return the inputs to attack, or a sentence that says why nothing can be attacked."""
    if changed.measure == "similarity":
        return "The model gives no classes that an attack could change."
    if not changed.items:
        return "No example could be read."
    spaces = spaces_of(old, new, samples, changed.items[0])
    if spaces is None:
        return "Attacks by small steps are made on pictures and on fractional numbers only."
    targets, classes = right_by_both(changed, old, budget.items)
    if not targets:
        return "There is no example that both versions answer rightly."
    side = min(Batches(spaces[0], spaces[0], targets[:1]).units().shape[2:])
    eps = usual_eps(side) if budget.eps is None else budget.eps
    return Scene((old, new), spaces, targets, classes, eps, budget, ctx)


def right_by_both(
    changed: StressedExamples, old: Version, most: int | None
) -> tuple[list[SampledExamples], NDArray[np.int64]]:
    """Return the examples that both versions predict correctly, with their class."""
    both = [i for i, pair in enumerate(changed.clean) if pair == (1.0, 1.0)][:most]
    half = 0.5 if old.pipeline.spec.scores == "probabilities" else 0.0
    classes = []
    for i in both:
        answer = changed.references[i][0].reshape(-1)
        classes.append(int(answer[0] > half) if answer.size == 1 else int(np.argmax(answer)))
    return [changed.items[i] for i in both], np.asarray(classes, np.int64)


def _asked(version: Version, batches: Batches, check: Callable[[], None]) -> Predict:
    def predict(units: Floats, rows: NDArray[np.intp]) -> Floats:
        parts = []
        for first in range(0, len(units), REQUEST):
            check()
            parts.append(version.scores(batches.feeds(units[first : first + REQUEST], rows[first : first + REQUEST])))
        return np.concatenate(parts)

    return predict


def _square(scene: Scene) -> AttackRow:
    """Run the Square attack on a few inputs at a time against both versions.

    So both versions have been attacked on the same inputs when the time is up.
    """
    budget, ctx, found = scene.budget, scene.ctx, list[NDArray[np.bool_]]()
    for first in range(0, len(scene.targets), CHUNK):
        ctx.progress(STAGE, first, len(scene.targets), "examples")
        if found and budget.left(budget.square) <= 0:
            break
        part = slice(first, first + CHUNK)
        asked, won, units = [], [], []
        for version, batches in zip(scene.versions, scene.batches(part), strict=True):
            asked.append(_asked(version, batches, ctx.check_cancelled))
            changed, fooled = square_attack(
                asked[-1], batches.units(), scene.classes[part], scene.eps, budget.queries, ctx.seed + first,
                ctx.check_cancelled, budget.restarts,
            )  # fmt: skip
            units.append(changed)
            won.append(fooled)
        handed_on = margin_of(asked[1](units[0], np.arange(len(units[0]))), scene.classes[part]) <= 0
        found.append(np.stack([*won, handed_on]))
    ctx.progress(STAGE, 1, 1, "examples")
    first_won, second_won, handed = np.concatenate(found, axis=1)
    return _row(SQUARE, scene, budget.queries, AttackResult((first_won, second_won), handed))


def _pgd(scene: Scene) -> AttackRow:
    """Run the gradient attack with each version's own gradients, if PyTorch can load it."""
    id_, title, source = PGD
    budget, ctx = scene.budget, scene.ctx
    if budget.left(budget.pgd) <= 0:
        why = "There was no time left for it; take more time."
        return AttackRow(id=id_, title=title, source=source, why_not=why)
    ctx.progress(GRADIENT_STAGE, 0, len(scene.targets), "examples")
    whole = scene.batches(slice(None))
    own = [
        gradients_of(version, batches, scene.classes) for version, batches in zip(scene.versions, whole, strict=True)
    ]
    why_not = tuple(one if isinstance(one, str) else "" for one in own)
    if all(why_not):
        return AttackRow(id=id_, title=title, source=source, why_not=f"It needs gradients. {why_not[0]}")
    asked = [_asked(version, one, ctx.check_cancelled) for version, one in zip(scene.versions, whole, strict=True)]
    won: list[list[NDArray[np.bool_]]] = [[], []]
    handed: list[NDArray[np.bool_]] = []
    units = whole[0].units()
    for first in range(0, len(units), CHUNK):
        ctx.progress(GRADIENT_STAGE, first, len(units), "examples")
        if first and budget.left(budget.pgd) <= 0:
            break
        rows = np.arange(first, min(first + CHUNK, len(units)))
        for side, one in enumerate(own):
            if isinstance(one, Gradients):
                changed, fooled = _by_gradients(scene, one, asked[side], units, rows)
                won[side].append(fooled)
                if side == 0:
                    handed.append(margin_of(asked[1](changed, rows), scene.classes[rows]) <= 0)
    ctx.progress(GRADIENT_STAGE, 1, 1, "examples")
    ways = tuple(one.way if isinstance(one, Gradients) else None for one in own)
    first_won, second_won = (np.concatenate(parts) if parts else None for parts in won)
    done = AttackResult(
        (first_won, second_won), np.concatenate(handed) if handed else None, (why_not[0], why_not[1]),
        (ways[0], ways[1]),
    )  # fmt: skip
    return _row(PGD, scene, PGD_STEPS, done)


def _by_gradients(
    scene: Scene, own: Gradients, asked: Predict, units: Floats, rows: NDArray[np.intp]
) -> tuple[Floats, Fooled]:
    """Return the changed inputs, and which of them the version in its own runtime predicts as another class."""
    best, fooled = units[rows].copy(), np.zeros(len(rows), bool)
    for restart in range(scene.budget.restarts):
        changed = pgd_attack(
            lambda now, places: own.scores(now, rows[places]), units[rows], scene.classes[rows], scene.eps, PGD_STEPS,
            scene.ctx.seed + int(rows[0]) + 1000 * restart, scene.ctx.check_cancelled,
        )  # fmt: skip
        won = (margin_of(asked(changed, rows), scene.classes[rows]) <= 0) & ~fooled
        best[won], fooled = changed[won], fooled | won
    return best, fooled


def _row(kind: tuple[str, str, str], scene: Scene, queries: int, done: AttackResult) -> AttackRow:
    id_, title, source = kind
    first, second = done.fooled
    n = len(first if first is not None else second if second is not None else ())
    row = AttackRow(
        id=id_, title=title, source=source, eps=scene.eps, queries=queries, restarts=scene.budget.restarts, n=n,
        original_fooled=None if first is None else int(first.sum()),
        optimized_fooled=None if second is None else int(second.sum()),
        original_way=done.ways[0], optimized_way=done.ways[1],
        original_why_not=done.why_not[0], optimized_why_not=done.why_not[1],
        transfer_n=None if first is None else int(first.sum()),
        transfer_fooled=None if first is None or done.handed_on is None else int((done.handed_on & first).sum()),
    )  # fmt: skip
    if first is not None and second is not None:
        found = compare(np.stack([~first, ~second], axis=1).astype(np.float64))
        verdict = found.verdict(found.p, float(1 - first.mean()))
        row = row.model_copy(update={"p": found.p, "upper": found.upper, "needed": found.needed, "verdict": verdict})
    return row.model_copy(update={"words": " ".join(_sentences(row))})


def _sentences(row: AttackRow) -> list[str]:
    """Return the result in plain words, never that anything is safe."""
    first, second, n = row.original_fooled, row.optimized_fooled, row.n
    told = []
    if first is not None and second is not None:
        told.append(
            f"Of {n} examples, {n - first} of the original and {n - second} of the optimized model survived this "
            "budget, each attacked by itself."
        )
        told.append(_compared(row, second - first))
    elif first is not None:
        told.append(
            f"Of {n} examples, {n - first} of the original survived this budget. The optimized model was not attacked "
            f"by itself this way, only by what needs no gradients: {_lower(row.optimized_why_not)}"
        )
    elif second is not None:
        told.append(
            f"Of {n} examples, {n - second} of the optimized model survived this budget. The original was not attacked "
            f"this way: {_lower(row.original_why_not)}"
        )
    if row.transfer_n and row.transfer_fooled is not None:
        told.append(
            f"Changes that fool the original: {row.transfer_fooled} of {row.transfer_n} fool the optimized model, too "
            "(transfer)."
        )
    if second is not None and row.transfer_fooled is not None and row.transfer_fooled > second:
        told.append("That is more than its own attack did, so that its own attack says little (arXiv 1802.00420).")
    return told


def _compared(row: AttackRow, more: int) -> str:
    if row.verdict == "worse":
        return "The optimized model is easier to fool."
    if row.verdict == "even":
        return f"It is as hard to fool as the original, within {percent(MARGIN, 0)} of the examples."
    rest = f": about {about(row.needed)} more would" if row.needed else ""
    seen = (
        "The optimized model was fooled more often, but"
        if more > 0
        else "Whether it is as hard to fool as the original,"
    )
    return f"{seen} {row.n} examples cannot tell{rest}."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
