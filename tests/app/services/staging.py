"""Drive one run of a play to its end, and read the database."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from play import Play

from app.domain.outcome import Outcome
from app.domain.run import Goal, Run
from app.domain.variant import Variant
from app.services.flow.events import Event, ignore
from app.services.flow.workspace import Workspace
from app.services.projects.projects import project_for
from app.services.projects.running import RunRequest, resume_run, start_run
from app.services.records.run_records import outcome_of_run, read_end
from app.services.run.recorder import Recorder
from presets.loader import load_presets
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe, RecipeStep


def recipes(*titles: str, runtime: str = "openvino") -> tuple[Recipe, ...]:
    return tuple(
        Recipe(title=title, runtime=runtime, steps=(_step(i),), settings={"n": i}) for i, title in enumerate(titles)
    )


def _step(number: int) -> RecipeStep:
    return RecipeStep(technique="graph_optimize", params={"n": number})


class Stage:
    """One run of a play: `go` drives it to its end, and properties read the database."""

    def __init__(self, space: Workspace, play: Play, monkeypatch: pytest.MonkeyPatch, **goal: Any) -> None:
        self.space, self.play, self.events = space, play, list[Event]()
        monkeypatch.setattr(Recorder, "elapsed_s", property(lambda recorder: play.clock))
        preset = load_presets().get("balanced").model_copy(update={"recipes": recipes(*play.variants)})
        self.project = project_for(space.repositories, Path("/models/m.onnx"))
        self.request = RunRequest(
            self.project, OpenParams(path="/models/m.onnx"), DataParams(model_dir=""), preset,
            Goal("balanced", 1.0, **goal),
        )  # fmt: skip

    def change(self, **changes: Any) -> None:
        """Change fields of the request."""
        self.request = dataclasses.replace(self.request, **changes)

    def try_recipes(self, *recipes: Recipe) -> None:
        """Replace the recipes of the preset."""
        self.change(preset=self.request.preset.model_copy(update={"recipes": recipes}))

    def go(self) -> Run:
        recorder, flow = start_run(self.space, self.request, self.events.append)
        self.run_id = recorder.run.id
        self.play.run(flow)
        return self.stored

    def again(self, more_s: float | None = None) -> Run:
        """Resume the run with a clock that begins anew."""
        self.play.clock = 0.0
        _, flow = resume_run(self.space, self.stored, self.request, ignore, more_s)
        self.play.run(flow)
        return self.stored

    @property
    def stored(self) -> Run:
        return self.space.repositories.runs.get(self.run_id)

    @property
    def variants(self) -> dict[str, Variant]:
        return {v.title: v for v in self.space.repositories.variants.list(run_id=self.run_id)}

    @property
    def outcome(self) -> Outcome:
        end = read_end(self.space.repositories, self.run_id)
        return outcome_of_run(self.stored, list(self.variants.values()), end)

    @property
    def states(self) -> dict[str, str]:
        return {step.title: step.state for step in self.space.repositories.runs.steps(self.run_id)}


Make = Callable[..., Stage]
