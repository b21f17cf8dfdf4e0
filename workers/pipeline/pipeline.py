"""Connect one model's preparation, run and prediction; the window, the evaluation and the bundle use this code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import answers, arrays
from .array_files import ArrayFileError, load_arrays
from .batches import Arrays as Arrays
from .batches import Runs as Runs
from .batches import join, run
from .chats import ChatTexts
from .filling import default_of
from .generating import LOGITS
from .log_mel import check_length
from .postprocess import postprocessed, transcripts
from .rows import row_of
from .sampling import sample
from .spec import (
    ArraySteps,
    AudioSteps,
    ImageSteps,
    PipelineError,
    PipelineInput,
    PipelineSpec,
    TextSteps,
    TranscriptSteps,
)
from .spec_file import read_spec
from .texts import Tokenizer, read_text, unknown_id
from .words import Words

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

WANTED = {ImageSteps: Words("a picture"), TextSteps: Words("a text"), AudioSteps: Words("a sound (WAV file)")}
PLAIN = ArraySteps()
MAX_PREPARED_BYTES, PREPARED_A_BYTE = 200 << 20, 16
"""Memory limit of one array's prepared pictures: a fixed part, and a part per byte of the array."""


class Pipeline:
    """Preparation and postprocessing of one model."""

    def __init__(self, spec: PipelineSpec, folder: Path) -> None:
        """Create a pipeline from its description and the folder of its files (tokenizer, character list)."""
        self.spec, self.folder = spec, folder

    @property
    def stateful(self) -> bool:
        """Return whether state is carried over the leading axis: one sample is then a sequence of steps."""
        return bool(self.spec.links)

    @cached_property
    def main_input(self) -> PipelineInput:
        """Return the input that receives the user's data."""
        return arrays.main_input_of(self.spec)

    @cached_property
    def unknown_id(self) -> int | None:
        """Return the id of the tokenizer's unknown token; None if there is none."""
        steps = self.spec.preprocess
        return unknown_id(self.folder / steps.tokenizer) if isinstance(steps, TextSteps) else None

    @cached_property
    def chat(self) -> ChatTexts:
        """Return the dialogues of a language model; raise PipelineError for other models."""
        if self.spec.chat is None or not isinstance(self.spec.preprocess, TextSteps):
            raise PipelineError("This model does not continue texts, so it cannot chat.")
        return ChatTexts(self.folder, self.spec.preprocess, self.spec.chat)

    @cached_property
    def _tokenizer(self) -> Tokenizer | ChatTexts:
        assert isinstance(self.spec.preprocess, TextSteps)
        if self.spec.chat is not None:
            return self.chat
        return Tokenizer(self.folder, self.spec.preprocess, self.spec.inputs, whole=self.spec.generation is not None)

    @cached_property
    def _written_by(self) -> Tokenizer | ChatTexts:
        """Return the converter of predicted tokens to text; a model of sounds uses it for nothing else."""
        if isinstance(self.spec.preprocess, TextSteps):
            return self._tokenizer
        return Tokenizer(self.folder, TextSteps(), ())

    def feeds_from(self, source: Path | str | NDArray[Any] | Mapping[str, NDArray[Any]] | Picture) -> Arrays:
        """Return model inputs of one sample, with a leading axis of 1 (of time steps for a stateful model).

        All data for judgement, measurement, calibration and display pass through this method. Files, pictures of 8 bits
        and sounds are prepared; arrays with the model's shape and kind of numbers are used unchanged. The feeds include
        constants but no states.

        Args:
            source: A file (picture, WAV, text, NPY, NPZ), a text, a row of numbers as text, a path as text for other
                models, a decoded picture, one array for the main input, or arrays by input name.

        Raises:
            PipelineError: The source does not fit the model or cannot be read.
        """
        if isinstance(source, Path):
            feeds = self._from_file(source)
        elif isinstance(source, str):
            feeds = self._from_text(source)
        elif isinstance(source, Mapping):
            feeds = self._from_arrays(source)
        elif not isinstance(source, np.ndarray) and hasattr(source, "convert"):  # Pillow may not be installed
            feeds = {self.main_input.name: self.prepare_picture(source)}
        else:
            feeds = self._from_array(np.asarray(source))
        return self._with_constants(feeds)

    def _from_text(self, text: str) -> Arrays:
        steps = self.spec.preprocess
        if isinstance(steps, TextSteps):
            return self._tokenizer.feeds(text)
        if isinstance(steps, ArraySteps) and not text.lower().endswith((".npz", ".npy")):
            return self._from_arrays(row_of(text, self.spec))
        return self._from_file(Path(text))

    def _from_file(self, path: Path) -> Arrays:
        suffix = path.suffix.lower()
        if not path.is_file():
            wanted = WANTED.get(type(self.spec.preprocess), Words("arrays (NPZ)"))
            raise PipelineError("This model wants {0}, and there is no file {1!r}.", wanted, path.name[:200])
        if suffix in (".npz", ".npy"):
            return self._from_numpy_file(path)
        steps = self.spec.preprocess
        if isinstance(steps, ImageSteps):
            from .images import open_picture

            return {self.main_input.name: self.prepare_picture(open_picture(path))}
        if isinstance(steps, AudioSteps):
            from .audio import count_after, read_wav, resample

            samples, rate = read_wav(path)
            self._check_heard(count_after(samples.size, rate, steps.sample_rate_hz))
            return {self.main_input.name: self.prepare_sound(resample(samples, rate, steps.sample_rate_hz))}
        if isinstance(steps, TextSteps):
            return self._tokenizer.feeds(read_text(path))
        raise PipelineError("This model wants arrays in an NPZ file, and {0} is none.", path.name)

    def _from_numpy_file(self, path: Path) -> Arrays:
        try:
            loaded = load_arrays(path)
        except ArrayFileError as error:
            raise PipelineError("{0} cannot be read as arrays. {1}", path.name, error) from error
        return self._from_arrays(loaded, rows=True) if isinstance(loaded, dict) else self._from_array(loaded, rows=True)

    def prepare_picture(self, picture: Picture, *, sized: bool = False) -> NDArray[Any]:
        """Return the main input (1, …) of a decoded picture (RGB or gray).

        Args:
            picture: The picture.
            sized: The picture has the model's size already.

        Raises:
            PipelineError: The model takes integers and the preparation gives fractions.
        """
        from .images import to_tensor

        steps = self.spec.preprocess
        assert isinstance(steps, ImageSteps)
        values = to_tensor(picture, replace(steps, resize=None, crop=None) if sized else steps)
        return values if steps.pixels else arrays.cast(values, self.main_input)

    def prepare_sound(self, samples: NDArray[np.float32]) -> NDArray[Any]:
        """Return the main input (frames, …) of samples (n,) in −1..1 at the model's rate; rounded for integer inputs.

        Raises:
            PipelineError: The sound is longer than the model accepts.
        """
        from .audio import to_frames

        steps, dtype = self.spec.preprocess, arrays.dtype_of(self.main_input)
        assert isinstance(steps, AudioSteps)
        self._check_heard(samples.size)
        frames = to_frames(samples, steps)
        if dtype.kind not in "iu":
            return frames.astype(dtype, copy=False)
        limits = np.iinfo(dtype)
        return np.clip(np.rint(frames), limits.min, limits.max).astype(dtype)

    def _check_heard(self, count: int) -> None:
        """Raise PipelineError if `count` samples at the model's rate are longer than a speech model accepts."""
        if self.spec.generation is not None and self.spec.generation.mel is not None:
            check_length(count, self.spec.generation.mel)

    def picture_of(self, source: Any) -> Picture | None:
        """Return the picture of a sample before its preparation; None if it is no picture or used unchanged.

        Raises:
            PipelineError: The file cannot be decoded.
        """
        from .images import open_picture, picture_from_array

        if not isinstance(self.spec.preprocess, ImageSteps):
            return None
        if isinstance(source, Path):
            return None if source.suffix.lower() in (".npz", ".npy") else open_picture(source)
        if isinstance(source, Mapping):
            source = source.get(self.main_input.name, source.get("x"))
        if not isinstance(source, np.ndarray) or self._fits(source):
            return None
        found = arrays.pictures_in(source, rows=False)
        return picture_from_array(found[0]) if found is not None and len(found) == 1 else None

    def _fits(self, values: NDArray[Any]) -> bool:
        return arrays.fits(values, self.main_input, self.spec.preprocess)

    def _from_array(self, values: NDArray[Any], *, rows: bool = False, named: bool = False) -> Arrays:
        """Return the feeds of one array: used unchanged, or prepared as pictures or as samples of a sound.

        Args:
            values: The array.
            rows: The array is from a file that may hold several samples.
            named: The array is named like the model's input, so that one frame of a sound is not taken for a whole
                sound.
        """
        steps, entry = self.spec.preprocess, self.main_input
        if isinstance(steps, AudioSteps) and values.ndim == 1 and not (named and self._fits(values)):
            from .audio import mono

            return {entry.name: self.prepare_sound(mono(values))}
        if isinstance(steps, ImageSteps | AudioSteps):
            given = arrays.ready(values, entry, steps)
            if given is None and isinstance(steps, ImageSteps):
                given = self._prepared(values, rows)
            if given is None:
                raise arrays.misfit(values, entry, steps)
            return {entry.name: given}
        if isinstance(steps, ArraySteps) and steps != PLAIN:
            values = rearranged(values, steps)
        return {entry.name: arrays.fitted(values, entry)}

    def _prepared(self, values: NDArray[Any], rows: bool) -> NDArray[Any] | None:
        """Return the pictures in an array, prepared and joined; None if there are none."""
        from .images import picture_from_array

        found = arrays.pictures_in(values, rows=rows)
        if not found:
            return None
        first = self.prepare_picture(picture_from_array(found[0]))
        if first.nbytes * len(found) > MAX_PREPARED_BYTES + PREPARED_A_BYTE * values.nbytes:
            raise PipelineError("The array holds {0:,} pictures, which are too many at once.", len(found))
        tensors = [first, *(self.prepare_picture(picture_from_array(one)) for one in found[1:])]
        return first if len(tensors) == 1 else np.concatenate(tensors)

    def _from_arrays(self, given: Mapping[str, NDArray[Any]], *, rows: bool = False) -> Arrays:
        feeds: Arrays = {}
        for entry in self.spec.inputs:
            if entry.name == self.main_input.name:
                name = entry.name if entry.name in given else "x"
                if name not in given:
                    names = ", ".join(sorted(given))[:200]
                    raise PipelineError("The arrays lack {0!r}; they are: {1}.", entry.name, names or "–")
                feeds |= self._from_array(np.asarray(given[name]), rows=rows, named=name == entry.name)
            elif entry.name in given:
                feeds[entry.name] = arrays.fitted(np.asarray(given[entry.name]), entry)
        return feeds

    def _with_constants(self, feeds: Arrays) -> Arrays:
        """Add constants; raise PipelineError for other missing inputs that are not optional."""
        main = feeds[self.main_input.name]
        for entry in self.spec.inputs:
            if entry.name in feeds or entry.source == "state":
                continue
            value = default_of(entry, main, main.shape[self.main_input.batch_axis])
            if value is not None:
                feeds[entry.name] = value
            elif not entry.optional:
                raise PipelineError("The input {0!r} is missing.", entry.name)
        return feeds

    def batch(self, samples: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
        """Join several samples into one request along axis 0; tokens are padded to the longest."""
        pads = {"input_ids": self._tokenizer.pad_id} if isinstance(self.spec.preprocess, TextSteps) else {}
        return join(samples, self.spec, pads)

    def run(self, session: Runs, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return all outputs by name; state is carried over the leading axis, from zeros.

        A diffusion model's step network is called along its noise levels; the outputs are those of the last step.
        """
        steps = self.spec.sampling
        if steps is None:
            return run(session, self.spec, feeds)
        answer = next(entry.name for entry in self.spec.outputs if entry.answer)
        return sample(lambda given: run(session, self.spec, given), steps, answer, feeds)

    def answer_of(self, outputs: Mapping[str, NDArray[Any]], feeds: Mapping[str, NDArray[Any]]) -> Any:
        """Return the prediction (n, …) float32 from `run`'s outputs; for a detector boxes (`postprocess.boxes`)."""
        steps = self.spec.postprocess
        if steps is not None:
            return postprocessed(outputs, steps, self.input_size(feeds))
        return self.raw_of(outputs, feeds)

    def input_size(self, feeds: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
        """Return height and width of the picture in `feeds`."""
        steps, shape = self.spec.preprocess, np.shape(feeds[self.main_input.name])
        is_last = isinstance(steps, ImageSteps) and (steps.layout == "nhwc" or steps.pixels)
        sides = shape[1:3] if is_last else shape[2:4]
        return (int(sides[0]), int(sides[1])) if len(sides) == 2 else (1, 1)

    def raw_of(self, outputs: Mapping[str, NDArray[Any]], feeds: Mapping[str, NDArray[Any]]) -> Any:
        """Return the answer output (n, …) float32 before any postprocessing."""
        name = next(entry.name for entry in self.spec.outputs if entry.answer)
        values = np.asarray(outputs[name], dtype=np.float32)
        if self.spec.generation is not None and not np.isfinite(outputs[LOGITS]).all():
            return np.full(values.shape, np.nan, np.float32)  # argmax would choose a token even from NaN
        return answers.pool(values, self.spec, feeds)

    def answer(self, session: Runs, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the prediction (n, …) float32 of every row (or time step) of `feeds`; logits stay logits."""
        values: NDArray[np.float32] = self.answer_of(self.run(session, feeds), feeds)
        return values

    def text_of(self, answer: NDArray[np.float32]) -> str:
        """Return the text of one sample's tokens without special ones, or the characters of a transcript."""
        if isinstance(self.spec.postprocess, TranscriptSteps):
            return transcripts.text_of(answer, self.spec.classes or ())
        return self._written_by.text([int(token) for token in answer.ravel()])

    def probabilities(self, answer: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class scores (n, classes) as shares that add up to 1."""
        return answers.probabilities(answer, self.spec)

    def describe(self, answer: NDArray[np.float32], top: int = 5) -> list[tuple[str, float]]:
        """Return the best labels of one sample with their probabilities; empty for predictions without labels."""
        return answers.describe(answer, self.spec, top)


def load_pipeline(folder: Path | str) -> Pipeline:
    """Return the pipeline of the model in `folder`; raise FileNotFoundError or PipelineError."""
    folder = Path(folder)
    return Pipeline(read_spec(folder), folder)


def rearranged(values: NDArray[Any], steps: ArraySteps) -> NDArray[Any]:
    """Return an array after `order`, `swap`, `scale` and `offset`; integers stay integers if `scale` is 1."""
    if steps.order == "reversed":
        values = values[..., ::-1]
    elif steps.order == "halves":
        values = np.roll(values, values.shape[-1] // 2, axis=-1)
    changed: NDArray[Any] = values * steps.scale + steps.offset
    if steps.swap is not None:
        changed = np.where(values == steps.swap[0], steps.swap[1], changed)
    return np.round(changed).astype(np.int64) if values.dtype.kind in "iu" and steps.scale == 1 else changed
