"""Words of the page "Try it" that depend on what a model takes."""

from PySide6.QtCore import QCoreApplication

from widgets.pages.values import DataKind


def _tr(text: str) -> str:
    return QCoreApplication.translate("TryWords", text)


def first_words(kind: DataKind) -> str:
    """Below the headline, before anything was tried."""
    words = {
        "images": _tr("Drop a picture anywhere on the window, paste one, or click an example."),
        "texts": _tr("Type a text, paste or drop one, or click an example."),
        "audio": _tr("Drop a WAV file anywhere on the window, or click an example."),
        "arrays": _tr("Drop an NPZ file anywhere on the window, or click an example."),
    }
    return words[kind]


def choose_words(kind: DataKind) -> str:
    """The button for a file."""
    words = {
        "images": _tr("Choose a picture…"),
        "texts": _tr("Choose a text file…"),
        "audio": _tr("Choose a sound…"),
        "arrays": _tr("Choose a file…"),
    }
    return words[kind]


def drop_words(kind: DataKind) -> tuple[str, str]:
    """Title and sentence of the place to drop on."""
    words = {
        "images": (_tr("Drop a picture here"), _tr("or paste one, or click an example below")),
        "texts": (_tr("Text to try"), _tr("Both answer while you type.")),
        "audio": (_tr("Drop a sound here"), _tr("a WAV file; or click an example below")),
        "arrays": (_tr("Drop an NPZ file here"), _tr("or click an example below")),
    }
    return words[kind]


def file_kinds(kind: DataKind) -> str:
    """The filter of the system's dialog."""
    words = {
        "images": _tr("Pictures (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff);;All files (*)"),
        "texts": _tr("Texts (*.txt *.md);;All files (*)"),
        "audio": _tr("Sounds (*.wav);;All files (*)"),
        "arrays": _tr("Arrays (*.npz *.npy);;All files (*)"),
    }
    return words[kind]
