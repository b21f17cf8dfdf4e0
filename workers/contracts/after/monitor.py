"""Contracts of the job kind ``monitor``: read the log of a bundle in use."""

from typing import Literal

from workers.contracts.base import Frozen, PathText
from workers.contracts.text import Text


class MonitorParams(Frozen):
    """Parameters of the kind ``monitor``: read the log of a bundle, a folder or one of its files."""

    log: PathText


class MonitorAlert(Frozen):
    """One alert about a bundle in use.

    Attributes:
        code: What is wrong, for programs.
        statistic: Id of the figure that changed.
        since: Start of the change, in seconds since 1970.
        until: End of the change, in seconds since 1970; None if it goes on.
        noticed: Time at which the change was certain.
        before: Earlier value (a mean, a share, milliseconds); None if unknown.
        now: Current value; None if unknown.
        direction: 1 for more, −1 for less.
        name: The class concerned.
        follows: Id of the figure whose change explains this one.
        title: Headline; `what` and `advice` explain it to the user.
    """

    code: Literal["shift", "unfamiliar", "classes", "one_answer", "unsure", "errors", "not_numbers", "slower"]
    statistic: str
    level: Literal["danger", "warning"]
    since: float
    until: float | None
    noticed: float
    before: float | None
    now: float | None
    direction: int
    name: str
    requests: int
    follows: str = ""
    bundle: str
    title: Text
    what: Text
    advice: Text


class MonitoredStatistic(Frozen):
    """One figure over the latest thousand requests, compared with the evaluation data.

    Attributes:
        n: Number of values in the log.
        expected: Number of values of the evaluation data.
        before: Mean of the evaluation data.
        now: Mean of the latest requests.
        place: Mean rank 0..1 among the evaluation data (0.5 is usual).
    """

    statistic: str
    title: Text
    n: int
    expected: int
    before: float | None
    now: float
    place: float


class MonitorPoint(Frozen):
    """A stretch of the log from `t` (seconds since 1970): its requests, median latency and means of figures."""

    t: float
    n: int
    errors: int
    p50_ms: float | None
    means: dict[str, float]


class MonitorDrift(Frozen):
    """Summary of a bundle's log between `since` and `until`.

    Attributes:
        bundle: Id of the latest of the `bundles` that wrote the log.
        requests: Number of requests that the bundle answered.
        kept: Number of predictions from a cache.
        lost: Number of requests that are in no figure.
        expected: Number of items of the evaluation data that the log is compared with.
        needed: Number of requests from which on changes are tested.
        latency_before_ms: Median of the first thousand requests; None if nothing was timed.
        latency_now_ms: Median of the latest thousand requests; None if nothing was timed.
        left_out: Number of skipped lines by reason.
        notes: Remarks for the user.
        summary: Summary for the user.
    """

    bundle: str
    title: Text
    run_id: str
    kind: str
    bundles: int
    requests: int
    errors: int
    kept: int
    lost: int
    since: float | None
    until: float | None
    expected: int
    needed: int
    latency_before_ms: float | None
    latency_now_ms: float | None
    left_out: dict[str, int]
    is_cut: bool
    clock_went_back: int
    statistics: tuple[MonitoredStatistic, ...]
    points: tuple[MonitorPoint, ...]
    notes: tuple[Text, ...]
    summary: Text


class MonitorResult(Frozen):
    """Result of the kind ``monitor``."""

    drift: MonitorDrift
    alerts: tuple[MonitorAlert, ...]
