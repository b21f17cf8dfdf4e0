"""Compute how far a run is, as one value for the page, the list of jobs, the rail and the command line."""

from dataclasses import replace

from app.domain.run import UNDER_WAY, Run, StepRecord
from app.services.flow.events import Event, JobBegan, RunProgress, StepProgress
from app.services.run.clock import RunClock
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import capitalized

BEGINS = {
    "open": 0.0,
    "open_beside": 0.1,
    "apply": 0.0,
    "measure": 0.35,
    "summarize": 0.65,
    "answer": 0.7,
    "judge": 0.9,
}
"""Share of its step that is done when a job of this kind begins; the job ends where the next kind begins."""

DOING = {
    "open": mark("opening it"),
    "open_beside": mark("opening it"),
    "data": mark("reading them"),
    "apply": mark("making it"),
    "answer": mark("answering examples"),
    "judge": mark("comparing its answers"),
    "measure": mark("measuring its speed"),
    "summarize": mark("working out the figures"),
    "describe": mark("looking at this computer"),
    "plan": mark("choosing what to try"),
    "doctor": mark("checking the preparation"),
}

ELSEWHERE = {
    "answer": mark("answering examples on {0}"),
    "measure": mark("measuring its speed on {0}"),
    "describe": mark("looking at {0}"),
    "plan": mark("choosing what to try on {0}"),
    "gpu_rungs": mark("looking at {0}"),
}
"""What jobs of a kind do on another computer, of which {0} is the name."""

LONG_STAGES = {"engine": (mark("building its engine"), (0.35, 0.7))}
"""Long stages of jobs by their ids: what they do, and the share of the step at their begin and end."""

MOST_SHARE = 0.99
"""Highest share that is shown before a run is over."""


class ProgressMeter:
    """Progress of one run, computed from its events and its clock; owned by the run's `Recorder`.

    The share in `now` never falls, and its stage always names the present work.
    """

    def __init__(self, clock: RunClock) -> None:
        """Create the meter of a run with this clock."""
        self._clock = clock
        self._steps: dict[int, StepRecord] = {}
        self._job, self._computer, self._within = "", "", (0.0, 1.0)
        self._stage_id = ""
        self._part = 0.0
        self._own_s: float | None = None  # what the final run or the proof expects of itself
        self.now = RunProgress(0.0, mark("Starting"))

    def update(self, event: Event) -> RunProgress | None:
        """Return the progress after this event, None if it did not change."""
        if isinstance(event, StepRecord):
            self._on_step(event)
            if event.state == "waiting":  # steps are planned one by one
                return None
        elif isinstance(event, JobBegan):
            self._on_job(event)
        elif isinstance(event, StepProgress):
            self._stage_id = event.stage_id
            low, high = LONG_STAGES[event.stage_id][1] if event.stage_id in LONG_STAGES else self._within
            self._part = low + (high - low) * min(1.0, event.done / event.total) if event.total else self._part
            self._own_s = event.remaining_s
        elif isinstance(event, Run) and event.state not in UNDER_WAY:
            self.now = RunProgress(1.0, mark("Done"))
            return self.now
        else:
            return None
        at = self._at()
        is_named = at is not None or bool(self._job)  # the last step stays named until another one begins
        progress = self._timed(self._stage() if is_named else self.now.stage, at if is_named else self.now.step)
        if progress == self.now:
            return None
        self.now = progress
        return progress

    def _timed(self, stage: str, step: int | None) -> RunProgress:
        clock, remaining_s = self._clock, self._remaining_s()
        total_s = clock.elapsed() + remaining_s
        share = max(self.now.share, min(MOST_SHARE, clock.elapsed() / total_s if total_s else 0.0))
        progress = RunProgress(share, stage, step, left_s=clock.left_s)
        if not clock.is_measured:
            return progress
        goes_on = clock.from_now_s is not None
        return replace(progress, remaining_s=remaining_s, steps_s=clock.steps_s, goes_on=goes_on)

    def _remaining_s(self) -> float:
        """Return the expected seconds of all steps that are not over, at most the time to the limit."""
        clock, expected_s = self._clock, self._clock.unplanned_s
        for (index, step), step_s in zip(sorted(self._steps.items()), clock.steps_s, strict=False):
            if step.state == "running":
                is_known = self._own_s is not None and clock.kinds[index] in ("final", "proof")
                expected_s += self._own_s or 0.0 if is_known else (1 - self._part) * step_s
            elif step.state == "waiting":
                expected_s += step_s
        return expected_s if clock.left_s is None else min(expected_s, max(0.0, clock.left_s))

    def _on_step(self, step: StepRecord) -> None:
        before = self._steps.get(step.index)
        self._steps[step.index] = step
        if step.state == "running" and (before is None or before.state != "running"):
            self._part, self._within = 0.0, (0.0, 1.0)
        self._job, self._stage_id, self._own_s = "", "", None

    def _on_job(self, event: JobBegan) -> None:
        self._job, self._stage_id, self._own_s = event.kind, "", None
        self._computer = event.computer
        begins = BEGINS.get(event.kind)
        if begins is None or self._at() is None:
            self._within = (0.0, 1.0)
            return
        later = [place for place in BEGINS.values() if place > begins]
        self._within = (begins, min(later, default=1.0))
        self._part = max(self._part, begins)

    def _at(self) -> int | None:
        """Return the number of the running step from 1 on, None between two steps."""
        return next((index + 1 for index, step in sorted(self._steps.items()) if step.state == "running"), None)

    def _stage(self) -> str:
        step = self._steps.get((self._at() or 0) - 1)
        doing = DOING.get(self._job, "")
        if self._stage_id in LONG_STAGES:
            doing = LONG_STAGES[self._stage_id][0]
        elif self._computer and self._job in ELSEWHERE:
            doing = _(ELSEWHERE[self._job]).format(self._computer)
        if step is None:
            return capitalized(_(doing)) if doing else self.now.stage
        return joined([_(step.title), _(doing)], ": ") if doing else step.title
