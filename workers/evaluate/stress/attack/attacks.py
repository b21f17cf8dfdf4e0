"""Attack each version within a stated budget, and try the original's changed inputs on the other one (transfer).

Surviving a budget says nothing about larger budgets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, AttackRow, StressParams
from workers.contracts.wording import percent
from workers.evaluate.stress.attack.gradients import Scores, gradients_of
from workers.evaluate.stress.attack.space import Batches, Space, spaces_of
from workers.evaluate.stress.attack.square import Predict, margin_of, square_attack
from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.changes import StressedExamples
from workers.evaluate.stress.paired import about, compare, held
from workers.evaluate.stress.samples import SampledExamples
from workers.evaluate.stress.scoring import class_of
from workers.evaluate.stress.versions import PGD_UNTIL, SQUARE_UNTIL, Comparison, LoadedVersion

STEP = 2.5
"""A step is this many times eps / steps, which reaches the edge of the ball from any start (the paper's rule)."""


def pgd_attack(
    scores: Callable[[Any], Any], inputs: Floats, classes: NDArray[np.int64], eps: float, steps: int, seed: int,
    check: Callable[[], None],
) -> Floats:  # fmt: skip
    """Return changed inputs (n, C, H, W) within `eps` and in 0..1, from a random start.

    Args:
        scores: `scores(tensor (n, C, H, W))` returns a tensor (n, classes) through which gradients flow.
        inputs: Inputs (n, C, H, W) in 0..1.
        classes: Right class of each input (n,).
        eps: Largest change of a value.
        steps: Number of steps.
        seed: Seed of the random start.
        check: Called between steps; may raise.
    """
    import torch

    noise = np.random.default_rng(seed).uniform(-eps, eps, inputs.shape).astype(np.float32)
    start, wanted = torch.from_numpy(inputs.copy()), torch.from_numpy(classes)
    now = (start + torch.from_numpy(noise)).clamp(0, 1)
    for _ in range(steps):
        check()
        now = now.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(scores(now), wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, now)
        with torch.no_grad():
            moved = now + STEP * eps / steps * gradient.sign()
            now = torch.maximum(torch.minimum(moved, start + eps), start - eps).clamp(0, 1)
    return np.asarray(now.detach().numpy(), np.float32)


SQUARE = ("square", "Square attack", "arXiv 1912.00049")
PGD = ("pgd", "Gradient attack (PGD)", "arXiv 1706.06083")
CHUNK = 4
REQUEST = 16
PGD_STEPS = 10
STAGE, GRADIENT_STAGE = "Attacking both versions within the budget", "Attacking with gradients"

Fooled = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """Both versions, and the inputs that both predict correctly.

    Attributes:
        both: Both versions.
        spaces: The space of each version.
        targets: The inputs.
        classes: Predicted class of each input (n,).
        eps: Largest change of a value, 0..1.
        params: Limits of the attacks.
    """

    both: Comparison
    spaces: tuple[Space, Space]
    targets: Sequence[SampledExamples]
    classes: NDArray[np.int64]
    eps: float
    params: StressParams

    def batches(self, part: slice) -> tuple[Batches, Batches]:
        """Return the batches of some of the inputs, for each version."""
        first, second = (Batches(space, self.spaces[0], self.targets[part]) for space in self.spaces)
        return first, second

    def is_over(self, until: float) -> bool:
        """Return whether this share of the time is used up."""
        return self.both.left(until) <= 0


def attack_both(both: Comparison, changed: StressedExamples, params: StressParams) -> tuple[AttackRow, ...]:
    """Run all attacks and return one row for each; if an attack is not possible, its row says why."""
    scene = _scene(both, changed, params)
    if isinstance(scene, str):
        return _not_made(SQUARE, scene), _not_made(PGD, scene)
    return _square(scene), _pgd(scene)


def _not_made(kind: tuple[str, str, str], why_not: str) -> AttackRow:
    return AttackRow(id=kind[0], title=kind[1], source=kind[2], why_not=why_not)


def usual_eps(side_px: int) -> float:
    """Return 4/255 from 64 pixels on, as papers use for photographs, and 8/255 for smaller pictures and for numbers."""
    return 4 / 255 if side_px >= 64 else 8 / 255


def _scene(both: Comparison, changed: StressedExamples, params: StressParams) -> Scene | str:
    """Return the inputs to attack, or a sentence that says why nothing can be attacked."""
    if changed.measure == "similarity":
        return "The model gives no classes that an attack could change."
    spaces = spaces_of(both, changed.items[0])
    if spaces is None:
        return "Attacks by small steps are made on pictures and on fractional numbers only."
    right = [i for i, pair in enumerate(changed.clean) if pair == (1.0, 1.0)][: params.attack_items]
    if not right:
        return "There is no example that both versions answer rightly."
    targets = [changed.items[i] for i in right]
    classes = np.asarray([class_of(both.old.pipeline, changed.references[i][0]) for i in right], np.int64)
    side = min(Batches(spaces[0], spaces[0], targets[:1]).units().shape[2:])
    eps = usual_eps(side) if params.attack_eps is None else params.attack_eps
    return Scene(both, spaces, targets, classes, eps, params)


def _asked(version: LoadedVersion, batches: Batches, check: Callable[[], None]) -> Predict:
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
    params, ctx, found = scene.params, scene.both.ctx, list[Fooled]()
    for first in range(0, len(scene.targets), CHUNK):
        ctx.progress(STAGE, first, len(scene.targets), "examples")
        if found and scene.is_over(SQUARE_UNTIL):
            break
        part = slice(first, first + CHUNK)
        requested, won, units = [], [], []
        for version, batches in zip(scene.both.versions, scene.batches(part), strict=True):
            requested.append(_asked(version, batches, ctx.check_cancelled))
            changed, fooled = square_attack(
                requested[-1], batches.units(), scene.classes[part], scene.eps, params.attack_queries, ctx.seed + first,
                ctx.check_cancelled, params.attack_restarts,
            )  # fmt: skip
            units.append(changed)
            won.append(fooled)
        handed_on = margin_of(requested[1](units[0], np.arange(len(units[0]))), scene.classes[part]) <= 0
        found.append(np.stack([*won, handed_on]))
    ctx.progress(STAGE, 1, 1, "examples")
    first_won, second_won, handed = np.concatenate(found, axis=1)
    return _row(SQUARE, scene, params.attack_queries, (first_won, second_won), handed, original_way="answers",
                optimized_way="answers")  # fmt: skip


def _pgd(scene: Scene) -> AttackRow:
    """Run the gradient attack with each version's own gradients, if PyTorch can load it."""
    ctx = scene.both.ctx
    if scene.is_over(PGD_UNTIL):
        return _not_made(PGD, "There was no time left for it; take more time.")
    ctx.progress(GRADIENT_STAGE, 0, len(scene.targets), "examples")
    whole = scene.batches(slice(None))
    pairs = list(zip(scene.both.versions, whole, strict=True))
    own = [gradients_of(version, batches, scene.classes) for version, batches in pairs]
    why_not = [one if isinstance(one, str) else "" for one in own]
    if all(why_not):
        return _not_made(PGD, f"It needs gradients. {why_not[0]}")
    requested = [_asked(version, batches, ctx.check_cancelled) for version, batches in pairs]
    won: tuple[list[Fooled], list[Fooled]] = ([], [])
    handed: list[Fooled] = []
    units = whole[0].units()
    for first in range(0, len(units), CHUNK):
        ctx.progress(GRADIENT_STAGE, first, len(units), "examples")
        if first and scene.is_over(PGD_UNTIL):
            break
        rows = np.arange(first, min(first + CHUNK, len(units)))
        for side, one in enumerate(own):
            if not isinstance(one, str):
                changed, fooled = _by_gradients(scene, one[1], requested[side], units, rows)
                won[side].append(fooled)
                if side == 0:
                    handed.append(margin_of(requested[1](changed, rows), scene.classes[rows]) <= 0)
    ctx.progress(GRADIENT_STAGE, 1, 1, "examples")
    fooled_by = tuple(np.concatenate(parts) if parts else None for parts in won)
    ways = [None if isinstance(one, str) else one[0] for one in own]
    return _row(
        PGD, scene, PGD_STEPS, (fooled_by[0], fooled_by[1]), np.concatenate(handed) if handed else None,
        original_way=ways[0], optimized_way=ways[1], original_why_not=why_not[0], optimized_why_not=why_not[1],
    )  # fmt: skip


def _by_gradients(
    scene: Scene, scores: Scores, asked: Predict, units: Floats, rows: NDArray[np.intp]
) -> tuple[Floats, Fooled]:
    """Return the changed inputs, and which of them the version in its own runtime predicts as another class."""
    best, fooled = units[rows].copy(), np.zeros(len(rows), bool)
    for restart in range(scene.params.attack_restarts):
        changed = pgd_attack(
            lambda now: scores(now, rows), units[rows], scene.classes[rows], scene.eps, PGD_STEPS,
            scene.both.ctx.seed + int(rows[0]) + 1000 * restart, scene.both.ctx.check_cancelled,
        )  # fmt: skip
        won = (margin_of(asked(changed, rows), scene.classes[rows]) <= 0) & ~fooled
        best[won], fooled = changed[won], fooled | won
    return best, fooled


def _row(
    kind: tuple[str, str, str], scene: Scene, queries: int, fooled: tuple[Fooled | None, Fooled | None],
    handed_on: Fooled | None, **more: Any,
) -> AttackRow:  # fmt: skip
    """Return the result of one attack on the first inputs.

    Args:
        kind: Id, title and source of the attack.
        scene: The inputs.
        queries: Queries or steps for each start.
        fooled: Which inputs fooled each version when it was attacked itself (n,); None if it was not attacked.
        handed_on: Which of the original's changed inputs fool the optimized version (n,).
        more: Further fields of the row.
    """
    first, second = fooled
    attacked = [part for part in fooled if part is not None]
    row = AttackRow(
        id=kind[0], title=kind[1], source=kind[2], eps=scene.eps, queries=queries,
        restarts=scene.params.attack_restarts, n=len(attacked[0]) if attacked else 0,
        original_fooled=None if first is None else int(first.sum()),
        optimized_fooled=None if second is None else int(second.sum()),
        transfer_n=None if first is None else int(first.sum()),
        transfer_fooled=None if first is None or handed_on is None else int((handed_on & first).sum()), **more,
    )  # fmt: skip
    if first is not None and second is not None:
        found = compare(np.stack([~first, ~second], axis=1).astype(np.float64))
        report = held(found, found.p).model_dump(include={"p", "upper", "needed", "verdict"})
        row = row.model_copy(update=report)
    return row.model_copy(update={"words": " ".join(_sentences(row))})


def _sentences(row: AttackRow) -> list[str]:
    """Return the result in plain words, never that anything is safe."""
    first, second, n = row.original_fooled, row.optimized_fooled, row.n
    report = []
    if first is not None and second is not None:
        report.append(
            f"Of {n} examples, {n - first} of the original and {n - second} of the optimized model survived this "
            "budget, each attacked by itself."
        )
        report.append(_compared(row, second - first))
    elif first is not None:
        report.append(
            f"Of {n} examples, {n - first} of the original survived this budget. The optimized model was not attacked "
            f"by itself this way, only by what needs no gradients: {_lower(row.optimized_why_not)}"
        )
    elif second is not None:
        report.append(
            f"Of {n} examples, {n - second} of the optimized model survived this budget. The original was not attacked "
            f"this way: {_lower(row.original_why_not)}"
        )
    if row.transfer_n and row.transfer_fooled is not None:
        report.append(
            f"Changes that fool the original: {row.transfer_fooled} of {row.transfer_n} fool the optimized model, too "
            "(transfer)."
        )
    if second is not None and row.transfer_fooled is not None and row.transfer_fooled > second:
        report.append("That is more than its own attack did, so that its own attack says little (arXiv 1802.00420).")
    return report


def _compared(row: AttackRow, more: int) -> str:
    if row.verdict == "worse":
        return "The optimized model is easier to fool."
    if row.verdict == "even":
        return f"It is as hard to fool as the original, within {percent(MARGIN, 0)} of the examples."
    rest = f": about {about(row.needed)} more would" if row.needed else ""
    seen = "Whether it is as hard to fool as the original,"
    if more > 0:
        seen = "The optimized model was fooled more often, but"
    return f"{seen} {row.n} examples cannot tell{rest}."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
