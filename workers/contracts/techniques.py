"""What one technique or export target module must hold (ARCHITECTURE.md, one new file)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.planning import Fitted, Reason, Situation, Trait
from workers.contracts.process.context import JobContext
from workers.contracts.specs import InputKind, ModelArtifact, Question, Stage


class TechniqueParams(Frozen):
    """Base of every technique's `Params`; fields carry bounds and descriptions (they become the recipe editor)."""

    version: ClassVar[int] = 1


@dataclass(frozen=True)
class Model:
    """A runnable model on disk: a folder that holds `artifact.json` (already read), pipeline.json, info.json."""

    folder: Path
    artifact: ModelArtifact

    @property
    def main(self) -> Path:
        """The file that a runtime opens."""
        return self.folder / self.artifact.main


def nothing_against(situation: Situation, params: Any) -> Reason | None:
    """It may pay everywhere."""
    return None


def as_it_is(situation: Situation, params: Mapping[str, JsonValue]) -> Fitted | None:
    """The step as the recipe says it."""
    return Fitted(params)


@dataclass(frozen=True)
class GraphRewrite:
    """What makes a technique one that is looked for: it goes before all recipes of OpenVINO where it pays.

    It is tried where a profile says that operators of `kinds` (OpenVINO's words), and those that `change` takes out,
    take much of the time; small `order` first. `change(graph)` changes a `workers.convert.graphs.graph.Graph` and
    returns in how many places.
    """

    order: int
    kinds: frozenset[str]
    change: Callable[[Any], int]


@dataclass(frozen=True)
class TechniqueSpec:
    """`source` cites the paper, specification or documentation. `requires` are import names that must be found;
    `installs` is the installer's set that holds them.

    `apply(model, params, ctx)` writes the new model folder to ``ctx.work_dir / "model"`` and returns its artifact;
    it raises `InputRefused` or `BackendMissing` in plain words, and leaves nothing behind when it fails.
    `writes` is the format of what it leaves, "" for that of what it takes.
    `follows` names techniques of which one must have gone before. `for_inputs` are the kinds of preparation (see
    `Preprocess`) that it makes sense for, () for all; `runtimes` those that can run the result, None for all.

    What the planner asks: `traits` say what it is about, and presets that name them try it. `order` says where it
    comes among other recipes, small ones first (10 for another engine, 20 for 16-bit numbers, 40 to 60 for 8 bits, 70
    and more for what seldom pays or takes long); None for a part of recipes that is never tried by itself.
    `explanation` tells a person why it may pay, where the recipe has no words of its own. `why_not(situation, params)`
    says why it cannot pay here. `fit(situation, given)` returns the step's parameters, changed where the recipe does
    not say them, or None where the step would do nothing. `replaces` names techniques that do nothing beside it.
    """

    id: str
    title: str
    summary: str
    source: str
    params: type[TechniqueParams]
    accepts: tuple[str, ...]
    apply: Callable[[Model, Any, JobContext], ModelArtifact]
    needs_calibration: bool = False
    writes: str = ""
    requires: tuple[str, ...] = ()
    install_hint: str = ""
    installs: OptionalSet = "base"
    runtimes: tuple[str, ...] | None = None
    follows: tuple[str, ...] = ()
    for_inputs: tuple[InputKind, ...] = ()
    traits: tuple[Trait, ...] = ()
    order: int | None = None
    explanation: str = ""
    why_not: Callable[[Situation, Any], Reason | None] = nothing_against
    fit: Callable[[Situation, Mapping[str, JsonValue]], Fitted | None] = as_it_is
    replaces: tuple[str, ...] = ()
    rewrite: GraphRewrite | None = None


@dataclass(frozen=True)
class TargetSpec:
    """One bundle target, whole: window, command line and `verify` know no target by name.

    `write(params, ctx)` writes ``ctx.work_dir / "bundle.zip"``, tests it and returns `ExportResult`; it tells its
    progress by the ids of `stages`, in their order. `params.answers` holds what a person said to `questions`, by id.
    `commands` run what was written ("{input}" stands for an input of the model's kind), `how_to_run` is their heading.
    `check(folder, ctx)` asks an unpacked bundle whose files are whole, and returns how many answers are alike and what
    differs; None for the usual way, its golden answers. `order` counts from the one that is offered first. `needs` are
    the distributions that its bundles need beside the model's. `installs` is the installer's set that holds `requires`.

    `runtimes` are those in which a version must have been proven to be written, `settings` all that it may need then
    (`ModelArtifact.settings`), since others than our own code run it; () and None for any. `pushed_to` names the
    question whose answer is a repository of the hub that the bundle's files are pushed to; "" for none. `switch` is
    the command that gives a running one the bundle unpacked in "{folder}", "" where nothing runs. `falls_back`: its
    bundles may hold the original besides, and run that where the version is slower.
    """

    id: str
    title: str
    summary: str
    write: Callable[[Any, JobContext], BaseModel]
    stages: tuple[Stage, ...]
    commands: tuple[str, ...] = ()
    how_to_run: str = "Run it"
    suffix: str = ".zip"
    icon: str = "package"
    questions: tuple[Question, ...] = ()
    check: Callable[[Path, JobContext], tuple[int, list[str]]] | None = None
    order: int = 100
    requires: tuple[str, ...] = ()
    install_hint: str = ""
    installs: OptionalSet = "base"
    runtimes: tuple[str, ...] = ()
    settings: tuple[str, ...] | None = None
    pushed_to: str = ""
    falls_back: bool = False
    needs: tuple[str, ...] = ()
    switch: str = ""
