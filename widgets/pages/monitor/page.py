"""Show the page Monitor: graphs over time, alarms and advice from a bundle's log."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.monitor.value import MonitorValue
from widgets.parts.buttons import FoldButton, GhostButton, PrimaryButton
from widgets.parts.card import Card, DropArea, divider
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import clipped
from widgets.parts.layout import LEFT, STRETCH, TOP, held, in_column, in_columns, in_row
from widgets.parts.page import Page
from widgets.parts.small import PageHead, Tag, TagKind, figure_row
from widgets.parts.tables.grid import cell_widget, divided_grid
from widgets.parts.text import words
from widgets.plots.as_table import as_table
from widgets.plots.course_plot import Course, CoursePlot, course_rows
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.after.monitor import MonitorAlert
from workers.contracts.translation import _

MOST_SHOWN = 4
"""Number of alarms that are shown; the others are folded."""


class MonitorPage(Page):
    """The page Monitor; `log_chosen(path)` reads a log, `again_requested` reads the same log again.

    `examples_requested` leads to the examples of the bundle's project.
    """

    log_chosen = Signal(str)
    again_requested = Signal()
    examples_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        super().__init__(theme, _("Monitor"))
        self.show_empty()

    # -- states --
    def show_empty(self) -> None:
        """Show that no log was opened yet."""
        head = PageHead(
            _("How are your bundles doing?"),
            _("Drop the log of a bundle to see what changed since it was tested."),
        )
        area = DropArea(
            self.theme,
            _("Drop a bundle's log here"),
            _("The folder with the bundle's log. It contains figures, never your inputs."),
            self._folder_button(),
            GhostButton(self.theme, _("Choose a file…"), on=self.choose_file),
            least_px=220,
        )
        how = _(
            "A bundle writes a log if it is started with a log folder; its README says how. A log "
            "takes at most 64 MB. It shows what changed, not whether answers are right."
        )
        self._fill("empty", head, area, Card(_("How a bundle keeps a log"), words(how, "soft")))

    def _folder_button(self) -> PrimaryButton:
        return PrimaryButton(self.theme, _("Choose the log's folder…"), "folder-open", on=self.choose_folder)

    def show_value(self, value: MonitorValue) -> None:
        """Show the alarms, then the courses, then all figures."""
        head = PageHead(
            value.headline,
            value.subtitle,
            GhostButton(self.theme, _("Another log…"), "folder-open", on=self.choose_folder),
            GhostButton(self.theme, _("Read again"), "arrow-clockwise", on=self.again_requested),
            PrimaryButton(self.theme, value.examples, "image", on=self.examples_requested) if value.examples else None,
        )
        notes = Card(_("About this log"), *(words(note, "soft") for note in value.notes))
        self._fill(
            "full",
            head,
            self._alerts(value.alerts) if value.alerts else None,
            figure_row(value.figures),
            self._courses(value.courses) if value.courses else None,
            self._drift(value) if value.rows else None,
            notes if value.notes else None,
        )

    def _loading_head(self) -> tuple[str, str]:
        return _("Reading the log"), _("You may leave this page; the work continues.")

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (self._folder_button(),)

    # -- parts --
    def _alerts(self, alerts: Sequence[MonitorAlert]) -> Card:
        shown = [self._alert(alert, is_first=not number) for number, alert in enumerate(alerts)]
        card = Card(_("What to know"), *shown[:MOST_SHOWN], gap=0)
        if len(alerts) > MOST_SHOWN:
            rest = held(in_column(*shown[MOST_SHOWN:], gap=0))
            fold = FoldButton(self.theme, _("{0} more").format(len(alerts) - MOST_SHOWN), opens=rest)
            card.add(in_row(fold, STRETCH, gap=None), rest)
        return card

    def _alert(self, alert: MonitorAlert, *, is_first: bool) -> QWidget:
        is_over, comes_with = alert.until is not None, bool(alert.follows)
        level: TagKind = "none" if is_over or comes_with else "bad" if alert.level == "danger" else "warn"
        state = _("Over") if is_over else _("Came with it") if comes_with else _("On now")
        holder = QWidget()
        holder.setAccessibleName(clipped(alert.what))
        column = in_column(words(clipped(alert.what), "strong"), words(clipped(alert.advice), "soft"), gap=2)
        row = in_row((column, 1), (Tag(self.theme, level, state), TOP), gap=SPACE_L, edges=(0, SPACE_M, 0, SPACE_M))
        in_column(divider() if not is_first else None, row, gap=0, parent=holder)
        return holder

    def _courses(self, courses: Sequence[Course]) -> QWidget:
        return in_columns([self._course(one) for one in courses], 1 if self.is_narrow else 2)

    def _course(self, value: Course) -> Card:
        titles = _("When"), value.y_title
        fold, table = as_table(self.theme, value.title, titles, lambda: course_rows(value))
        return Card(value.title, CoursePlot(self.theme, value, _("alarm")), (fold, LEFT), table)

    def _drift(self, value: MonitorValue) -> Card:
        title = _("The latest requests beside the evaluation data")
        before = _("When it was tested") if value.is_tested else _("At the beginning")
        rows = [[cell_widget(self.theme, cell) for cell in row] for row in value.rows]
        return Card(
            title if value.is_tested else _("The latest requests beside the first ones"),
            divided_grid((_("Figure"), before, _("Now"), ""), rows, (3, 2, 2, 0)),
        )

    # -- choosing --
    def choose_folder(self) -> None:
        """Open the system's dialog for the folder of a log."""
        self._ask_folder(_("Choose a log's folder"), self.log_chosen)

    def choose_files(self) -> bool:
        """Open the dialog for a log file."""
        self.choose_file()
        return True

    def choose_file(self) -> None:
        """Open the system's dialog for one file of a log."""
        self._ask_file(_("Choose a log"), _("Logs (*.jsonl);;All files (*)"), self.log_chosen)
