"""What the preprocessing doctor is asked and finds: the job kind ``doctor`` (`fettle data doctor`, the page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText
from workers.contracts.pipeline import Preprocess

PREPARED_WRONGLY = "prepared_wrongly"
"""Code of the finding, and of the error, that another preparation of the inputs fits far better."""

DoctorVerdict = Literal["fits", "better", "far_better", "unclear"]
DoctorEvidence = Literal["labels", "confidence", "none"]


class DoctorParams(Frozen):
    """kind ``doctor``: tries the plausible ways of preparing inputs of `path` for the model.

    `seconds` bounds the search; at most `max_items` examples are looked at. `quick` tries the likeliest few ways only.
    What a person said about the data (columns, labels, what is left out or relabeled) is as in `DataParams`.
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


class WayTried(Frozen):
    """One way. `spec` is the SPEC of ``--preprocess`` that says the same, `words` are for people.

    `score` is the share of right answers (labels; for sequences the mean area under the curve) or the mean confidence
    above that on noise; `low` and `high` are its two-sided 95 % bounds, `n` the examples. `problem` says why it cannot
    run.
    """

    words: str
    spec: str
    preprocess: Preprocess
    is_chosen: bool = False
    score: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    problem: str = ""


class DoctorResult(Frozen):
    """`ways` are ranked, the best first; `best` is None where nothing can be told.

    `p_value` is of the paired test that the best is no better than the chosen one, corrected for the number of ways.
    `guess` is the score that comes without looking at the inputs. `rival` did better than the chosen one that fits, but
    it may be so by chance.
    """

    verdict: DoctorVerdict
    evidence: DoctorEvidence
    what: str
    why: str
    ways: tuple[WayTried, ...]
    best: WayTried | None = None
    rival: WayTried | None = None
    p_value: float | None = None
    guess: float | None = None
    n: int = 0
    tried: int = 0
    runs: int = 0
    seconds: float = 0.0
    stopped_early: bool = False
