"""Build the full page "Try it": head, input, both predictions, examples, and earlier inputs, with their texts."""

from collections.abc import Sequence
from typing import NamedTuple

from widgets.pages.try_it.cards import AnswerCard, InputCard, TextInput
from widgets.pages.try_it.lists import ExampleStrip, TriedHead, TriedList
from widgets.pages.try_it.value import TryValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card
from widgets.parts.cards.error import ErrorCard
from widgets.parts.cards.use_here import UseHereCard
from widgets.parts.fields import ChoiceField
from widgets.parts.format import clipped, size_bytes
from widgets.parts.layout import clear, held, in_column, in_row
from widgets.parts.nouns import DataKind, plural
from widgets.parts.pictures import PictureStore
from widgets.parts.small import PageHead
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_XS
from workers.contracts.translation import _, ngettext


class TryWords(NamedTuple):
    """The texts for one kind of input.

    `first` is below the headline before the first trial, `choose` is the text of the file button. `drop_title` and
    `drop_words` are in the drop area. `file_kinds` is the filter of the system's dialog.
    """

    first: str
    choose: str
    drop_title: str
    drop_words: str
    file_kinds: str


def try_words(kind: DataKind, row: Sequence[str] = ()) -> TryWords:
    """Return the texts for one kind of input; `row` has the columns of a row of numbers that can be typed."""
    if row:
        return TryWords(
            _("Type or paste a row of numbers, or click an example and change it."),
            _("Choose a file…"),
            _("Row of numbers"),
            _("Both answer while you type."),
            _("Arrays (*.npz *.npy);;All files (*)"),
        )
    words: dict[DataKind, TryWords] = {
        "images": TryWords(
            _("Drop a picture anywhere on the window, paste one, or click an example."),
            _("Choose a picture…"),
            _("Drop a picture here"),
            _("or paste one, or click an example below"),
            _("Pictures (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff);;All files (*)"),
        ),
        "texts": TryWords(
            _("Type a text, paste or drop one, or click an example."),
            _("Choose a text file…"),
            _("Text to try"),
            _("Both answer while you type."),
            _("Texts (*.txt *.md);;All files (*)"),
        ),
        "audio": TryWords(
            _("Drop a WAV file anywhere on the window, or click an example."),
            _("Choose a sound…"),
            _("Drop a sound here"),
            _("a WAV file; or click an example below"),
            _("Sounds (*.wav);;All files (*)"),
        ),
        "arrays": TryWords(
            _("Drop an NPZ file anywhere on the window, or click an example."),
            _("Choose a file…"),
            _("Drop an NPZ file here"),
            _("or click an example below"),
            _("Arrays (*.npz *.npy);;All files (*)"),
        ),
    }
    return words[kind]


def text_input(kind: DataKind, row: Sequence[str] = ()) -> TextInput | None:
    """Return the field for texts or for a row of numbers with these columns; None for other inputs."""
    if row:
        order = ngettext("{0} number: {1}", "{0:,} numbers in this order: {1}", len(row))
        return TextInput(_("Row of numbers"), order.format(len(row), ", ".join(row)))
    return TextInput(_("Text to try"), _("Type a text…")) if kind == "texts" else None


class TryLayout:
    """The widgets of the full page, owned by the page."""

    def __init__(self, theme: Theme, store: PictureStore, value: TryValue) -> None:
        """Create the widgets for `value`; `store` decodes the pictures."""
        kind, texts = value.kind, try_words(value.kind, value.row)
        self.choose = GhostButton(theme, texts.choose, "image" if kind == "images" else "file-text")
        self.export = PrimaryButton(theme, _("Export…"), "package")
        self.head = PageHead(_("Try it: both versions side by side"), texts.first, self.choose, self.export)
        self.editor = text_input(kind, value.row)
        self.given = InputCard(theme, store, texts.drop_title, texts.drop_words, self.editor)
        self.cancel = GhostButton(theme, _("Cancel"), "x", "small")
        self.cancel.hide()
        self.given.box.addWidget(self.cancel)
        options = [(clipped(title, 80), version_id) for version_id, title, _bytes in value.versions]
        name = _("Version to compare with the original")
        self.versions = ChoiceField(name, options, value.chosen, small=True, elastic=True)
        size = "" if value.original_bytes is None else size_bytes(value.original_bytes)
        self.before = AnswerCard(_("Original"), words(size, "soft"))
        self.after = AnswerCard(_("Optimized"), self.versions, chosen=True)
        sizes = {version_id: size for version_id, _title, size in value.versions}

        def show_size(_at: int = 0) -> None:
            size = sizes.get(str(self.versions.currentData()))
            self.after.size_label.setText("" if size is None else size_bytes(size))

        self.versions.currentIndexChanged.connect(show_size)
        show_size()
        self.answers = in_row((self.given, 10), (self.before, 11), (self.after, 11), gap=SPACE_L)
        self.folder = GhostButton(theme, _("Answer a folder…"), "folder-open")
        self.desktop = GhostButton(theme, _("Put it on the desktop"), "desktop")
        self.use_here = UseHereCard(self.folder, self.desktop)
        self._problem_box = in_column(gap=None)
        self.problem = held(self._problem_box)
        self.problem.hide()
        self._examples(theme, store, kind)
        self._tried(theme, store, kind)

    def show_problem(self, card: ErrorCard) -> None:
        """Replace the shown error card."""
        clear(self._problem_box)
        self._problem_box.addWidget(card)
        self.problem.show()

    def _examples(self, theme: Theme, store: PictureStore, kind: DataKind) -> None:
        title = _("From your test {0}").format(plural(kind))
        self.changed = GhostButton(theme, _("Show one that changed"), "arrows-left-right", "small")
        row = in_row((label(title, "section"), 1), self.changed, gap=None, edges=(SPACE_XS, 0, 0, 0))
        self.strip = ExampleStrip(theme, store, title)
        self.examples_card = Card("", row, self.strip, name=title, edge=SPACE_M)
        self.examples_card.hide()

    def _tried(self, theme: Theme, store: PictureStore, kind: DataKind) -> None:
        title = _("Tried so far")
        self.count = ElidedLabel("", "soft")
        row = in_row((label(title, "section"), 1), self.count, gap=None, edges=(SPACE_L - 1, SPACE_M, SPACE_L - 1, 0))
        first = {"images": _("Picture"), "texts": _("Text"), "audio": _("Sound")}.get(kind)
        titles = (
            first or _("Input"), _("Original"), _("Time"), _("Optimized"), _("Time"),
            _("Answers"),
        )  # fmt: skip
        self.tried = TriedList(theme, store, title)
        self.tried_card = Card("", row, TriedHead(theme, titles), self.tried, name=title, edge=1, gap=0)
        self.tried_card.hide()
