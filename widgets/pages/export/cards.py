"""Define the cards of the page Export."""

from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QWidget

from widgets.icons import IconLabel
from widgets.pages.export.value import ExportValue, ProveValue
from widgets.parts.buttons import GhostButton, Slot
from widgets.parts.card import Card, ChoiceCard, Square, divider
from widgets.parts.fields import TextField, buddy
from widgets.parts.format import size_bytes, visible
from widgets.parts.installing.row import InstallingPage, InstallRow
from widgets.parts.installing.value import SetValue
from widgets.parts.layout import MIDDLE, TOP, bare_grid, fill, held, in_column, in_row
from widgets.parts.markdown import MarkdownView
from widgets.parts.small import Tag
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.bundles import ExportResult
from workers.contracts.specs import DescribedTarget
from workers.contracts.translation import _

MIN_REASON_WORDS, MIN_REASON_CHARS = 3, 10
MAX_ANSWER_CHARS = 500
CARD_QUESTIONS = 3
"""Number of questions for the model card of every bundle."""


CARD_MIN_PX = 220
"""Least width in pixels of a card, below which one line of text wraps into five."""


class TargetCards(QWidget):
    """The kinds of bundle, three in a row, or two in a narrow page."""

    def __init__(self, page: InstallingPage, value: ExportValue) -> None:
        """Create the cards of all targets."""
        super().__init__()
        self._grid = bare_grid(SPACE_S, SPACE_S, parent=self)
        self._columns = 0
        group = QButtonGroup(self)
        self.cards: list[ChoiceCard] = []
        for target, missing in value.targets:
            card = self._card(page, target, missing, is_chosen=target.id == value.target)
            group.addButton(card.radio)
            self.cards.append(card)
        self._arrange(3)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the cards for the width."""
        super().resizeEvent(event)
        self._arrange(3 if self.width() >= 3 * CARD_MIN_PX + 2 * SPACE_S else 2)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, card in enumerate(self.cards):
            self._grid.addWidget(card, number // columns, number % columns)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    @staticmethod
    def _card(
        page: InstallingPage, target: DescribedTarget, missing: SetValue | None, *, is_chosen: bool
    ) -> ChoiceCard:
        card = ChoiceCard(target.id, target.title, target.summary, edge=11)
        column = in_column(words(target.title, "strong"), words(target.summary, "caption"), gap=0)
        if missing is not None:
            fill(column, SPACE_S, InstallRow(page.theme, missing, target.title, page))
        icon = IconLabel(page.theme, target.icon, "brand" if is_chosen else "soft", 20)
        card.add(in_row(icon, (column, 1), card.radio, gap=10))
        card.radio.setChecked(is_chosen)
        card.radio.setEnabled(target.available)
        card.radio.setVisible(missing is None)
        card.setEnabled(target.available or missing is not None)
        return card


class QuestionsCard(Card):
    """Purpose, limits, contact, and the target's own questions; `changed` follows each keystroke."""

    changed = Signal()

    def __init__(self, value: ExportValue) -> None:
        """Create the card with the current answers."""
        own = value.questions
        title = _("Questions only you can answer") if own else _("Three questions only you can answer")
        super().__init__(title, gap=SPACE_M)
        rows = (
            (_("What is it for?"), value.purpose, _("one sentence")),
            (_("What is it not for?"), value.not_for, _("one sentence")),
            (_("Who can people contact?"), value.contact, _("name or address, optional")),
            *((question.title, "", question.hint) for question in own),
        )
        self._own = own
        grid = bare_grid(SPACE_M, stretches=(0, 1))
        self._fields: list[TextField] = []
        for number, (question, text, hint) in enumerate(rows):
            made = TextField(text, question, hint, MAX_ANSWER_CHARS)
            made.textEdited.connect(lambda _text: self.changed.emit())
            grid.addWidget(buddy(label(question, wrap=False), made), number, 0)
            grid.addWidget(made, number, 1)
            self._fields.append(made)
        self.add(grid)

    @property
    def answers(self) -> tuple[str, str, str]:
        """Return purpose, exclusions and contact."""
        purpose, not_for, contact = (made.text().strip() for made in self._fields[:CARD_QUESTIONS])
        return purpose, not_for, contact

    @property
    def own_answers(self) -> dict[str, str]:
        """Return the answers to the target's own questions by their ids."""
        fields = self._fields[CARD_QUESTIONS:]
        return {question.id: made.text().strip() for question, made in zip(self._own, fields, strict=True)}

    @property
    def is_enough(self) -> bool:
        """Return whether all required questions are answered."""
        answers = self.own_answers
        return all(answers[question.id] for question in self._own if question.needed)


def fallback_row(size: int, is_chosen: bool, on_chosen: Slot) -> QWidget:
    """Return the choice to include the original as fallback; `size` are the additional bytes."""
    box = QCheckBox(_("With the original as a fallback, {0} more").format(size_bytes(size)))
    box.setChecked(is_chosen)
    box.toggled.connect(on_chosen)
    why = label(_("It answers where this version does not run, or was measured to be slower."), "caption")
    return held(in_column(box, why, gap=2, edges=(SPACE_L, 0, SPACE_L, 0)))


def prove_row(theme: Theme, value: ProveValue, on_wanted: Slot) -> QWidget:
    """Return the offer to evaluate a faster version that the target could take."""
    text = _("“{0}” is faster and fits this target; its answers are not tested yet.")
    doing = _("Testing the examples…")
    if not value.is_measured:
        text = _("“{0}” fits this target and looked faster at first; that is not proven yet.")
        doing = _("Measuring and testing it…")
    what = _("Prove it ({0})").format(value.takes) if value.takes else _("Prove it")
    button = GhostButton(theme, doing if value.is_running else what, "shield-check", on=on_wanted)
    button.setEnabled(not value.is_running)
    report = words(text.format(value.title), "soft")
    return held(in_row((report, 1), (button, MIDDLE), gap=SPACE_M, edges=(SPACE_L, 0, SPACE_L, 0)))


class ReasonCard(Card):
    """The field for the user's reason to export a version that is not proven safe; the model card contains it."""

    changed = Signal()

    def __init__(self, theme: Theme, why: str, reason: str) -> None:
        """Create the card; `why` is the question, `reason` the current text."""
        super().__init__(gap=SPACE_M)
        row = in_row((IconLabel(theme, "warning", "warn", 20), TOP), (words(why), 1), gap=SPACE_M)
        name = _("Why use it anyway? Your reason goes into the model card.")
        self._field = TextField(reason, name, _("in your own words"), MAX_ANSWER_CHARS)
        self._field.setObjectName("reason")
        self._field.textEdited.connect(lambda _text: self.changed.emit())
        self.add(row, buddy(words(name, "soft"), self._field), self._field)

    @property
    def reason(self) -> str:
        """Return the written reason."""
        return self._field.text().strip()

    @property
    def is_enough(self) -> bool:
        """Return whether the reason has at least three words and ten characters."""
        written = self.reason
        return len(written.split()) >= MIN_REASON_WORDS and len(written) >= MIN_REASON_CHARS


class SignBox(QCheckBox):
    """A check box for a signature; `row` shows it with the key that signs."""

    def __init__(self, page: InstallingPage, value: ExportValue) -> None:
        """Create the box of `value`."""
        super().__init__(_("Sign it"))
        self.setChecked(value.sign and value.can_sign)
        self.setEnabled(value.can_sign)
        text = _("Proves to others that nothing was changed. Fettle makes the key.")
        if value.sign_key:
            text = _("Proves to others that nothing was changed. Key {0}").format(value.sign_key)
        self.setAccessibleDescription(visible(text))
        needs = InstallRow(page.theme, value.sign_needs, _("Sign it"), page) if value.sign_needs is not None else None
        column = in_column(words(text, "caption"), needs, gap=None)
        self.row = held(in_row((self, TOP), (column, 1), gap=SPACE_M, edges=(SPACE_L, 0, SPACE_L, 0)))


class MarkdownCard(Card):
    """The preview of the model card."""

    def __init__(self, theme: Theme, markdown: str) -> None:
        """Create the card of a markdown text; "" means that it is being made."""
        title = words(_("Model card"), "section", wrap=False)
        about = label(_("README.md, as others will read it"), "caption")
        self._row = in_row((in_column(title, about, gap=0), 1))
        self._making = words(_("The card is being made…"), "soft")
        self.view = MarkdownView(theme, _("Model card"))
        super().__init__("", self._row, divider(), self._making, (self.view, 1), name=_("Model card"))
        self.show_markdown(markdown)

    def add_action(self, button: QWidget) -> None:
        """Add a button at the right of the title."""
        self._row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def show_markdown(self, markdown: str) -> None:
        """Show another text."""
        self._making.setVisible(not markdown)
        self.view.show_markdown(markdown)


class DoneCard(Card):
    """The finished file: name, size, place, and the mark that it was tested."""

    def __init__(self, theme: Theme, result: ExportResult, target: str) -> None:
        """Create the card of a bundle for `target`, which is a title."""
        path = PurePath(result.path)
        line = _("{0}, {1}, in {2}").format(size_bytes(result.size_bytes), target, path.parent)
        place = ElidedLabel(line, "soft", mode=Qt.TextElideMode.ElideMiddle)
        column = in_column(ElidedLabel(path.name, "section"), place, gap=0)
        tag = Tag(theme, "ok", _("Verified"), "circle-wavy-check")
        super().__init__("", in_row(Square(theme, "package", 48, 24), (column, 1), tag, gap=SPACE_L))
