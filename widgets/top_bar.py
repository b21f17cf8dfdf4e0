"""Show the bar above the page (project, preset, running jobs, device) and the message below it."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from widgets.commands import DELETE_PROJECT, NEW_PROJECT, OPEN_PROJECT, RENAME_PROJECT, SHOW_PAGE, Commands
from widgets.icons import IconLabel, bind_icon
from widgets.parts.buttons import Button
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.layout import STRETCH, in_row
from widgets.parts.text import ElidedLabel, words
from widgets.telemetry import jobs_text
from widgets.theme import Theme, restyle
from widgets.tokens import PAGE_EDGE, SMALL_CONTROL_HEIGHT, SPACE_M, SPACE_S, SPACE_XL, TOP_BAR_HEIGHT
from workers.contracts.translation import _


class _ChipButton(QPushButton):
    """A chip button with the size of its content."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "chip")
        self.setFixedHeight(SMALL_CONTROL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        layout = self.layout()
        return layout.minimumSize() if layout is not None else super().minimumSizeHint()


class TopBar(QFrame):
    """The bar above the page, owned by the window; the project's name opens a menu if there are projects."""

    def __init__(self, theme: Theme, commands: Commands) -> None:
        """Create the bar for a new project; its menus and buttons run `commands`."""
        super().__init__()
        self._commands = commands
        self.setProperty("kind", "top")
        self.setFixedHeight(TOP_BAR_HEIGHT)
        self.project = ElidedLabel(_("New project"), "strong")
        self.menu_button = QPushButton()
        self.menu_button.setProperty("kind", "project")
        self.menu_button.hide()
        self.more = self._more_button(theme)
        self.preset = ElidedLabel("", "soft")
        self.jobs = QPushButton()
        self.jobs.setProperty("kind", "chip")
        self.jobs.setToolTip(_("Show all jobs"))
        self.jobs.hide()
        bind_icon(theme, self.jobs, "spinner-gap", "soft", 14, gap_px=2)
        self.jobs.clicked.connect(lambda: commands.do(SHOW_PAGE, "jobs"))
        left = self.project, self.menu_button, self.more, self.preset
        self._row = in_row(*left, STRETCH, self.jobs, self._device_chip(theme), parent=self)
        self.set_edge(PAGE_EDGE)

    def _more_button(self, theme: Theme) -> QToolButton:
        """Return the button with the actions for the open project."""
        button = QToolButton()
        button.setAccessibleName(_("More actions for this project"))
        button.setToolTip(_("Rename or delete this project"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        bind_icon(theme, button, "dots-three", "soft")
        menu = QMenu(button)
        for command in (RENAME_PROJECT, DELETE_PROJECT):
            self._commands.add_to(menu, command)
        menu.addSeparator()
        menu.addAction(_("All projects")).triggered.connect(lambda: self._commands.do(SHOW_PAGE, "projects"))
        button.setMenu(menu)
        button.hide()
        return button

    def _device_chip(self, theme: Theme) -> QWidget:
        self._chip = _ChipButton()
        self._chip.setToolTip(_("What works on this computer's graphics cards"))
        self._chip.clicked.connect(lambda: self._commands.do(SHOW_PAGE, "gpu"))
        self._chip.hide()
        self.device = ElidedLabel("")
        self.device.setMaximumWidth(420)
        parts = IconLabel(theme, "cpu", "soft", 14), self.device
        for widget in parts:
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        in_row(*parts, gap=6, edges=(10, 0, 10, 0), parent=self._chip)
        return self._chip

    def set_edge(self, edge_px: int) -> None:
        """Set the left margin in pixels to that of the page below."""
        menu_inset = 8 if not self.menu_button.isHidden() else 0
        self._row.setContentsMargins(edge_px - menu_inset, 0, SPACE_XL, 0)
        self._edge_px = edge_px

    def set_project(self, name: str, preset: str) -> None:
        """Set the names of the open project ("" for a new one) and of its preset."""
        shown = name or _("New project")
        self.project.setText(shown)
        short = self.menu_button.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideMiddle, 300)
        self.menu_button.setText(short.replace("&", "&&"))
        self.menu_button.setAccessibleName(_("Project: {0}").format(shown))
        self.preset.setText(preset)
        self.more.setVisible(bool(name))

    def set_projects(self, projects: Sequence[tuple[str, str]], open_id: str = "") -> None:
        """Offer these projects (id, name) and a new one in a menu; without projects there is no menu."""
        menu = QMenu(self)
        for project_id, name in projects:
            short = menu.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 420)
            action = menu.addAction(short.replace("&", "&&"))
            action.setCheckable(project_id == open_id)
            action.setChecked(project_id == open_id)
            action.triggered.connect(lambda _checked=False, key=project_id: self._commands.do(OPEN_PROJECT, key))
        menu.addSeparator()
        self._commands.add_to(menu, NEW_PROJECT)
        old = self.menu_button.menu()
        self.menu_button.setMenu(menu)
        if old is not None:
            old.deleteLater()
        self.menu_button.setVisible(bool(projects))
        self.project.setVisible(not projects)
        self.set_edge(self._edge_px)

    def set_device(self, text: str) -> None:
        """Set the device that does the work: a GPU's name, or "This computer's processor"."""
        self.device.setText(text)
        self._chip.updateGeometry()
        self._chip.setAccessibleName(_("Device: {0}").format(text))
        self._chip.setVisible(bool(text))

    def set_jobs(self, count: int) -> None:
        """Set the number of running jobs; 0 hides the button."""
        self.jobs.setText(jobs_text(count))
        self.jobs.setAccessibleName(jobs_text(count))
        self.jobs.setVisible(count > 0)


class Banner(QFrame):
    """The message line of the window: title and next step, with a button "More" that opens the whole error card.

    The close button or `MainWindow.banner(None)` hides it.
    """

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Create a hidden banner."""
        super().__init__(parent)
        self.setProperty("kind", "banner")
        self._theme = theme
        self._value: ErrorValue | None = None
        self._icon = IconLabel(theme, "", "bad", 18)
        self._text = words("")
        self._more = Button(theme, _("More"), "", "link", on=self._on_more)
        self._close = QToolButton()
        self._close.setAccessibleName(_("Close this message"))
        self._close.setToolTip(_("Close this message"))
        bind_icon(theme, self._close, "x", "soft")
        self._close.clicked.connect(self._on_close)
        parts = self._icon, (self._text, 1), self._more, self._close
        in_row(*parts, gap=SPACE_M, edges=(SPACE_M, 6, SPACE_S, 6), parent=self)
        self.hide()

    def show_value(self, value: ErrorValue) -> None:
        """Show a message; it replaces the previous one."""
        self._value = value
        self._icon.set_icon(value.icon, value.tone)
        self._text.setText(f"{value.title.rstrip('.')}. {value.next_step}")
        self.setAccessibleName(self._text.text())
        restyle(self, tone=value.tone)
        self.show()

    def _on_close(self) -> None:
        self.hide()
        self.closed.emit()

    def _on_more(self) -> None:
        if self._value is not None:
            dialog = QDialog(self.window())
            dialog.setWindowTitle(self._value.title)
            dialog.setMinimumWidth(640)
            QVBoxLayout(dialog).addWidget(ErrorCard(self._theme, self._value))
            dialog.open()
            dialog.finished.connect(dialog.deleteLater)
