"""Show one example beside the table of all answers, with the predictions of both versions."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.pages.answers.value import KINDS, AnswerColumns, LookValue
from widgets.parts.card import Card, divider
from widgets.parts.format import UNKNOWN, cosine, percent
from widgets.parts.input_view import InputView
from widgets.parts.layout import STRETCH, in_column
from widgets.parts.marked import Marked, MarkedText
from widgets.parts.pictures import PictureStore, PictureValue
from widgets.parts.small import Bar
from widgets.parts.sound_bar import SoundBar
from widgets.parts.text import ElidedLabel, ReadText, Tone, label, words
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_XS
from workers.contracts.translation import _

VIEW_PX, LOW_VIEW_PX, SOUND_PX, TEXT_LINES, MOST_LINES = 220, 150, 96, 11, 6
LOW_CARD_PX = 500
"""Height in pixels of a low card, whose picture is lower, so that both predictions are completely visible."""

TONES: dict[str, tuple[Tone, Tone]] = {"worse": ("ok", "bad"), "better": ("bad", "ok")}
"""Tones of the original's and the optimized version's prediction, by the kind of example."""


class _Answer(QWidget):
    """A version's name, its prediction, and its confidence."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._title = title
        box = in_column(label(title, "caption"), gap=SPACE_XS, parent=self)
        self._answer = label("", "section")
        self._sure = words("", "soft")
        self._bar = Bar("")
        self._text = MarkedText(theme, title, MOST_LINES)
        self._text.hide()
        for part in (self._answer, self._text, self._bar, self._sure):
            box.addWidget(part)

    def show_parts(self, parts: Marked) -> None:
        """Show a text or a list with marked differences; () for a prediction of a few words."""
        self._text.setVisible(bool(parts))
        self._answer.setVisible(not parts)
        if parts:
            self._text.show_parts(parts)

    def show_answer(self, text: str, share: float, tone: Tone) -> None:
        """Show a prediction with its confidence `share`, 0..1; NaN if it is unknown."""
        self._answer.setText(text)
        restyle(self._answer, tone=tone)
        is_known = share == share
        self._bar.setVisible(is_known)
        self._sure.setVisible(is_known)
        if is_known:
            report = _("{0} sure").format(percent(share))
            self._bar.set_share(share)
            self._bar.setAccessibleName(f"{self._title}: {report}")
            self._sure.setText(report)


class LookCard(Card):
    """The card of the chosen example, owned by the page; `sound_bar` plays its sound."""

    def __init__(self, theme: Theme, store: PictureStore) -> None:
        """Create a card without an example."""
        super().__init__(name=_("The chosen example"))
        self._alike = ""
        self._title = ElidedLabel("", "section", mode=Qt.TextElideMode.ElideMiddle)
        self._view = InputView(theme, store)
        self._view.setFixedHeight(VIEW_PX)
        self._has_picture = False
        self._text = ReadText(_("Text of the example"), TEXT_LINES)
        self.sound_bar = SoundBar(theme)
        self._before, self._after = (_Answer(theme, name) for name in (_("Original"), _("Optimized")))
        self._note = words("", "soft")
        self._empty = words(_("Choose a row to see its example here."), "soft")
        self._line = divider()
        versions = self._before, self._after
        whole = (self._title, self._view, self._text, self.sound_bar, self._line, *versions, self._note)
        self._parts = whole
        self.add(*whole, self._empty, STRETCH)
        self.show_nothing()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Reduce the picture's height in a low card."""
        super().resizeEvent(event)
        self._fit_view()

    def _fit_view(self) -> None:
        picture_px = VIEW_PX if self.height() >= LOW_CARD_PX else LOW_VIEW_PX
        self._view.setFixedHeight(picture_px if self._has_picture else SOUND_PX)

    def show_nothing(self) -> None:
        """Show that no row is chosen."""
        for part in self._parts:
            part.hide()
        self._empty.show()

    def show_row(self, columns: AnswerColumns, at: int, *, is_class: bool) -> None:
        """Show a row's own facts at once; `show_look` follows with the example."""
        self._empty.hide()
        self._title.setText(_("No. {0:,}: {1}").format(int(columns.number[at]) + 1, columns.name[at]))
        self._view.show_value(PictureValue())
        for hidden in (self._view, self._text, self.sound_bar):
            hidden.hide()
        for shown in (self._title, self._line, self._before, self._after, self._note):
            shown.show()
        kind, label_place = KINDS[int(columns.kind[at])], int(columns.label[at])
        places = (int(columns.before[at]), int(columns.after[at]))
        shares = (float(columns.before_share[at]), float(columns.after_share[at]))
        tones = TONES.get(kind, ("", ""))
        for part, place, share, tone in zip((self._before, self._after), places, shares, tones, strict=True):
            part.show_answer(columns.class_name(place) or UNKNOWN, share, tone)
            part.show_parts(())
        if not is_class:
            self._alike = _("Similarity of both answers: {0}").format(cosine(float(columns.similarity[at])))
            self._note.setText(self._alike)
        elif label_place >= 0:
            self._note.setText(_("Your label: {0}").format(columns.class_name(label_place)))
        else:
            self._note.setText(_("It has no label of yours."))

    def show_look(self, value: LookValue, *, is_class: bool) -> None:
        """Show the example itself."""
        has_view = value.picture.is_picture or bool(value.levels)
        self._view.show_value(value.picture, value.levels)
        self._has_picture = value.picture.is_picture
        self._fit_view()
        self._view.setVisible(has_view)
        self._text.setVisible(bool(value.picture.text) and not has_view)
        self._text.show_text(value.picture.text)
        self.sound_bar.show_sound(value.sound)
        if not is_class:
            nothing = float("nan")
            self._before.show_answer(value.before, nothing, "")
            self._after.show_answer(value.after, nothing, "")
            self._before.show_parts(value.before_parts)
            self._after.show_parts(value.after_parts)
        if value.is_list:
            self._note.setText(_("The most similar of your examples, the nearest first. {0}").format(self._alike))
        if value.reference:
            self._note.setText(_("Right is: {0}").format(value.reference))

    @staticmethod
    def picture_of(data: bytes, name: str, text: str) -> PictureValue:
        """Return a picture value with the picture if there is one, else with the text."""
        return PictureValue(data=data, name=name) if data else PictureValue(text=text, name=name)
