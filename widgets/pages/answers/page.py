"""Show the page "All answers": every test example with both predictions, to sort, filter and inspect."""

from dataclasses import replace
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QWidget

from widgets.pages.answers.look import LookCard
from widgets.pages.answers.table import AnswersModel, AnswersTable
from widgets.pages.answers.value import KINDS, AnswersValue, Filter, Kind, LookValue, Order, classes_by_count
from widgets.pages.detail_page import DetailPage
from widgets.parts.buttons import ToggleButton
from widgets.parts.card import Card, TableCard
from widgets.parts.fields import ChoiceField, SearchField
from widgets.parts.layout import in_flow, in_row
from widgets.parts.nouns import counted
from widgets.parts.small import PageHead
from widgets.parts.sound_bar import SoundState
from widgets.parts.text import label, show_text
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S
from workers.contracts.translation import _, localized

AHEAD = 5
"""Number of rows below the chosen one that are requested with it."""
LOOK_PX, NARROW_LOOK_PX, SEARCH_PX, VERSION_CHARS = 304, 240, 200, 18


class AnswersPage(DetailPage):
    """The page "All answers"; `rows_wanted(numbers)` requests examples, the chosen one first.

    `version_chosen(id)` selects another version.
    """

    rows_wanted = Signal(object)
    play_wanted = Signal(bytes)
    stop_wanted = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = _("No answers yet"), _("Once versions have been tested, all of their answers are listed here.")
        super().__init__(theme, _("All answers"), "list", nothing)
        self._value: AnswersValue | None = None
        self._model = AnswersModel(self)
        self._looks: dict[int, LookValue] = {}
        self._table: AnswersTable | None = None
        self._look: LookCard | None = None
        self._count = label("", "caption", wrap=False)
        self._buttons: dict[str, ToggleButton] = {}
        self._orders: ChoiceField | None = None
        self._classes: ChoiceField | None = None

    # -- states --
    def show_empty(self, *, is_measuring: bool = False) -> None:
        """Show that there is no run, that the run has no predictions, or that versions are being measured."""
        self._value = self._table = self._look = None
        super().show_empty(is_measuring=is_measuring)

    def show_value(self, value: AnswersValue) -> None:
        """Show all predictions of the chosen version; without classes, the least similar ones come first."""
        if self._value is None and value.answers == "vector" and self._model.filter == Filter():
            self._model.filter = Filter(order="similarity")
        self._value, self._looks = value, {}
        if self._model.filter.class_place >= len(value.columns.names):
            self._model.filter = replace(self._model.filter, class_place=-1)
        self._model.replace(value)
        head = PageHead(_("All answers"), self._subtitle(value), self._back())
        self._look = LookCard(self.theme, self._pictures)
        self._look.sound_bar.play_wanted.connect(self.play_wanted)
        self._look.sound_bar.stop_wanted.connect(self.stop_wanted)
        self._look.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        row = in_row((self._table_card(value), 1), self._look, gap=SPACE_L)
        self._fill("full", head, self._tools(value), (row, 1))
        self._on_width_changed(self.is_narrow)
        self._update_count()
        if self._table is not None and len(self._model.rows):
            self._table.setCurrentIndex(self._model.index(0, 0))  # fills the right half of the page at once

    def show_looks(self, looks: tuple[LookValue, ...]) -> None:
        """Store requested examples and show the chosen one."""
        self._looks.update({look.number: look for look in looks})
        self._show_chosen()

    def show_sound(self, state: SoundState) -> None:
        """Show the state of the loudspeaker."""
        if self._look is not None:
            self._look.sound_bar.show_state(state)

    def _loading_head(self) -> tuple[str, str]:
        return _("All answers"), _("The list is being made. You may leave this page; the work continues.")

    # -- parts --
    def _subtitle(self, value: AnswersValue) -> str:
        title = next((title for version_id, title in value.versions if version_id == value.chosen), "")
        return _("“{0}” beside the original on {1}.").format(title, counted(value.kind, len(value.columns)))

    def _tools(self, value: AnswersValue) -> QWidget:
        version = self._version_field(value.versions, value.chosen, small=True)
        version.setMinimumContentsLength(VERSION_CHARS)
        changed = _("Other changes") if value.labelled else _("Changed")
        judged = (_("Same"), changed, _("Worse"), _("Better"))
        texts = (*judged, _("Not judged"))
        kinds: list[tuple[Kind | Literal[""], str, int]] = [("", _("All"), len(value.columns))]
        kinds += [(kind, text, value.columns.count(kind)) for kind, text in zip(KINDS, texts, strict=True)]
        group = QButtonGroup(self)
        self._buttons = {}
        for kind, text, number in kinds:
            if (kind in ("worse", "better") and not value.labelled) or (kind == "searched" and not number):
                continue
            is_chosen, choose = kind == self._model.filter.kind, partial(self._on_kind, kind)
            self._buttons[kind] = ToggleButton(
                self.theme, f"{text} {localized(number)}", group, checked=is_chosen, on=choose
            )
        self._classes = self._class_choice(value) if value.answers == "class" else None
        search = SearchField(self.theme, _("Search the answers"), _("Search"), small=True)
        search.setFixedWidth(SEARCH_PX)
        search.show_count(self._model.filter.text)
        search.settled.connect(lambda text: self._choose(text=text))
        search.entered.connect(lambda text: self._choose(text=text))
        tools = in_flow(version, *self._buttons.values(), self._classes, self._order_choice(value), search)
        group.setParent(tools)
        return tools

    def _class_choice(self, value: AnswersValue) -> ChoiceField:
        names = value.columns.names
        options = [(_("All classes"), -1), *((names[at], at) for at in classes_by_count(value.columns))]
        chosen = self._model.filter.class_place
        choice = ChoiceField(_("Class"), options, chosen, small=True, elastic=True)
        choice.setMinimumContentsLength(max(10, len(options[0][0])))
        choice.activated.connect(lambda _at: self._choose(class_place=choice.currentData()))
        return choice

    def _order_choice(self, value: AnswersValue) -> ChoiceField:
        orders = [("number", _("As they came")), ("kind", _("Worst first"))]
        if value.answers == "class":
            orders += [("surer", _("Largest loss of confidence first")), ("after_share", _("Least sure first"))]
        else:
            orders.append(("similarity", _("Least alike first")))
        orders.append(("name", _("By name")))
        options = [*((text, (order, False)) for order, text in orders), (_("By a column"), None)]
        choice = self._orders = ChoiceField(_("Order"), options, small=True)
        choice.activated.connect(lambda _at: self._on_order(choice.currentData()))
        self._update_order()
        return choice

    def _table_card(self, value: AnswersValue) -> Card:
        card = TableCard(name=_("All answers"))
        table = AnswersTable(self.theme, self._model)
        table.chosen.connect(lambda _row: self._show_chosen(request=True))
        table.sort_wanted.connect(self._on_title)
        self._table = table
        self._count = label("", "caption", wrap=False)
        self._count.setContentsMargins(SPACE_L - 1, SPACE_S, SPACE_L, SPACE_S)
        card.add((table, 1), self._count)
        return card

    # -- slots --
    def _on_width_changed(self, is_narrow: bool) -> None:
        if self._look is not None:
            self._look.setFixedWidth(NARROW_LOOK_PX if is_narrow else LOOK_PX)
        if self._table is not None:
            self._table.set_narrow(is_narrow)

    def _choose(self, **changes: Any) -> None:
        """Change the filter's fields `changes`."""
        self._apply(replace(self._model.filter, **changes))

    def _on_kind(self, kind: Kind | Literal[""], _checked: bool = False) -> None:
        self._choose(kind=kind)

    def _on_order(self, wanted: tuple[Order, bool] | None) -> None:
        if wanted is not None:
            self._choose(order=wanted[0], is_descending=wanted[1])

    def _on_title(self, order: Order) -> None:
        """Sort by a column; a second click on the same title reverses the order."""
        now = self._model.filter
        self._choose(order=order, is_descending=now.order == order and not now.is_descending)

    def _apply(self, wanted: Filter) -> None:
        self._model.choose(wanted)
        self._update_count()
        self._update_order()
        self._show_chosen()
        for kind, button in self._buttons.items():
            button.setChecked(kind == wanted.kind)
        if self._classes is not None:
            self._classes.choose(wanted.class_place)

    def _update_count(self) -> None:
        value = self._value
        if value is None:
            return
        shown, whole = len(self._model.rows), len(value.columns)
        text = _("{0:,} of {1:,} are shown.").format(shown, whole) if shown < whole else ""
        if not shown:
            text = _("Nothing matches. Remove a filter or search words.")
        show_text(self._count, text)

    def _update_order(self) -> None:
        choice, now = self._orders, self._model.filter
        if choice is not None:
            known = [choice.itemData(at) for at in range(choice.count())]
            wanted = (now.order, now.is_descending)
            choice.setCurrentIndex(known.index(wanted) if wanted in known else choice.count() - 1)

    def _show_chosen(self, *, request: bool = False) -> None:
        value, table, look = self._value, self._table, self._look
        if value is None or table is None or look is None:
            return
        row = table.currentIndex().row()
        if not 0 <= row < len(self._model.rows):
            look.show_nothing()
            return
        at = int(self._model.rows[row])
        number = int(value.columns.number[at])
        is_class = value.answers == "class"
        look.show_row(value.columns, at, is_class=is_class)
        if number in self._looks:
            look.show_look(self._looks[number], is_class=is_class)
        if request:
            self.stop_wanted.emit()
            near = value.columns.number[self._model.rows[row : row + 1 + AHEAD]].tolist()
            missing = tuple(one for one in near if one not in self._looks)
            if number in missing:
                self.rows_wanted.emit(missing)
