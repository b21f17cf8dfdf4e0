"""From bounds to a verdict, and the sentences that go with it. The rules are those of EVALUATION.md."""

from dataclasses import dataclass, field

from workers.contracts.specs import Judgement, Verdict
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.needed import needed_unlabelled

AMBER_NEGATIVE_FLIPS = 0.005
RED_NEGATIVE_FLIPS = 0.02
MOST_CHANGED = 1000

AVERAGE_GATE = 0.04
"""Level of the average's own test; the slices have .01 (`slices.GATE`), so that both together err in at most 5 %."""


@dataclass
class Notes:
    """Whole sentences, in the order in which they matter."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str, when: bool = True) -> None:
        if when:
            self.lines.append(line)


def decide(more_than: float, high: float, margin: float, broken_slice: bool) -> Verdict:
    """With labels: Regressed if more than the margin is lost for sure, or a slice broke; Safe if U ≤ margin.

    `more_than` is the p-value of "the drop is at most the margin". The rule "L > 0 and d ≥ margin" would call half of
    all variants regressed whose true drop is just the margin (simulated).
    """
    if broken_slice or more_than <= AVERAGE_GATE:
        return "regressed"
    return "safe" if high <= margin else "not_enough_data"


def decide_unlabelled(bounds: tuple[float, float], margin: float) -> Verdict:
    """Without labels every change counts: Regressed only if more answers than the margin changed for sure."""
    low, high = bounds
    if low > margin:
        return "regressed"
    return "safe" if high <= margin else "not_enough_data"


def still_missing(needed: int | None, have: int) -> int | None:
    """How many more than `have`; None where no number would do. A promise just missed asks for a tenth more."""
    if needed is None:
        return None
    return needed - have if needed > have else max(1, have // 10)


def cap_boxes(judgement: Judgement, answer_kind: str) -> Judgement:
    """Boxes are never proven by how alike whole outputs are: places are large numbers beside the scores, so that a
    version that finds nothing any more can be alike to .9997 (EVALUATION.md)."""
    if answer_kind != "detection" or judgement.verdict == "unmeasured":
        return judgement
    note = (
        "The answers are boxes around things. Whether both versions find the same things is not compared yet, only how"
        " alike all their numbers are, and that proves nothing: try it on pictures of yours."
    )
    told = judgement.model_copy(update={"notes": (note, *judgement.notes), "unproven": "detection"})
    if judgement.verdict == "regressed":
        return told
    return told.model_copy(update={"verdict": "not_enough_data", "missing_examples": None})


def cap_made(judgement: Judgement, data: DataSet, least: int | None = None) -> Judgement:
    """On inputs that Fettle made, nothing is ever proven safe for a person's own.

    `least`: how many examples a proof needs where nothing changes; None: what the margin asks for.
    """
    if data.origin != "made":
        return judgement
    note = "Answers were compared on inputs that Fettle made, not on examples of yours."
    told = judgement.model_copy(update={"notes": (note, *judgement.notes)})
    if judgement.verdict != "safe":
        return told
    needed = least if least is not None else needed_unlabelled(judgement.margin, 0.0)
    return told.model_copy(update={"verdict": "not_enough_data", "missing_examples": needed})
