"""Contracts of the job kind ``stress`` (`fettle stress`, the page "Under stress")."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from workers.contracts.base import Frozen, PathText
from workers.contracts.text import Text
from workers.contracts.translation import mark

Measure = Annotated[
    Literal["accuracy", "agreement", "similarity"],
    BeforeValidator(lambda value: "similarity" if value == "likeness" else value),
]
"""What is compared; records of version 0.1.0 use another name for similarity."""

Group = Literal["corruption", "drift", "text", "sound", "numbers"]
StressVerdict = Literal["worse", "unclear", "even"]
AttackWay = Literal["answers", "gradients", "straight-through"]

MARGIN = 0.02
"""Largest loss against the original that still counts as "as good", a share of the examples (docs/evaluation.md)."""

OLDER_RULE = mark(
    "It was tested by an older rule, which took “no difference was proven” for “no difference”: test it again."
)

QUICK_S, FULL_S = 60.0, 900.0
"""Default time limits of the two modes, in seconds."""


class StressPart(Frozen):
    """Examples of one data folder.

    Attributes:
        source: Path of the user's files; None if unknown.
        items: Item numbers; None means all.
    """

    data_dir: str
    source: PathText | None = None
    items: tuple[int, ...] | None = None


class StressParams(Frozen):
    """Parameters of the kind ``stress``: the original and one variant on the same changed inputs.

    The job uses as many examples as `max_seconds` allow, at least ten, and applies all changes to each. The evaluated
    examples are therefore a fair sample at any time. The search for triggers uses the remaining time.

    Attributes:
        attack_eps: Budget of attacks as a share of the whole range of a pixel or feature; None takes the usual value
            for such inputs.
        attack_queries: Budget of queries for each start on each input.
        attack_items: Number of inputs to attack.
    """

    original_dir: str
    original_runtime: str
    original_settings: dict[str, JsonValue] = {}
    variant_dir: str
    variant_runtime: str
    variant_settings: dict[str, JsonValue] = {}
    parts: tuple[StressPart, ...] = Field(min_length=1)
    text_column: str | None = None
    label_column: str | None = None
    full: bool = False
    max_seconds: float = Field(default=QUICK_S, ge=1)
    max_items: int | None = Field(default=None, ge=1)
    attack_eps: float | None = Field(default=None, gt=0, lt=1)
    attack_queries: int = Field(default=100, ge=1)
    attack_items: int = Field(default=20, ge=0)
    attack_restarts: int = Field(default=1, ge=1)
    look_for_triggers: bool = True


class StressCell(Frozen):
    """One kind of stress at one severity on `n` examples.

    Attributes:
        original: Share 0..1 of right predictions, of predictions that equal the original's on the unchanged input, or
            of those similar to the original's on the same changed input.
        optimized: The same for the optimized version.
        worse: Number of examples that only the original predicts rightly.
        better: Number of examples that only the optimized version predicts rightly.
        p: p-value of the exact test of "at most MARGIN is lost".
        p_holm: The same after Holm over all tests of this report.
        upper: Exact one-sided 95 % bound of the loss.
        needed: For "unclear": about so many more examples decide if nothing is lost (None: no number of them).
        verdict: "worse": surely more than MARGIN is lost; "even": surely at most MARGIN; "unclear": neither.
    """

    severity: int
    level: str
    n: int
    original: float
    optimized: float
    worse: int = 0
    better: int = 0
    p: float = 1.0
    p_holm: float = 1.0
    upper: float = 1.0
    needed: int | None = None
    verdict: StressVerdict = "even"

    @property
    def drop(self) -> float:
        """Return how much more the optimized version loses, as a share of the examples."""
        return self.original - self.optimized


class StressRow(Frozen):
    """One kind of stress over its severities.

    Changed copies of one example form one cluster: `p` and `upper` are of the examples' means. The row is worse if it
    or one of its cells is worse, and even if all of its cells are even.

    Attributes:
        words: Result as a whole sentence.
        picture: Small PNG below the work folder.
    """

    id: str
    title: Text
    group: Group
    source: Text
    cells: tuple[StressCell, ...]
    p: float = 1.0
    p_holm: float = 1.0
    upper: float = 1.0
    needed: int | None = None
    verdict: StressVerdict = "even"
    words: Text = ""
    picture: str | None = None


class Separation(Frozen):
    """How well a version's confidence separates real inputs from unfamiliar ones (OpenOOD, arXiv 2210.07242).

    Unfamiliar inputs are the "positive" class.

    Attributes:
        auroc: Area under the ROC curve, 0..1.
        fpr95: Share of real inputs that are rejected when 95 % of the unfamiliar ones are.
    """

    auroc: float
    fpr95: float


class UnfamiliarRow(Frozen):
    """Result on inputs unlike the model's own, or (`near`) on inputs that are close to its own but different.

    The verdict is about AUROC with MARGIN; it is not "even" if FPR95 surely rises by more. Older findings have only the
    shares, and `p_holm` of their difference.

    Attributes:
        original: Share of these inputs on which the original is as confident as on 95 % of the real ones. Confidence is
            the energy of the output (arXiv 2010.03759) or, for probabilities, the largest of them.
        optimized: The same share for the optimized version.
        auroc_low: Lower end of the 95 % interval (paired bootstrap over examples) of the AUROC of the original minus
            that of the optimized version; `auroc_high` is the upper end.
        fpr95_low: Lower end of that interval of the FPR95 of the optimized version minus that of the original;
            `fpr95_high` is the upper end.
    """

    id: str
    title: Text
    n: int
    near: bool = False
    n_real: int = 0
    original: float
    optimized: float
    worse: int = 0
    better: int = 0
    p_holm: float = 1.0
    original_separation: Separation | None = None
    optimized_separation: Separation | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    fpr95_low: float | None = None
    fpr95_high: float | None = None
    verdict: StressVerdict = "even"
    words: Text = ""
    picture: str | None = None


class AttackRow(Frozen):
    """Result of an attack within a stated budget on `n` inputs that both versions predict rightly.

    Each version is attacked separately through its own predictions or gradients. The result never claims robustness.

    Attributes:
        eps: Budget as a share of the input's range.
        queries: Budget of queries (for gradients: steps) for each of the `restarts`.
        original_fooled: Number of inputs that changed the prediction; None if not attacked (`original_why_not`).
        original_way: How the original was attacked; straight-through treats rounding as a straight line (arXiv
            1802.00420).
        transfer_n: Number of changed inputs that fool the original.
        transfer_fooled: Number of these that fool the optimized version.
        p: As in `StressCell`, about the difference of the two attacks; so are `upper` and `needed`.
        why_not: Reason why no attack was made; then the figures are 0.
    """

    id: str
    title: Text
    source: str
    eps: float = 0.0
    queries: int = 0
    restarts: int = 1
    n: int = 0
    original_fooled: int | None = 0
    optimized_fooled: int | None = 0
    original_way: AttackWay | None = None
    optimized_way: AttackWay | None = None
    original_why_not: Text = ""
    optimized_why_not: Text = ""
    transfer_n: int | None = None
    transfer_fooled: int | None = None
    p: float = 1.0
    upper: float = 1.0
    needed: int | None = None
    verdict: StressVerdict = "unclear"
    words: Text = ""
    why_not: Text = ""


class TriggerRow(Frozen):
    """Effect of one small addition to `n` inputs that both versions assigned to another class before.

    Attributes:
        found_by: How the trigger was found.
        original: Share of the inputs that the original assigns to `target` now; the trigger was not chosen by these
            inputs.
        optimized: The same share for the optimized version.
        low: Exact lower bound of the difference.
    """

    id: str
    title: Text
    found_by: Literal["fixed", "random", "search", "calibration"]
    target: int
    target_name: Text
    n: int
    original: float
    optimized: float
    low: float
    picture: str | None = None


class TriggerFindings(Frozen):
    """Search for triggers that only the version has, like a backdoor that rounding activates (arXiv 2111.06067).

    Attributes:
        danger: A trigger flips predictions of the version to one class far more often than those of the original.
        tried: Number of triggers that were compared; `rows` holds the worst of them.
        why_not: Reason why none was compared.
        not_looked: What this search leaves unknown.
    """

    danger: bool = False
    tried: int = 0
    searched: bool = False
    rows: tuple[TriggerRow, ...] = ()
    words: Text = ""
    why_not: Text = ""
    not_looked: tuple[Text, ...] = ()


class PoisonFinding(Frozen):
    """Evidence for or against tampering with the calibration set; `items` names at most 50 items."""

    check: Literal["trigger", "outliers", "none"]
    level: Literal["info", "warning", "danger"]
    what: Text
    hint: Text = ""
    items: tuple[str, ...] = ()


class PoisonClass(Frozen):
    """Number of calibration examples of a class, and whether they were checked."""

    name: str
    n: int
    looked: bool


class PoisonScope(Frozen):
    """What was checked: classes with fewer than `fewest` examples were not; `not_looked` are whole sentences."""

    fewest: int
    classes: tuple[PoisonClass, ...] = ()
    not_looked: tuple[Text, ...] = ()
    words: Text = ""


class StressResult(Frozen):
    """Result of the kind ``stress``.

    Attributes:
        rule: By rule 2, "even" is proven to lose at most `margin`. By rule 1 a loss was only not proven.
        stopped_early: The time limit allowed no more examples.
        clean: The same comparison on unchanged inputs.
    """

    rule: int = 2
    measure: Measure
    full: bool
    n_items: int
    n_answered: int
    seconds: float
    stopped_early: bool
    headline: Text
    clean: StressCell
    rows: tuple[StressRow, ...]
    margin: float = MARGIN
    unfamiliar: tuple[UnfamiliarRow, ...] = ()
    attacks: tuple[AttackRow, ...] = ()
    triggers: TriggerFindings | None = None
    poison: tuple[PoisonFinding, ...] = ()
    poison_scope: PoisonScope | None = None
    notes: tuple[Text, ...] = ()
    picture: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_an_older_rule(cls, given: Any) -> Any:
        """Change "even" verdicts of rule 1 to "unclear", because a missing proof of loss does not prove equality."""
        if not isinstance(given, dict) or "rule" in given or not isinstance(given.get("clean"), dict):
            return given
        kept = {**given, "rule": 1, "notes": (OLDER_RULE, *given.get("notes", ()))}
        clean, rows = _older(given["clean"]), [_older(row) for row in given["rows"]]
        if "worse" not in (clean["verdict"], *(row["verdict"] for row in rows)):
            kept["headline"] = OLDER_RULE
        return {
            **kept, "clean": clean, "rows": rows, "unfamiliar": [_older(row) for row in given.get("unfamiliar", ())],
        }  # fmt: skip


def _older(given: dict[str, Any]) -> dict[str, Any]:
    """Return a cell or a row of rule 1 with its "even" verdicts changed to "unclear"."""
    kept = {**given, "cells": [_older(cell) for cell in given["cells"]]} if "cells" in given else dict(given)
    if kept.get("verdict", "even") == "even":
        kept["verdict"] = "unclear"
        if "words" in kept and "cells" in kept:
            kept["words"] = OLDER_RULE
    return kept
