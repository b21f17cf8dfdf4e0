"""What stress is asked and finds: the job kind ``stress`` (`fettle stress`, the page "Under stress")."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.paths import to_text

PathText = Annotated[str, BeforeValidator(to_text)]
Measure = Literal["accuracy", "agreement", "likeness"]
Group = Literal["corruption", "drift", "text", "sound", "numbers"]
StressVerdict = Literal["worse", "unclear", "even"]

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
    pixel (of a feature), None: what is usual for such inputs; `attack_queries` for each input, `attack_items` inputs.
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


class StressCell(Frozen):
    """One kind at one severity on `n` examples. `original` and `optimized` are shares 0..1: of right answers, or of
    answers that equal the original's to the unchanged input, or of those like the original's to the same changed input.

    `worse` counts examples that only the original answered rightly, `better` the others; `p` is the exact one-sided
    McNemar test, `p_holm` the same after Holm over all tests of this report (1 where there is nothing to test).
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
    verdict: StressVerdict = "even"

    @property
    def drop(self) -> float:
        """How much more the optimized one loses: a share of the examples."""
        return self.original - self.optimized


class StressRow(Frozen):
    """One kind of stress over its severities. Changed copies of one example are one cluster: `p` is the exact sign test
    over the examples' sums. `picture` is a small PNG below the work folder. `words` is a whole sentence.
    """

    id: str
    title: str
    group: Group
    source: str
    cells: tuple[StressCell, ...]
    p: float = 1.0
    p_holm: float = 1.0
    verdict: StressVerdict = "even"
    words: str = ""
    picture: str | None = None


class UnfamiliarRow(Frozen):
    """Inputs that the model was never made for: the share of them that each version is as sure of as of 95 % of the
    real ones, by the energy of its answer (arXiv 2010.03759) or, where it gives shares, by the largest of them."""

    id: str
    title: str
    n: int
    original: float
    optimized: float
    worse: int = 0
    better: int = 0
    p_holm: float = 1.0
    verdict: StressVerdict = "even"
    words: str = ""
    picture: str | None = None


class AttackRow(Frozen):
    """An attack within a stated budget on `n` inputs that both versions answer rightly. `eps` is a share of the range.

    `why_not` says why it was not made; then the figures are 0. Nothing here ever says "robust".
    """

    id: str
    title: str
    source: str
    eps: float = 0.0
    queries: int = 0
    restarts: int = 1
    n: int = 0
    original_fooled: int = 0
    optimized_fooled: int = 0
    p: float = 1.0
    words: str = ""
    why_not: str = ""


class PoisonFinding(Frozen):
    """What speaks for or against tampering with the calibration set. `items` names at most 50 items."""

    check: Literal["trigger", "outliers", "none"]
    level: Literal["info", "warning", "danger"]
    what: str
    hint: str = ""
    items: tuple[str, ...] = ()


class StressResult(Frozen):
    """`clean` is the same comparison on the inputs as they are. `stopped_early`: the time allowed no more examples."""

    measure: Measure
    full: bool
    n_items: int
    n_answered: int
    seconds: float
    stopped_early: bool
    headline: str
    clean: StressCell
    rows: tuple[StressRow, ...]
    unfamiliar: tuple[UnfamiliarRow, ...] = ()
    attacks: tuple[AttackRow, ...] = ()
    poison: tuple[PoisonFinding, ...] = ()
    notes: tuple[str, ...] = ()
    picture: str | None = None
