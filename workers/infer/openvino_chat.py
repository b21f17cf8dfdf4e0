"""Run a language model in OpenVINO: one compiled graph that keeps its cache from call to call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable
from .chat_session import IDS, ChatSession
from .openvino_chat_graph import WANTED, add_places, is_cut_by_tokens, share_heads
from .openvino_program import options_of

CACHE_BITS = 8
"""Bits per number of a rounded cache; the setting `cache_bits` allows no other value.

OpenVINO: KV_CACHE_PRECISION u8, with a scale and an offset for each token and head.
"""


class OpenVinoChat(ChatSession):
    """One language model in OpenVINO; its cache is the state of the graph."""

    def __init__(self, openvino: Any, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        """Read, rewrite and compile the model.

        Args:
            openvino: the imported library.
            path: the model file.
            settings: the settings of the version.
            threads: number of threads unless the settings give one.

        Raises:
            NotRunnable: the library refuses the model.
            ValueError: a setting is unknown or has an unsupported value.
        """
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
            self._asks = add_places(model)
            drops = not rounded and is_cut_by_tokens(model)
            compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise NotRunnable(error) from error
        self._library = openvino
        self._request = compiled.create_infer_request()
        # Tokens that are read together use unrounded keys and values of each other, and their activations are rounded
        # differently from those of a single token.
        by_token = rounded or "activation_group" in settings
        super().__init__(int(compiled.output(0).partial_shape[-1].get_length()), by_token=by_token, drops=drops)

    def _forget(self) -> None:
        self._request.reset_state()

    def _cut(self, tokens: int) -> None:
        for state in self._request.query_state():
            kept = np.ascontiguousarray(state.state.data[:, :, :tokens])
            state.state = self._library.Tensor(kept)

    def _logits(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        end = self._read + len(ids)
        feeds: Arrays = {
            IDS: ids[None],
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(self._read, end, dtype=np.int64)[None],
            "beam_idx": np.zeros(1, np.int32),
        }
        if self._asks:
            feeds[WANTED] = places
        self._request.infer(feeds, share_outputs=True)
        logits: NDArray[np.float32] = self._request.get_output_tensor(0).data[0]
        return logits if self._asks else logits[places]

    def close(self) -> None:
        """Release the model."""
        del self._request
