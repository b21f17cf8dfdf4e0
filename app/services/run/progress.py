"""Compute how far a run is, as one value for the page, the list of jobs, the rail and the command line."""

from app.domain.run import RunState, StepRecord
from app.services.flow.events import Event, JobBegan, RunChanged, RunProgress, StepChanged, StepProgress

OPENING, READING, ORIGINAL = 0.5, 0.5, 1.5
VERSION, FINAL, PROOF = 1.0, 2.0, 1.5
"""Work of each step in units of trying one version; planning counts with the original."""

FIRST = (OPENING, READING, ORIGINAL)

KEPT_SHARE = 0.75
"""Expected share of a goal's recipes that fit a model and a machine, until planning gives their number."""

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
    "open": "opening it",
    "open_beside": "opening it",
    "data": "reading them",
    "apply": "making it",
    "answer": "answering examples",
    "judge": "comparing its answers",
    "measure": "measuring its speed",
    "summarize": "working out the figures",
    "describe": "looking at this computer",
    "plan": "choosing what to try",
    "doctor": "checking the preparation",
}

LONG_STAGES = {"engine": ("building its engine", (0.35, 0.7))}
"""Long stages of jobs by their ids: what they do, and the share of the step at their begin and end."""

MOST_SHARE = 0.99
"""Highest share that is shown before a run is over."""

ENDED = frozenset(RunState) - {RunState.QUEUED, RunState.RUNNING}


class ProgressMeter:
    """Progress of one run, computed from its events; owned by the run's `Recorder`.

    The share in `now` never falls, and its stage always names the present work.
    """

    def __init__(self, ways: int) -> None:
        """Create a meter for a run that tries at most `ways` recipes."""
        self._versions = max(1.0, KEPT_SHARE * ways)
        self._is_planned = False
        self._steps: dict[int, StepRecord] = {}
        self._job, self._within = "", (0.0, 1.0)
        self._stage_id = ""
        self._part = 0.0
        self.now = RunProgress(0.0, "Starting")

    def take(self, event: Event) -> RunProgress | None:
        """Return the progress after this event, None if it did not change."""
        if isinstance(event, StepChanged):
            self._on_step(event.step)
            if event.step.state == "waiting":  # steps are planned one by one
                return None
        elif isinstance(event, JobBegan):
            self._on_job(event)
        elif isinstance(event, StepProgress):
            self._stage_id = event.stage_id
            low, high = LONG_STAGES[event.stage_id][1] if event.stage_id in LONG_STAGES else self._within
            self._part = low + (high - low) * min(1.0, event.done / event.total) if event.total else self._part
        elif isinstance(event, RunChanged) and event.run.state in ENDED:
            return self._told(RunProgress(1.0, "Done"))
        else:
            return None
        if self._at() is None and not self._job:  # the last step stays named until another one begins
            return self._told(RunProgress(self._share(), self.now.stage, self.now.step, len(self._steps)))
        return self._told(RunProgress(self._share(), self._stage(), self._at(), len(self._steps)))

    def _told(self, found: RunProgress) -> RunProgress | None:
        if found == self.now:
            return None
        self.now = found
        return found

    def _on_step(self, step: StepRecord) -> None:
        before = self._steps.get(step.index)
        self._steps[step.index] = step
        self._is_planned = self._is_planned or len(self._steps) > len(FIRST)
        if step.state == "running" and (before is None or before.state != "running"):
            self._part, self._within = 0.0, (0.0, 1.0)
        self._job, self._stage_id = "", ""

    def _on_job(self, event: JobBegan) -> None:
        self._job, self._stage_id = event.kind, ""
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
        if step is None:
            return f"{doing[:1].upper()}{doing[1:]}" if doing else self.now.stage
        return f"{step.title}: {doing}" if doing else step.title

    def _share(self) -> float:
        """Return the share of work done; work that exceeds the estimate stops the share but never lowers it."""
        last = max(self._steps, default=0)
        total = sum(FIRST) + FINAL + PROOF + (last - 1 - len(FIRST) if self._is_planned else self._versions) * VERSION
        done = 0.0
        for index, step in self._steps.items():
            is_over = step.state not in ("waiting", "running")
            share = 1.0 if is_over else self._part if step.state == "running" else 0.0
            done += share * work_of(index, last)
        return max(self.now.share, min(MOST_SHARE, done / total))


def work_of(index: int, last: int) -> float:
    """Return the work of a step in units of trying one version; step `last` is the proof, after the final run."""
    if index < len(FIRST):
        return FIRST[index]
    return PROOF if index == last else FINAL if index == last - 1 else VERSION
