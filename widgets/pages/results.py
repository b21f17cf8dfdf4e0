"""What the pages Compare, Export, Jobs and Settings show and ask for: frozen, raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from widgets.pages.values import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue

# -- Compare --
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
    "beyond_limit",
    "unmeasured",
    "unconfirmed",
]


@dataclass(frozen=True)
class VersionValue:
    """One row of the table; None where nothing was measured. Shares are 0..1; `loss` is relative.

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
    first_look: bool = False  # measured at another moment than the original: no figure to compare
    runtime: str = ""
    notes: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # what was measured of its task, in sentences
    color: int = 0  # place in the series of colors; 0 is the original
    requests: int = 0
    requests_for_p99: int = 0


@dataclass(frozen=True)
class ChangeValue:
    """One example whose answer changed; `label` is None without labels."""

    item: int
    picture: PictureValue
    before: str
    after: str
    label: str | None = None
    kind: Literal["worse", "better", "other"] = "other"


@dataclass(frozen=True)
class ChangesValue:
    """`total` may exceed the rows that are listed. `kind` of the inputs."""

    total: int = 0
    rows: tuple[ChangeValue, ...] = ()
    labelled: bool = False


@dataclass(frozen=True)
class ProofValue:
    """How many examples there are, about how many a proof of the limit needs; `loss_high` is the bound (0..1).

    `needed` is None where no number can be said: so many answers change that more examples alone may not do.
    """

    have: int
    needed: int | None
    limit_pct: float
    loss_high: float | None = None


@dataclass(frozen=True)
class AskedValue:
    """Of the `n_test` test examples only `n_asked` were asked: time ran out, or (`no_memory`) room for answers."""

    n_asked: int
    n_test: int
    no_memory: bool = False


@dataclass(frozen=True)
class WaysValue:
    """Ways on when nothing faster was safe. `limit_pct`: the smallest limit that some faster version keeps."""

    limit_pct: float | None = None
    limit_title: str = ""
    limit_speedup: float | None = None
    n_calibration: int = 0
    command: str = ""


@dataclass(frozen=True)
class GoOnValue:
    """More time is offered to the same run: so many minutes; `why` is a sentence, "" where the headline says it."""

    minutes: int
    why: str = ""


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
    labelled: bool = False
    kind: DataKind = "images"
    answers: Literal["class", "vector"] = "class"
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


# -- Export --
@dataclass(frozen=True)
class TargetValue:
    """A kind of bundle that can be written here."""

    id: str
    title: str
    text: str
    icon: str = "folder"
    available: bool = True
    hint: str = ""


@dataclass(frozen=True)
class ExportValue:
    """`reason_needed` says in a sentence why the person's own words are wanted; empty for a safe version."""

    targets: tuple[TargetValue, ...]
    target: str
    version: str
    path: str
    card: str
    checks: tuple[CheckValue, ...] = ()
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    reason_needed: str = ""
    reason: str = ""
    seconds: float | None = None
    checks_on_export: int = 0


@dataclass(frozen=True)
class ExportAsk:
    """What the person wants written."""

    target: str
    path: str
    purpose: str
    not_for: str
    contact: str
    reason: str = ""


@dataclass(frozen=True)
class DoneValue:
    """A bundle that has passed its self-test. `commands` are the lines that run it, `printed` what they print."""

    path: str
    size_bytes: int
    target: str
    card: str
    checks: tuple[CheckValue, ...]
    commands: tuple[str, ...]
    printed: tuple[str, ...] = ()
    tested: str = ""


# -- Jobs, settings --
JobState = Literal["queued", "running", "finished", "failed", "cancelled", "crashed", "interrupted"]


@dataclass(frozen=True)
class JobValue:
    """A job or a run. `detail` is one sentence (what it does now, or why it ended)."""

    id: str
    title: str
    state: JobState
    device: str = ""
    created_at: datetime | None = None
    seconds: float | None = None
    progress: float | None = None
    detail: str = ""
    can_cancel: bool = False
    can_resume: bool = False
    can_open: bool = False


@dataclass(frozen=True)
class RuntimeValue:
    """`hint` is the install line or the reason, where it is not there."""

    id: str
    title: str
    available: bool
    about: str = ""
    hint: str = ""


@dataclass(frozen=True)
class LicenseValue:
    """A library that Fettle stands on."""

    name: str
    version: str
    license: str


@dataclass(frozen=True)
class SettingsValue:
    """`threads` None: as many as are sensible on this computer."""

    theme: Literal["system", "light", "dark"]
    data_folder: str
    data_bytes: int | None
    threads: int | None
    cores: int
    runtimes: tuple[RuntimeValue, ...] = ()
    version: str = ""
    licenses: tuple[LicenseValue, ...] = ()
    device: str = ""
