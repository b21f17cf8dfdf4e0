"""What a preset file holds: a goal in plain words and the recipes to try for it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from workers.contracts.base import Frozen
from workers.contracts.pipeline import Task
from workers.contracts.planning import ByTraits
from workers.contracts.specs import Recipe

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
PresetId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class Preset(Frozen):
    """One card of the Goal page.

    `max_loss_pct` is relative to the original's accuracy, in percent (without labels: share of changed
    answers). `time_budget_s` bounds the whole run. `objective` says what decides between variants that are
    within the limit. `recipes` are tried in their order; the planner leaves out what does not fit the machine
    or the model, and puts in techniques that `by_traits` chooses by what they are. `tasks` are those of the models that
    it is for, () for all that have no presets of their own. `position` orders the cards, `icon` is the name of a
    Phosphor icon. `expect` says what such models usually gain, `expect_plain` what they gain on a processor without
    fast 8-bit and 16-bit arithmetic, and where the model is in 8 bits already (None: the same).
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
        """The preset with a person's own recipes: these are tried and no others."""
        return self.model_copy(update={"recipes": recipes, "by_traits": ()})
