"""Keep one version loaded in a process that predicts one input after another, or chats."""

import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.domain.variant import Variant
from app.jobs.client import Crashed
from app.jobs.outcome import Outcome, error_of
from app.services.flow.steps import Flow, JobError, JobStep, Refused
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import Version, opened_version, stored_version
from workers.contracts.after.chatting import ChatPiece, ChatRequest
from workers.contracts.after.trying import LiveResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import OpenParams
from workers.contracts.process.messages import Answered, Cancelled, Failed, Finished, Ready, Request
from workers.contracts.specs import ModelInfo, RunParams
from workers.contracts.translation import _, mark

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

    def request(self, index: int, request: BaseModel) -> None:
        """Send a request; only one may be open at a time."""
        self._client.send(Request(index=index, request=request.model_dump(mode="json")))

    def poll(self) -> list[Answered]:
        """Return new results without waiting."""
        results = []
        for message in self._client.poll():
            if isinstance(message, Ready):
                self.is_loaded = self.is_loaded or message.state == "loaded"
            elif isinstance(message, Answered):
                results.append(message)
            elif isinstance(message, Ended):
                self._end(message)
        return results

    def _end(self, outcome: Outcome) -> None:
        """Set an error, since a live job should end only through `close`."""
        self.is_loaded = False
        self.error = error_of(outcome) or ErrorInfo(
            code="ended_early",
            title="The model's process has ended",
            detail="It ended unexpectedly.",
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


LANGUAGE_MODEL = "language-model"


class LiveChat(LiveJob):
    """A chat with one version in a live process; owned by the page or the command.

    After `send` with a dialogue, `pieces()` returns parts of the answer until one is marked as done. A new `send` ends
    the present answer.
    """

    def __init__(self, workspace: Workspace, version: Version, threads: int | None = None) -> None:
        """Start the process that loads the version."""
        limits = version.limits.model_copy(update={"cpu_s": None})  # open as long as the chat
        params, read_paths = RunParams(**version.parameters()), (version.model_dir,)
        step = JobStep("chat", params, LiveResult, "Chat", read_paths, limits=limits, threads=threads)
        super().__init__(workspace, step)
        self._index = 0

    def send(self, request: ChatRequest) -> None:
        """Request the next answer; a request without messages only ends the present one."""
        self._index += 1
        self.request(self._index, request)

    def pieces(self) -> list[ChatPiece | ErrorInfo]:
        """Return new parts of the latest answer without waiting."""
        latest = [answered for answered in self.poll() if answered.index == self._index]
        return [one.error if one.error is not None else ChatPiece.model_validate(one.result) for one in latest]


def chat_of_run(workspace: Workspace, facts: RunFacts, variant: Variant) -> LiveChat:
    """Open a chat with a version of a run.

    Raises:
        JobError: (exit code 3) Its files are gone, or it is not a language model.
    """
    check_stored(workspace, facts, variant, contents=False)
    if not is_chat(facts.original_dir):
        raise _no_language_model(facts.project.name)
    return LiveChat(workspace, stored_version(facts, variant), facts.run.goal.threads)


def is_chat(model_dir: Path) -> bool:
    """Return whether the opened model in this folder is a language model."""
    text = (model_dir / "info.json").read_text(encoding="utf-8")
    return ModelInfo.model_validate_json(text).task == LANGUAGE_MODEL


def chat_version(params: OpenParams) -> Flow[Version]:
    """Open a model or an unpacked bundle; raise `JobError` (exit code 3) if it is not a language model."""
    opened = yield from open_model(params.model_copy(update={"to_prove": True}))
    if opened.result.info.task != LANGUAGE_MODEL:
        raise _no_language_model(opened.result.info.name)
    return opened_version(opened, opened.result.info.name)


def _no_language_model(name: str) -> JobError:
    title, hint = (
        mark("There is no chat with this model"),
        mark("Open a language model, such as one of the hub's for “text-generation”."),
    )
    return Refused("no_language_model", title, _("{0} does not continue texts.").format(name), hint)
