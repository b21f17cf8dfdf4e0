"""Define the values of the page Compare: frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.marked import Marked
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue

Verdict = Literal[
    "original",
    "keep",
    "safe",
    "alike",
    "regressed",
    "not_enough_data",
    "not_faster",
    "not_settled",
    "alike_slower",
    "slow_tail",
    "beyond_limit",
    "unmeasured",
    "not_on_card",
    "unconfirmed",
    "not_tested",
    "dropped",
    "cut_off",
]


@dataclass(frozen=True)
class VersionValue:
    """One row of the table; None if it was not measured. Shares are 0..1; `loss` is relative.

    `latency_mean_ms` is the compared latency, from which `speedup` follows. With `is_bound` other programs were
    running, and `speedup` is a lower bound. `speedup_low` to `speedup_high` is its 95 % interval. A p99 is shown from
    `requests_for_p99` timed requests on; there were `requests`.
    """

    id: str
    title: str
    verdict: Verdict
    latency_ms: float | None = None
    latency_p99_ms: float | None = None
    throughput_per_s: float | None = None
    memory_bytes: int | None = None
    size_bytes: int | None = None
    accuracy: float | None = None
    right: int | None = None
    agreement: float | None = None
    changed: int | None = None
    loss: float | None = None
    speedup: float | None = None
    speedup_low: float | None = None
    speedup_high: float | None = None
    is_bound: bool = False
    first_look: bool = False  # measured at another time than the original: not comparable
    runtime: str = ""
    notes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # scores of its task as sentences
    color: int = 0  # index in the series of colors; 0 is the original
    requests: int = 0
    requests_for_p99: int = 0
    latency_mean_ms: float | None = None
    latency_p90_ms: float | None = None
    score: str = ""  # first score against the right answers if they are no classes, as text
    tokens_per_s: float | None = None  # of a language model
    first_ms: float | None = None  # time to its first token
    prompt_tokens_per_s: float | None = None  # speed at which it reads a prompt
    memory_share: float | None = None  # its speed as a share of what reading weights from memory allows
    device: str = ""  # sentences about device, its figures and cost, in runs with GPU versions


@dataclass(frozen=True)
class ChangeValue:
    """One example whose prediction changed; `label` is None without labels.

    Texts have both predictions in parts, with the differing words marked.
    """

    picture: PictureValue
    before: str
    after: str
    label: str | None = None
    kind: Literal["worse", "better", "other"] = "other"
    before_parts: Marked = ()
    after_parts: Marked = ()


@dataclass(frozen=True)
class ChangesValue:
    """The changed examples; `total` may exceed the listed rows.

    `words_changed` of `words` are next words of a language model; single ones may change in texts that stayed alike.
    `reasons` explain why the version is not safe.
    """

    total: int = 0
    rows: tuple[ChangeValue, ...] = ()
    labelled: bool = False
    words_changed: int = 0
    words: int = 0
    reasons: str = ""


@dataclass(frozen=True)
class EvaluatedValue:
    """The evaluation of only `n_evaluated` of the `n_test` test examples.

    The run had no time for more, no memory for more predictions (`no_memory`), or planned no more for the limit
    (`as_planned`). `takes` is the expected time for all of them as text, "" if it is unknown.
    """

    n_evaluated: int
    n_test: int
    no_memory: bool = False
    takes: str = ""
    as_planned: bool = False


@dataclass(frozen=True)
class OptionsValue:
    """The options of a run without a safe faster version.

    `limit_pct` is the smallest limit that some faster version keeps. `is_busy` means that only other programs left the
    speed undecided, and `disturbed_by` names them. With `can_wait` a measurement can wait until the computer is idle.
    `few` is a number of test examples that is too small to judge a better version, and `takes` is enough; `few` is None
    if the examples suffice.
    """

    limit_pct: float | None = None
    limit_title: str = ""
    limit_speedup: float | None = None
    n_calibration: int = 0
    is_busy: bool = False
    few: int | None = None
    takes: int = 0
    disturbed_by: tuple[str, ...] = ()
    can_wait: bool = False


@dataclass(frozen=True)
class GoOnValue:
    """An offer of more time for the same run in minutes; `why` is a sentence, "" if the headline shows it.

    `is_way_on` means that it is the main action, because nothing is recommended and nothing else decides that.
    """

    minutes: int
    why: str = ""
    is_way_on: bool = False


@dataclass(frozen=True)
class UndecidedValue:
    """The action that decides a run without a verdict: prove a version, continue to measure, or measure again.

    `version_id` is the version to prove; `takes` is the expected time as text.
    """

    action: Literal["prove", "go_on", "again"]
    version_id: str = ""
    takes: str = ""


@dataclass(frozen=True)
class DeviceValue:
    """One computer of the table of devices: its name ("" is this one), its run, and the recommended version's title.

    `best` is "" if the original is kept; `speedup` is that of `best` there, None if it is unknown.
    """

    run_id: str
    name: str
    best: str = ""
    speedup: float | None = None
    is_shown: bool = False


@dataclass(frozen=True)
class OnDeviceValue:
    """One version on one computer; `verdict` is None where it was not made."""

    verdict: Verdict | None = None
    latency_ms: float | None = None
    speedup: float | None = None
    is_bound: bool = False
    is_best: bool = False


@dataclass(frozen=True)
class FleetValue:
    """The newest results of the same goal on several computers; each row is a title with one cell per device.

    `for_all` is the title of the version that is safe and better on all of them, "" if there is none, and `worst` its
    least speedup.
    """

    devices: tuple[DeviceValue, ...]
    rows: tuple[tuple[str, tuple[OnDeviceValue, ...]], ...]
    for_all: str = ""
    worst: float | None = None


@dataclass(frozen=True)
class ClaimValue:
    """A result that somebody measured on another computer, in words; `item` names its record.

    `signer` says who signed it, and `signed_by` is the key's fingerprint, "" without one. `is_accepted` is None for the
    own key and without a key; otherwise the person can accept the key or forget it.
    """

    item: str
    title: str
    lines: tuple[str, ...]
    signer: str
    signed_by: str = ""
    is_accepted: bool | None = None


@dataclass(frozen=True)
class CompareValue:
    """The page's value; `recommended` is a version's id, "" if the original is kept.

    `n_labelled` of the `n_test` examples have labels, and right predictions are counted among these. `watch` is a
    sentence that compares the result with the version that was exported last, or with the last result. `evaluated` is
    set if not all test examples were evaluated. `needed` is the number of examples that a proof of the limit takes, or
    None if so many predictions change that more examples alone may not suffice.
    """

    outcome: Literal["safe", "not_proven", "nothing_faster"]
    headline: str
    subtitle: str
    versions: tuple[VersionValue, ...]
    recommended: str = ""
    n_test: int = 0
    n_labelled: int = 0
    score_title: str = ""  # names `VersionValue.score`
    speaks: bool = False  # a language model: tokens a second, and shares of next words
    labelled: bool = False
    kind: DataKind = "images"
    limit_pct: float = 1.0
    loss_high: float | None = None
    changes: ChangesValue = ChangesValue()
    needed: int | None = None
    options: OptionsValue | None = None
    note: str = ""
    watch: str = ""
    watch_warns: bool = False
    evaluated: EvaluatedValue | None = None
    go_on: GoOnValue | None = None
    undecided: UndecidedValue | None = None
    fleet: FleetValue | None = None  # results on several computers
    phones: tuple[str, ...] = ()  # what browsers measured, one sentence for each version and browser
    claims: tuple[ClaimValue, ...] = ()  # of other computers
    result_name: str = ""  # proposed name of the file of this result
    computers: tuple[str, ...] = ()  # those that did not measure this result; "" is this computer
