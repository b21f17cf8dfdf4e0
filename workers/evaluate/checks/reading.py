"""Read the sets to check: for a model if there is one, otherwise by the kind of the files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workers.contracts.data.checks import DataCheckParams
from workers.contracts.errors import InputRefused
from workers.contracts.paths import from_text
from workers.contracts.translation import _, mark
from workers.evaluate.data.base import Collection, Entry, Options, Reader, digest, nothing_readable, shown
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.edits import with_labels
from workers.evaluate.data.folders import SPLITS
from workers.evaluate.data.readers import arrays, tables
from workers.evaluate.data.sniff import read_collection, readable, readers_for
from workers.evaluate.data.split import choose
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineInput, PipelineSpec, Source, TextSteps
from workers.pipeline.spec_file import read_spec

ORDER = ("pictures", "audio", "tables", "texts", "arrays")
"""Order in which kinds of files are tried. A folder of pictures and a list of them is a folder of pictures."""
STEPS = {"pictures": ImageSteps, "audio": AudioSteps, "texts": TextSteps, "arrays": ArraySteps}
SOURCES: dict[str, Source] = {"pictures": "image", "audio": "audio", "texts": "input_ids", "arrays": "array"}

HELD = {"images": mark("pictures"), "texts": mark("texts"), "arrays": mark("arrays"), "audio": mark("sounds")}


@dataclass(frozen=True)
class DataSplit:
    """One of the checked sets.

    Attributes:
        name: Name in words.
        root: Its folder or file.
        collection: Everything that the reader found.
        entries: The entries that are checked.
    """

    name: str
    root: Path
    collection: Collection
    entries: Sequence[Entry]


def read_parts(params: DataCheckParams) -> tuple[DataSplit, ...]:
    """Read one or two sets.

    Raises:
        InputRefused: If a set cannot be read. The message is in plain words.
    """
    parts = _plain_parts(params) if params.data_dir is None else _split_parts(params, Path(params.data_dir))
    return tuple(_thinned(part, params) for part in parts)


def _thinned(part: DataSplit, params: DataCheckParams) -> DataSplit:
    left = set(params.left_out)
    kept = [entry for entry in part.entries if entry.source not in left]
    if not kept:
        raise InputRefused(
            "nothing_left",
            "Nothing is left to look at",
            _("All items of “{0}” were left out.").format(part.name),
            "Put some of them back, or choose other data.",
        )
    kept = with_labels(kept, params.relabeled)
    chosen = choose([None] * len(kept), lambda i: digest(kept[i].source.encode()), params.max_items)
    return replace(part, entries=[kept[i] for i in chosen])


def _plain_parts(params: DataCheckParams) -> list[DataSplit]:
    path = from_text(params.path)
    if params.against is not None:
        places = [(path.name, path), (from_text(params.against).name, from_text(params.against))]
        if places[0][0] == places[1][0]:
            places = [(f"{place.parent.name}/{place.name}", place) for _, place in places]
    else:
        places = _parts_of(path) or [(path.name, path)]
    parts = []
    for name, place in places:
        collection = _read(place, params)
        parts.append(DataSplit(shown(name), place, collection, collection.entries))
    if len({part.collection.kind for part in parts}) > 1:
        raise InputRefused(
            "different_kinds",
            "These two sets are of different kinds",
            _("“{0}” holds {1} and “{2}” {3}.").format(
                parts[0].name, _(HELD[parts[0].collection.kind]), parts[1].name, _(HELD[parts[1].collection.kind])
            ),
            "Choose two sets of the same kind.",
        )
    return parts


def _parts_of(path: Path) -> list[tuple[str, Path]]:
    """Return the first and the last of sub-folders that are parts of a set ("test" and "train")."""
    if not path.is_dir():
        return []
    names = {child.name.lower(): child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")}
    if len(names) < 2 or not set(names) <= set(SPLITS):
        return []
    found = [names[name] for name in SPLITS if name in names]
    return [(place.name, place) for place in (found[0], found[-1])]


def _read(path: Path, params: DataCheckParams) -> Collection:
    columns = params.text_column, params.label_column
    if params.model_dir is not None:
        return read_collection(path, Options(read_spec(Path(params.model_dir)), *columns))
    with readable(path):
        matching = {reader.id: reader for reader in readers_for(path)}
        order = [name for name in (*ORDER, *matching) if name in matching]
        if "tables" in matching and (params.text_column or not tables.holds_numbers(path, params.label_column)):
            order.remove("tables")
        reader = matching[order[0]] if order else None
        collection = None if reader is None else reader.read(path, Options(_spec_of(reader, path), *columns))
    if collection is None or not collection.entries:
        raise nothing_readable(
            path,
            mark("There is nothing in it that can be checked"),
            _("No pictures, tables (CSV), sounds (WAV) or arrays (NPZ) were found in “{0}”.").format(shown(path.name)),
            mark("Choose a folder of pictures or sounds, a table of texts or numbers, or an NPZ file."),
        )
    return collection


def _spec_of(reader: Reader, path: Path) -> PipelineSpec:
    """Return the SPEC of a model that accepts all of the data; readers use only its names and kinds."""
    names = _array_names(path) if reader.id == "arrays" else ["x"]
    inputs = tuple(PipelineInput(name, "float32", (None,), SOURCES.get(reader.id, "array")) for name in names)
    steps = STEPS.get(reader.id, ArraySteps)()
    return PipelineSpec(task="arrays", inputs=inputs, outputs=(), preprocess=steps, answer_kind="class")


def _array_names(path: Path) -> list[str]:
    """Return the names of arrays with one row for each item: those of the most frequent length that are not labels."""
    file = path if path.is_file() else next(path.glob("*.npz"))
    found = arrays.load_arrays(file)
    lower = {name.lower() for name in found}
    if lower & set(arrays.X_NAMES):
        return ["x"]
    wanted = {
        name: len(values)
        for name, values in found.items()
        if values.ndim and values.dtype.kind in "biuf" and name.lower() not in (*arrays.LABEL_NAMES, *arrays.NAME_LISTS)
    }
    lengths = list(wanted.values())
    common = max(lengths, key=lambda length: (lengths.count(length), length), default=0)
    return [name for name, length in wanted.items() if length == common] or ["x"]


def _split_parts(params: DataCheckParams, data_dir: Path) -> list[DataSplit]:
    """Return the two parts of a set that was read and split before."""
    data = read_dataset(data_dir)
    collection = _read(from_text(params.path), params)
    parts = [_chosen("test", from_text(params.path), collection, [item.source for item in data.test])]
    own = collection if params.against is None else _read(from_text(params.against), params)
    place = from_text(params.path if params.against is None else params.against)
    sources = [item.source for item in data.calibration]
    return [*parts, _chosen("calibration", place, own, sources)] if sources else parts


def _chosen(name: str, root: Path, collection: Collection, sources: Sequence[str]) -> DataSplit:
    wanted = set(sources)
    return DataSplit(name, root, collection, [entry for entry in collection.entries if entry.source in wanted])
