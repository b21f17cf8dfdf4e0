"""Define the texts of the page "Try it" that depend on the model's input."""

from typing import NamedTuple

from widgets.parts.nouns import DataKind
from workers.contracts.translation import _


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


def try_words(kind: DataKind) -> TryWords:
    """Return the texts for one kind of input."""
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
