"""What the page Jobs shows: frozen, raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

JobState = Literal["queued", "running", "finished", "failed", "cancelled", "crashed", "interrupted", "open"]


@dataclass(frozen=True)
class JobValue:
    """A job, a run or an export.

    `open` is the state of a run that is over and has no verdict yet. `detail` is one sentence (what it does now, or why
    it ended).
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
