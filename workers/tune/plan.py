"""Decide which recipes to try on this computer, and give the reason for each rejected one.

A preset's recipes keep their order, which was measured to work best (cheap and promising first). Recipes that cannot
work here are dropped with the reason that the technique or the runtime gives. 8-bit recipes come last on processors
without fast 8-bit arithmetic.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from workers.contracts.planning import (
    NO_EXAMPLES,
    NO_LIBRARY,
    NO_RUNTIME,
    NOT_FOR_FORMAT,
    NOT_FOR_INPUT,
    NOT_FOR_RUNTIME,
    ByTraits,
    Dropped,
    PlanResult,
    Reason,
    Situation,
    TechniqueFacts,
    Trait,
)
from workers.contracts.specs import Recipe, RecipeStep
from workers.contracts.techniques import TechniqueSpec
from workers.contracts.translation import _, joined, mark
from workers.infer.base import Runtime, SessionOptions
from workers.tune.search import RUNTIME, SearchResult

TINY_MS = 0.5
TINY_BYTES = 20 << 20
"""Weight size in bytes below which a model's time is probed."""

BASELINE = Recipe(id="original", title="Original", why=mark("What everything else is compared with."))

ONE_CORE = Reason(code="one_core", text=mark("One core pays only for very small models, and this one is larger."))
UNCHANGED = Reason(code="unchanged", text=mark("This is the original as it is."))


@dataclass(frozen=True)
class Planner:
    """Plans the recipes for one situation with the conditions of techniques and runtimes, which are given by id."""

    situation: Situation
    techniques: Mapping[str, TechniqueSpec]
    runtimes: Mapping[str, Runtime]
    found: SearchResult = field(default_factory=SearchResult)

    @property
    def baseline(self) -> Recipe:
        """Return the recipe of the unchanged original in its own runtime."""
        return BASELINE.model_copy(update={"runtime": self.situation.model.runtime})

    def plan(self, recipes: Sequence[Recipe], by_traits: Sequence[ByTraits] = ()) -> PlanResult:
        """Fit the recipes to model and computer; of equal recipes only the first stays."""
        kept: list[Recipe] = []
        recipes, dropped = self._with_fitting_traits(recipes, by_traits)
        for recipe in self._with_added(recipes):
            reason = self.why_not(recipe)
            if reason is None:
                fitted = self.fit(recipe)
                twin = next((other for other in kept if self._same(other, fitted)), None)
                if self._same(fitted, self.baseline):
                    reason = UNCHANGED
                elif twin is None:
                    kept.append(fitted)
                elif twin.title != recipe.title:
                    reason = Reason(
                        code="same_as_other", text=_("It is the same as “{0}” for this model.").format(_(twin.title))
                    )
            if reason is not None:
                dropped.append(_dropped(recipe, reason))
        kept, pointless = self._without_pointless_single(kept)
        if "int8" not in self.situation.fast:
            kept.sort(key=lambda recipe: "int8" in self._traits(recipe))
        return PlanResult(
            baseline=self.baseline,
            candidates=tuple(kept),
            dropped=(*dropped, *pointless, *self.found.dropped),
            techniques=self._facts(kept),
        )

    def why_not(self, recipe: Recipe) -> Reason | None:
        """Return the first reason why this recipe cannot help here; None where there is none."""
        return next(self.reasons(recipe), None)

    def reasons(self, recipe: Recipe) -> Iterator[Reason]:
        """Yield all reasons against a recipe here: those of the engine first, then those of its steps."""
        if recipe.runtime not in self.situation.runtimes:
            words = _("The engine {0} is not available here, or was not wanted.").format(recipe.runtime)
            yield Reason(code=NO_RUNTIME, text=words)
            return
        if self._format_after(recipe.steps) not in self.runtimes[recipe.runtime].formats:
            title = self.runtimes[recipe.runtime].title
            yield Reason(code=NOT_FOR_FORMAT, text=_("{0} does not run models of this kind.").format(_(title)))
        missing = self.situation.unavailable
        for hint in (missing[step.technique] for step in recipe.steps if step.technique in missing):
            yield Reason(code=NO_LIBRARY, text=joined([_("It needs a part that is not installed yet."), _(hint)]))
        refusal = self.runtimes[recipe.runtime].why_not(self._wanted(recipe))
        if refusal is not None:
            yield Reason(code=refusal.code, text=refusal.text)
        for number, step in enumerate(recipe.steps):
            yield from self._reasons_of_step(step, recipe.runtime, self._format_after(recipe.steps[:number]))

    def _format_after(self, steps: Sequence[RecipeStep]) -> str:
        """Return the format of the model after these steps."""
        specs = [self.techniques[step.technique] for step in steps if step.technique in self.techniques]
        return next((spec.writes for spec in reversed(specs) if spec.writes), self.situation.model.format)

    def _reasons_of_step(self, step: RecipeStep, runtime: str, model_format: str) -> Iterator[Reason]:
        """Yield the reasons against one step.

        Unknown steps and wrong parameters are not rejected here, because applying them gives a precise error.
        """
        spec = self.techniques.get(step.technique)
        if spec is None:
            return
        if not _runs(spec, runtime):
            yield Reason(
                code=NOT_FOR_RUNTIME, text=_("“{0}” is not for the engine {1}.").format(_(spec.title), runtime)
            )
        if model_format not in spec.accepts:
            yield Reason(code=NOT_FOR_FORMAT, text=_("“{0}” is for models of another kind.").format(_(spec.title)))
        kind = self.situation.model.input_kind
        if kind and spec.for_inputs and kind not in spec.for_inputs:
            yield Reason(
                code=NOT_FOR_INPUT, text=_("“{0}” is for models that take other inputs.").format(_(spec.title))
            )
        with contextlib.suppress(ValidationError):
            reason = spec.why_not(self.situation, spec.params.model_validate(step.params))
            if reason is not None:
                yield reason
        if spec.needs_calibration and not self.situation.has_calibration:
            yield NO_EXAMPLES

    def fit(self, recipe: Recipe) -> Recipe:
        """Fit the recipe to this model: omit steps that do nothing and add steps that the runtime needs."""
        named = [step.technique for step in recipe.steps]
        replaced = {other for name in named if name in self.techniques for other in self.techniques[name].replaces}
        steps, title, why = [], recipe.title, [recipe.why or self._own_words(recipe)]
        for step in recipe.steps:
            spec = self.techniques.get(step.technique)
            fitted = None if spec is None else spec.fit(self.situation, step.params)
            if step.technique in replaced or (spec is not None and fitted is None):
                continue
            if fitted is None:
                steps.append(step)
                continue
            steps.append(step.model_copy(update={"params": dict(fitted.params)}))
            title = recipe.title_when.get(fitted.changed, title)
            why.append("" if fitted.changed in recipe.title_when else fitted.words)
        needed = self.runtimes[recipe.runtime].needs(self._wanted(recipe))
        steps = [*(self._step(name) for name in needed if name not in named), *steps]
        settings = recipe.settings
        if recipe.runtime == RUNTIME:
            known = {step.technique for step in steps}
            steps = [*(step for step in self.found.steps if step.technique not in known), *steps]
            settings = {**self.found.settings, **settings}
            why += self.found.words
        changes = {
            "steps": tuple(steps),
            "title": title,
            "settings": settings,
            "why": joined(_(part) for part in why if part),
        }
        return recipe.model_copy(update=changes)

    def _with_fitting_traits(
        self, recipes: Sequence[Recipe], by_traits: Sequence[ByTraits]
    ) -> tuple[list[Recipe], list[Dropped]]:
        """Return the recipes plus one for each technique that a preset selects by its traits."""
        placed, dropped = list(recipes), list[Dropped]()
        named = {step.technique for recipe in recipes for step in recipe.steps}
        alone = [(spec.order, spec) for spec in self.techniques.values() if spec.order is not None]
        for order, spec in sorted(alone, key=lambda pair: (pair[0], pair[1].id)):
            row = next((row for row in by_traits if set(row.traits) <= set(spec.traits)), None)
            if row is None or spec.id in named or self.situation.model.format not in spec.accepts:
                continue
            runtime = self._runtime_for(spec, row.families)
            if runtime is None:
                words = mark("None of the engines that it is for is available here, or was wanted.")
                dropped.append(Dropped(id=spec.id, title=spec.title, reason=Reason(code=NO_RUNTIME, text=words)))
                continue
            later = (place for place, other in enumerate(placed) if self._order(other) > order)
            placed.insert(next(later, len(placed)), self._recipe_for(spec, runtime, row))
        return placed, dropped

    def _recipe_for(self, spec: TechniqueSpec, runtime: str, row: ByTraits) -> Recipe:
        before = [name for name in row.after if name in self.techniques and _runs(self.techniques[name], runtime)]
        steps = tuple(self._step(name) for name in (*before, spec.id))
        return Recipe(id=spec.id, title=spec.title, steps=steps, runtime=runtime, settings=row.settings)

    def _runtime_for(self, spec: TechniqueSpec, families: Sequence[str]) -> str | None:
        """Return the first available runtime that supports the technique, in the order of the families."""
        there = [self.runtimes[name] for name in self.runtimes if name in self.situation.runtimes]
        fitting = [runtime for runtime in there if _runs(spec, runtime.id) and runtime.family in families]
        best = min(fitting, key=lambda runtime: families.index(runtime.family), default=None)
        return None if best is None else best.id

    def _with_added(self, recipes: Sequence[Recipe]) -> Iterator[Recipe]:
        """Yield the recipes and those that no preset lists because they depend on computer or model.

        The trials of runtimes come first. A tiny model's recipe is followed by the same recipe on one core.
        """
        fitting = (one for one in self.runtimes.values() if self.situation.model.format in one.formats)
        for runtime in fitting:
            if runtime.id in self.situation.runtimes and (self.situation.model.has_torch or not runtime.torch_program):
                for trial in runtime.trials:
                    steps = tuple(self._step(name) for name in trial.steps)
                    yield Recipe(
                        id=trial.id, title=trial.title, runtime=runtime.id, steps=steps, settings=dict(trial.settings),
                        why=trial.why,
                    )  # fmt: skip
        baseline = self.baseline
        for recipe in [*recipes, baseline]:
            if recipe is not baseline:
                yield recipe
            runtime_ = self.runtimes.get(recipe.runtime)
            shares = runtime_ is not None and runtime_.one_core and "num_threads" not in recipe.settings
            if self._is_tiny and shares and "int8" not in self._traits(recipe):
                names = {"title": _("{0}, on one core").format(_(recipe.title)), "id": f"{recipe.id}, on one core"}
                why = "Very small models lose more time by sharing the work than they gain."
                settings = {**recipe.settings, "num_threads": 1}
                yield recipe.model_copy(update={**names, "settings": settings, "why": why})

    @property
    def _is_tiny(self) -> bool:
        return self.situation.probe_ms is not None and self.situation.probe_ms < TINY_MS

    def _without_pointless_single(self, kept: list[Recipe]) -> tuple[list[Recipe], list[Dropped]]:
        """Drop recipes on one core that also exist on all cores, unless the model is tiny."""
        small = self.situation.probe_ms is None and self.situation.model.weight_bytes < TINY_BYTES
        if self._is_tiny or small:
            return kept, []
        stay: list[Recipe] = []
        gone: list[Recipe] = []
        for recipe in kept:
            shared = {name: value for name, value in recipe.settings.items() if name != "num_threads"}
            twin = recipe.model_copy(update={"settings": shared})
            others = (other for other in kept if other is not recipe)  # on one core a recipe is its own twin
            pointless = recipe.settings.get("num_threads") == 1 and any(self._same(twin, other) for other in others)
            (gone if pointless else stay).append(recipe)
        return stay, [_dropped(recipe, ONE_CORE) for recipe in gone]

    def _wanted(self, recipe: Recipe) -> SessionOptions:
        model = self.situation.model
        return SessionOptions(
            settings=recipe.settings,
            steps=tuple(step.technique for step in recipe.steps),
            has_torch=model.has_torch,
            free_sizes=model.free_sizes,
            stateful=model.stateful,
            branches=model.branches,
            constants=model.constants,
            fast=frozenset(self.situation.fast),
            time_budget_s=self.situation.time_budget_s,
            classic=model.classic,
        )

    def _step(self, technique: str) -> RecipeStep:
        return RecipeStep(technique=technique, version=self.techniques[technique].params.version)

    def _specs(self, recipe: Recipe) -> list[TechniqueSpec]:
        return [self.techniques[step.technique] for step in recipe.steps if step.technique in self.techniques]

    def _traits(self, recipe: Recipe) -> set[Trait]:
        return {trait for spec in self._specs(recipe) for trait in spec.traits}

    def _order(self, recipe: Recipe) -> int:
        """Return the position of a recipe, which is that of its last technique in the order."""
        return max((spec.order for spec in self._specs(recipe) if spec.order is not None), default=0)

    def _own_words(self, recipe: Recipe) -> str:
        """Return the explanation of a recipe's main technique."""
        specs = [spec for spec in self._specs(recipe) if spec.order is not None]
        latest = max(specs, key=lambda spec: spec.order or 0, default=None)
        return "" if latest is None else latest.explanation or latest.summary

    def _facts(self, recipes: Sequence[Recipe]) -> tuple[TechniqueFacts, ...]:
        used = {spec.id: spec for recipe in recipes for spec in self._specs(recipe)}
        return tuple(TechniqueFacts(id=spec.id, title=spec.title, traits=spec.traits) for spec in used.values())

    def _same(self, first: Recipe, second: Recipe) -> bool:
        def key(recipe: Recipe) -> tuple[Any, ...]:
            settings = {**self.runtimes[recipe.runtime].usual, **recipe.settings}
            if self.situation.device.cores == 1:
                settings.pop("num_threads", None)  # there is one in any case
            return recipe.runtime, recipe.steps, settings

        return key(first) == key(second)


def _runs(spec: TechniqueSpec, runtime: str) -> bool:
    return spec.runtimes is None or runtime in spec.runtimes


def _dropped(recipe: Recipe, reason: Reason) -> Dropped:
    return Dropped(id=recipe.id, title=recipe.title, reason=reason)
