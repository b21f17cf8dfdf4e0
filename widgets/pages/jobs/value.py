"""Define the values of the page Jobs: frozen, with raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

JobState = Literal["queued", "running", "finished", "failed", "cancelled", "crashed", "interrupted", "open"]


@dataclass(frozen=True)
class JobValue:
    """A job, a run or an export.

    `open` is the state of a finished run without a verdict. `detail` is one sentence (the current work, or the reason
    of the end).
    """

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
