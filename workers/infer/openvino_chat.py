"""A language model in OpenVINO: one compiled graph that keeps what it has read (its cache) from call to call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable
from .next_tokens import WIDTH, thoughts
from .openvino_chat_graph import WANTED, ask_places, share_heads
from .openvino_program import options_of

LOGITS_BYTES = 64 << 20
"""Logits of so many bytes are asked for at once; longer texts are read in pieces."""

CACHE_BITS = 8
"""Bits of a number of a rounded cache (OpenVINO: KV_CACHE_PRECISION u8, with a scale and an offset for each token and
head). The setting `cache_bits` may be nothing else."""

IDS, COUNTED, MORE = "input_ids", "counted", "new_tokens"
TOKENS, THOUGHTS = "tokens", "next_tokens"


class Spoken(NamedTuple):
    """One timed answer: seconds to its first token and of all others, of `tokens` in all."""

    prompt_tokens: int
    tokens: int
    first_s: float
    rest_s: float


class ChatSession:
    """`run` judges or times, `read` and `begin` are what a chat is made of. `spoken` notes each timed answer."""

    device_ran = "cpu"

    def __init__(self, openvino: Any, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        if settings.get("cache_bits", CACHE_BITS) != CACHE_BITS:
            raise ValueError(f"setting 'cache_bits' cannot be {settings['cache_bits']!r}")
        core = openvino.Core()
        options, self.fallbacks = options_of(core, settings, threads)
        rounded = "cache_bits" in settings
        options["KV_CACHE_PRECISION"] = "u8" if rounded else options["INFERENCE_PRECISION_HINT"]
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = int(settings.get("activation_group", 0))
        try:
            model = core.read_model(str(path))
            share_heads(model)
            self._asks = ask_places(model)
            compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise NotRunnable(error) from error
        self._request = compiled.create_infer_request()
        self.vocabulary = int(compiled.output(0).partial_shape[-1].get_length())
        self._piece = max(16, LOGITS_BYTES // (4 * self.vocabulary))
        # Tokens that are read together see each other unrounded, and their inputs are rounded otherwise than one alone.
        by_token = rounded or "activation_group" in settings
        self._judged_piece = 1 if by_token else self._piece
        self._read = 0
        self.spoken: list[Spoken] = []

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """With `new_tokens` (1,) so many `tokens` (1, n) int64 after the text `input_ids` (1, tokens), the likeliest
        each time, whatever they are; else `next_tokens` (1, places, `next_tokens.WIDTH`) float32 for the tokens that
        are `counted` (1, tokens)."""
        ids = np.asarray(feeds[IDS], np.int64)
        if ids.ndim != 2 or len(ids) != 1 or not ids.size:
            raise ValueError(f"input {IDS!r} takes one row of tokens, not {ids.shape}")
        self.begin()
        if MORE in feeds:
            return {TOKENS: self._go_on(ids[0], int(np.asarray(feeds[MORE]).ravel()[0]))[None]}
        counted = np.asarray(feeds.get(COUNTED, np.ones_like(ids)))[0].astype(bool)
        return {THOUGHTS: self._judged(ids[0], counted)[None]}

    def begin(self) -> None:
        """Forget what was read."""
        self._request.reset_state()
        self._read = 0

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read on; the logits (vocabulary,) of what follows."""
        last = np.empty(0, np.float32)
        for start in range(0, len(ids), self._piece):
            piece = ids[start : start + self._piece]
            last = self._call(piece, np.asarray([len(piece) - 1]))[-1]
        return last.copy()

    def _go_on(self, ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        found: list[int] = []
        began_s = time.perf_counter()
        logits = self.read(ids)
        first_s = time.perf_counter()
        for number in range(count):
            found.append(int(logits.argmax()))
            if number + 1 < count:
                logits = self.read(np.asarray(found[-1:], np.int64))
        rest_s = time.perf_counter() - first_s
        self.spoken.append(Spoken(len(ids), count, first_s - began_s, rest_s))
        return np.asarray(found, np.int64)

    def _judged(self, ids: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.float32]:
        parts = [np.empty((0, WIDTH), np.float32)]
        for start in range(0, len(ids) - 1, self._judged_piece):
            piece = ids[start : min(start + self._judged_piece, len(ids) - 1)]
            following = slice(start + 1, start + 1 + len(piece))
            at = np.flatnonzero(counted[following])
            logits = self._call(piece, at if at.size else np.asarray([0]))
            if at.size:
                parts.append(thoughts(logits, ids[following][at]))
        return np.concatenate(parts)

    def _call(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (places, vocabulary) behind these of the tokens, valid until the next call."""
        if ids.min() < 0 or ids.max() >= self.vocabulary:
            raise ValueError(f"a token lies outside of the model's vocabulary of {self.vocabulary}")
        end = self._read + len(ids)
        feeds: Arrays = {
            IDS: np.ascontiguousarray(ids[None]),
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(self._read, end, dtype=np.int64)[None],
            "beam_idx": np.zeros(1, np.int32),
        }
        if self._asks:
            feeds[WANTED] = places
        self._request.infer(feeds, share_outputs=True)
        self._read = end
        logits: NDArray[np.float32] = self._request.get_output_tensor(0).data[0]
        return logits if self._asks else logits[places]

    def close(self) -> None:
        del self._request
