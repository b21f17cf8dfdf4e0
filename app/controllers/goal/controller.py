"""Control the page Goal: presets as cards, the limit, and the recipes for experts."""

from collections.abc import Mapping, Sequence

from app.controllers.commands import PRESET_OF, START_RUN, on
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.proof_ahead import few_value
from app.controllers.session import OpenProject
from app.controllers.words import error_value
from app.domain.words.results import forecast_words, short_of_memory
from app.paths import unusable
from app.services.run.costs import Basis
from app.services.run.forecasting import USUAL_N_TEST, Expected, Forecasts
from presets.loader import DEFAULT_ID, Catalog, load_presets
from presets.own_presets import save_preset
from presets.schema import Preset
from presets.yaml_file import PresetRefused
from widgets.pages.goal.page import GoalPage
from widgets.pages.goal.value import ComputerValue, EditedRecipe, GoalValue, PresetValue
from workers.contracts.jobs import DescribeResult
from workers.contracts.planning import Arithmetic
from workers.contracts.process.allowance import free_memory_bytes
from workers.contracts.specs import Described, Recipe
from workers.contracts.translation import _


class GoalController(PageController[GoalPage]):
    """Controller of the page Goal."""

    def __init__(self, context: ControllerContext, page: GoalPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        session = context.session
        self._catalog: Catalog = load_presets(session.workspace.paths.presets)
        page.preset_chosen.connect(self._on_preset)
        page.limit_changed.connect(self._on_limit)
        page.limit_wanted.connect(self._on_limit_wanted)
        page.recipes_changed.connect(self._on_recipes)
        page.save_requested.connect(self._on_save)
        page.where_changed.connect(lambda names: session.change(computers=names))
        page.run_requested.connect(
            lambda: self._commands.do(START_RUN, self.preset, self._settings.value.threads, False, None)
        )
        for signal in (session.model_changed, session.data_changed, session.run_changed, session.described_changed):
            signal.connect(self.show)
        session.goal_changed.connect(self.show)  # also after changes on another page
        self.show()

    def shown(self) -> None:
        """Show the computers, which may have changed in the settings."""
        self.show()

    @property
    def preset(self) -> Preset:
        """Return the chosen preset with the recipes as the user edited them."""
        opened = self._session.opened
        if opened is None:
            return self.preset_of(DEFAULT_ID)
        preset = self.preset_of(opened.project.preset_id)
        return preset if opened.recipes is None else preset.with_recipes(opened.recipes)

    def preset_of(self, preset_id: str) -> Preset:
        """Return the preset with this id, or the default for the model's task if it is gone or made for other tasks."""
        task = self._session.model.result.info.task if self._session.model is not None else ""
        known = {preset.id: preset for preset in self._catalog.for_task(task)}
        return known.get(preset_id) or self._catalog.usual_for(task)

    def show(self) -> None:
        """Show the cards, or the link to the page Model if no model is open."""
        opened = self._session.opened
        if opened is None:
            self._page.show_empty()
            return
        project, info, data = opened.project, opened.model.result.info, opened.data
        described, forecast = self._session.described, self._forecast(opened, self.preset)
        is_plain = info.quantized or lacks_low_bits(described)
        others = self._session.workspace.elsewhere.processors()
        where = tuple(name for name in project.computers if not name or name in others) or ("",)
        if where != project.computers:
            self._session.change(computers=where)
        self._page.show_value(
            GoalValue(
                presets=(
                    *(
                        preset_value(preset, self._forecast(opened, preset).seconds, is_plain=is_plain)
                        for preset in self._catalog.for_task(info.task)
                    ),
                    *(problem_value(problem) for problem in self._catalog.problems),
                ),
                chosen=self.preset.id,
                limit_pct=project.max_loss_pct,
                n_test=data.result.n_test if data else 0,
                kind=data.result.kind if data else "images",
                by_words=info.chat is not None,
                computers=computer_values(others, described),
                where=where,
                recipes=tuple((recipe, True) for recipe in self._fitting(self.preset.recipes)),
                techniques=techniques(described, self._kind()),
                expected=forecast_words(forecast.seconds, forecast.memory_bytes, self.preset.time_budget_s),
                short_of_memory=short_of_memory(forecast.memory_bytes, free_memory_bytes()),
                runtimes=tuple((row.id, row.title) for row in described.runtimes if row.available) if described else (),
                why_not=_("No example is left for the test. Add some on the page Data.")
                if data is not None and not data.result.n_test
                else "",
            )
        )
        self._page.show_few(few_value(self._session, project.max_loss_pct))

    def _kind(self) -> str:
        """Return the source of the model's input: image, text, audio or array."""
        preprocessing = self._session.model.result.info.preprocessing if self._session.model is not None else None
        return str(preprocessing["kind"]) if preprocessing else ""

    def _fitting(self, recipes: Sequence[Recipe]) -> list[Recipe]:
        """Return the recipes without those that the planner would skip.

        The planner skips steps for other kinds of input and steps for arithmetic that this computer lacks.
        """
        described = self._session.described
        known = {row.id for row in described.techniques} if described is not None else set()
        offered = {technique.id for technique in techniques(described, self._kind())}
        if described is not None and lacks(described, "bf16"):
            offered -= {row.id for row in described.techniques if "bf16" in row.traits}
        return [r for r in recipes if all(s.technique in offered or s.technique not in known for s in r.steps)]

    def _forecast(self, opened: OpenProject, preset: Preset) -> Expected:
        """Return the expected time and memory of a run, from the model's size and earlier runs here."""
        basis = Basis(
            size_bytes=opened.model.result.artifact.size_bytes,
            n_test=opened.data.result.n_test if opened.data else USUAL_N_TEST,
            recipes=len(preset.recipes),
            budget_s=preset.time_budget_s,
        )
        return Forecasts(self._session.workspace.repositories).expect(basis)

    def _on_preset(self, preset_id: str) -> None:
        preset = next((preset for preset in self._catalog.presets if preset.id == preset_id), None)
        if preset is not None:
            self._session.set_recipes(None)
            self._session.change(preset_id=preset_id, max_loss_pct=preset.max_loss_pct)
            self._session.goal_changed.emit()

    def _on_limit(self, limit_pct: float) -> None:
        self._session.change(max_loss_pct=limit_pct)
        self._page.show_few(few_value(self._session, limit_pct))

    def _on_limit_wanted(self, limit_pct: float) -> None:
        self._session.change(max_loss_pct=limit_pct)
        self._session.goal_changed.emit()

    def _on_recipes(self, values: tuple[EditedRecipe, ...]) -> None:
        self._session.set_recipes(tuple(recipe for recipe, is_enabled in values if is_enabled) or None)

    def _on_save(self, title: str) -> None:
        """Save the current recipes as the user's own preset and choose it."""
        project, folder = self._session.project, self._session.workspace.paths.presets
        base = self.preset
        if project is not None:
            base = base.model_copy(update={"max_loss_pct": project.max_loss_pct})
        try:
            saved = save_preset(base, title, folder)
        except OSError as error:
            self._window.banner(error_value(unusable(folder, error).info()))
            return
        self._catalog = load_presets(folder)
        self._on_preset(saved.id)


def computer_values(others: Mapping[str, str], described: DescribeResult | None) -> tuple[ComputerValue, ...]:
    """Return this computer and the others, () if there are no others."""
    here = ComputerValue("", _("This computer"), described.device.processor if described is not None else "")
    return (here, *(ComputerValue(name, name, processor) for name, processor in others.items())) if others else ()


def lacks(described: DescribeResult, arithmetic: Arithmetic) -> bool:
    """Return whether this computer certainly lacks fast arithmetic of this kind: no GPU and no such processor."""
    known = described.instructions
    return bool(known) and not described.cards and all(one.arithmetic != arithmetic for one in known)


def lacks_low_bits(described: DescribeResult | None) -> bool:
    """Return whether this computer certainly computes neither 8-bit nor 16-bit numbers fast."""
    return described is not None and lacks(described, "bf16") and lacks(described, "int8")


def preset_value(preset: Preset, seconds: float, *, is_plain: bool) -> PresetValue:
    """Return one card with the expected time and gain on this computer."""
    expect = preset.expect_plain or preset.expect if is_plain else preset.expect
    return PresetValue(
        id=preset.id,
        title=_(preset.title),
        text=_(preset.summary),
        expect=_(expect),
        seconds=seconds,
        icon=preset.icon,
    )


def problem_value(problem: PresetRefused) -> PresetValue:
    """Return the card of a file that is no valid preset: it shows the mistake and cannot be chosen."""
    return PresetValue(
        id=f"problem-{problem.path}",
        title=problem.path.name,
        text="",
        expect="",
        seconds=0,
        icon="warning",
        problem=f"{problem.detail} {problem.hint}",
    )


def techniques(described: DescribeResult | None, kind: str = "") -> tuple[Described, ...]:
    """Return the techniques that fit a model with this kind of input, with the form of their parameters."""
    rows = described.techniques if described is not None else ()
    return tuple(row for row in rows if not row.for_inputs or not kind or kind in row.for_inputs)


CONTROLLER = ControllerSpec(
    "goal",
    GoalController,
    does=(on(PRESET_OF, GoalController.preset_of),),
    is_done=lambda session, is_running: session.run is not None or is_running,
)
