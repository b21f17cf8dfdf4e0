"""What the page Compare shows: frozen, raw numbers in SI units; the page rounds them."""

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
]


@dataclass(frozen=True)
class VersionValue:
    """One row of the table; None where nothing was measured. Shares are 0..1; `loss` is relative.

    `latency_mean_ms` is the time that is compared, and `speedup` follows from it. With `is_bound` other programs were
    running, and `speedup` is a lower bound. `speedup_low` and `speedup_high` hold it with 95 %.

    A p99 is told from `requests_for_p99` timed requests on; there were `requests`.
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
    first_look: bool = False  # measured at another moment than the original: no figure to compare
    runtime: str = ""
    notes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # what was measured of its task, in sentences
    color: int = 0  # place in the series of colors; 0 is the original
    requests: int = 0
    requests_for_p99: int = 0
    latency_mean_ms: float | None = None
    latency_p90_ms: float | None = None
    score: str = ""  # of what is no class: the first score by what is right, in words
    tokens_per_s: float | None = None  # of a language model
    first_ms: float | None = None  # until its first token
    device: str = ""  # in sentences: what it runs on, what that told, what answers cost; where cards take part


@dataclass(frozen=True)
class ChangeValue:
    """One example whose answer changed; `label` is None without labels. Of texts there are both answers in parts, with
    the words marked that differ.
    """

    item: int
    picture: PictureValue
    before: str
    after: str
    label: str | None = None
    kind: Literal["worse", "better", "other"] = "other"
    before_parts: Marked = ()
    after_parts: Marked = ()


@dataclass(frozen=True)
class ChangesValue:
    """`total` may exceed the rows that are listed. `kind` of the inputs. `words_changed` of `words`: next words of a
    language model, of which single ones change in texts that stayed alike. `reasons` say why it is not safe.
    """

    total: int = 0
    rows: tuple[ChangeValue, ...] = ()
    labelled: bool = False
    words_changed: int = 0
    words: int = 0
    reasons: str = ""


@dataclass(frozen=True)
class ProofValue:
    """How many examples there are, about how many a proof of the limit needs; `loss_high` is the bound (0..1).

    `needed` is None where no number can be said: so many answers change that more examples alone may not do.
    `has_labels`: what is right is known already, so that labels need not be asked for.
    """

    have: int
    needed: int | None
    limit_pct: float
    loss_high: float | None = None
    has_labels: bool = False


@dataclass(frozen=True)
class AskedValue:
    """Of the `n_test` test examples only `n_asked` were asked: time ran out, or (`no_memory`) room for answers, or
    (`as_planned`) no more were planned for the limit.

    `takes` is about how long it takes to ask all of them, in words, "" where that is not known.
    """

    n_asked: int
    n_test: int
    no_memory: bool = False
    takes: str = ""
    as_planned: bool = False


@dataclass(frozen=True)
class WaysValue:
    """Ways on when nothing faster was safe. `limit_pct`: the smallest limit that some faster version keeps.

    `is_busy`: other programs alone left open what is faster. `disturbed_by` names them. With `can_wait` one may have it
    measured once the computer is idle. `few`: so few test examples tell nothing about a better version, and `takes` of
    them would; None where that is not what is missing.
    """

    limit_pct: float | None = None
    limit_title: str = ""
    limit_speedup: float | None = None
    n_calibration: int = 0
    command: str = ""
    is_busy: bool = False
    few: int | None = None
    takes: int = 0
    disturbed_by: tuple[str, ...] = ()
    can_wait: bool = False


@dataclass(frozen=True)
class GoOnValue:
    """More time is offered to the same run: so many minutes; `why` is a sentence, "" where the headline says it.

    `is_way_on`: it is the main action, because nothing is recommended and nothing else decides that.
    """

    minutes: int
    why: str = ""
    is_way_on: bool = False


@dataclass(frozen=True)
class UndecidedValue:
    """What decides a run that ended without a verdict: to test a version (`version_id`; `takes` is about how long, in
    words), to go on measuring, or to measure again.
    """

    action: Literal["prove", "go_on", "again"]
    version_id: str = ""
    takes: str = ""


@dataclass(frozen=True)
class CompareValue:
    """`outcome`: what the page says. `recommended` is a version's id; "" when the original is kept.

    `n_labelled` of the `n_test` examples have labels; right answers are counted among these.
    `watch` says in a sentence how the result compares with the version that was exported last, or with the last result.
    `asked` is there where not all test examples were asked.
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
    proof: ProofValue | None = None
    ways: WaysValue | None = None
    note: str = ""
    watch: str = ""
    watch_warns: bool = False
    asked: AskedValue | None = None
    go_on: GoOnValue | None = None
    undecided: UndecidedValue | None = None
