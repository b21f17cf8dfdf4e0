"""Show the dialog "Try it on a phone": what will be reachable, the code to scan, and what the phone measured."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import Button, CopyButton, GhostButton, PrimaryButton
from widgets.parts.fields import ChoiceField, buddy
from widgets.parts.format import visible
from widgets.parts.layout import MIDDLE, STRETCH, TOP, discard, held, in_column, in_row
from widgets.parts.small import Bar
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.translation import _

WIDTH_PX, LEAST_PX, MODULE_PX, QUIET_MODULES = 580, 380, 6, 4
PhoneStep = Literal["ask", "missing", "no_network", "preparing", "open", "used", "measured", "failed"]


@dataclass(frozen=True)
class PhoneView:
    """What the dialog shows.

    Attributes:
        title: Title of the version that is measured.
        instead_of: Title of the chosen version if no browser runs it.
        hosts: Addresses of this computer in local networks.
        address: Whole address with the key, as the code contains it.
        text: The step of the preparation, the browser, or what failed.
        rows: What was measured, in sentences.
        is_alike: Whether all answers are alike.
        share: Share of the measurement that is done.
    """

    step: PhoneStep
    title: str = ""
    instead_of: str = ""
    hosts: tuple[str, ...] = ()
    address: str = ""
    text: str = ""
    rows: tuple[str, ...] = ()
    is_alike: bool = True
    share: float | None = None
    left_s: int = 0


class QrCode(QWidget):
    """A QR code (ISO/IEC 18004) of a text, black on white in both themes, with the quiet zone around it."""

    def __init__(self, text: str) -> None:
        """Create the code of a text, which is its accessible name."""
        import segno

        super().__init__()
        self._rows = segno.make_qr(text, error="m").matrix
        side = MODULE_PX * (len(self._rows) + 2 * QUIET_MODULES)
        self.setFixedSize(side, side)
        self.setAccessibleName(visible(text))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint modules of whole pixels."""
        painter, first = QPainter(self), MODULE_PX * QUIET_MODULES
        painter.fillRect(self.rect(), QColor("white"))
        for y, row in enumerate(self._rows):
            for x, is_dark in enumerate(row):
                if is_dark:
                    at = first + x * MODULE_PX, first + y * MODULE_PX
                    painter.fillRect(QRect(*at, MODULE_PX, MODULE_PX), QColor("black"))
        painter.end()


class PhoneDialog(QDialog):
    """The dialog; the page can be reached only while it is open.

    `on_open(host)` is called when the person wants the code at that address, `on_install` for the missing packages.
    """

    def __init__(
        self, theme: Theme, parent: QWidget, on_open: Callable[[str], None], on_install: Callable[[], None]
    ) -> None:
        """Create the dialog without a view."""
        super().__init__(parent)
        self._theme, self._on_open, self._on_install = theme, on_open, on_install
        title = _("Try it on a phone")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        head = in_row((IconLabel(theme, "device-mobile", "brand", 24), TOP), (label(title, "section"), 1), gap=SPACE_M)
        self._body = QWidget()
        edges = (SPACE_XL, SPACE_XL, SPACE_XL, SPACE_L)
        self._box = in_column(head, (self._body, 1), gap=SPACE_M, edges=edges, parent=self)
        self._view: PhoneView | None = None
        self._host = ""
        self._left, self._bar = label("", "strong", wrap=False), Bar(_("Progress"), big=True)

    def show_view(self, view: PhoneView) -> None:
        """Show a view; what only counts is changed in place."""
        before, self._view = self._view, view
        if before is None or replace(before, left_s=0, share=None) != replace(view, left_s=0, share=None):
            self._host = self._host if self._host in view.hosts else next(iter(view.hosts), "")
            self._left, self._bar = label("", "strong", wrap=False), Bar(_("Progress"), big=True)
            made = held(in_column(*self._parts(view), STRETCH, self._buttons(view), gap=SPACE_M))
            self._box.replaceWidget(self._body, made)
            discard(self._body)
            self._body = made
            made.show()
            made.findChildren(Button)[-1].setFocus()
            self._fit()
        self._left.setText(_("Closes in {0}:{1:02}").format(*divmod(view.left_s, 60)))
        self._bar.set_share(view.share)

    def _fit(self) -> None:
        """Set the height that the wrapped text needs; the window never becomes lower, so that nothing jumps."""
        self._box.invalidate()
        width = max(WIDTH_PX, self._box.minimumSize().width())
        height = self._box.heightForWidth(width) if self._box.hasHeightForWidth() else self.sizeHint().height()
        least_px = 0 if self._view is not None and self._view.step == "missing" else LEAST_PX  # nothing follows
        self.setFixedSize(width, max(height, least_px, self.minimumHeight()))

    def _parts(self, view: PhoneView) -> list[QWidget]:
        if view.step == "ask":
            return self._question(view)
        if view.step == "missing":
            return [words(_("Web pages need a one-time download. The page Export offers it beside “Web page”."))]
        if view.step == "no_network":
            text = _(
                "This computer is in no local network that a phone can reach. Connect it to the phone's Wi-Fi first."
            )
            return [words(text)]
        if view.step == "preparing":
            return [words(view.text or _("Writing and testing the page…")), self._bar]
        if view.step == "open":
            where = _("Scan the code with the camera of one phone. It must be in the same network as this computer.")
            typed = _("Or type this address in a browser, with all its letters:")
            address = in_row(
                (label(view.address, "mono", select=True), 1), CopyButton(self._theme, view.address), gap=SPACE_S
            )
            wall = words(_("Nothing opens there? A firewall of this computer may block it."), "caption")
            column = in_column(words(where), words(typed, "caption"), address, wall, STRETCH, self._left, gap=SPACE_S)
            return [held(in_row((QrCode(view.address), TOP), (column, 1), gap=SPACE_L))]
        if view.step == "used":
            return [words(view.text), self._bar, self._left]
        if view.step == "measured":
            icon = IconLabel(self._theme, *(("check-circle", "ok") if view.is_alike else ("warning", "warn")), 20)
            lines = in_column(words(view.text, "strong"), *(words(row) for row in view.rows), gap=SPACE_S)
            return [held(in_row((icon, TOP), (lines, 1), gap=SPACE_M)), words(_("Compare shows it, too."), "caption")]
        return [words(view.text)]

    def _question(self, view: PhoneView) -> list[QWidget]:
        what = _("The phone opens “{0}” as a page, measures it in its browser, and sends times and answers back.")
        here = _("Nobody can open anything yet. The code opens one page at {0}, until you close this window.")
        points = [
            here.format(self._host),
            _("After ten minutes it closes by itself."),
            _("The first device that scans it gets the model and up to eight test inputs; others are refused."),
            _("The connection is not encrypted. Use a network that you trust."),
        ]
        if view.instead_of:
            points.insert(
                0, _("“{0}” does not run in a browser, so another version is measured.").format(view.instead_of)
            )
        parts: list[QWidget] = [words(what.format(view.title))]
        for point in points:
            parts.append(held(in_row((IconLabel(self._theme, "caret-right", "soft", 16), TOP), (words(point), 1))))
        if len(view.hosts) > 1:
            name = _("Address of this computer")
            field = ChoiceField(name, [(host, host) for host in view.hosts], self._host)
            field.activated.connect(lambda _at: self._choose(field.currentData()))
            parts.append(held(in_row(buddy(label(name, wrap=False), field), field, STRETCH, gap=SPACE_M)))
        return parts

    def _choose(self, host: str) -> None:
        view, self._view, self._host = self._view, None, host
        if view is not None:
            self.show_view(view)

    def _buttons(self, view: PhoneView) -> QWidget:
        def wanted() -> None:
            self._on_open(self._host)

        leave = GhostButton(
            self._theme, _("Cancel") if view.step in ("ask", "preparing") else _("Close"), on=self.reject
        )
        more: QWidget | None = None
        if view.step == "ask":
            more = PrimaryButton(self._theme, _("Show the code"), "qr-code", on=wanted)
        elif view.step == "missing":
            more = PrimaryButton(self._theme, _("Go to Export"), "package", on=self._on_install)
        elif view.step == "no_network":
            more = GhostButton(self._theme, _("Look again"), "arrow-clockwise", on=wanted)
        elif view.step in ("used", "failed", "measured"):
            text = _("Measure another device") if view.step == "measured" else _("Show a new code")
            more = GhostButton(self._theme, text, "qr-code", on=wanted)
        return held(in_row(STRETCH, *((leave, MIDDLE), (more, MIDDLE)) if more else ((leave, MIDDLE),), gap=SPACE_S))
