"""What stress is asked and finds: the job kind ``stress`` (`fettle stress`, the page "Under stress")."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.paths import to_text

PathText = Annotated[str, BeforeValidator(to_text)]
Measure = Annotated[
    Literal["accuracy", "agreement", "similarity"],
    BeforeValidator(lambda value: "similarity" if value == "likeness" else value),
]
"""Records of version 0.1.0 call similarity by another name."""

Group = Literal["corruption", "drift", "text", "sound", "numbers"]
StressVerdict = Literal["worse", "unclear", "even"]
AttackWay = Literal["answers", "gradients", "straight-through"]

MARGIN = 0.02
"""What a version may lose against the original and still be "as good": a share of the examples (EVALUATION.md)."""

OLDER_RULE = "It was tested by an older rule, which took “no difference was proven” for “no difference”: test it again."

QUICK_S, FULL_S = 60.0, 900.0
"""Seconds that the two modes may take unless something else is said."""


class StressPart(Frozen):
    """Examples of one data folder; `items` None: all. `source` is where the person's files lie, None if unknown."""

    data_dir: str
    source: PathText | None = None
    items: tuple[int, ...] | None = None


class StressParams(Frozen):
    """kind ``stress``: the original and one variant on the very same changed inputs.

    It uses as many examples as `max_seconds` allow, at least ten, and of each all changes: what was answered until then
    is a fair sample. `attack_*` are the stated budget of the attacks: `attack_eps` is a share of the whole range of a
    pixel (of a feature), None: what is usual for such inputs; `attack_queries` for each start on each input,
    `attack_items` inputs. Triggers are looked for within what is left of the time.
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
    """One kind at one severity on `n` examples. `original` and `optimized` are shares 0..1: of right answers, or of
    answers that equal the original's to the unchanged input, or of those like the original's to the same changed
    input.

    `worse` counts examples that only the original answered rightly, `better` the others. `p` is the exact test of "at
    most MARGIN is lost", `p_holm` the same after Holm over all tests of this report; `upper` is the exact one-sided 95
    % bound of what is lost. "worse": surely more than MARGIN; "even": surely at most MARGIN; "unclear": neither, and
    about `needed` more examples would tell where nothing is lost (None: no number of them).
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
        """How much more the optimized one loses: a share of the examples."""
        return self.original - self.optimized


class StressRow(Frozen):
    """One kind of stress over its severities. Changed copies of one example are one cluster: `p` and `upper` are of
    the examples' means. It is worse where it or one of its cells is, and even where all of its cells are. `picture` is
    a small PNG below the work folder. `words` is a whole sentence.
    """

    id: str
    title: str
    group: Group
    source: str
    cells: tuple[StressCell, ...]
    p: float = 1.0
    p_holm: float = 1.0
    upper: float = 1.0
    needed: int | None = None
    verdict: StressVerdict = "even"
    words: str = ""
    picture: str | None = None


class Separation(Frozen):
    """How well a version's confidence tells real inputs from unfamiliar ones, by OpenOOD's definitions (arXiv
    2210.07242; what is unfamiliar is "positive"): `auroc` 0..1, and `fpr95`, the share of real inputs that would be
    turned away, too, if 95 % of the unfamiliar ones are."""

    auroc: float
    fpr95: float


class UnfamiliarRow(Frozen):
    """Inputs that the model was never made for, or (`near`) that are close to its own and still others.

    `original` and `optimized` are the shares of them that each version is as sure of as of 95 % of the real ones, by
    the energy of its answer (arXiv 2010.03759) or, where it gives shares, by the largest of them. `auroc_low` and
    `auroc_high` are the 95 % interval (paired bootstrap over the examples) of the original's AUROC − the optimized
    one's, `fpr95_low` and `fpr95_high` that of the optimized one's FPR95 − the original's. The verdict is about AUROC,
    with MARGIN, and not even where FPR95 surely rises by more. Older findings have only the shares, and `p_holm` of
    their difference.
    """

    id: str
    title: str
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
    words: str = ""
    picture: str | None = None


class AttackRow(Frozen):
    """An attack within a stated budget on `n` inputs that both versions answer rightly. `eps` is a share of the range,
    `queries` (for gradients: steps) are for each of the `restarts`.

    Each version is attacked by itself, through its own answers or gradients (`*_way`; straight-through: rounding is
    taken for a straight line, arXiv 1802.00420): `*_fooled` inputs changed its answer, None where `*_why_not` it was
    not. Apart from that, of the `transfer_n` changed inputs that fool the original, `transfer_fooled` fool the
    optimized one. `p`, `upper` and `needed` are about the difference of what each attack by itself does, as in
    `StressCell`. `why_not` says why nothing was made; then the figures are 0. Nothing here ever says "robust".
    """

    id: str
    title: str
    source: str
    eps: float = 0.0
    queries: int = 0
    restarts: int = 1
    n: int = 0
    original_fooled: int | None = 0
    optimized_fooled: int | None = 0
    original_way: AttackWay | None = None
    optimized_way: AttackWay | None = None
    original_why_not: str = ""
    optimized_why_not: str = ""
    transfer_n: int | None = None
    transfer_fooled: int | None = None
    p: float = 1.0
    upper: float = 1.0
    needed: int | None = None
    verdict: StressVerdict = "unclear"
    words: str = ""
    why_not: str = ""


class TriggerRow(Frozen):
    """One small addition to inputs, and what it does: of `n` inputs that both versions took for another class before,
    the shares that each takes for `target` now, on inputs that the trigger was not chosen by. `low` is the exact lower
    bound of the difference. `found_by` says how it was come by."""

    id: str
    title: str
    found_by: Literal["fixed", "random", "search", "calibration"]
    target: int
    target_name: str
    n: int
    original: float
    optimized: float
    low: float
    picture: str | None = None


class TriggerFindings(Frozen):
    """Whether the version has a trigger that the original has not, as a backdoor that only rounding wakes up has (arXiv
    2111.06067). `danger`: a trigger flips answers of the version to one class far more often than the original's.

    `tried` triggers were compared, the worst are in `rows`; `why_not` says why none was. `not_looked` names what nobody
    can say anything about after this.
    """

    danger: bool = False
    tried: int = 0
    searched: bool = False
    rows: tuple[TriggerRow, ...] = ()
    words: str = ""
    why_not: str = ""
    not_looked: tuple[str, ...] = ()


class PoisonFinding(Frozen):
    """What speaks for or against tampering with the calibration set. `items` names at most 50 items."""

    check: Literal["trigger", "outliers", "none"]
    level: Literal["info", "warning", "danger"]
    what: str
    hint: str = ""
    items: tuple[str, ...] = ()


class PoisonClass(Frozen):
    """How many calibration examples a class has, and whether something was looked for among them."""

    name: str
    n: int
    looked: bool


class PoisonScope(Frozen):
    """What was looked at: a class with fewer than `fewest` examples was not. `not_looked` are whole sentences."""

    fewest: int
    classes: tuple[PoisonClass, ...] = ()
    not_looked: tuple[str, ...] = ()
    words: str = ""


class StressResult(Frozen):
    """`clean` is the same comparison on the inputs as they are. `stopped_early`: the time allowed no more examples.

    `rule` 2: "even" is proven to lose at most `margin`. By rule 1 it only was not proven to lose anything.
    """

    rule: int = 2
    measure: Measure
    full: bool
    n_items: int
    n_answered: int
    seconds: float
    stopped_early: bool
    headline: str
    clean: StressCell
    rows: tuple[StressRow, ...]
    margin: float = MARGIN
    unfamiliar: tuple[UnfamiliarRow, ...] = ()
    attacks: tuple[AttackRow, ...] = ()
    triggers: TriggerFindings | None = None
    poison: tuple[PoisonFinding, ...] = ()
    poison_scope: PoisonScope | None = None
    notes: tuple[str, ...] = ()
    picture: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_an_older_rule(cls, given: Any) -> Any:
        """What rule 1 called even is unclear: its absence of proof was none of equality."""
        if not isinstance(given, dict) or "rule" in given or not isinstance(given.get("clean"), dict):
            return given
        kept = {**given, "rule": 1, "notes": (OLDER_RULE, *given.get("notes", ()))}
        clean, rows = _older(given["clean"]), [_older(row) for row in given["rows"]]
        if "worse" not in (clean["verdict"], *(row["verdict"] for row in rows)):
            kept["headline"] = OLDER_RULE
        return {
            **kept,
            "clean": clean,
            "rows": rows,
            "unfamiliar": [_older(row) for row in given.get("unfamiliar", ())],
        }


def _older(given: dict[str, Any]) -> dict[str, Any]:
    """A cell or a row by rule 1."""
    kept = {**given, "cells": [_older(cell) for cell in given["cells"]]} if "cells" in given else dict(given)
    if kept.get("verdict", "even") == "even":
        kept["verdict"] = "unclear"
        if "words" in kept and "cells" in kept:
            kept["words"] = OLDER_RULE
    return kept
