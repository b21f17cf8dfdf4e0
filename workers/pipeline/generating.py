"""Generate texts with an encoder and a decoder: the parts of one model, and the loop that calls them.

The encoder reads the input once; the decoder is called for one more token until every row has ended. With a third part
(`decoder_with_past`, as optimum names it), the decoder reads only the first tokens, and later tokens come from cached
values (Cache). The likeliest token is taken each time (greedy search: Sutskever et al., arXiv 1409.3215, without a
beam), so that two versions of a model can be compared token by token. This equals `generate(num_beams=1,
do_sample=False)` of the transformers library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .log_mel import log_mel
from .spec import Cache, Generation

Arrays = dict[str, NDArray[Any]]
ENCODER, DECODER, STEP = "encoder", "decoder", "decoder_with_past"
TOKENS, LOGITS = "tokens", "logits"
"""Outputs of a whole run: all tokens (n, longest row) int64, and the first one's scores (n, vocabulary) float32."""

SOUND = "audio"
"""Name of the input of samples from which a spectrum is computed."""


class DecoderPart(Protocol):
    """A loaded part of a model."""

    device_ran: str
    fallbacks: tuple[str, ...]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return all outputs by name."""
        ...

    def close(self) -> None:
        """Release the part."""
        ...


Load = Callable[[Path, Mapping[str, Any], int], Any]
Run = Callable[[Arrays], Arrays]
Watch = Callable[[str, Arrays], None]


class Generating:
    """All parts of a model as one session: takes the encoder's inputs and returns `tokens` and `logits`."""

    def __init__(self, parts: Mapping[str, DecoderPart], loop: Generation) -> None:
        """Combine the loaded `parts`, which also run separately."""
        self.parts, self._loop = dict(parts), loop
        self.device_ran = self.parts[DECODER].device_ran
        self.fallbacks = tuple(dict.fromkeys(text for part in self.parts.values() for text in part.fallbacks))

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Generate all rows until each has ended."""
        return generate({name: part.run for name, part in self.parts.items()}, self._loop, feeds)

    def close(self) -> None:
        """Release all parts."""
        for part in self.parts.values():
            part.close()


def part_names(loop: Generation) -> tuple[str, ...]:
    """Return the names of the parts that the loop calls."""
    return (ENCODER, DECODER) if loop.cache is None else (ENCODER, DECODER, STEP)


def generate(
    parts: Mapping[str, Run], loop: Generation, feeds: Mapping[str, NDArray[Any]], watch: Watch | None = None
) -> Arrays:
    """Return `tokens` without the start tokens, padded after each row's end, and the first token's `logits`.

    Args:
        parts: Functions that run the parts.
        loop: Description of the loop.
        feeds: Inputs of the encoder.
        watch: Receives the name and the inputs of each call.

    Raises:
        PipelineError: A sound is longer than the model accepts.
    """

    def call(part: str, given: Arrays) -> Arrays:
        if watch is not None:
            watch(part, given)
        return parts[part](given)

    states = call(ENCODER, _encoder_feeds(loop, feeds))[loop.states]
    mask = None if loop.mask is None or loop.encoder_mask is None else feeds[loop.encoder_mask]
    decoding = _Decoding(call, loop, states, mask)
    tokens = decoding.begun(len(states))
    chosen: list[NDArray[np.int64]] = []
    ended = np.zeros(len(states), np.bool_)
    first: NDArray[Any] | None = None
    while len(chosen) < loop.longest and not ended.all():
        scores = decoding.scores(tokens)
        first = scores if first is None else first
        best = _best(scores, loop, len(chosen))
        best = np.where(ended, loop.pad, best)
        ended |= best == loop.end
        chosen.append(best)
        tokens = np.concatenate([tokens, best[:, None]], axis=1)
    assert first is not None
    return {TOKENS: np.stack(chosen, axis=1), LOGITS: np.asarray(first, np.float32)}


def _encoder_feeds(loop: Generation, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return the encoder's inputs, with the spectrum in place of samples."""
    if loop.mel is None:
        return dict(feeds)
    rest = {name: value for name, value in feeds.items() if name != SOUND}
    return {**rest, loop.mel.input: log_mel(feeds[SOUND], loop.mel)}


def _best(scores: NDArray[Any], loop: Generation, count: int) -> NDArray[np.int64]:
    """Return the likeliest allowed token (n,) of scores (n, vocabulary) at position `count` of an answer."""
    if loop.forced_end and count == loop.longest - 1:
        return np.full(len(scores), loop.end, np.int64)
    barred = loop.never + loop.not_first if count == 0 else loop.never
    if barred:
        scores = scores.copy()
        scores[:, [token for token in barred if token < scores.shape[1]]] = -np.inf
    return np.asarray(scores.argmax(axis=-1), np.int64)


class _Decoding:
    """Scores of the next tokens in one run; cached values grow by one position per token."""

    def __init__(
        self, call: Callable[[str, Arrays], Arrays], loop: Generation, states: NDArray[Any], mask: NDArray[Any] | None
    ) -> None:
        self._call, self._loop, self._states, self._mask = call, loop, states, mask
        self._kept: Arrays = {}

    def begun(self, rows: int) -> NDArray[np.int64]:
        """Return each row's first tokens: the start, the detected language, and the fixed tokens."""
        loop = self._loop
        tokens = np.full((rows, 1), loop.start, np.int64)
        if loop.languages:
            likeliest = self._whole(tokens)[loop.scores][:, -1, list(loop.languages)].argmax(axis=-1)
            tokens = np.concatenate([tokens, np.asarray(loop.languages, np.int64)[likeliest][:, None]], axis=1)
        return np.concatenate([tokens, np.tile(np.asarray(loop.begin, np.int64), (rows, 1))], axis=1)

    def scores(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return scores (n, vocabulary) after all of `tokens`; with a cache only the last one is read."""
        cache = self._loop.cache
        if cache is None:
            return self._whole(tokens)[self._loop.scores][:, -1]
        if not self._kept:
            given = self._whole(tokens)
            self._kept = {name: given[source] for name, source in (*cache.carried.items(), *cache.kept.items())}
            return given[self._loop.scores][:, -1]
        given = self._call(STEP, self._step(cache, tokens))
        self._kept |= {name: given[source] for name, source in cache.carried.items()}
        return given[cache.scores][:, -1]

    def _whole(self, tokens: NDArray[np.int64]) -> Arrays:
        loop = self._loop
        given: Arrays = {loop.hidden: self._states, loop.ids: tokens}
        if loop.mask is not None and self._mask is not None:
            given[loop.mask] = self._mask
        return self._call(DECODER, given)

    def _step(self, cache: Cache, tokens: NDArray[np.int64]) -> Arrays:
        given: Arrays = {**self._kept, cache.ids: tokens[:, -1:]}
        if cache.hidden is not None:
            given[cache.hidden] = self._states
        if cache.mask is not None and self._mask is not None:
            given[cache.mask] = self._mask
        if cache.position is not None:
            given[cache.position] = np.asarray([tokens.shape[1] - 1], np.int64)
        return given


def open_whole(
    load: Load, folder: Path, main: str, settings: Mapping[str, Any], threads: int, loop: Generation | None
) -> Any:
    """Return a session of the model in `folder`: of its file `main`, or of all parts that `settings` name.

    Settings of the whole model override those of each part.

    Raises:
        ValueError: A part is not named; `load` may raise other errors.
    """
    if loop is None:
        return load(folder / main, settings, threads)
    parts = dict(settings.get("parts") or {})
    shared = {name: value for name, value in settings.items() if name != "parts"}
    opened: dict[str, DecoderPart] = {}
    try:
        for name in part_names(loop):
            own = dict(parts.get(name) or {})
            merged = {**dict(own.get("settings") or {}), **shared}
            opened[name] = load(folder / checked_main(str(own.get("main", ""))), merged, threads)
    except BaseException:
        for part in opened.values():
            part.close()
        raise
    return Generating(opened, loop)


def checked_main(main: str) -> str:
    """Return `main`; raise ValueError if it is empty or names a file outside the model's folder."""
    place = PurePosixPath(main)
    if not place.parts or place.is_absolute() or ".." in place.parts or "\\" in main or ":" in main:
        raise ValueError("a part of the model lies outside its folder")
    return main
