"""Show the page Compare: headline, three figures and table, then the plot and the changed answers."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget
from shiboken6 import isValid

from widgets.icons import IconLabel
from widgets.pages.compare.cards import EvaluatedLine, KeptCard, OptionCards, PhoneCard, ProofCard
from widgets.pages.compare.changes import ChangesCard
from widgets.pages.compare.claims import ClaimsCard, ClaimSignals
from widgets.pages.compare.fleet import fleet_card
from widgets.pages.compare.table import columns, empty_pages, figures, original_of, points, rows, source_key
from widgets.pages.compare.value import (
    ChangesValue,
    CompareValue,
    GoOnValue,
    OptionsValue,
    UndecidedValue,
    VersionValue,
)
from widgets.pages.detail_page import detail_row
from widgets.parts.buttons import Button, FoldButton, GhostButton, PrimaryButton
from widgets.parts.card import Banner, Card, TableCard
from widgets.parts.cards.error import ErrorValue
from widgets.parts.cards.source import OpenFigure, SourceCard, SourceValue
from widgets.parts.format import visible
from widgets.parts.layout import TOP, Item, fill, held, in_row
from widgets.parts.page import Page
from widgets.parts.small import PageHead
from widgets.parts.tables.table import Table
from widgets.parts.text import label, show_text, words
from widgets.plots.scatter_plot import ScatterPlot
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _, joined
from workers.contracts.wording import in_sentence

LEAST_PLOT_PX, TALLEST_PAIR_PX = 210, 760

NAME_PX = 160
"""Width in pixels that the names of versions keep in two lines."""


class ComparePage(Page):
    """The page Compare; `export_requested` and `export_anyway_requested` carry the id of a version.

    `write_requested(id)` writes a bundle at once. `proof_data_chosen(path)` adds examples. `other_model_chosen(path)`
    compares a model with the original. `sources_wanted(id, key)` requests `show_sources`. `go_on_requested(minutes)`
    gives the run more time. `why_requested(id)` shows what changed in a version. `phone_requested(id)` measures a
    version on a phone. `claims` has the requests about results of other computers.
    """

    export_requested = Signal(str)
    export_anyway_requested = Signal(str)
    write_requested = Signal(str)
    version_chosen = Signal(str)
    proof_data_chosen = Signal(str)
    other_model_chosen = Signal(str)
    rest_requested = Signal()  # evaluate the test examples that were not evaluated yet
    set_limit_requested = Signal(float)
    again_requested = Signal()
    alone_requested = Signal(str)  # prove this version alone
    idle_requested = Signal(bool)  # measure again when the computer is idle; False stops the wait
    go_on_requested = Signal(int)
    sources_wanted = Signal(str, str)
    why_requested = Signal(str)
    device_chosen = Signal(str)  # id of the run on that computer
    computer_requested = Signal(str)  # name of the computer to measure on, "" for this one
    add_computer_requested = Signal()
    phone_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Compare"))
        self._value: CompareValue | None = None
        self._table: Table | None = None
        self._opened_at = QRect()
        self._pair: QBoxLayout | None = None
        self._changes: ChangesCard | None = None
        self.claims = ClaimSignals(self)
        self._claims: ClaimsCard | None = None
        self._at_once = ""
        self._export = PrimaryButton(theme, _("Export…"), "package")
        self._choose = GhostButton(theme, _("Choose what to write…"))
        self._notes = words("", "caption")
        self._other = GhostButton(theme, _("Export this version…"), size="small")
        self._fold = FoldButton(theme, _("Details"), "small")

    # -- states --
    def show_empty(self) -> None:
        """Show that nothing was optimized yet."""
        text = _("Once versions have been measured, compare their speed, size and answers here.")
        self._fill_empty("chart-bar", _("Nothing to compare yet"), text, head=_("Compare"))

    def show_value(self, value: CompareValue) -> None:
        """Show the result of a run."""
        self._value = value
        head = PageHead(value.headline, value.subtitle, *self._actions(value))
        watch = self._watch(value) if value.watch else None
        self._claims = ClaimsCard(self.theme, value, self.claims)
        self._fill(
            "full",
            head,
            watch if value.watch_warns else None,
            EvaluatedLine(self.theme, value.evaluated, value.kind, self.rest_requested) if value.evaluated else None,
            fleet_card(self.theme, value.fleet, self.device_chosen.emit) if value.fleet is not None else None,
            *(self._nothing_faster(value) if value.outcome == "nothing_faster" else self._result(value)),
            words(value.go_on.why, "soft") if value.go_on is not None and value.go_on.why else None,
            None if value.watch_warns else watch,
            words(value.note, "caption") if value.note else None,
            None if value.claims else self._claims,
        )
        self.show_at_once(self._at_once)

    def _nothing_faster(self, value: CompareValue) -> list[Item]:
        table = self._table_card(value)
        kept = KeptCard(self.theme, len(value.versions) - 1, self._to("optimize"))
        phones = PhoneCard(self.theme, value.phones) if value.phones else None
        options = self._options(value, value.options) if value.options is not None else None
        return [table, phones, self._claims if value.claims else None, self._closer(), options, kept]

    def _result(self, value: CompareValue) -> list[Item]:
        table, shown = self._table_card(value), figures(value)
        for figure in shown:
            figure.opened.connect(partial(self._on_figure, figure, value.recommended))
        proof = None
        if value.outcome == "not_proven" and value.n_test and value.evaluated is None:
            proof = ProofCard(self.theme, value, self.choose_folder, self.choose_file)
        return [
            in_row(*((figure, 1) for figure in shown), gap=SPACE_L),
            proof,
            self._closer(),
            table,
            PhoneCard(self.theme, value.phones) if value.phones else None,
            self._claims if value.claims else None,
            (self._below(value), 1) if value.outcome == "safe" or value.changes.total else None,
        ]

    def _loading_head(self) -> tuple[str, str]:
        return _("Comparing the versions"), _("You may leave this page; the work continues.")

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (
            PrimaryButton(self.theme, _("Back to the goal"), "target", on=self._to("goal")),
            GhostButton(self.theme, _("Show the log"), "list", on=self._to("optimize")),
        )

    def show_at_once(self, target: str) -> None:
        """Set the bundle that one click writes of the recommended version, "" if the form must be shown first."""
        self._at_once = target
        if self.state == "full" and self._value is not None and self._value.outcome == "safe":
            self._export.setText(_("Export bundle") if target else _("Export…"))
            tip = _("Writes “{0}”, tests it, and shows its folder.").format(target) if target else ""
            self._export.setToolTip(tip)
            self._export.setAccessibleDescription(visible(tip))
            self._choose.setVisible(bool(target))

    def show_changes(self, value: ChangesValue) -> None:
        """Show the changed predictions of the chosen version."""
        if self._changes is not None and self.state == "full":
            self._changes.show_value(value)

    def show_claims(self) -> None:
        """Scroll to the results of other computers."""
        if self.state == "full" and self._claims is not None:
            QTimer.singleShot(0, self._claims, partial(self.show_whole, self._claims))

    def show_sources(self, values: Sequence[SourceValue], key: str) -> None:
        """Show the sources of a version's figures at the clicked one, starting with `key`."""
        if values:
            SourceCard(self.theme, values, key, self).show_at(self._opened_at)

    # -- parts --
    def _actions(self, value: CompareValue) -> list[Button]:
        best = value.recommended
        more = [self._go_on(value.go_on)] if value.go_on is not None else []
        if value.outcome == "not_proven":
            anyway = GhostButton(self.theme, _("Export anyway…"), on=lambda: self.export_anyway_requested.emit(best))
            choose = self.choose_folder if value.kind in ("images", "audio") else self.choose_file
            return [*more, anyway, PrimaryButton(self.theme, _("Prove it"), "plus", on=choose)]
        if value.outcome == "nothing_faster":
            wanted = _original_id(value) or best
            make = GhostButton if value.go_on is not None or value.undecided is not None else PrimaryButton
            text = _("Export the original…")
            more.append(make(self.theme, text, "package", on=lambda: self.export_requested.emit(wanted)))
            if value.undecided is not None and value.undecided.action != "go_on":
                more.append(self._decide(value.undecided))
            return more
        text = _("Choose what to write…")
        self._choose = GhostButton(self.theme, text, on=lambda: self.export_requested.emit(best))
        self._export = PrimaryButton(self.theme, _("Export…"), "package", on=partial(self._on_export, best))
        return [*more, self._choose, self._export]

    def _decide(self, value: UndecidedValue) -> PrimaryButton:
        """Return the button that measures again or proves one version alone."""
        if value.action != "prove":
            return PrimaryButton(self.theme, _("Measure again"), "arrow-clockwise", on=self.again_requested)
        return PrimaryButton(
            self.theme,
            _("Prove it ({0})").format(value.takes) if value.takes else _("Prove it"),
            "shield-check",
            tip=_("Tests this version on all examples and judges its answers"),
            on=lambda: self.alone_requested.emit(value.version_id),
        )

    def _go_on(self, value: GoOnValue) -> Button:
        """Return the button for more time, the main action if nothing is recommended."""
        make = PrimaryButton if value.is_way_on else GhostButton
        return make(
            self.theme,
            _("Continue for up to {0} minutes").format(value.minutes),
            "play",
            on=lambda: self.go_on_requested.emit(value.minutes),
        )

    def _table_card(self, value: CompareValue) -> Card:
        tip = _("Compare a model from elsewhere with the original. You can also drop a file or folder on this page.")
        text = _("Judge another file…")
        file = GhostButton(self.theme, text, "plus", "small", tip=tip, on=self.choose_other_model)
        self._other = GhostButton(self.theme, _("Export this version…"), size="small", on=self._on_other)
        self._other.hide()
        self._fold = FoldButton(self.theme, _("Details"), "small")
        tip = _("Measures the chosen version in the browser of a phone or another computer")
        phone = GhostButton(self.theme, _("Try it on a phone…"), "device-mobile", "small", tip=tip, on=self._on_phone)
        if value.speaks:  # no web page takes a language model
            phone.hide()
        title = label(_("All versions"), "section")
        head = in_row((title, 1), self._other, phone, file, self._fold, edges=(SPACE_L - 1, SPACE_S, SPACE_S, 0))
        table = Table(self.theme, _("All versions"), columns(value), tall=any(one.first_look for one in value.versions))
        table.least_stretch_px = NAME_PX
        table.show_rows(rows(value), value.recommended or _original_id(value))
        table.chosen.connect(self._on_version_chosen)
        table.opened.connect(lambda version_id, column: self._on_cell(table, value, version_id, column))
        self._fold.toggled.connect(self._on_details)
        self._table = table
        self._notes = words("", "caption")
        self._notes.setContentsMargins(SPACE_L - 1, SPACE_S, SPACE_L, SPACE_S)
        self._notes.hide()
        card = TableCard(head, table, self._notes, name=_("All versions"))
        self._fold.setChecked(value.outcome == "not_proven")
        return card

    def _watch(self, value: CompareValue) -> QWidget:
        """Return the comparison with the version before: a warning is at the top of the page, good news at the end."""
        name = _("Compared with the version before")
        if value.watch_warns:
            return Banner(self.theme, name, words(value.watch), edges=(SPACE_L, SPACE_M, SPACE_L, SPACE_M))
        line = held(
            in_row((IconLabel(self.theme, "check-circle", "ok"), TOP), (words(value.watch, "soft"), 1), gap=SPACE_M)
        )
        line.setAccessibleName(visible(name))
        return line

    def _closer(self) -> QWidget:
        return detail_row(self.theme, "compare", self.page_wanted, empty_pages(self._value))

    def _options(self, value: CompareValue, options: OptionsValue) -> OptionCards:
        on_data, on_goal = self._to("data"), self._to("goal")
        slots = {"on_again": self.again_requested, "on_add": self.add_computer_requested}
        cards = OptionCards(self.theme, value, options, on_data=on_data, on_goal=on_goal, **slots)
        cards.computer_requested.connect(self.computer_requested)
        cards.limit_requested.connect(self.set_limit_requested)
        cards.idle_requested.connect(self.idle_requested)
        return cards

    def _below(self, value: CompareValue) -> QWidget:
        """Return plot and changes side by side, or one below the other in the smallest window."""
        holder = QWidget()
        self._pair = row = QBoxLayout(self._pair_direction(self.is_narrow), holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_L)
        plotted, limit, name = points(value)
        if len(plotted) > 1:
            plot = ScatterPlot(self.theme, name)
            plot.set_points(plotted, limit)
            plot.setMinimumHeight(LEAST_PLOT_PX)
            plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # its minimum is enough
            plot.point_chosen.connect(self._on_point_chosen)
            card = Card("", words(_("Speed against {0}").format(in_sentence(name)), "section"), (plot, 1))
            card.box.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
            card.setMinimumHeight(card.minimumSizeHint().height())  # the page's height by its width leaves the plot out
            fill(row, (card, 1))
        self._changes = ChangesCard(self.theme, self._pictures, value.changes)
        fill(row, (self._changes, 1))
        holder.setMaximumHeight(TALLEST_PAIR_PX)
        return holder

    @staticmethod
    def _pair_direction(is_narrow: bool) -> QBoxLayout.Direction:
        return QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight

    def _on_width_changed(self, is_narrow: bool) -> None:
        if self._pair is not None and isValid(self._pair):
            self._pair.setDirection(self._pair_direction(is_narrow))

    # -- slots --
    def choose_folder(self) -> None:
        """Open the system's dialog for a folder of more examples."""
        self._ask_folder(_("Choose a folder of more examples"), self.proof_data_chosen)

    def choose_file(self) -> None:
        """Open the system's dialog for a file of more examples."""
        kinds = _("Examples (*.csv *.tsv *.txt *.jsonl *.npz *.wav);;All files (*)")
        self._ask_file(_("Choose a file of more examples"), kinds, self.proof_data_chosen)

    def choose_other_model(self) -> None:
        """Open the system's dialog for a model file from elsewhere."""
        kinds = _("Models (*.onnx *.xml *.safetensors *.gguf *.pt *.pth *.bin *.ckpt *.ts *.zip);;All files (*)")
        self._ask_file(_("Choose a model to compare"), kinds, self.other_model_chosen)

    def choose_version(self, version_id: str) -> None:
        """Choose a row of the table with its details and scroll to it."""
        if self._table is not None:
            self._table.choose(version_id)
            self._fold.setChecked(True)
            self._show_notes(version_id)
            QTimer.singleShot(0, self, self._see_chosen)  # after the details have their room

    def _see_chosen(self) -> None:
        if self._table is not None:
            row = self._table.visualRect(self._table.currentIndex())
            place = self._table.viewport().mapTo(self._content, row.center())
            self.ensureVisible(place.x(), place.y(), 0, 3 * row.height())

    def _version(self, version_id: str) -> VersionValue | None:
        versions = self._value.versions if self._value is not None else ()
        return next((version for version in versions if version.id == version_id), None)

    def _on_details(self, is_open: bool) -> None:
        if self._table is not None:
            self._table.set_details(is_open)
            self._show_notes(self._table.chosen_id)

    def _show_notes(self, version_id: str) -> None:
        value, version, text = self._value, self._version(version_id), ""
        if value is not None and version is not None and self._fold.isChecked():
            below = value.note  # the page's end already shows these
            notes = joined(note for note in version.notes if note not in below)
            text = joined((version.device, *version.scores, notes), "\n")
        show_text(self._notes, text)

    def _on_version_chosen(self, version_id: str) -> None:
        value, version = self._value, self._version(version_id)
        if value is None or version is None:
            return
        is_other = version_id != value.recommended and version.verdict not in ("original", "keep", "unmeasured")
        self._other.setVisible(is_other)
        self._show_notes(version_id)
        self.version_chosen.emit(version_id)

    def _on_figure(self, figure: OpenFigure, version_id: str, key: str) -> None:
        self._opened_at = QRect(figure.mapToGlobal(figure.rect().topLeft()), figure.size())
        self.sources_wanted.emit(version_id, key)

    def _on_cell(self, table: Table, value: CompareValue, version_id: str, column: int) -> None:
        if column == table.model().columnCount() - 1:
            if table.model().index(table.currentIndex().row(), column).data():
                self.why_requested.emit(version_id)
            return
        place = table.visualRect(table.model().index(table.currentIndex().row(), column))
        self._opened_at = QRect(table.viewport().mapToGlobal(place.topLeft()), place.size())
        self.sources_wanted.emit(version_id, source_key(value, column))

    def _on_export(self, version_id: str, _checked: bool = False) -> None:
        (self.write_requested if self._at_once else self.export_requested).emit(version_id)

    def _on_phone(self) -> None:
        self.phone_requested.emit(self._table.chosen_id if self._table is not None else "")

    def _on_other(self) -> None:
        version = self._version(self._table.chosen_id if self._table is not None else "")
        if version is not None:
            is_safe = version.verdict == "safe"
            (self.export_requested if is_safe else self.export_anyway_requested).emit(version.id)

    def _on_point_chosen(self, version_id: str) -> None:
        if self._table is not None:
            self._table.choose(version_id)
            self._table.setFocus(Qt.FocusReason.OtherFocusReason)


def _original_id(value: CompareValue) -> str:
    base = original_of(value)
    return base.id if base is not None else ""
