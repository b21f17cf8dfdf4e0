"""Keep one version of a run loaded in a process that predicts one input after another."""

import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.domain.variant import Variant
from app.jobs.client import Crashed
from app.jobs.outcome import Outcome, error_of
from app.services.flow.steps import JobStep
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import stored_version
from workers.contracts.after.trying import LiveResult
from workers.contracts.errors import ErrorInfo
from workers.contracts.process.messages import Answered, Cancelled, Failed, Finished, Ready, Request
from workers.contracts.specs import RunParams

Ended = (Finished, Failed, Cancelled, Crashed)


class LiveJob:
    """A job that stays open; owned by its page, which calls `close()` to end the process.

    `poll()` returns new results; `is_loaded` and `error` show its state.
    """

    def __init__(self, workspace: Workspace, step: JobStep[Any]) -> None:
        """Start the job of `step` in a worker process."""
        self.is_loaded = False
        self.error: ErrorInfo | None = None
        job = workspace.new_job(step, step.params.model_dump(mode="json"))
        self.work_dir = Path(job.work_dir)
        self._client = workspace.pool.take(torch=step.torch)
        self._client.start(job)

    @property
    def pid(self) -> int | None:
        """Return the process while it exists."""
        return self._client.pid

    def request(self, index: int, request: BaseModel) -> None:
        """Send a request; only one may be open at a time."""
        self._client.send_request(Request(index=index, request=request.model_dump(mode="json")))

    def poll(self) -> list[Answered]:
        """Return new results without waiting."""
        answers = []
        for message in self._client.poll():
            if isinstance(message, Ready):
                self.is_loaded = self.is_loaded or message.state == "loaded"
            elif isinstance(message, Answered):
                answers.append(message)
            elif isinstance(message, Ended):
                self._end(message)
        return answers

    def _end(self, outcome: Outcome) -> None:
        """Set an error, since a live job should end only through `close`."""
        self.is_loaded = False
        self.error = error_of(outcome) or ErrorInfo(
            code="ended_early",
            title="The model's process has ended",
            detail="It ended without being told to.",
            hint="Load it again.",
        )

    def close(self) -> None:
        """End the process at once and remove its folder."""
        self.is_loaded = False
        self._client.close()
        shutil.rmtree(self.work_dir, ignore_errors=True)


class LiveModel(LiveJob):
    """One loaded version that predicts inputs."""

    def __init__(self, workspace: Workspace, facts: RunFacts, variant: Variant, readable: tuple[Path, ...]) -> None:
        """Load a version in a process that may read `readable`; raise `JobError` (exit code 3) if files are gone."""
        self.variant = variant
        super().__init__(workspace, _step(workspace, facts, variant, readable))


def _step(workspace: Workspace, facts: RunFacts, variant: Variant, readable: tuple[Path, ...]) -> JobStep[LiveResult]:
    check_stored(workspace, facts, variant, contents=False)
    version = stored_version(facts, variant)
    params = RunParams(**version.parameters(), data_dir=str(facts.data_dir))
    limits = version.limits.model_copy(update={"cpu_s": None})  # open as long as the page
    threads = facts.run.goal.threads
    return version.step("try_it", params, LiveResult, facts.data_dir, readable, threads=threads, limits=limits)
