"""Choose the reader for a path and a model. Readers are found by scanning their package: one new file adds one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.paths import from_text
from workers.contracts.translation import _, joined, mark
from workers.evaluate.data import readers
from workers.evaluate.data.base import READABLE, Collection, Entry, Options, Reader, nothing_readable, shown
from workers.evaluate.kinds import kinds_in


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn an error of the file system while data at `path` are read into `InputRefused`."""
    try:
        yield
    except OSError as error:
        name = shown(Path(error.filename).name) if isinstance(error.filename, str) else shown(path.name)
        raise InputRefused(
            "unreadable_data",
            "The data cannot be read",
            _("“{0}” cannot be opened ({1}).").format(name, error.strerror or error),
            "Check that it is there and that you may read it, and try again.",
        ) from error


def readers_for(path: Path) -> list[Reader]:
    """Return the readers whose files are at the path.

    Raises:
        InputRefused: If there is nothing at the path.
    """
    if not path.exists():
        raise InputRefused(
            "no_such_data",
            "There is no such data",
            _("There is nothing at “{0}”.").format(shown(str(path))),
            "Check the path, or choose the folder or file again.",
        )
    return [reader for reader in kinds_in(readers, "READER") if reader.matches(path)]


def read_collection(path: Path, options: Options) -> Collection:
    """Return everything that the fitting reader finds at `path`.

    Raises:
        InputRefused: If no reader fits, or nothing can be read. The message is in plain words.
    """
    wanted = _(READABLE[type(options.spec.preprocess)])
    with readable(path):
        reader = _choose(readers_for(path), path, options, wanted)
        collection = None if reader is None else reader.read(path, options)
    if collection is None or not collection.entries:
        raise nothing_readable(
            path,
            mark("There is nothing in it that the model can read"),
            _("The model takes {0}, and none were found in “{1}”.").format(wanted, shown(path.name)),
            _("Choose a folder or file with {0}, or go on without data.").format(wanted),
            options.spec,
        )
    return collection


def entries_at(place: str | None, options: Options) -> dict[str, Entry]:
    """Return what is at a place by its source; {} if the place is unknown, gone, or cannot be read any more.

    For data that were prepared before: what was stored of them is still there.
    """
    if place is None or not from_text(place).exists():
        return {}
    try:
        return {entry.source: entry for entry in read_collection(from_text(place), options).entries}
    except (InputRefused, OSError):
        return {}


def _choose(matching: Sequence[Reader], path: Path, options: Options, wanted: str) -> Reader | None:
    """Return the reader that can feed the model; None if no reader matches the files."""
    suiting = [reader for reader in matching if type(options.spec.preprocess) in reader.suits]
    if matching and not suiting:
        raise InputRefused(
            "wrong_kind_of_data",
            "This data does not fit the model",
            _("The model takes {0}, and “{1}” holds {2}.").format(
                wanted, path.name, joined(dict.fromkeys(_(reader.title) for reader in matching), ", ")
            ),
            _("Choose data with {0}, or go on without data: speed and size can be measured all the same.").format(
                wanted
            ),
        )
    # A reader for exactly this kind of model has priority over one that serves several kinds.
    return min(suiting, key=lambda reader: len(reader.suits), default=None)
