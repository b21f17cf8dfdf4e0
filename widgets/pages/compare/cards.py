"""Define the cards of the page Compare for unproven results and for results without a faster version."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.pages.compare.value import CompareValue, WaysValue
from widgets.parts.buttons import FoldButton, GhostButton, Slot
from widgets.parts.card import Card, Square, icon_text
from widgets.parts.format import percent_of
from widgets.parts.layout import LEFT, held, in_column, in_flow, in_row
from widgets.parts.nouns import plural
from widgets.parts.small import Bar
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.translation import _


class ProofCard(Card):
    """The number of missing examples, with buttons to add some; they can also be dropped."""

    folder_wanted = Signal()
    file_wanted = Signal()

    def __init__(self, theme: Theme, value: CompareValue) -> None:
        """Create the card of an unproven result."""
        super().__init__()
        self.add(in_row((self._missing(theme, value), 1), (self._ways(theme, value), 1), gap=SPACE_XL))

    def _missing(self, theme: Theme, value: CompareValue) -> QVBoxLayout:
        column = in_column(label(_("How to prove it"), "section"))
        if value.needed is None:
            text = _("You have {0:,}. Some answers change, so the number needed is unknown; labels help most.")
            if value.labelled:
                text = _("You have {0:,}. Some answers change, so the number needed is unknown.")
            column.addWidget(words(text.format(value.n_test), "soft"))
        else:
            text = _("About {0:,} unchanged answers prove a loss below {1}. You have {2:,}.")
            if value.labelled:
                text = _("About {0:,} examples like these prove a loss below {1}. You have {2:,}.")
            if value.speaks:
                text = _("About {0:,} such texts prove a loss below {1}. You have {2:,}.")
            text = text.format(value.needed, percent_of(value.limit_pct), value.n_test)
            column.addWidget(words(text, "soft"))
            column.addSpacing(SPACE_S)
            column.addLayout(self._bar(value.n_test, value.needed))
        column.addSpacing(SPACE_S)
        column.addWidget(self._choosers(theme, value))
        column.addStretch(1)
        return column

    def _bar(self, have: int, needed: int) -> QHBoxLayout:
        bar = Bar(_("Examples that are there"), "warn", big=True)
        bar.set_share(have / max(1, needed))
        counted = _("{0:,} of about {1:,}").format(have, needed)
        return in_row((bar, 1), label(counted, wrap=False), gap=SPACE_M)

    def _choosers(self, theme: Theme, value: CompareValue) -> QWidget:
        folder = GhostButton(theme, _("Choose a folder…"), "folder", "small", on=self.folder_wanted)
        file = GhostButton(theme, _("Choose a file…"), "file-text", "small", on=self.file_wanted)
        drop = words(_("or drop them on this page"), "caption", wrap=False)
        drop.setMinimumHeight(26)
        return in_flow(*((folder, file) if value.kind in ("images", "audio") else (file, folder)), drop)

    def _ways(self, theme: Theme, value: CompareValue) -> QVBoxLayout:
        title, icon = _("Add more of your {0}").format(plural(value.kind)), "folder"
        text, labels = _("No labels needed: Fettle checks that both answer the same."), None
        if value.speaks:
            icon = "file-text"
            text = _("Texts that people will write to it, or whole dialogues: a CSV table with one per row.")
        elif value.labelled:
            text = _("With a label for each, like the existing ones.")
        else:
            more = _("With labels, Fettle also measures the accuracy")
            labels = icon_text(theme, "file-text", more, _("Sub-folders, or a file labels.csv."))
        return in_column(icon_text(theme, icon, title, text), labels, gap=SPACE_M)


class WaysCards(QWidget):
    """Three options for a run without a safe faster version or with a disturbed comparison."""

    again_requested = Signal()
    idle_requested = Signal(bool)
    limit_requested = Signal(float)
    page_wanted = Signal(str)

    def __init__(self, theme: Theme, value: CompareValue, ways: WaysValue) -> None:
        """Create the cards of `ways`."""
        super().__init__()
        self._theme = theme
        row = in_row(
            (self._limit_card(ways), 1),
            (self._again_card(ways) if ways.is_busy else self._data_card(value, ways), 1),
            (self._elsewhere_card(ways), 1),
            gap=SPACE_L,
        )
        in_column(label(_("What you can do"), "section"), row, gap=SPACE_M, parent=self)

    def _card(self, icon: str, title: str, text: str) -> Card:
        card = Card(name=title, gap=SPACE_S)
        about = words(text, "soft")
        about.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        card.add(Square(self._theme, icon), label(title, "strong"), (about, 1))
        return card

    def _limit_card(self, ways: WaysValue) -> Card:
        if ways.limit_pct is None:
            card = self._card(
                "target",
                _("Try another goal"),
                _("Other goals try other techniques. Results so far are kept."),
            )
            button = GhostButton(self._theme, _("Choose another goal"), on=lambda: self.page_wanted.emit("goal"))
        else:
            limit = percent_of(ways.limit_pct)
            text = _("With a limit of {0}, “{1}” would be within it.").format(limit, ways.limit_title)
            if ways.limit_speedup is not None:
                text = _("With a limit of {0}, “{1}” would be within it, and {2} times faster.").format(
                    limit, ways.limit_title, f"{ways.limit_speedup:.1f}"
                )
            card = self._card("sliders-horizontal", _("Allow a little more loss"), text)
            button = GhostButton(self._theme, _("Set the limit to {0}").format(limit))
            wanted = ways.limit_pct
            button.clicked.connect(lambda: self.limit_requested.emit(wanted))
        card.add((button, LEFT))
        return card

    def _again_card(self, ways: WaysValue) -> Card:
        """Return the card that offers a new measurement; more calibration examples would not help here."""
        text = _("Close other programs first. Versions are kept; only the times are measured again.")
        if ways.disturbed_by:
            named = ", ".join(ways.disturbed_by)
            text = _("Busiest programs: {0}. Close them first; only the times are measured again.").format(named)
        if not ways.can_wait:
            card = self._card("arrow-clockwise", _("Measure again"), text)
            card.add((GhostButton(self._theme, _("Measure again now"), on=self.again_requested), LEFT))
            return card
        card = self._card("clock", _("Measure when the computer is idle"), text)
        wait = GhostButton(self._theme, _("Wait until it is idle"))
        wait.setCheckable(True)
        wait.toggled.connect(lambda waits: wait.setText(self._wait_text(waits)))
        wait.toggled.connect(self.idle_requested)
        card.add((wait, LEFT))
        return card

    def _wait_text(self, waits: bool) -> str:
        return _("Waiting… Stop") if waits else _("Wait until it is idle")

    def _data_card(self, value: CompareValue, ways: WaysValue) -> Card:
        things = plural(value.kind)
        text = _("More {0} for calibration often help a small model.").format(things)
        if ways.n_calibration:
            text = _("{0} {1:,} were used.").format(text, ways.n_calibration)
        title = _("Add examples for tuning")
        if ways.few is not None:
            title = _("Add more {0}").format(things)
            text = _("{0:,} test examples are too few; your limit needs at least {1:,}. No labels needed.")
            text = text.format(ways.few, ways.takes)
        card = self._card("image" if value.kind == "images" else "file-text", title, text)
        add = GhostButton(self._theme, _("Add {0}…").format(things), on=lambda: self.page_wanted.emit("data"))
        card.add((add, LEFT))
        return card

    def _elsewhere_card(self, ways: WaysValue) -> Card:
        card = self._card(
            "cpu",
            _("Run it elsewhere"),
            _("Results differ from one processor to another. Measure on the computer that will do the work."),
        )
        fold = FoldButton(self._theme, _("How to do that"), kind="ghost")
        card.add((fold, LEFT))
        copy = GhostButton(
            self._theme,
            _("Copy the command"),
            "copy",
            "small",
            on=lambda: QGuiApplication.clipboard().setText(ways.command),
        )
        holder = held(
            in_column(
                words(_("Set Fettle up there, copy your model and your examples over, and start:"), "soft"),
                label(ways.command, "code", select=True),
                (copy, LEFT),
            )
        )
        holder.hide()
        fold.setVisible(bool(ways.command))
        fold.toggled.connect(holder.setVisible)
        card.add(holder)
        return card


class KeptCard(Card):
    """A card that says that all versions and their logs are kept."""

    def __init__(self, theme: Theme, tried: int, on_log: Slot) -> None:
        """Create the card; `tried` is the number of versions, `on_log` shows the log."""
        text = _("The {0} versions stay in Jobs, with their logs.").format(tried)
        if tried < 2:
            text = _("The version stays in Jobs, with its log.") if tried else _("The run stays in Jobs.")
        log = GhostButton(theme, _("Show the log"), "list", on=on_log)
        about = icon_text(theme, "shield-check", _("Nothing is lost."), text)
        super().__init__("", in_row((about, 1), log, gap=SPACE_M))
