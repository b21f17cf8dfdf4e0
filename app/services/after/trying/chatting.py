"""Chat with language models: a run's version, or any model that can be opened, each in its own process."""

from pathlib import Path

from app.domain.variant import Variant
from app.services.after.trying.live_model import LiveJob
from app.services.flow.steps import Flow, JobError, JobStep, Refused
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import Version, new_variant, stored_version
from workers.contracts.after.chatting import ChatPiece, ChatRequest
from workers.contracts.after.trying import LiveResult
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import OpenParams
from workers.contracts.specs import ModelInfo, Recipe, RunParams

LANGUAGE_MODEL = "language-model"


class LiveChat(LiveJob):
    """A chat with one version in a live process; owned by the page or the command.

    After `say` with a dialogue, `pieces()` returns parts of the answer until one is marked as done. A new `say` ends
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
    if opened.info.task != LANGUAGE_MODEL:
        raise _no_language_model(opened.info.name)
    recipe = Recipe(title=opened.info.name, runtime=opened.result.runtime)
    return Version(new_variant("", 0, recipe, is_baseline=True), opened.folder)


def _no_language_model(name: str) -> JobError:
    title, hint = (
        "There is no chat with this model",
        "Open a language model, such as one of the hub's for “text-generation”.",
    )
    return Refused("no_language_model", title, f"{name} does not go on with texts.", hint)
