"""Choose the reader for a path and a model. Readers are found by scanning their package: one new file adds one."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.evaluate.data import readers
from workers.evaluate.data.base import READABLE, Collection, Options, Reader, nothing_readable, shown


@cache
def all_readers() -> tuple[Reader, ...]:
    """Return every module's READER, sorted by id.

    Raises:
        ValueError: If two readers use the same id.
    """
    found: dict[str, Reader] = {}
    for module in pkgutil.iter_modules(readers.__path__):
        reader = importlib.import_module(f"{readers.__name__}.{module.name}").READER
        if reader.id in found:
            raise ValueError(f"two readers are called {reader.id!r}")
        found[reader.id] = reader
    return tuple(found[name] for name in sorted(found))


def read_collection(path: Path, options: Options) -> Collection:
    """Return everything that the fitting reader finds at `path`.

    Raises:
        InputRefused: If no reader fits, or nothing can be read. The message is in plain words.
    """
    try:
        reader = choose_reader(path, options)
        collection = reader.read(path, options)
    except OSError as error:
        name = shown(Path(error.filename).name) if isinstance(error.filename, str) else path.name
        raise InputRefused(
            "unreadable_data",
            "The data cannot be read",
            f"“{name}” cannot be opened ({error.strerror or error}).",
            "Check that it is there and that you may read it, and try again.",
        ) from error
    if not collection.entries:
        raise _nothing_found(path, options)
    return collection


def choose_reader(path: Path, options: Options) -> Reader:
    """Return the reader whose files are at the path and that can feed the model.

    Raises:
        InputRefused: If there is none.
    """
    if not path.exists():
        raise InputRefused(
            "no_such_data",
            "There is no such data",
            f"There is nothing at “{path}”.",
            "Check the path, or choose the folder or file again.",
        )
    matching = [reader for reader in all_readers() if reader.matches(path)]
    suiting = [reader for reader in matching if type(options.spec.preprocess) in reader.suits]
    # A reader for exactly this kind of model has priority over one that serves several kinds.
    if suiting:
        return min(suiting, key=lambda reader: len(reader.suits))
    if not matching:
        raise _nothing_found(path, options)
    wanted = READABLE[type(options.spec.preprocess)]
    raise InputRefused(
        "wrong_kind_of_data",
        "This data does not fit the model",
        f"The model takes {wanted}, and “{path.name}” holds {' and '.join(r.title for r in matching)}.",
        f"Choose data with {wanted}, or go on without data: speed and size can be measured all the same.",
    )


def _nothing_found(path: Path, options: Options) -> InputRefused:
    wanted = READABLE[type(options.spec.preprocess)]
    return nothing_readable(
        path,
        "There is nothing in it that the model can read",
        f"The model takes {wanted}, and none were found",
        f"Choose a folder or file with {wanted}, or go on without data.",
    )
