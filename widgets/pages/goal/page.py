"""Show the page Goal: presets, the accuracy limit and, for experts, the recipes."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QWidget

from widgets.pages.goal.few import FewLine, FewValue
from widgets.pages.goal.limit import MAX_PCT, LimitCard
from widgets.pages.goal.recipe_editor import LEAST_DETAILED_PX, LEAST_PAGE_PX, PlanCard, RecipeEditor
from widgets.pages.goal.value import EditedRecipe, GoalValue, PresetValue
from widgets.pages.goal.where import WhereCard
from widgets.parts.buttons import Button, GhostButton, PrimaryButton
from widgets.parts.card import ChoiceCard, Square, divider
from widgets.parts.fields import TextField
from widgets.parts.format import about
from widgets.parts.layout import STRETCH, held, in_columns, in_flow, in_row
from widgets.parts.page import Page
from widgets.parts.small import PageHead
from widgets.parts.text import label, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _
from workers.contracts.wording import capitalized

LEAST_TITLE_PX = 96
"""Least width of a title in pixels, so that no word of it is cut where text is large."""


class GoalPage(Page):
    """The page Goal; it emits each choice at once, and `run_requested` starts a run."""

    preset_chosen = Signal(str)
    limit_changed = Signal(float)  # percent, relative to the original's accuracy
    recipes_changed = Signal(object)  # tuple of EditedRecipe; () means the preset's own
    save_requested = Signal(str)  # name of the new preset
    run_requested = Signal()
    limit_wanted = Signal(float)  # a limit that was offered
    where_changed = Signal(object)  # names of the computers where it is measured

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Goal"))
        self._value = GoalValue((), "", 1.0)
        self._start: Button | None = None
        self._limit: LimitCard | None = None
        self._where: WhereCard | None = None
        self._radios: dict[str, QRadioButton] = {}
        self._recipes: tuple[EditedRecipe, ...] = ()
        self._expected, self._short = words(""), label("")
        self._few: FewLine | None = None
        self._plan: PlanCard | None = None

    # -- states --
    def show_empty(self) -> None:
        """Show that there is no model yet."""
        go = PrimaryButton(self.theme, _("Pick a model"), "cube", on=self._to("model"))
        text = _("Then choose what matters most: speed, size, or unchanged answers.")
        self._fill_empty("target", _("First, a model"), text, go, head=_("What matters most?"))

    def show_value(self, value: GoalValue) -> None:
        """Show cards, limits and the start button; if only the choice differs, everything stays in place."""
        if self._differs_in_choice(value):
            self._take_choice(value)
            return
        self._value = value
        self._recipes = value.recipes
        customize = GhostButton(self.theme, _("Customize…"), "sliders-horizontal", on=self.show_recipes)
        customize.setEnabled(bool(value.recipes))
        about = _("Pick one. You can come back and try another; nothing is lost.")
        head = PageHead(_("What matters most?"), about, customize, self._start_button())
        self._limit = LimitCard(self.theme, value)
        self._limit.changed.connect(self._on_limit_changed)
        self._expected = words("", "soft")
        self._short = label("", "", "warn")
        why = [label(value.why_not, "", "warn")] if value.why_not else []
        self._few = FewLine(self.theme, self.limit_wanted, self._to("data"))
        text = _(
            "The cards state typical gains. Yours is measured on this computer, and only "
            "measurements are shown as results."
        )
        if value.computers:
            text = _(
                "The cards state typical gains. Versions are made on this computer and measured on the computers that "
                "you choose."
            )
        note = words(text, "caption")
        self._where = WhereCard(value.computers, value.where) if value.computers else None
        if self._where is not None:
            self._where.changed.connect(self._on_where)
        self._plan = PlanCard()
        self._plan.hide()
        notes: list[QWidget] = [self._expected, self._short, *why, self._few]
        self._fill("full", head, *notes, self._cards(value), self._where, self._limit, note, self._plan)
        self._show_plan()
        self._say_expected()  # last: without a page around it, a shown label would be a window

    def show_few(self, value: FewValue | None) -> None:
        """Show whether there are too few examples to prove the current limit."""
        if self._few is not None and self.state == "full":
            self._few.show_value(value)
            if self._limit is not None:
                self._limit.set_provable(value is None)

    def show_recipes(self) -> None:
        """Show the editor for the recipes of the chosen preset."""
        chosen = self._preset(self._value.chosen)
        head = PageHead(
            _("Techniques, in this order"),
            _("From “{0}”. Each version is measured and judged by the same rules.").format(chosen.title),
            GhostButton(self.theme, _("Back"), "arrow-left", on=self._on_back),
            self._start_button(),
        )
        editor = RecipeEditor(self.theme, self._recipes, self._value.techniques, self._value.runtimes)
        editor.changed.connect(self._on_recipes_changed)
        editor.reset_requested.connect(self._on_reset)
        self._few = self._plan = None
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), editor)
        leave.setContext(Qt.ShortcutContext.WindowShortcut)
        leave.activated.connect(self._on_back)
        self._fill("recipes", head, self._saving(), editor)

    def _saving(self) -> QWidget:
        """Return a field and a button that save the current recipes as the user's own preset."""
        name = TextField("", _("Name of your preset"), _("Name"), 40)
        save = GhostButton(
            self.theme, _("Save as my preset"), "plus", on=lambda: self.save_requested.emit(name.text().strip())
        )
        save.setEnabled(False)
        name.textChanged.connect(lambda text: save.setEnabled(bool(text.strip())))
        name.returnPressed.connect(save.click)
        return held(in_row((name, 1), save, STRETCH, gap=SPACE_M))

    def _differs_in_choice(self, value: GoalValue) -> bool:
        old = self._value
        names = ("chosen", "limit_pct", "recipes", "expected", "short_of_memory", "where")
        choice = {name: getattr(old, name) for name in names}
        like_old = replace(value, **choice)
        return self.state == "full" and self._limit is not None and like_old == old and value.limit_pct <= MAX_PCT

    def _take_choice(self, value: GoalValue) -> None:
        self._value, self._recipes = value, value.recipes
        self._radios[value.chosen].setChecked(True)
        self._show_plan()
        if self._limit is not None:
            self._limit.set_limit(value.limit_pct)
        if self._where is not None:
            self._where.choose(value.where)
        if self._start is not None:
            self._start.relabel(self._start_text())
        self._say_expected()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the list of recipes in a tall page."""
        super().resizeEvent(event)
        if self._plan is not None and self.state == "full":
            self._plan.setVisible(self._has_room)
            if (event.oldSize().height() >= LEAST_DETAILED_PX) != (self.height() >= LEAST_DETAILED_PX):
                self._show_plan()

    @property
    def _has_room(self) -> bool:
        return bool(self._recipes) and self.height() >= LEAST_PAGE_PX

    def _show_plan(self) -> None:
        if self._plan is not None:
            is_detailed = self.height() >= LEAST_DETAILED_PX
            kinds, runs = self._value.techniques, self._value.runtimes
            self._plan.show_recipes(self._recipes, kinds, runs, detailed=is_detailed)
            self._plan.setVisible(self._has_room)

    def _say_expected(self) -> None:
        text = self._value.expected if self._value.where == ("",) else ""
        show_text(self._expected, _("For your model on this computer: {0}.").format(text) if text else "")
        show_text(self._short, self._value.short_of_memory)

    # -- parts --
    def _preset(self, preset_id: str) -> PresetValue:
        unknown = PresetValue(preset_id, preset_id, "", "", 60)
        return next((preset for preset in self._value.presets if preset.id == preset_id), unknown)

    def _start_button(self) -> Button:
        self._start = PrimaryButton(self.theme, self._start_text(), "play", on=self.run_requested)
        self._start.setEnabled(not self._value.why_not)
        return self._start

    def _start_text(self) -> str:
        value = self._value
        return _("Start ({0})").format(about(len(value.where) * self._preset(value.chosen).seconds))

    def _cards(self, value: GoalValue) -> QWidget:
        cards = [self._card(preset, is_chosen=preset.id == value.chosen) for preset in value.presets]
        holder = in_columns(cards, 3)
        group = QButtonGroup(holder)
        self._radios = {card.choice_id: card.radio for card in cards}
        for radio in self._radios.values():
            group.addButton(radio)
        return holder

    def _card(self, preset: PresetValue, *, is_chosen: bool) -> ChoiceCard:
        card = ChoiceCard(preset.id, preset.title, f"{preset.text} {preset.problem}".strip())
        title = label(preset.title, "section")
        title.setMinimumWidth(LEAST_TITLE_PX)
        row = in_row(Square(self.theme, preset.icon), (title, 1), card.radio, gap=SPACE_M)
        text = words(preset.problem or preset.text, "", "warn" if preset.problem else "")
        text.setMinimumHeight(40)
        text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        foot = in_flow(
            words(capitalized(preset.expect), "caption"),
            label(about(preset.seconds), "caption", wrap=False),
            gap=2,
            spread=True,
        )
        card.add(row, (text, 1))
        if not preset.problem:
            card.add(divider(), foot)
        card.radio.setChecked(is_chosen)
        card.setEnabled(not preset.problem)
        card.chosen.connect(self._on_chosen)
        return card

    # -- slots --
    def _on_chosen(self, preset_id: str) -> None:
        if preset_id == self._value.chosen:
            return
        self._value = replace(self._value, chosen=preset_id)
        if self._start is not None:
            self._start.relabel(self._start_text())
        self.preset_chosen.emit(preset_id)

    def _on_limit_changed(self, limit_pct: float) -> None:
        self._value = replace(self._value, limit_pct=limit_pct)
        self.limit_changed.emit(limit_pct)

    def _on_where(self, names: tuple[str, ...]) -> None:
        self._value = replace(self._value, where=names)
        if self._start is not None:
            self._start.relabel(self._start_text())
        self._say_expected()
        self.where_changed.emit(names)

    def _on_recipes_changed(self, recipes: tuple[EditedRecipe, ...]) -> None:
        self._recipes = recipes
        if self._start is not None:
            self._start.setEnabled(not self._value.why_not and any(is_enabled for _recipe, is_enabled in recipes))
        self.recipes_changed.emit(recipes)

    def _on_reset(self) -> None:
        self._recipes = self._value.recipes
        self.recipes_changed.emit(())
        self.show_recipes()

    def _on_back(self) -> None:
        changed = self._recipes
        self.show_value(self._value)
        self._recipes = changed
