"""Texts from an encoder and a decoder: the two parts of one model, and the loop that calls them.

The encoder reads the input once; the decoder is asked for one token more until every row has ended. The likeliest token
is taken each time (greedy search: Sutskever et al., arXiv 1409.3215, without a beam), so that two versions of a model
can be compared token by token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .spec import Generation

Arrays = dict[str, NDArray[Any]]
ENCODER, DECODER = "encoder", "decoder"
TOKENS, LOGITS = "tokens", "logits"
"""What a whole run gives: all tokens (n, longest row) int64, and the first one's scores (n, vocabulary) float32."""


class Part(Protocol):
    """What is needed of a session."""

    device_ran: str
    fallbacks: tuple[str, ...]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays: ...

    def close(self) -> None: ...


Load = Callable[[Path, Mapping[str, Any], int], Any]
Watch = Callable[[Arrays], None]


class Generating:
    """Both parts as one session: the encoder's inputs in, `tokens` and `logits` out. `parts` answer by themselves."""

    def __init__(self, parts: Mapping[str, Part], loop: Generation) -> None:
        self.parts, self._loop = dict(parts), loop
        self.device_ran = self.parts[DECODER].device_ran
        self.fallbacks = tuple(dict.fromkeys(text for part in self.parts.values() for text in part.fallbacks))

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """All rows until each has ended."""
        return generate(self.parts[ENCODER].run, self.parts[DECODER].run, self._loop, feeds)

    def close(self) -> None:
        for part in self.parts.values():
            part.close()


def generate(
    encode: Callable[[Arrays], Arrays],
    decode: Callable[[Arrays], Arrays],
    loop: Generation,
    feeds: Mapping[str, NDArray[Any]],
    watch: Watch | None = None,
) -> Arrays:
    """`tokens` without the one that starts, filled up behind each row's end, and the first token's `logits`.

    `watch` sees what the decoder gets each time.
    """
    states = encode(dict(feeds))[loop.states]
    rows = len(states)
    given: Arrays = {loop.hidden: states}
    if loop.mask is not None and loop.encoder_mask is not None:
        given[loop.mask] = feeds[loop.encoder_mask]
    tokens = np.full((rows, 1), loop.start, np.int64)
    ended = np.zeros(rows, np.bool_)
    first: NDArray[Any] | None = None
    while tokens.shape[1] <= loop.longest and not ended.all():
        step = {**given, loop.ids: tokens}
        if watch is not None:
            watch(step)
        scores = decode(step)[loop.scores][:, -1]
        first = scores if first is None else first
        chosen = np.where(ended, loop.pad, scores.argmax(axis=-1))
        ended |= chosen == loop.end
        tokens = np.concatenate([tokens, chosen[:, None]], axis=1)
    assert first is not None
    return {TOKENS: tokens[:, 1:], LOGITS: np.asarray(first, np.float32)}


def open_whole(
    load: Load, folder: Path, main: str, settings: Mapping[str, Any], threads: int, loop: Generation | None
) -> Any:
    """A session of the model in `folder`: of its file `main`, or of both parts where `settings` name them.

    Settings of the whole go over those of each part. Raises what `load` raises, ValueError where a part is not named.
    """
    if loop is None:
        return load(folder / main, settings, threads)
    parts = dict(settings.get("parts") or {})
    shared = {name: value for name, value in settings.items() if name != "parts"}
    opened: dict[str, Part] = {}
    try:
        for name in (ENCODER, DECODER):
            own = dict(parts.get(name) or {})
            opened[name] = load(folder / checked_main(str(own.get("main", ""))), _over(own, shared), threads)
    except BaseException:
        for part in opened.values():
            part.close()
        raise
    return Generating(opened, loop)


def _over(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict(own.get("settings") or {}), **shared}


def checked_main(main: str) -> str:
    """`main` itself. Raises ValueError where it is none, or names a file outside the model's folder."""
    place = PurePosixPath(main)
    if not place.parts or place.is_absolute() or ".." in place.parts or "\\" in main:
        raise ValueError("a part of the model lies outside its folder")
    return main
