"""One model's way from the world to an answer: the same code in the window, the evaluation and the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import answers
from .batches import join, run
from .generating import LOGITS
from .sampling import sample
from .spec import ArraySteps, AudioSteps, ImageSteps, Input, PipelineError, Spec, TextSteps, read_spec
from .texts import Tokenizer

Arrays = dict[str, NDArray[Any]]

WANTED = {
    ImageSteps: "a picture",
    TextSteps: "a text",
    AudioSteps: "a sound (WAV file)",
}

PLAIN = ArraySteps()


class Runs(Protocol):
    """What `answer` needs of a loaded model."""

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays: ...


class Pipeline:
    """`spec` is the parsed pipeline.json, `folder` where it and the tokenizer lie."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec, self.folder = spec, folder

    @property
    def stateful(self) -> bool:
        """Whether state is carried over the leading axis: one sample is then a sequence of steps."""
        return bool(self.spec.links)

    @cached_property
    def main_input(self) -> Input:
        """The input that the world goes into."""
        wanted = ("image", "input_ids", "audio", "array")
        return min(
            (entry for entry in self.spec.inputs if entry.source in wanted),
            key=lambda entry: wanted.index(entry.source),
        )

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        assert isinstance(self.spec.preprocess, TextSteps)
        return Tokenizer(self.folder, self.spec.preprocess, self.spec.inputs)

    def feeds_from(self, source: Path | str | NDArray[Any] | Mapping[str, NDArray[Any]]) -> Arrays:
        """Model inputs of one sample, with a leading axis of 1 (of time steps for a stateful model).

        `source`: a file (picture, WAV, text, NPY, NPZ), a text (a path for models that take no text), one
        array for the main input, or arrays by input name. States are not among them; constants are. Raises
        PipelineError.
        """
        if isinstance(source, Path):
            feeds = self._from_file(source)
        elif isinstance(source, str):
            is_text = isinstance(self.spec.preprocess, TextSteps)
            feeds = self._tokenizer.feeds(source) if is_text else self._from_file(Path(source))
        elif isinstance(source, Mapping):
            feeds = self._from_arrays(source)
        else:
            feeds = self._from_array(np.asarray(source))
        return self._with_constants(feeds)

    def _from_file(self, path: Path) -> Arrays:
        suffix = path.suffix.lower()
        if not path.is_file():
            wanted = WANTED.get(type(self.spec.preprocess), "arrays (NPZ)")
            raise PipelineError(f"This model wants {wanted}, and there is no file {path.name[:200]!r}.")
        if suffix in (".npz", ".npy"):
            return self._from_numpy_file(path)
        steps = self.spec.preprocess
        if isinstance(steps, ImageSteps):
            from .images import open_picture, to_tensor

            return {self.main_input.name: self._cast(to_tensor(open_picture(path), steps))}
        if isinstance(steps, AudioSteps):
            from .audio import read_wav, resample, to_frames

            samples, rate = read_wav(path)
            frames = to_frames(resample(samples, rate, steps.sample_rate_hz), steps)
            return {self.main_input.name: self._cast(frames)}
        if isinstance(steps, TextSteps):
            return self._tokenizer.feeds(path.read_text(encoding="utf-8", errors="replace"))
        raise PipelineError(f"This model wants arrays in an NPZ file, and {path.name} is none.")

    def _from_numpy_file(self, path: Path) -> Arrays:
        try:
            loaded = np.load(path, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return self._from_array(loaded)
            with loaded:
                return self._from_arrays({name: loaded[name] for name in loaded.files})
        except (ValueError, OSError, EOFError, KeyError) as error:
            if isinstance(error, PipelineError):
                raise
            raise PipelineError(f"{path.name} cannot be read as arrays ({error}).") from error

    def _from_array(self, values: NDArray[Any]) -> Arrays:
        """One sample for the main input: a picture, samples of sound, or the values themselves."""
        steps, entry = self.spec.preprocess, self.main_input
        if isinstance(steps, ImageSteps) and is_picture(values, entry):
            from .images import picture_from_array, to_tensor

            return {entry.name: self._cast(to_tensor(picture_from_array(values), steps))}
        if isinstance(steps, ImageSteps) and steps.pixels and values.dtype == np.uint8 and values.ndim == 4:
            return {entry.name: values}
        if isinstance(steps, AudioSteps) and values.ndim == 1:
            from .audio import mono, to_frames

            return {entry.name: self._cast(to_frames(mono(values), steps))}
        if isinstance(steps, ArraySteps) and steps != PLAIN:
            values = rearranged(values, steps)
        return {entry.name: _fit(values, entry)}

    def _from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        feeds: Arrays = {}
        for entry in self.spec.inputs:
            if entry.name == self.main_input.name:
                name = entry.name if entry.name in arrays else "x"
                if name not in arrays:
                    names = ", ".join(sorted(arrays)) or "nothing"
                    raise PipelineError(f"The arrays lack {entry.name!r}; there is {names[:200]}.")
                feeds |= self._from_array(np.asarray(arrays[name]))
            elif entry.name in arrays:
                feeds[entry.name] = _fit(np.asarray(arrays[entry.name]), entry)
        return feeds

    def _with_constants(self, feeds: Arrays) -> Arrays:
        """Constants are put in; what else is missing and not optional is an error."""
        main = feeds[self.main_input.name]
        for entry in self.spec.inputs:
            if entry.name in feeds or entry.source == "state":
                continue
            if entry.source == "constant":
                feeds[entry.name] = constant_of(entry, len(main))
            elif entry.source == "attention_mask":
                feeds[entry.name] = np.ones(main.shape, entry.dtype)
            elif entry.source == "token_type_ids":
                feeds[entry.name] = np.zeros(main.shape, entry.dtype)
            elif not entry.optional:
                raise PipelineError(f"The input {entry.name!r} is missing.")
        return feeds

    def _cast(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.dtype == np.uint8:  # pixels for a model that prepares them itself
            return values
        dtype = np.dtype(self.main_input.dtype)
        return np.round(values).astype(dtype) if dtype.kind in "iu" else values.astype(dtype, copy=False)

    def batch(self, samples: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
        """Several samples as one request: joined along axis 0, tokens filled up to the longest."""
        pads = {"input_ids": self._tokenizer.pad_id} if isinstance(self.spec.preprocess, TextSteps) else {}
        return join(samples, self.spec, pads)

    def run(self, session: Runs, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """All outputs under their names; state is carried over the leading axis, from zeros. A step network of a
        diffusion model is called along its noise levels; the outputs are those of the last step."""
        steps = self.spec.sampling
        if steps is None:
            return run(session, self.spec, feeds)
        answer = next(entry.name for entry in self.spec.outputs if entry.answer)
        return sample(lambda given: run(session, self.spec, given), steps, answer, feeds)

    def answer_of(self, outputs: Mapping[str, NDArray[Any]], feeds: Mapping[str, NDArray[Any]]) -> Any:
        """The answer (n, …) float32 out of the arrays that `run` gave."""
        name = next(entry.name for entry in self.spec.outputs if entry.answer)
        values = np.asarray(outputs[name], dtype=np.float32)
        if self.spec.generation is not None and not np.isfinite(outputs[LOGITS]).all():
            return np.full(values.shape, np.nan, np.float32)  # a token is chosen from anything, also from NaN
        return answers.pool(values, self.spec, feeds)

    def answer(self, session: Runs, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """(n, …) float32: the answer output of every row (or time step) of `feeds`; logits stay logits."""
        values: NDArray[np.float32] = self.answer_of(self.run(session, feeds), feeds)
        return values

    def text_of(self, answer: NDArray[np.float32]) -> str:
        """The text of one sample's tokens, without those that only mark something."""
        return self._tokenizer.text([int(token) for token in answer.ravel()])

    def probabilities(self, answer: NDArray[np.float32]) -> NDArray[np.float32]:
        """Class scores (n, classes) as shares that add up to 1."""
        return answers.probabilities(answer, self.spec)

    def describe(self, answer: NDArray[np.float32], top: int = 5) -> list[tuple[str, float]]:
        """The best labels of one sample with their probabilities; empty where answers have no labels."""
        return answers.describe(answer, self.spec, top)


def load_pipeline(folder: Path | str) -> Pipeline:
    """The pipeline of the model in `folder`. Raises FileNotFoundError or PipelineError."""
    folder = Path(folder)
    return Pipeline(read_spec(folder), folder)


def constant_of(entry: Input, rows: int) -> NDArray[Any]:
    """The constant in the input's own shape, `rows` times where the batch is free."""
    shape = tuple(rows if size is None and axis == 0 else size or 1 for axis, size in enumerate(entry.shape))
    return np.full(shape, entry.constant or 0, dtype=entry.dtype)


def is_picture(values: NDArray[Any], entry: Input) -> bool:
    """Raw pictures are told from model inputs by their type and their number of axes."""
    if values.dtype == np.uint8 and entry.dtype != "uint8":
        return values.ndim in (2, 3)
    return values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in (1, 3, 4))


def rearranged(values: NDArray[Any], steps: ArraySteps) -> NDArray[Any]:
    """One array after `order`, `swap`, `scale` and `offset`; whole numbers stay whole ones."""
    if steps.order == "reversed":
        values = values[..., ::-1]
    elif steps.order == "halves":
        values = np.roll(values, values.shape[-1] // 2, axis=-1)
    changed: NDArray[Any] = values * steps.scale + steps.offset
    if steps.swap is not None:
        changed = np.where(values == steps.swap[0], steps.swap[1], changed)
    return np.round(changed).astype(np.int64) if values.dtype.kind in "iu" and steps.scale == 1 else changed


def _fit(values: NDArray[Any], entry: Input) -> NDArray[Any]:
    """Cast to the input's dtype, with the batch axis put in front where it lacks. Raises PipelineError."""
    if entry.batched and values.ndim == len(entry.shape) - 1:
        values = values[None]
    free = entry.shape and (values.ndim == len(entry.shape))
    wrong = not free and len(entry.shape) > 0
    if free:
        pairs = zip(values.shape[1:], entry.shape[1:], strict=True)
        wrong = any(size is not None and have != size for have, size in pairs)
    if wrong:
        wanted = "×".join("any" if size is None else str(size) for size in entry.shape)
        raise PipelineError(
            f"The input {entry.name!r} is {'×'.join(map(str, values.shape))}, and the model wants {wanted}."
        )
    if values.dtype.kind not in "biufc":
        raise PipelineError(f"The input {entry.name!r} holds {values.dtype}, and the model wants numbers.")
    return np.ascontiguousarray(values.astype(entry.dtype, copy=False))
