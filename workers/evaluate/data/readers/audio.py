"""Read sounds: a folder of WAV files, or an NPZ of recordings with a label for each frame.

Such an NPZ holds `audio` (all samples one after the other), `lengths` (samples of each recording) and `sr` (Hz).
`labels` (or `y`) is optional: one label for each `frame` samples, the recordings one after the other. Other arrays with
one value for each recording become the person's columns.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _, mark
from workers.evaluate.data.base import Collection, Entry, Options, Reader, array_digest, info
from workers.evaluate.data.folders import files_below, is_list, read_files
from workers.evaluate.data.readers.arrays import columns_of, load_arrays, transcripts_of
from workers.pipeline.array_files import ArrayFileError, headers_of
from workers.pipeline.audio import resample
from workers.pipeline.spec import AudioSteps

SUFFIXES = frozenset({".wav", ".wave"})


def matches(path: Path) -> bool:
    """Return whether the path is or contains WAV files, a list of files, or an NPZ of recordings."""
    if path.is_file():
        return (
            path.suffix.lower() in SUFFIXES
            or is_list(path)
            or (path.suffix.lower() == ".npz" and _holds_recordings(path))
        )
    return next(files_below(path, SUFFIXES), None) is not None


def _holds_recordings(path: Path) -> bool:
    try:
        return {"audio", "lengths"} <= headers_of(path).keys()
    except ArrayFileError:
        return False


def read(path: Path, options: Options) -> Collection:
    """Read the recordings of an NPZ file, or the WAV files of a folder."""
    if path.suffix.lower() == ".npz":
        return _recordings(path, options)
    return read_files(path, SUFFIXES, "audio", options)


def _recordings(path: Path, options: Options) -> Collection:
    steps = options.spec.preprocess
    assert isinstance(steps, AudioSteps)
    arrays = load_arrays(path)
    lengths = np.asarray(arrays["lengths"], np.int64).reshape(-1)
    audio = np.asarray(arrays["audio"]).reshape(-1)
    if lengths.sum() != len(audio) or (lengths < 0).any():
        detail = _("The lengths in {0} do not add up to its {1:,} samples.").format(path.name, len(audio))
        raise InputRefused("bad_npz", "The recordings cannot be used", detail, "Save it again and try again.")
    rate = _number(arrays, ("sr", "rate", "sample_rate"), steps.sample_rate_hz)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    parts = [audio[starts[i] : starts[i + 1]] for i in range(len(lengths))]
    labels = _step_labels(arrays, lengths, rate, steps)
    count = len(parts)
    more = columns_of(arrays, {"audio", "lengths", "labels", "y"}, count)
    spoken = transcripts_of(arrays, {}, count)
    entries = [
        Entry(
            f"recording {i + 1}",
            partial(_samples, part, rate, steps.sample_rate_hz), partial(array_digest, part),
            steps=labels[i] if labels else None, columns={name: str(values[i]) for name, values in more.items()},
            transcript=None if spoken is None else str(spoken[i]),
        )
        for i, part in enumerate(parts)
    ]  # fmt: skip
    what = (
        _("{0} holds {1:,} recordings at {2:,} Hz, with a label for each frame.")
        if labels
        else _("{0} holds {1:,} recordings at {2:,} Hz, without labels.")
    )
    return Collection("audio", entries, findings=(info(what.format(path.name, len(parts), rate)),))


def _number(arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...], otherwise: int) -> int:
    found = next((arrays[name] for name in names if name in arrays and arrays[name].size == 1), None)
    return int(found.reshape(-1)[0]) if found is not None else otherwise


def _samples(part: NDArray[Any], rate: int, wanted: int) -> NDArray[np.float32]:
    """Return mono float32 samples in −1..1 at the model's rate."""
    scale = float(np.iinfo(part.dtype).max) + 1.0 if part.dtype.kind == "i" else 1.0
    values = part.astype(np.float32) / np.float32(scale)
    return values if rate == wanted else resample(values, rate, wanted)


def _step_labels(
    arrays: Mapping[str, NDArray[Any]], lengths: NDArray[np.int64], rate: int, steps: AudioSteps
) -> list[Callable[[int], NDArray[np.int64]]] | None:
    """Return for each recording a function from the number of the model's steps to one label for each step."""
    labels = arrays.get("labels", arrays.get("y"))
    if labels is None or labels.dtype.kind not in "biu" or not steps.frame_samples:
        return None
    frame = _number(arrays, ("frame", "frame_samples", "hop"), steps.frame_samples)
    counts = lengths // frame
    if counts.sum() != len(labels):
        counts = -(-lengths // frame)
    if counts.sum() != len(labels):
        return None
    ends = np.cumsum(counts)
    per_step = steps.frame_samples / steps.sample_rate_hz * rate / frame
    return [
        partial(_at_steps, labels[end - count : end].astype(np.int64), per_step)
        for end, count in zip(ends, counts, strict=True)
    ]


def _at_steps(labels: NDArray[np.int64], per_step: float, count: int) -> NDArray[np.int64]:
    """Return the label at the middle of each of `count` steps, (count,); −1 if there are no labels."""
    if not len(labels):
        return np.full(count, -1, np.int64)
    index = np.floor((np.arange(count) + 0.5) * per_step).astype(np.int64)
    return np.asarray(labels[np.clip(index, 0, len(labels) - 1)], dtype=np.int64)


READER = Reader("audio", mark("sounds"), (AudioSteps,), matches, read)
