"""Read NPZ files: arrays named like the model's inputs, or `x`, with `label` or `y`. Nothing is ever unpickled."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined, mark, ngettext
from workers.contracts.wording import counted
from workers.evaluate.data.base import Collection, Entry, Options, Reader, array_digest, info, names_of, warning
from workers.evaluate.data.dataset import Kind
from workers.evaluate.data.truths.classes import CLASSES
from workers.pipeline import array_files
from workers.pipeline.arrays import fits, main_input_of, pictures_in
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineSpec, TextSteps

MAX_BYTES = 4 << 30
FREE_BYTES, BYTES_A_FILE_BYTE = 128 << 20, 64
"""Memory that the arrays of every file may take, and what each byte of a compressed file adds."""
MAX_ITEMS = 100_000
"""Number of items that every file may have; one more is allowed for each byte of the file."""
SAVE_AGAIN = mark("Save it again with numpy.savez and try again.")
SAVE_A_PART = mark("Save a part of it and try again.")
REFUSALS = {
    "objects": (
        mark("{0} holds Python objects, which could run code when they are opened, and was not opened."),
        mark("Save plain arrays of numbers with numpy.savez and try again."),
    ),
    "size": (mark("{0} holds more arrays than fit into the memory."), SAVE_A_PART),
    "damage": (mark("{0} is damaged and cannot be read."), SAVE_AGAIN),
}
"""Maps the code of an error to the problem and to its solution."""
X_NAMES = ("x", "x_test", "x_val", "x_valid", "images", "inputs", "data")
LABEL_NAMES = ("label", "y", "labels", "y_test", "y_val", "y_valid", "target", "targets")
TRANSCRIPT_NAMES = ("transcript", "transcripts", "text", "texts", "sentence")
NAME_LISTS = ("labels", "classes", "class_names", "names", "label_names", "target_names")


def matches(path: Path) -> bool:
    """Return whether the path is an NPZ file or a folder with exactly one."""
    return array_files.npz_of(path) is not None


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an NPZ file.

    Raises:
        InputRefused: If it contains objects (they could run code), is damaged, or is too large.
    """
    try:
        found = array_files.load_arrays(path, min(MAX_BYTES, FREE_BYTES + BYTES_A_FILE_BYTE * path.stat().st_size))
    except array_files.ArrayFileError as error:
        what, hint = REFUSALS[error.code]
        raise _refused(_(what).format(path.name), hint) from error
    except OSError as error:
        what, hint = REFUSALS["damage"]
        raise _refused(_(what).format(path.name), hint) from error
    return found if isinstance(found, dict) else {"x": found}


def _refused(detail: str, hint: str = SAVE_AGAIN) -> InputRefused:
    return InputRefused("bad_npz", "The arrays cannot be used", detail, hint)


def read(path: Path, options: Options) -> Collection:
    """Read the items, labels and further columns of an NPZ file."""
    file = array_files.npz_of(path)
    assert file is not None
    arrays = load_arrays(file)
    inputs = find_inputs(arrays, options.spec)
    if _lacks_an_input(inputs, options.spec):
        raise _no_inputs(file, arrays, options.spec)
    return collected(file, arrays, inputs, _labels_of(arrays, inputs, options), options)


def collected(
    file: Path,
    arrays: Mapping[str, NDArray[Any]],
    inputs: Mapping[str, NDArray[Any]],
    label_name: str | None,
    options: Options,
) -> Collection:
    """Return the items of a file by its arrays, those of them that are inputs, and the name of the labels among them.

    Raises:
        InputRefused: There are no items, too many, or another number of them in each input.
    """
    count = min(len(values) for values in inputs.values())
    if not count:
        raise _refused(_("{0} holds no items.").format(file.name))
    if any(len(values) != count for values in inputs.values()):
        raise _refused(_("{0} holds inputs of different numbers of items.").format(file.name))
    if count > MAX_ITEMS + file.stat().st_size:
        raise _refused(_("{0} holds {1:,} items, which are too many.").format(file.name, count), SAVE_A_PART)
    labels = None if label_name is None else arrays[label_name]
    names = _class_names(arrays, label_name, options.spec)
    if labels is not None and is_one_hot(labels):
        labels = labels.argmax(axis=1)
    label_lists = [()] * count if labels is None else [raw_labels(value) for value in labels]
    more = columns_of(arrays, {*inputs, label_name}, count)
    kind = _kind(options.spec, inputs)
    if kind == "arrays" and isinstance(options.spec.preprocess, AudioSteps):
        inputs = _as_frames(inputs, options.spec)
    spoken = transcripts_of(arrays, inputs, count)
    entries = [
        Entry(
            f"item {i + 1}", partial(_sample, inputs, i), partial(_content, inputs, i), label_lists[i],
            columns={name: str(values[i]) for name, values in more.items()},
            target=() if labels is None else _target(labels[i]), transcript=None if spoken is None else str(spoken[i]),
        )
        for i in range(count)
    ]  # fmt: skip
    holds = _("{0} holds the inputs {1}.").format(file.name, names_of(list(inputs)))
    found_in = _("The labels are in “{0}”.").format(label_name) if label_name else _("No labels were found in it.")
    findings = [info(joined([holds, found_in]))]
    if label_name is None or labels is None:
        findings += _unused_labels(arrays, inputs, count, file)
    else:
        findings += _negative_labels(label_name, labels, options.spec)
    return Collection(kind, entries, names, findings=tuple(findings))


def _kind(spec: PipelineSpec, inputs: Mapping[str, NDArray[Any]]) -> Kind:
    """Return "images" or "audio" if the arrays have to be prepared, else "arrays"."""
    entry, steps = main_input_of(spec), spec.preprocess
    rows = inputs.get(entry.name, inputs.get("x"))
    if rows is None or fits(rows[0], entry, steps):
        return "arrays"
    if isinstance(steps, ImageSteps) and pictures_in(rows[0], rows=False) is not None:
        return "images"
    return "audio" if isinstance(steps, AudioSteps) and rows.ndim == 2 else "arrays"


def _as_frames(inputs: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> dict[str, NDArray[Any]]:
    """Add a batch axis to rows that are frames already, so that none is treated as a whole sound."""
    name = main_input_of(spec).name
    return {key: rows[:, None] if key in (name, "x") and rows.ndim == 2 else rows for key, rows in inputs.items()}


def find_inputs(arrays: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> dict[str, NDArray[Any]]:
    """Return the arrays named like the model's inputs; else `x` (or `x_test`, …) for the only main input."""
    states = {entry.name for entry in spec.inputs if entry.source in ("state", "constant")}
    wanted = [entry.name for entry in spec.inputs if entry.name not in states]
    named = {name: arrays[name] for name in wanted if name in arrays and arrays[name].ndim}
    main = main_input_of(spec).name
    if main in named:
        return named
    lower = {name.lower(): values for name, values in arrays.items()}
    found = next((lower[name] for name in X_NAMES if name in lower and lower[name].ndim), None)
    numbers = found is not None and found.dtype.kind in "biufc"
    return {**named, "x": found} if found is not None and numbers else named


def _lacks_an_input(inputs: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> bool:
    """Return whether the main input or another one that nothing fills in has no array."""
    main = main_input_of(spec).name
    given = {*inputs, main} if "x" in inputs else set(inputs)
    needed = {entry.name for entry in spec.inputs if entry.source == "array" and not entry.optional}
    return not {*needed, main} <= given


def _labels_of(arrays: Mapping[str, NDArray[Any]], inputs: Mapping[str, NDArray[Any]], options: Options) -> str | None:
    """Return the name of the array that holds one label for each item."""
    count = min(len(values) for values in inputs.values())
    lower = {name.lower(): name for name in arrays}
    wanted = [options.label_column.lower()] if options.label_column else list(LABEL_NAMES)
    fits = [lower[name] for name in wanted if name in lower and lower[name] not in inputs]
    fits = [name for name in fits if arrays[name].ndim in (1, 2) and len(arrays[name]) == count]
    return fits[0] if fits else None


def is_one_hot(labels: NDArray[Any]) -> bool:
    """Return whether each row has a 1 for the class and 0 for all others.

    Such rows cannot be lists of accepted classes, because none of these names only 0 and 1.
    """
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "biuf":
        return False
    values = np.asarray(labels, np.float64)
    return bool((((values == 0) | (values == 1)).all(axis=1) & (values.sum(axis=1) == 1)).all())


def _unused_labels(
    arrays: Mapping[str, NDArray[Any]], inputs: Mapping[str, NDArray[Any]], count: int, file: Path
) -> Iterator[Finding]:
    """Warn about arrays that are named like labels, but have the wrong size or shape."""
    for name in (name for name in arrays if name.lower() in LABEL_NAMES and name not in inputs):
        what = _("“{0}” of {1} holds {2} for {3:,} items, so it is not used as labels.")
        yield warning(what.format(name, file.name, _size(arrays[name]), count))


def _negative_labels(name: str, labels: NDArray[Any], spec: PipelineSpec) -> Iterator[Finding]:
    """Warn about items with a negative label, which means no label here but may mean a class in other programs."""
    if labels.dtype.kind not in "if" or spec.answer_kind not in CLASSES:
        return
    below = int((labels.reshape(len(labels), -1) < 0).all(axis=1).sum())
    if below:
        what = ngettext(
            "{0} of {1:,} labels in “{2}” is below 0, which means no label to Fettle. Count classes from 0 if these"
            " items have one.",
            "{0:,} of {1:,} labels in “{2}” are below 0, which means no label to Fettle. Count classes from 0 if these"
            " items have one.",
            below,
        )
        yield warning(what.format(below, len(labels), name))


def _size(values: NDArray[Any]) -> str:
    if values.ndim == 0:
        return _("one value")
    if values.ndim > 2:
        return _("{0} values").format("×".join(map(str, values.shape)))
    return counted(len(values), "label")


def raw_labels(value: Any) -> tuple[str, ...]:
    """Return one label as written.

    The value is a number, a name, several names joined by "|", or a row of accepted classes (below 0: none).
    """
    values = np.atleast_1d(value)
    if values.dtype.kind in "US":
        return tuple(part.strip() for text in values.tolist() for part in str(text).split("|") if part.strip())
    return tuple(f"{number:g}" for number in values.tolist() if number >= 0)


def columns_of(arrays: Mapping[str, NDArray[Any]], taken: set[str | None], count: int) -> dict[str, NDArray[Any]]:
    """Return further arrays with one value for each item: the person's own columns."""
    return {
        name: values
        for name, values in arrays.items()
        if name not in taken and values.ndim == 1 and len(values) == count and values.dtype.kind in "biufUO"
    }


def transcripts_of(
    arrays: Mapping[str, NDArray[Any]], inputs: Mapping[str, NDArray[Any]], count: int
) -> NDArray[Any] | None:
    """Return the transcripts, one text for each item; None if there are none."""
    fits = [arrays[name] for name in TRANSCRIPT_NAMES if name in arrays and name not in inputs]
    return next((v for v in fits if v.dtype.kind == "U" and v.ndim == 1 and len(v) == count), None)


def _target(value: Any) -> tuple[float, ...]:
    """Return the numbers of one row of labels if all are finite, else ()."""
    values = np.atleast_1d(value)
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        return ()
    return tuple(float(number) for number in values)


def _class_names(
    arrays: Mapping[str, NDArray[Any]], label_name: str | None, spec: PipelineSpec
) -> tuple[str, ...] | None:
    """Return the names of the numbers of labels, from a list in the same file."""
    if label_name is None or arrays[label_name].dtype.kind not in "iu":
        return None
    for name in NAME_LISTS:
        values = arrays.get(name)
        if values is not None and name != label_name and values.ndim == 1 and values.dtype.kind == "U":
            return tuple(str(value) for value in values)
    return None


def _sample(inputs: Mapping[str, NDArray[Any]], index: int) -> Any:
    """Return one item: the array alone for `x`, else arrays by input name."""
    return inputs["x"][index] if list(inputs) == ["x"] else {name: a[index] for name, a in inputs.items()}


def _content(inputs: Mapping[str, NDArray[Any]], index: int) -> bytes:
    return array_digest(*(np.asarray(values[index]) for values in inputs.values()))


def _no_inputs(file: Path, arrays: Mapping[str, NDArray[Any]], spec: PipelineSpec) -> InputRefused:
    wanted = names_of([e.name for e in spec.inputs if e.source not in ("state", "constant")])
    return InputRefused(
        "no_inputs",
        "The arrays do not fit the model",
        _("The model takes {0}, and {1} holds {2}.").format(
            wanted, file.name, names_of(list(arrays), 6) or _("nothing")
        ),
        "Name the arrays as the model’s inputs (or “x”), with one row for each item, and try again.",
    )


READER = Reader("arrays", mark("arrays"), (ArraySteps, ImageSteps, TextSteps, AudioSteps), matches, read)
