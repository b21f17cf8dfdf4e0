"""What a bundle's log tells: the job kind ``monitor``."""

from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText


class MonitorParams(Frozen):
    """kind ``monitor``: reads the log of a bundle, a folder or a file of it."""

    log: PathText


class MonitorAlert(Frozen):
    """`code` and `statistic` say what is wrong, `since` and `until` (seconds since 1970, None: it goes on) when,
    `noticed` when it was certain. `before` and `now` are what it was and is (a mean, a share, milliseconds), None where
    that is not known; `direction` is 1 for more, −1 for less; `name` the class it is about,
    `follows` a figure that takes this one along. `title`, `what`
    and `advice` are the same for people.
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
    title: str
    what: str
    advice: str


class MonitoredStatistic(Frozen):
    """One figure over the latest thousand requests: `n` items of them against `expected` of the evaluation data.

    `before` and `now` are means, `place` is the mean place 0..1 among the evaluation data (.5 is usual).
    """

    statistic: str
    title: str
    n: int
    expected: int
    before: float | None
    now: float
    place: float


class MonitorPoint(Frozen):
    """A stretch of the log that begins at `t` (seconds since 1970): its requests, median latency, means of figures."""

    t: float
    n: int
    errors: int
    p50_ms: float | None
    means: dict[str, float]


class MonitorDrift(Frozen):
    """`requests` were answered by the bundle (of `bundles` in the log, the latest) between `since` and `until`.

    `kept` answers came out of a cache, `lost` requests are in no figure. `expected` is how many items of evaluation
    data it is compared with. Changes are tested from `needed` requests on. `latency_before_ms` and `latency_now_ms` are
    the medians of the first and the latest thousand requests, None where nothing was timed. `left_out` counts lines by
    the reason. `notes` and `summary` are for people.
    """

    bundle: str
    title: str
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
    notes: tuple[str, ...]
    summary: str


class MonitorResult(Frozen):
    drift: MonitorDrift
    alerts: tuple[MonitorAlert, ...]
