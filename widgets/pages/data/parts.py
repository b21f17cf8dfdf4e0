"""Define parts of the page Data: the split bar and the dialogs about labels."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import divider
from widgets.parts.fields import ChoiceField, buddy
from widgets.parts.format import clipped, percent
from widgets.parts.layout import STRETCH, TOP, in_column, in_row
from widgets.parts.nouns import counted
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_XS
from workers.contracts.data.checks import Suspect
from workers.contracts.data.reading import DataResult
from workers.contracts.translation import _, joined, ngettext


class SplitBar(QWidget):
    """A bar of two parts with the widths of their shares, both wide enough to be visible."""

    def __init__(self, calibration: int, test: int) -> None:
        """Create the bar from the numbers of examples for calibration and test."""
        super().__init__()
        self.setFixedHeight(8)
        self.setAccessibleName(_("{0:,} for calibration, {1:,} for the test").format(calibration, test))
        row = in_row(gap=2, parent=self)
        for number, kind in ((calibration, "share"), (test, "brand-share")):
            if number:
                part = QFrame()
                part.setProperty("kind", kind)
                row.addWidget(part, number)


class MatchDialog(QuestionDialog):
    """A dialog that asks which class each unknown label means; it emits `matched({label: class})`."""

    matched = Signal(object)

    def __init__(self, theme: Theme, labels: Sequence[str], classes: Sequence[str], parent: QWidget | None) -> None:
        """Create the dialog for these labels and classes."""
        super().__init__(
            theme,
            QuestionValue(
                title=_("Which answer does each label mean?"),
                text=_("The model does not know these labels. Examples of open ones are used without a label."),
                answers=(Answer("no", _("Cancel")), Answer("use", _("Use these names"), primary=True)),
            ),
            parent,
        )
        self._boxes: dict[str, ChoiceField] = {}
        self.add_scrolled(_("Labels"), (self._row(name, classes) for name in labels), min(360, 44 * len(labels) + 8))

    def _row(self, name: str, classes: Sequence[str]) -> QHBoxLayout:
        plain = name.strip().lower()
        options = [(_("no label"), ""), *((clipped(answer, 80), answer) for answer in classes)]
        alike = next((answer for answer in reversed(classes) if answer.strip().lower() == plain), "")
        box = ChoiceField(_("What “{0}” means").format(name), options, alike, elastic=True)
        box.setMinimumWidth(220)
        box.setMaximumWidth(260)
        self._boxes[name] = box
        return in_row((buddy(ElidedLabel(name), box), 1), label("→", "soft", wrap=False), box, gap=SPACE_L)

    def _choose(self, answer: str) -> None:
        if answer == "use":
            chosen = {name: str(box.currentData()) for name, box in self._boxes.items() if box.currentData()}
            self.matched.emit(chosen)
        super()._choose(answer)


def merged_words(data: DataResult, name: str) -> str:
    """Return how many examples were found, sampled at random, merged, and left.

    - From “pictures”: 5,000 pictures, of which 4,820 are the same to the model as others. 180 are left.
    - From “texts.csv”: 23,703 texts, of which 5,200 were chosen by chance. 5 of these are the same … 5,195 are left.
    """
    left = data.n_of_person + data.n_calibration
    is_thinned = 0 < data.n_opened < data.n_items
    examples = counted(data.kind, data.n_items)
    if not data.merged_doubles:
        return _("From “{0}”: {1}, of which {2:,} were chosen at random.").format(name, examples, data.n_opened)
    one = data.merged_doubles == 1
    if is_thinned:
        text = (
            _("From “{0}”: {1}, of which {2:,} were chosen at random. 1 of these is a copy of another. {4:,} are left.")
            if one
            else _(
                "From “{0}”: {1}, of which {2:,} were chosen at random. {3:,} of these are copies of "
                "others. {4:,} are left."
            )
        )
        return joined(
            [text.format(name, examples, data.n_opened, data.merged_doubles, left), _unread_words(data, left)]
        )
    if one:
        text = _("From “{0}”: {1}, of which 1 is a copy of another. {3:,} are left.")
    else:
        text = _("From “{0}”: {1}, of which {2:,} are copies of others. {3:,} are left.")
    return joined([text.format(name, examples, data.merged_doubles, left), _unread_words(data, left)])


def _unread_words(data: DataResult, left: int) -> str:
    """Return how many of the opened examples were neither copies nor left, so that the numbers add up."""
    unread = min((data.n_opened or data.n_items) - data.merged_doubles - left, len(data.unreadable))
    if unread <= 0:
        return ""
    text = ngettext("{0:,} example could not be read.", "{0:,} examples could not be read.", unread)
    return text.format(unread)


SUSPECT_PX, HEIGHT_PX, WIDTH_PX = 88, 420, 560


class SuspectsDialog(QuestionDialog):
    """A dialog with suspicious labels; `edited(name, source, label)` corrects one example.

    The names are relabel, leave_out and right.
    """

    edited = Signal(str, str, str)

    def __init__(
        self,
        theme: Theme,
        store: PictureStore,
        suspects: Sequence[tuple[Suspect, PictureValue]],
        parent: QWidget | None,
    ) -> None:
        """Create the dialog for `suspects`; `store` decodes the pictures."""
        super().__init__(
            theme,
            QuestionValue(
                title=_("Labels that are probably wrong"),
                text=_(
                    "A simple classifier suggests these and can be wrong. Your files stay unchanged; "
                    "everything can be undone."
                ),
                answers=(Answer("done", _("Done"), primary=True),),
            ),
            parent,
        )
        self._theme, self._store = theme, store
        self._left = len(suspects)
        rows = (self._row(*suspect, is_first=number == 0) for number, suspect in enumerate(suspects))
        height = min(HEIGHT_PX, (SUSPECT_PX + 20) * max(1, len(suspects)) + 8)
        self.add_scrolled(_("Examples whose label looks wrong"), rows, height).setMinimumWidth(WIDTH_PX)

    def _row(self, suspect: Suspect, picture: PictureValue, *, is_first: bool) -> QWidget:
        holder = QWidget()
        shown = PictureLabel(self._theme, self._store, picture, SUSPECT_PX) if picture.is_picture else None
        report = in_column(
            ElidedLabel(picture.text or suspect.source, "caption"),
            words(_("Labelled “{0}”, looks more like “{1}”").format(suspect.given, suspect.likely)),
            words(_("{0} sure").format(percent(suspect.share, 0)), "caption"),
            self._answers(suspect, holder),
            gap=SPACE_XS,
        )
        row = in_row((shown, TOP), (report, 1), gap=SPACE_M)
        in_column(divider() if not is_first else None, row, parent=holder)
        return holder

    def _answers(self, suspect: Suspect, holder: QWidget) -> QHBoxLayout:
        buttons = {
            "relabel": GhostButton(self._theme, _("It is “{0}”").format(suspect.likely[:30]), size="small"),
            "leave_out": GhostButton(self._theme, _("Leave out"), size="small"),
            "right": TextButton(self._theme, _("The label is right"), size="small"),
        }
        for name, button in buttons.items():
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, name=name: self._answer_one(name, suspect, holder))
        return in_row(*buttons.values(), STRETCH)

    def _answer_one(self, name: str, suspect: Suspect, holder: QWidget) -> None:
        self.edited.emit(name, suspect.source, suspect.likely if name == "relabel" else "")
        holder.hide()
        holder.deleteLater()
        self._left -= 1
        if not self._left:
            self._choose("done")
