"""Attack each version within a stated budget, and try the original's changed inputs on the other one (transfer).

A version that survives one budget may fail with a larger one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, AttackRow, StressParams
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent
from workers.evaluate.stress.attack.gradients import Scores, gradients_of
from workers.evaluate.stress.attack.space import Batches, Space, spaces_of
from workers.evaluate.stress.attack.square import Predict, margin_of, square_attack
from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.changes import StressedExamples
from workers.evaluate.stress.paired import compare, held
from workers.evaluate.stress.scoring import class_of
from workers.evaluate.stress.verdicts import more_examples
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
    for _turn in range(steps):
        check()
        now = now.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(scores(now), wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, now)
        with torch.no_grad():
            moved = now + STEP * eps / steps * gradient.sign()
            now = torch.maximum(torch.minimum(moved, start + eps), start - eps).clamp(0, 1)
    return np.asarray(now.detach().numpy(), np.float32)


SQUARE: dict[str, Any] = {"id": "square", "title": mark("Square attack"), "source": "arXiv 1912.00049"}
PGD: dict[str, Any] = {"id": "pgd", "title": mark("Gradient attack (PGD)"), "source": "arXiv 1706.06083"}
CHUNK = 4
REQUEST = 16
PGD_STEPS = 10
STAGE, GRADIENT_STAGE = "Attacking both versions within the budget", "Attacking with gradients"

Fooled = NDArray[np.bool_]
"""Which inputs (n,) are predicted as another class after an attack."""


def attack_both(both: Comparison, changed: StressedExamples, params: StressParams) -> tuple[AttackRow, ...]:
    """Run all attacks and return one row for each; if an attack is not possible, its row has the reason."""
    spaces = None if changed.measure == "similarity" else spaces_of(both, changed.items[0])
    right = [i for i, pair in enumerate(changed.clean) if pair == (1.0, 1.0)][: params.attack_items]
    if spaces is not None and right:
        attacks = _Attacks(both, spaces, changed, right, params)
        return attacks.by_squares(), attacks.by_gradients()
    if changed.measure == "similarity":
        why_not = _("The model gives no classes that an attack could change.")
    elif spaces is None:
        why_not = _("Attacks by small steps are made on pictures and on fractional numbers only.")
    else:
        why_not = _("There is no example that both versions answer rightly.")
    return AttackRow(**SQUARE, why_not=why_not), AttackRow(**PGD, why_not=why_not)


def usual_eps(side_px: int) -> float:
    """Return 4/255 from 64 pixels on, as papers use for photographs, and 8/255 for smaller pictures and for numbers."""
    return 4 / 255 if side_px >= 64 else 8 / 255


class _Attacks:
    """Attacks both versions on the same inputs, which both predict correctly."""

    def __init__(
        self, both: Comparison, spaces: tuple[Space, Space], changed: StressedExamples, right: Sequence[int],
        params: StressParams,
    ) -> None:  # fmt: skip
        """Prepare the inputs with the numbers `right` among the examples of `changed`."""
        self._both, self._params, self._ctx = both, params, both.ctx
        self._classes = np.asarray([class_of(both.old.pipeline, changed.references[i][0]) for i in right], np.int64)
        targets = [changed.items[i] for i in right]
        self._batches = [Batches(space, spaces[0], targets) for space in spaces]
        self._units = self._batches[0].units()
        self._eps = usual_eps(min(self._units.shape[2:])) if params.attack_eps is None else params.attack_eps
        self._predict = [self._scores_of(*pair) for pair in zip(both.versions, self._batches, strict=True)]

    def _scores_of(self, version: LoadedVersion, batches: Batches) -> Predict:
        def predict(units: Floats, rows: NDArray[np.intp]) -> Floats:
            parts = []
            for first in range(0, len(units), REQUEST):
                self._ctx.check_cancelled()
                part = slice(first, first + REQUEST)
                parts.append(version.scores(batches.feeds(units[part], rows[part])))
            return np.concatenate(parts)

        return predict

    def _fools(self, side: int, units: Floats, rows: NDArray[np.intp]) -> Fooled:
        """Return which changed inputs the version of this side predicts as another class in its own runtime."""
        return margin_of(self._predict[side](units, rows), self._classes[rows]) <= 0

    def _chunks(self, stage: str, until: float) -> Iterator[NDArray[np.intp]]:
        """Yield the numbers of a few inputs at a time, until this share of the time is used up, but at least once.

        So both versions have been attacked on the same inputs when the time is up.
        """
        count = len(self._units)
        for first in range(0, count, CHUNK):
            self._ctx.progress(stage, first, count, "examples")
            if first and self._both.remaining_s(until) <= 0:
                break
            yield np.arange(first, min(first + CHUNK, count))
        self._ctx.progress(stage, 1, 1, "examples")

    def by_squares(self) -> AttackRow:
        """Return how many predictions the Square attack changes for each version."""
        found = []
        for rows in self._chunks(STAGE, SQUARE_UNTIL):
            (changed, first), (_, second) = (self._square(predict, rows) for predict in self._predict)
            found.append(np.stack([first, second, self._fools(1, changed, rows)]))
        first, second, transferred = np.concatenate(found, axis=1)
        methods = {"original_way": "answers", "optimized_way": "answers"}
        return self._row(SQUARE, self._params.attack_queries, first, second, transferred, **methods)

    def _square(self, predict: Predict, rows: NDArray[np.intp]) -> tuple[Floats, Fooled]:
        first = int(rows[0])
        return square_attack(
            lambda units, of_chunk: predict(units, first + of_chunk), self._units[rows], self._classes[rows], self._eps,
            self._params.attack_queries, self._ctx.seed + first, self._ctx.check_cancelled,
            self._params.attack_restarts,
        )  # fmt: skip

    def by_gradients(self) -> AttackRow:
        """Run the gradient attack with each version's own gradients, if PyTorch can load it."""
        if self._both.remaining_s(PGD_UNTIL) <= 0:
            return AttackRow(**PGD, why_not=_("There was no time left for it; take more time."))
        self._ctx.progress(GRADIENT_STAGE, 0, len(self._units), "examples")
        pairs = zip(self._both.versions, self._batches, strict=True)
        own = [gradients_of(version, batches, self._classes) for version, batches in pairs]
        why_not = [one if isinstance(one, str) else "" for one in own]
        if all(why_not):
            return AttackRow(**PGD, why_not=joined([_("It needs gradients."), why_not[0]]))
        fooled: tuple[list[Fooled], list[Fooled]] = ([], [])
        transferred: list[Fooled] = []
        for rows in self._chunks(GRADIENT_STAGE, PGD_UNTIL):
            for side, one in enumerate(own):
                if not isinstance(one, str):
                    changed, won = self._pgd(side, one[1], rows)
                    fooled[side].append(won)
                    if side == 0:
                        transferred.append(self._fools(1, changed, rows))
        first, second, third = (np.concatenate(parts) if parts else None for parts in (*fooled, transferred))
        methods = [None if isinstance(one, str) else one[0] for one in own]
        return self._row(
            PGD, PGD_STEPS, first, second, third, original_way=methods[0], optimized_way=methods[1],
            original_why_not=why_not[0], optimized_why_not=why_not[1],
        )  # fmt: skip

    def _pgd(self, side: int, scores: Scores, rows: NDArray[np.intp]) -> tuple[Floats, Fooled]:
        best, fooled = self._units[rows].copy(), np.zeros(len(rows), bool)
        for restart in range(self._params.attack_restarts):
            changed = pgd_attack(
                lambda now: scores(now, rows), self._units[rows], self._classes[rows], self._eps, PGD_STEPS,
                self._ctx.seed + int(rows[0]) + 1000 * restart, self._ctx.check_cancelled,
            )  # fmt: skip
            won = self._fools(side, changed, rows) & ~fooled
            best[won], fooled = changed[won], fooled | won
        return best, fooled

    def _row(
        self, kind: dict[str, Any], queries: int, first: Fooled | None, second: Fooled | None,
        transferred: Fooled | None, **more: Any,
    ) -> AttackRow:  # fmt: skip
        """Return the result of one attack on the first inputs.

        Args:
            kind: Id, title and source of the attack.
            queries: Queries or steps for each start.
            first: Which inputs fooled the original when it was attacked itself; None if it was not attacked.
            second: The same for the optimized version.
            transferred: Which of the original's changed inputs fool the optimized version.
            more: Further fields of the row.
        """
        attacked = [part for part in (first, second) if part is not None]
        row = AttackRow(
            **kind, eps=self._eps, queries=queries, restarts=self._params.attack_restarts,
            n=len(attacked[0]) if attacked else 0,
            original_fooled=None if first is None else int(first.sum()),
            optimized_fooled=None if second is None else int(second.sum()),
            transfer_n=None if first is None else int(first.sum()),
            transfer_fooled=None if first is None or transferred is None else int((transferred & first).sum()), **more,
        )  # fmt: skip
        if first is not None and second is not None:
            found = compare(np.stack([~first, ~second], axis=1).astype(np.float64))
            report = held(found, found.p).model_dump(include={"p", "upper", "needed", "verdict"})
            row = row.model_copy(update=report)
        return row.model_copy(update={"words": joined(_sentences(row))})


def _sentences(row: AttackRow) -> list[str]:
    """Return the result in plain words, never that anything is safe."""
    first, second, n = row.original_fooled, row.optimized_fooled, row.n
    report = []
    if first is not None and second is not None:
        report.append(
            _(
                "Of {0} examples, {1} of the original and {2} of the optimized model survived this budget, each "
                "attacked by itself."
            ).format(n, n - first, n - second)
        )
        report.append(_compared(row, second - first))
    elif first is not None:
        report += [
            _("Of {0} examples, {1} of the original survived this budget.").format(n, n - first),
            _("The optimized model was not attacked by itself this way, only by what needs no gradients."),
            row.optimized_why_not,
        ]
    elif second is not None:
        report += [
            _("Of {0} examples, {1} of the optimized model survived this budget.").format(n, n - second),
            _("The original was not attacked this way."),
            row.original_why_not,
        ]
    if row.transfer_n and row.transfer_fooled is not None:
        report.append(
            _("Changes that fool the original: {0} of {1} fool the optimized model, too (transfer).").format(
                row.transfer_fooled, row.transfer_n
            )
        )
    if second is not None and row.transfer_fooled is not None and row.transfer_fooled > second:
        report.append(_("That is more than its own attack did, so that its own attack says little (arXiv 1802.00420)."))
    return report


def _compared(row: AttackRow, more: int) -> str:
    if row.verdict == "worse":
        return _("The optimized model is easier to fool.")
    if row.verdict == "even":
        return _("It is as hard to fool as the original, within {0} of the examples.").format(percent(MARGIN, 0))
    text = (
        _("The optimized model was fooled more often, but {0} examples cannot tell.")
        if more > 0
        else _("Whether it is as hard to fool as the original, {0} examples cannot tell.")
    )
    return joined([text.format(row.n), more_examples(row.needed)])
