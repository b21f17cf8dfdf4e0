"""Contracts of the preprocessing doctor, the job kind ``doctor`` (`fettle data doctor`, the page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen, PathText
from workers.contracts.pipeline import Preprocess
from workers.contracts.text import Text

PREPARED_WRONGLY = "prepared_wrongly"
"""Code of the finding, and of the error, that another preparation of the inputs fits far better."""

DoctorVerdict = Literal["fits", "better", "far_better", "unclear"]
DoctorEvidence = Literal["labels", "confidence", "none"]


class DoctorParams(Frozen):
    """Parameters of the kind ``doctor``: try the plausible preparations of the inputs of `path` for the model.

    Columns, labels, and left out or relabeled items are as in `DataParams`.

    Attributes:
        seconds: Time limit of the search.
        max_items: Maximum number of examples to evaluate.
        quick: Try only the few most plausible ones.
    """

    model_dir: str
    path: PathText
    text_column: str | None = None
    label_column: str | None = None
    label_map: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    relabeled: dict[str, str] = {}
    runtime: str = "onnxruntime-cpu"
    seconds: float = Field(default=15.0, gt=0, le=600)
    max_items: int = Field(default=200, ge=1, le=10_000)
    quick: bool = False


class PreparationTried(Frozen):
    """One preparation of inputs that was tried.

    Attributes:
        words: Description for the user.
        spec: The same as a SPEC of ``--preprocess``.
        score: Share of right predictions (labels; for sequences the mean area under the curve), or mean confidence
            above that on noise.
        low: Lower two-sided 95 % bound of the score; `high` is the upper one.
        n: Number of examples.
        problem: Reason why it cannot run.
    """

    words: Text
    spec: str
    preprocess: Preprocess
    is_chosen: bool = False
    score: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    problem: Text = ""


class DoctorResult(Frozen):
    """Result of the kind ``doctor``.

    Attributes:
        ways: Preparations of the inputs, the best first.
        best: None if no conclusion is possible.
        rival: A preparation that scored better than the chosen one although the chosen one fits; this may be chance.
        p_value: p-value of the paired test that the best one is no better than the chosen one, corrected for the number
            of preparations.
        guess: Score of guessing without the inputs.
    """

    verdict: DoctorVerdict
    evidence: DoctorEvidence
    what: Text
    why: Text
    ways: tuple[PreparationTried, ...]
    best: PreparationTried | None = None
    rival: PreparationTried | None = None
    p_value: float | None = None
    guess: float | None = None
    n: int = 0
    tried: int = 0
    runs: int = 0
    seconds: float = 0.0
    stopped_early: bool = False
