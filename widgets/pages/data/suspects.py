"""Show on the page Data the labels that are probably wrong, one by one, with buttons to correct them."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import divider
from widgets.parts.format import percent
from widgets.parts.layout import STRETCH, held, in_column, in_row
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import ElidedLabel, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.data.checks import Suspect
from workers.contracts.translation import _

SIDE_PX, HEIGHT_PX, WIDTH_PX = 88, 420, 560


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
        self._rows = in_column(
            *(self._row(suspect, picture, is_first=number == 0) for number, (suspect, picture) in enumerate(suspects)),
            STRETCH,
            edges=(0, 0, SPACE_S, 0),
        )
        holder = held(self._rows)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(holder)
        area.setAccessibleName(_("Examples whose label looks wrong"))
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumSize(WIDTH_PX, min(HEIGHT_PX, (SIDE_PX + 20) * max(1, len(suspects)) + 8))
        self.body.addWidget(area)

    def _row(self, suspect: Suspect, picture: PictureValue, *, is_first: bool) -> QWidget:
        holder = QWidget()
        row = in_row(gap=SPACE_M)
        if picture.is_picture:
            row.addWidget(PictureLabel(self._theme, self._store, picture, SIDE_PX), 0, Qt.AlignmentFlag.AlignTop)
        told = in_column(
            ElidedLabel(picture.text or suspect.source, "caption"),
            words(_("Labelled “{0}”, looks more like “{1}”").format(suspect.given, suspect.likely)),
            words(_("{0} sure").format(percent(suspect.share, 0)), "caption"),
            self._answers(suspect, holder),
            gap=SPACE_XS,
        )
        row.addLayout(told, 1)
        in_column(divider() if not is_first else None, row, parent=holder)
        return holder

    def _answers(self, suspect: Suspect, holder: QWidget) -> QHBoxLayout:
        row = in_row()
        relabel = GhostButton(self._theme, _("It is “{0}”").format(suspect.likely[:30]), size="small")
        leave = GhostButton(self._theme, _("Leave out"), size="small")
        right = TextButton(self._theme, _("The label is right"), size="small")
        for button, name in ((relabel, "relabel"), (leave, "leave_out"), (right, "right")):
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, name=name: self._answer_one(name, suspect, holder))
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _answer_one(self, name: str, suspect: Suspect, holder: QWidget) -> None:
        self.edited.emit(name, suspect.source, suspect.likely if name == "relabel" else "")
        holder.hide()
        holder.deleteLater()
        self._left -= 1
        if not self._left:
            self._choose("done")
