"""List the inputs to answer at a path: files of a folder, rows of a table of texts, or items of an NPZ file.

Unlike a data set, every input counts: labels, lists of files and parts of a set are ignored, and an input that cannot
be read keeps its place.
"""

import os
from functools import partial
from pathlib import Path

from workers.contracts.translation import _, mark
from workers.evaluate.data.base import READABLE, Collection, Entry, Options, Sample, nothing_readable, shown
from workers.evaluate.data.dataset import Kind
from workers.evaluate.data.folders import files_below
from workers.evaluate.data.readers import arrays, audio, pictures, tables, texts
from workers.evaluate.data.sniff import read_collection, readable, readers_for
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineError, TextSteps

ONE_EACH: dict[type[object], tuple[Kind, frozenset[str]]] = {
    ImageSteps: ("images", pictures.SUFFIXES | {".npy"}),
    AudioSteps: ("audio", audio.SUFFIXES | {".npy"}),
    TextSteps: ("texts", frozenset({".txt", ".md"})),
    ArraySteps: ("arrays", frozenset({".npz", ".npy"})),
}
"""Kind of data and suffixes of files that hold one input each."""


def read_inputs(path: Path, options: Options) -> Collection:
    """Return every input at `path`, by name; `Entry.content` changes with the file that holds it.

    Raises:
        InputRefused: There is nothing, or nothing that the model takes.
    """
    with readable(path):
        readers_for(path)  # raises where there is nothing
        kind, suffixes = ONE_EACH[type(options.spec.preprocess)]
        if kind == "texts" and texts.matches(path):
            return _rows(path, options)
        if kind == "arrays" and (arrays.matches(path) or tables.matches(path)):
            return read_collection(path, options)
        if path.is_file():
            is_one = path.suffix.lower() in suffixes
            return Collection(kind, [_file(path, path.parent)]) if is_one else read_collection(path, options)
        entries = [_file(file, path) for file in files_below(path, suffixes)]
    if not entries:
        wanted = _(READABLE[type(options.spec.preprocess)])
        sought = _("The model takes {0}, and none were found in “{1}”.").format(wanted, shown(path.name))
        hint = _("Choose a folder with {0}.").format(wanted)
        raise nothing_readable(path, mark("There is nothing to answer in it"), sought, hint, options.spec)
    return Collection(kind, entries)


def stamp_of(file: Path) -> bytes:
    """Return a mark that changes when the file is written; b"" if it is gone."""
    try:
        facts = file.stat()
    except OSError:
        return b""
    return f"{facts.st_size}-{facts.st_mtime_ns}".encode()


def _file(file: Path, root: Path) -> Entry:
    name = os.fsencode(file.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")
    return Entry(name, lambda: file, partial(stamp_of, file))


def _rows(path: Path, options: Options) -> Collection:
    """Return the rows of a table; one without a text stays, so that the rows are those of the person's table."""
    file, table, column = texts.text_column(path, options)
    stamp = stamp_of(file)
    entries = [
        Entry(f"row {number}", partial(_text, row[column]), lambda: stamp, text=row[column])
        for number, row in enumerate(table.rows, start=1)
    ]
    return Collection("texts", entries, columns=table.header, text_column=table.header[column])


def _text(value: str) -> Sample:
    if not value.strip():
        raise PipelineError(_("This row has no text."))
    return value
