"""Define the cards of the page Compare: untested examples, unproven results, and no faster version."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.pages.compare.value import CompareValue, EvaluatedValue, OptionsValue
from widgets.parts.buttons import GhostButton, Slot
from widgets.parts.card import Banner, Card, Square, icon_text
from widgets.parts.format import clipped, percent_of
from widgets.parts.layout import LEFT, MIDDLE, STRETCH, TOP, in_column, in_flow, in_row
from widgets.parts.nouns import DataKind, plural
from widgets.parts.small import Bar
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS
from workers.contracts.translation import _, localized

MAX_COMPUTERS, MAX_NAME = 3, 24
"""Most computers that have a button each, and the longest name in it."""


class ProofCard(Card):
    """The number of missing examples, with buttons to add some; they can also be dropped."""

    def __init__(self, theme: Theme, value: CompareValue, on_folder: Slot, on_file: Slot) -> None:
        """Create the card of an unproven result."""
        folder = GhostButton(theme, _("Choose a folder…"), "folder", "small", on=on_folder)
        file = GhostButton(theme, _("Choose a file…"), "file-text", "small", on=on_file)
        drop = words(_("or drop them on this page"), "caption", wrap=False)
        drop.setMinimumHeight(26)
        buttons = in_flow(*((folder, file) if value.kind in ("images", "audio") else (file, folder)), drop)
        missing = self._missing(value, buttons)
        super().__init__("", in_row((missing, 1), (self._additions(theme, value), 1), gap=SPACE_XL))

    def _missing(self, value: CompareValue, buttons: QWidget) -> QVBoxLayout:
        if value.needed is None:
            text = _("You have {0:,}. Some answers change, so the number needed is unknown; labels help most.")
            if value.labelled:
                text = _("You have {0:,}. Some answers change, so the number needed is unknown.")
            text = text.format(value.n_test)
        else:
            text = _("About {0:,} unchanged answers prove a loss below {1}. You have {2:,}.")
            if value.labelled:
                text = _("About {0:,} examples like these prove a loss below {1}. You have {2:,}.")
            if value.speaks:
                text = _("About {0:,} such texts prove a loss below {1}. You have {2:,}.")
            text = text.format(value.needed, percent_of(value.limit_pct), value.n_test)
        bar = () if value.needed is None else (SPACE_S, self._bar(value.n_test, value.needed))
        title = label(_("How to prove it"), "section")
        return in_column(title, words(text, "soft"), *bar, SPACE_S, buttons, STRETCH)

    def _bar(self, have: int, needed: int) -> QHBoxLayout:
        bar = Bar(_("Examples that are there"), "warn", big=True)
        bar.set_share(have / max(1, needed))
        counted = _("{0:,} of about {1:,}").format(have, needed)
        return in_row((bar, 1), label(counted, wrap=False), gap=SPACE_M)

    def _additions(self, theme: Theme, value: CompareValue) -> QVBoxLayout:
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


class OptionCards(QWidget):
    """Three options for a run without a safe faster version or with a disturbed comparison.

    `limit_requested(percent)` sets another limit, `idle_requested` waits until the computer is idle; False stops that.
    `computer_requested` carries the name of the computer to measure on, "" for this one.
    """

    limit_requested = Signal(float)
    idle_requested = Signal(bool)
    computer_requested = Signal(str)

    def __init__(
        self,
        theme: Theme,
        value: CompareValue,
        options: OptionsValue,
        *,
        on_again: Slot,
        on_data: Slot,
        on_goal: Slot,
        on_add: Slot,
    ) -> None:
        """Create the cards of `options`."""
        super().__init__()
        self._theme = theme
        middle = self._again_card(options, on_again) if options.is_busy else self._data_card(value, options, on_data)
        elsewhere = self._elsewhere_card(value.computers, on_goal, on_add)
        cards = (self._limit_card(options, on_goal), middle, elsewhere)
        row = in_row(*((card, 1) for card in cards), gap=SPACE_L)
        in_column(label(_("What you can do"), "section"), row, gap=SPACE_M, parent=self)

    def _card(self, icon: str, title: str, text: str, *buttons: QWidget) -> Card:
        about = words(text, "soft")
        about.setAlignment(TOP | LEFT)
        return Card(
            "",
            Square(self._theme, icon),
            label(title, "strong"),
            (about, 1),
            in_flow(*buttons),
            name=title,
        )

    def _limit_card(self, options: OptionsValue, on_goal: Slot) -> Card:
        if options.limit_pct is None:
            button = GhostButton(self._theme, _("Choose another goal"), on=on_goal)
            text = _("Other goals try other techniques. Results so far are kept.")
            return self._card("target", _("Try another goal"), text, button)
        wanted, limit = options.limit_pct, percent_of(options.limit_pct)
        text = _("With a limit of {0}, “{1}” would be within it.").format(limit, options.limit_title)
        if options.limit_speedup is not None:
            text = _("With a limit of {0}, “{1}” would be within it, and {2} times faster.")
            text = text.format(limit, options.limit_title, localized(options.limit_speedup, ".1f"))
        name = _("Set the limit to {0}").format(limit)
        button = GhostButton(self._theme, name, on=lambda: self.limit_requested.emit(wanted))
        return self._card("sliders-horizontal", _("Allow a little more loss"), text, button)

    def _again_card(self, options: OptionsValue, on_again: Slot) -> Card:
        """Return the card that offers a new measurement; more calibration examples would not help here."""
        text = _("Close other programs first. Versions are kept; only the times are measured again.")
        if options.disturbed_by:
            named = ", ".join(options.disturbed_by)
            text = _("Busiest programs: {0}. Close them first; only the times are measured again.").format(named)
        if not options.can_wait:
            again = GhostButton(self._theme, _("Measure again now"), on=on_again)
            return self._card("arrow-clockwise", _("Measure again"), text, again)
        wait = GhostButton(self._theme, _("Wait until it is idle"))
        wait.setCheckable(True)
        wait.toggled.connect(lambda waits: wait.setText(self._wait_text(waits)))
        wait.toggled.connect(self.idle_requested)
        return self._card("clock", _("Measure when the computer is idle"), text, wait)

    def _wait_text(self, waits: bool) -> str:
        return _("Waiting… Stop") if waits else _("Wait until it is idle")

    def _data_card(self, value: CompareValue, options: OptionsValue, on_data: Slot) -> Card:
        things = plural(value.kind)
        text = _("More {0} for calibration often help a small model.").format(things)
        if options.n_calibration:
            text = _("{0} {1:,} were used.").format(text, options.n_calibration)
        title = _("Add examples for tuning")
        if options.few is not None:
            title = _("Add more {0}").format(things)
            text = _("{0:,} test examples are too few; your limit needs at least {1:,}. No labels needed.")
            text = text.format(options.few, options.takes)
        add = GhostButton(self._theme, _("Add {0}…").format(things), on=on_data)
        return self._card("image" if value.kind == "images" else "file-text", title, text, add)

    def _elsewhere_card(self, computers: Sequence[str], on_goal: Slot, on_add: Slot) -> Card:
        """Return the card that offers to measure on another of the known computers, or to add one."""
        text = _("Results differ from one processor to another. Measure on the computer that will do the work.")
        buttons = [self._measure_button(name) for name in computers]
        if not computers:
            how = _("Fettle reaches it over SSH. Without SSH, install Fettle there and open model and examples in it.")
            text, buttons = f"{text} {how}", [GhostButton(self._theme, _("Add a computer…"), on=on_add)]
        elif len(computers) > MAX_COMPUTERS:
            buttons = [GhostButton(self._theme, _("Choose computers"), on=on_goal)]
        return self._card("desktop-tower", _("Run it elsewhere"), text, *buttons)

    def _measure_button(self, name: str) -> GhostButton:
        text = _("Measure on {0}").format(clipped(name, MAX_NAME)) if name else _("Measure on this computer")
        return GhostButton(self._theme, text.replace("&", "&&"), on=lambda: self.computer_requested.emit(name))


class KeptCard(Card):
    """A card that states that all versions and their logs are kept."""

    def __init__(self, theme: Theme, tried: int, on_log: Slot) -> None:
        """Create the card; `tried` is the number of versions, `on_log` shows the log."""
        text = _("The {0} versions stay in Jobs, with their logs.").format(tried)
        if tried < 2:
            text = _("The version stays in Jobs, with its log.") if tried else _("The run stays in Jobs.")
        log = GhostButton(theme, _("Show the log"), "list", on=on_log)
        about = icon_text(theme, "shield-check", _("Nothing is lost."), text)
        super().__init__("", in_row((about, 1), log, gap=SPACE_M))


class EvaluatedLine(Banner):
    """The line about unevaluated examples, with a button to evaluate them; the result stays unchanged until then."""

    def __init__(self, theme: Theme, value: EvaluatedValue, kind: DataKind, on_rest: Slot) -> None:
        """Create the line for examples of this kind."""
        why = _("the time limit of the run was reached")
        if value.no_memory:
            why = _("more answers would need too much memory")
        elif value.as_planned:
            why = _("these are enough to prove your limit if almost nothing changes")
        text = _("Only {0:,} of your {1:,} test {2} were tested: {3}. The verdict is based on those.")
        if not value.n_evaluated:
            text = _("None of your {1:,} test {2} was tested yet: {3}.")
        rest = None
        if not value.no_memory:
            name = _("Prove it ({0})").format(value.takes) if value.takes else _("Prove it")
            tip = _("Tests the other {0:,} and judges again").format(value.n_test - value.n_evaluated)
            rest = GhostButton(theme, name, "shield-check", "small", tip=tip, on=on_rest)
        shown = words(text.format(value.n_evaluated, value.n_test, plural(kind), why))
        super().__init__(theme, _("Only some of the examples were tested"), shown, rest, side=MIDDLE)


class PhoneCard(Card):
    """What browsers of phones and other computers measured."""

    def __init__(self, theme: Theme, measured: tuple[str, ...]) -> None:
        """Create the card of these sentences."""
        icon = IconLabel(theme, "device-mobile", "brand", 20)
        name = _("On a phone or in a browser")
        lines = in_column(words(name, "strong"), *(words(line, "soft") for line in measured), gap=SPACE_XS)
        super().__init__("", in_row((icon, TOP), (lines, 1), gap=SPACE_M), name=name)
