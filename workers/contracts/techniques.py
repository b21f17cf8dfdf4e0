"""Interfaces that a technique module or an export target module implements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.planning import Fitted, Reason, Situation, Trait
from workers.contracts.process.context import JobContext
from workers.contracts.specs import InputKind, ModelArtifact, Question, Stage
from workers.contracts.translation import mark


class TechniqueParams(Frozen):
    """Base of every technique's `Params`; the recipe editor is built from the fields' bounds, titles and descriptions.

    `installer.catalogs` adds titles and descriptions to the catalogs.
    """

    model_config = ConfigDict(field_title_generator=lambda name, _field: name.replace("_", " ").capitalize())
    version: ClassVar[int] = 1


@dataclass(frozen=True)
class Model:
    """A runnable model on disk: a folder with `artifact.json` (already read), pipeline.json and info.json."""

    folder: Path
    artifact: ModelArtifact

    @property
    def main(self) -> Path:
        """Return the file that a runtime opens."""
        return self.folder / self.artifact.main


def nothing_against(situation: Situation, params: Any) -> Reason | None:
    """Return None: the technique may be useful everywhere."""
    return None


def as_it_is(situation: Situation, params: Mapping[str, JsonValue]) -> Fitted | None:
    """Return the step with the recipe's parameters unchanged."""
    return Fitted(params)


@dataclass(frozen=True)
class GraphRewrite:
    """Graph change of a technique that the planner applies before all OpenVINO recipes if a profile shows a benefit.

    It is tried if operators of `kinds` (OpenVINO's names), and those that `change` removes, take much of the time.

    Attributes:
        order: Rewrites with a small order come first.
        change: Changes a `workers.convert.graphs.graph.Graph` and returns the number of changed places.
    """

    order: int
    kinds: frozenset[str]
    change: Callable[[Any], int]


@dataclass(frozen=True, kw_only=True)
class TechniqueSpec:
    """One technique, as its module declares it.

    `apply(model, params, ctx)` writes the new model folder to ``ctx.work_dir / "model"`` and returns its artifact. It
    raises `InputRefused` or `BackendMissing` in plain words and leaves no files behind when it fails.

    Attributes:
        source: The paper, specification or documentation.
        writes: Format of the result; "" for the format of its input.
        params: The parameters; the base class alone where there is nothing to choose.
        accepts: Formats of models that it can change.
        requires: Import names that must be installed, which are also the names of their packages; `installs` is the
            installer's set that holds them.
        runtimes: Runtimes that can run the result; None for all.
        follows: Techniques of which one must have run before.
        for_inputs: Kinds of preparation (see `Preprocess`) that it is useful for; () for all.
        traits: What it is about; presets that name these traits try it.
        order: Position among other recipes, small ones first (10 for another engine, 20 for 16-bit numbers, 40 to 60
            for 8 bits, 70 and more for techniques that seldom help or take long). None for a part of recipes that is
            never tried by itself.
        explanation: Why it may help, for recipes without an explanation of their own.
        why_not: `why_not(situation, params)` returns why it cannot help here.
        fit: `fit(situation, given)` returns the step's parameters, changed where the recipe does not set them, or None
            if the step would do nothing.
        replaces: Techniques that have no effect together with it.
    """

    id: str
    title: str
    summary: str
    source: str
    params: type[TechniqueParams] = TechniqueParams
    accepts: tuple[str, ...] = ("onnx",)
    apply: Callable[[Model, Any, JobContext], ModelArtifact]
    needs_calibration: bool = False
    writes: str = ""
    requires: tuple[str, ...] = ("onnx", "onnxruntime")
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

    @property
    def install_hint(self) -> str:
        """Return the command that installs the required packages."""
        is_base = self.installs == "base"
        return f"pip install {' '.join(self.requires)}" if is_base else f"installer/fettle --{self.installs}"


@dataclass(frozen=True)
class TargetSpec:
    """One export target; window, command line and `verify` know no target by name.

    `write(params, ctx)` writes ``ctx.work_dir / "bundle.zip"``, tests it and returns `ExportResult`. It reports
    progress by the ids of `stages`, in their order. `params.answers` holds the user's answers to `questions`, by id.

    Attributes:
        commands: Commands that run the bundle ("{input}" is replaced by an input of the model's kind).
        how_to_run: Heading of the commands.
        check: `check(folder, ctx)` runs an unpacked bundle with intact files and returns the number of matching
            predictions and the differences; None uses the bundle's golden predictions.
        order: Position among the targets, small ones first.
        requires: Import names that must be installed; `installs` is the installer's set that holds them.
        runtimes: Runtimes in which a version must have been proven, since code other than ours runs the bundle; () for
            any.
        settings: All `ModelArtifact.settings` that such a version may need; None for any.
        pushed_to: Id of the question for a hub repository that the bundle's files are pushed to; "" for none.
        falls_back: Bundles may also hold the original, and run it if the version is slower.
        needs: Distributions that its bundles need besides those of the model.
        switch: Command that gives a running instance the bundle unpacked in "{folder}"; "" if nothing runs.
    """

    id: str
    title: str
    summary: str
    write: Callable[[Any, JobContext], BaseModel]
    stages: tuple[Stage, ...]
    commands: tuple[str, ...] = ()
    how_to_run: str = mark("Run it")
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
