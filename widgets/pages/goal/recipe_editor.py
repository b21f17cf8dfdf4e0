"""Show and edit the recipes of a goal: their order, steps and parameters, with forms from the techniques' schemas."""

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QMenu, QSizePolicy, QWidget

from widgets.commands import SHOW_PAGE, commands_of
from widgets.pages.goal.value import EditedRecipe
from widgets.parts.buttons import Button, FoldButton, GhostButton, TextButton
from widgets.parts.card import Card, divider
from widgets.parts.fields import ChoiceField, TextField
from widgets.parts.layout import LEFT, STRETCH, clear, discard, fill, held, in_column, in_row
from widgets.parts.schema_form import SchemaForm
from widgets.parts.small import KeyValue
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.optional_sets import FOLDER_SETS, where_to_install
from workers.contracts.specs import Described, Recipe, RecipeStep
from workers.contracts.translation import _, joined


class StepBox(QWidget):
    """One technique of a recipe with its parameters; emits `changed(params)`, `removed` and `moved(-1 | 1)`."""

    changed = Signal(object)
    removed = Signal()
    moved = Signal(int)

    def __init__(self, theme: Theme, step: RecipeStep, technique: Described) -> None:
        """Create the box of a step."""
        super().__init__()
        earlier = TextButton(theme, _("Earlier"), "arrow-up", "small", on=lambda: self.moved.emit(-1))
        later = TextButton(theme, _("Later"), "arrow-down", "small", on=lambda: self.moved.emit(1))
        remove = TextButton(theme, _("Remove"), "x", "small", on=self.removed)
        missing = where_to_install(technique.installs) if technique.installs is not None else _(technique.hint)
        leads_on = not technique.available and technique.installs in FOLDER_SETS
        box = in_column(
            in_row((words(_(technique.title), "strong"), 1), earlier, later, remove, gap=0),
            words(_(technique.summary), "soft"),
            label(missing, "caption", "warn", select=True) if not technique.available else None,
            (TextButton(theme, _("Settings"), "gear-six", "small", on=self._on_settings), LEFT) if leads_on else None,
            edges=(0, SPACE_M, 0, SPACE_M),
            parent=self,
        )
        if (technique.params_schema or {}).get("properties"):
            form = SchemaForm(technique.params_schema or {}, step.params)
            form.changed.connect(self.changed)
            box.addWidget(form)

    def _on_settings(self) -> None:
        if commands := commands_of(self):
            commands.do(SHOW_PAGE, "settings")


class RecipeCard(Card):
    """One recipe: whether it is enabled, its name, steps and runtime; emits `changed(EditedRecipe)` and `removed`."""

    changed = Signal(object)
    removed = Signal()

    def __init__(
        self,
        theme: Theme,
        value: EditedRecipe,
        techniques: Sequence[Described],
        runtimes: Sequence[tuple[str, str]],
        *,
        is_open: bool = False,
    ) -> None:
        """Create the card of a recipe; `is_open` unfolds its steps."""
        super().__init__(name=value[0].title, edge=SPACE_M)
        self._theme = theme
        self._recipe, self._is_enabled = value
        self._techniques = {technique.id: technique for technique in techniques}
        self._runtimes = tuple(runtimes)
        self._switch = QCheckBox()
        self._switch.setAccessibleName(_("Try “{0}”").format(_(self._recipe.title)))
        self._switch.setChecked(self._is_enabled)
        self._switch.toggled.connect(self._on_toggled)
        self._fold = FoldButton(theme, _("Steps"), "small")
        self._fold.setAccessibleName(_("Steps of “{0}”").format(_(self._recipe.title)))
        self._summary = ElidedLabel("", "soft")
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight)
        # the name is shown completely; the summary takes the rest
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        title = ElidedLabel(_(self._recipe.title), "strong")
        self._body = QWidget()
        self._box = in_column(gap=0, edges=(SPACE_XL + SPACE_S, 0, SPACE_S, SPACE_S), parent=self._body)
        self.add(in_row(self._switch, title, (self._summary, 1), self._fold, gap=SPACE_M), self._body)
        self._body.setVisible(is_open)
        self._fold.setChecked(is_open)
        self._fold.toggled.connect(self._body.setVisible)
        self._rebuild()

    def _rebuild(self) -> None:
        clear(self._box)
        self._box.addWidget(self._naming())
        for number, step in enumerate(self._recipe.steps):
            technique = self._techniques.get(step.technique) or Described(
                id=step.technique, title=step.technique, available=True
            )
            part = StepBox(self._theme, step, technique)
            part.changed.connect(lambda params, at=number: self._on_params(at, params))
            part.removed.connect(lambda at=number: self._on_removed(at))
            part.moved.connect(lambda by, at=number: self._on_moved(at, by))
            fill(self._box, divider(), part)
        fill(self._box, divider(), self._foot())
        self._show_summary()

    def _naming(self) -> QWidget:
        name = TextField(self._recipe.title, _("Name"), max_chars=80)
        name.editingFinished.connect(lambda: self._on_named(name.text()))
        current = self._recipe.runtime
        known = dict(self._runtimes)
        options = [(_(title), key) for key, title in ({**known, current: known.get(current, current)}).items()]
        runtime = ChoiceField(_("Runtime"), options, current)
        runtime.currentIndexChanged.connect(lambda _index: self._change(runtime=str(runtime.currentData())))
        return held(
            in_row(
                label(_("Name"), "soft", wrap=False),
                (name, 1),
                SPACE_L,
                words(_("Runtime"), "soft", wrap=False),
                runtime,
                edges=(0, SPACE_S, 0, SPACE_M),
            )
        )

    def _foot(self) -> QWidget:
        add = Button(self._theme, _("Add a step"), "plus", "ghost", "small")
        menu = QMenu(add)
        for technique in self._techniques.values():
            action = menu.addAction(_(technique.title))
            action.setEnabled(technique.available)
            action.triggered.connect(lambda _checked=False, which=technique.id: self._on_added(which))
        add.setMenu(menu)
        remove = TextButton(self._theme, _("Remove this version"), "trash", "small", on=self.removed)
        return held(in_row(add, STRETCH, remove, gap=None, edges=(0, SPACE_M, 0, 0)))

    def _show_summary(self) -> None:
        self._summary.setText(recipe_summary(self._recipe, self._techniques.values(), self._runtimes))

    def _on_toggled(self, is_on: bool) -> None:
        self._is_enabled = is_on
        self.changed.emit((self._recipe, is_on))

    def _on_named(self, text: str) -> None:
        if title := text.strip():
            self._change(title=title)

    def _change(self, **changed: Any) -> None:
        recipe = self._recipe.model_copy(update=changed)
        if recipe != self._recipe:
            self._recipe = recipe
            self._show_summary()
            self.changed.emit((recipe, self._is_enabled))

    def _steps(self, steps: Sequence[RecipeStep]) -> None:
        self._change(steps=tuple(steps))
        self._rebuild()

    def _on_params(self, at: int, params: dict[str, Any]) -> None:
        steps = list(self._recipe.steps)
        steps[at] = RecipeStep(technique=steps[at].technique, params=params)
        self._change(steps=tuple(steps))

    def _on_removed(self, at: int) -> None:
        self._steps([step for number, step in enumerate(self._recipe.steps) if number != at])

    def _on_moved(self, at: int, by: int) -> None:
        steps = list(self._recipe.steps)
        to = at + by
        if 0 <= to < len(steps):
            steps[at], steps[to] = steps[to], steps[at]
            self._steps(steps)

    def _on_added(self, technique_id: str) -> None:
        self._steps([*self._recipe.steps, RecipeStep(technique=technique_id)])


def recipe_summary(value: Recipe, techniques: Iterable[Described], runtimes: Iterable[tuple[str, str]]) -> str:
    """Return the steps of a recipe and its runtime, in one line."""
    titles = {technique.id: _(technique.title) for technique in techniques}
    named = [titles.get(step.technique, step.technique) for step in value.steps]
    steps = ", ".join(named) or _("no change to the model")
    text = _("{0}; runs on {1}")
    return text.format(steps, _(dict(runtimes).get(value.runtime, value.runtime)))


class RecipeEditor(QWidget):
    """All recipes in order; `changed(tuple of EditedRecipe)`, and `reset_requested` restores the preset's own."""

    changed = Signal(object)
    reset_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        recipes: Sequence[EditedRecipe],
        techniques: Sequence[Described],
        runtimes: Sequence[tuple[str, str]],
    ) -> None:
        """Create the editor of `recipes`."""
        super().__init__()
        self._theme = theme
        self._techniques, self._runtimes = tuple(techniques), tuple(runtimes)
        self._recipes = list(recipes)
        self._box = in_column()
        reset = TextButton(theme, _("Reset to the preset"), "arrow-counter-clockwise", on=self.reset_requested)
        row = in_row(GhostButton(theme, _("Add a version"), "plus", on=self._on_add), reset, STRETCH)
        in_column(self._box, row, gap=SPACE_L, parent=self)
        self._rebuild()

    def _rebuild(self, opened: int = -1) -> None:
        clear(self._box)
        for number, recipe in enumerate(self._recipes):
            card = RecipeCard(self._theme, recipe, self._techniques, self._runtimes, is_open=number == opened)
            card.changed.connect(lambda value, at=number: self._on_changed(at, value))
            card.removed.connect(lambda at=number: self._on_removed(at))
            self._box.addWidget(card)

    def _on_changed(self, at: int, value: EditedRecipe) -> None:
        self._recipes[at] = value
        self.changed.emit(tuple(self._recipes))

    def _on_removed(self, at: int) -> None:
        del self._recipes[at]
        self._rebuild()
        self.changed.emit(tuple(self._recipes))

    def _on_add(self) -> None:
        runtime = self._runtimes[0][0] if self._runtimes else ""
        title = _("My version {0}").format(len(self._recipes) + 1)
        self._recipes.append((Recipe(title=title, why=_("Added by hand."), runtime=runtime), True))
        self._rebuild(len(self._recipes) - 1)
        self.changed.emit(tuple(self._recipes))


LEAST_PAGE_PX = 1200
"""Least height of the page in pixels for the list; lower pages show the cards of the goals only."""
LEAST_DETAILED_PX = 1700
"""Lower pages have no room for what each technique does."""
NAME_PX = 220


class PlanCard(Card):
    """The recipes in order with their steps; read-only, because the editor changes them."""

    def __init__(self) -> None:
        """Create an empty list."""
        super().__init__(_("Techniques, in this order"))
        self._rows: KeyValue | None = None

    def show_recipes(
        self,
        recipes: Sequence[EditedRecipe],
        techniques: Iterable[Described],
        runtimes: Iterable[tuple[str, str]],
        *,
        detailed: bool = False,
    ) -> None:
        """Show the enabled recipes."""
        if self._rows is not None:
            discard(self._rows)
        kinds, runs = tuple(techniques), tuple(runtimes)
        summaries = {kind.id: _(kind.summary) for kind in kinds if detailed}
        pairs = []
        for recipe in (recipe for recipe, is_enabled in recipes if is_enabled):
            about = joined(summaries.get(step.technique, "") for step in recipe.steps)
            pairs.append((_(recipe.title), joined((recipe_summary(recipe, kinds, runs), about), "\n")))
        self._rows = KeyValue(pairs, NAME_PX)
        self.add(self._rows)
        self._rows.show()
