"""Define the content of a preset file: a goal in plain words and the recipes for it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from workers.contracts.base import Frozen
from workers.contracts.pipeline import Task
from workers.contracts.planning import ByTraits
from workers.contracts.specs import Recipe

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
PresetId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class Preset(Frozen):
    """One preset, shown as one card of the Goal page.

    `max_loss_pct` is relative to the original's accuracy, in percent (without labels: the share of changed
    predictions). `time_budget_s` limits the whole run. `objective` decides between versions that are within the limit.
    `recipes` run in their order. The planner skips recipes that do not fit the machine or the model. It adds the
    techniques that `by_traits` selects by their traits. `tasks` are the model tasks that the preset is for; () means
    all tasks for which no preset is made. `position` orders the cards, `icon` is the name of a Phosphor icon. `expect`
    states the usual gain. `expect_plain` states the gain on a processor without fast 8-bit and 16-bit arithmetic, and
    for a model that is in 8 bits already (None: the same as `expect`).
    """

    id: PresetId
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    summary: Sentence
    expect: Sentence
    expect_plain: Sentence | None = None
    how_long: Sentence
    max_loss_pct: float = Field(default=1.0, ge=0, le=100)
    time_budget_s: float = Field(gt=0, le=86_400)
    objective: Literal["speed", "size", "throughput"] = "speed"
    by_traits: tuple[ByTraits, ...] = ()
    recipes: tuple[Recipe, ...] = Field(min_length=1)
    tasks: tuple[Task, ...] = ()
    position: int = 100
    icon: Annotated[str, StringConstraints(pattern=r"^[a-z-]+$")] = "sliders-horizontal"

    @model_validator(mode="after")
    def _titles_differ(self) -> "Preset":
        titles = [recipe.title for recipe in self.recipes]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"two recipes have the title “{twice[0]}”")
        return self

    def with_recipes(self, recipes: tuple[Recipe, ...]) -> "Preset":
        """Return the preset with the user's own recipes in place of its recipes and traits."""
        return self.model_copy(update={"recipes": recipes, "by_traits": ()})
