"""Define the texts of the page "Try it" that depend on the model's input."""

from typing import NamedTuple

from PySide6.QtCore import QCoreApplication

from widgets.parts.nouns import DataKind


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


def _tr(text: str) -> str:
    return QCoreApplication.translate("TryWords", text)


def try_words(kind: DataKind) -> TryWords:
    """Return the texts for one kind of input."""
    words: dict[DataKind, TryWords] = {
        "images": TryWords(
            _tr("Drop a picture anywhere on the window, paste one, or click an example."),
            _tr("Choose a picture…"),
            _tr("Drop a picture here"),
            _tr("or paste one, or click an example below"),
            _tr("Pictures (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff);;All files (*)"),
        ),
        "texts": TryWords(
            _tr("Type a text, paste or drop one, or click an example."),
            _tr("Choose a text file…"),
            _tr("Text to try"),
            _tr("Both answer while you type."),
            _tr("Texts (*.txt *.md);;All files (*)"),
        ),
        "audio": TryWords(
            _tr("Drop a WAV file anywhere on the window, or click an example."),
            _tr("Choose a sound…"),
            _tr("Drop a sound here"),
            _tr("a WAV file; or click an example below"),
            _tr("Sounds (*.wav);;All files (*)"),
        ),
        "arrays": TryWords(
            _tr("Drop an NPZ file anywhere on the window, or click an example."),
            _tr("Choose a file…"),
            _tr("Drop an NPZ file here"),
            _tr("or click an example below"),
            _tr("Arrays (*.npz *.npy);;All files (*)"),
        ),
    }
    return words[kind]
