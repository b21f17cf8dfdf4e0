"""Run a language model in ONNX Runtime with the tensor names of onnxruntime-genai and transformers.js.

The cache enters as `past_key_values.N.key` and `.value` and leaves as `present.N.key` and `.value`. Both are bound to
the same memory, (1, heads, room, head size), so that no token copies the cache (GroupQueryAttention, “past and present
share buffer”, ONNX Runtime's contrib operators).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import NotRunnable
from .chat_session import IDS, ChatSession
from .words import Words

PAST, PRESENT, LOGITS = "past_key_values.", "present.", "logits"
MASK, POSITIONS = "attention_mask", "position_ids"
FIRST_ROOM = 512
"""Number of tokens that the cache has room for at first; the room doubles when it is full."""

NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxChat(ChatSession):
    """One language model in ONNX Runtime with its cache.

    The setting `by_token` means that activations are rounded. Several tokens together are then computed differently
    from single ones.
    """

    def __init__(
        self,
        onnxruntime: Any,
        inference: Any,
        settings: Mapping[str, Any],
        device: str = "cpu",
        device_ran: str = "cpu",
        fallbacks: tuple[str, ...] = (),
    ) -> None:
        """Wrap an open inference session and check its inputs and outputs.

        Args:
            onnxruntime: the imported library.
            inference: the library's InferenceSession.
            settings: the settings of the version.
            device: the library's name of the memory that holds the cache, "cpu" or "cuda".
            device_ran: the device that the session reports.
            fallbacks: one sentence for each part that runs on the processor.

        Raises:
            NotRunnable: the model has no logits, or no cache of known sizes.
        """
        given = {entry.name: entry for entry in inference.get_inputs()}
        logits = next((entry for entry in inference.get_outputs() if entry.name == LOGITS), None)
        pasts = [name for name in given if name.startswith(PAST)]
        sizes = {name: (given[name].shape[1], given[name].shape[3]) for name in pasts if len(given[name].shape) == 4}
        known = all(isinstance(size, int) for pair in sizes.values() for size in pair)
        if logits is None or not isinstance(logits.shape[-1], int) or not pasts or len(sizes) < len(pasts) or not known:
            raise NotRunnable(Words("it has no logits, or no cache of known sizes"))
        super().__init__(int(logits.shape[-1]), by_token=bool(settings.get("by_token")))
        self.device_ran, self.fallbacks = device_ran, fallbacks
        self._library, self._inference, self._device = onnxruntime, inference, device
        self._places = POSITIONS in given
        self._sizes = sizes
        self._numbers = NUMBERS[given[pasts[0]].type]
        self._cache: dict[str, Any] = {}
        self._room = 0
        self._binding = inference.io_binding()

    def _forget(self) -> None:
        """Do nothing: cache entries behind the tokens that were read are never used."""

    def _cut(self, tokens: int) -> None:
        """Do nothing: the next tokens overwrite those behind the last one that counts."""

    def _logits(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        end = self._read + len(ids)
        if end > self._room:
            self._grow(end)
        self._binding.bind_cpu_input(IDS, ids[None])
        self._binding.bind_cpu_input(MASK, np.ones((1, end), np.int64))
        if self._places:
            self._binding.bind_cpu_input(POSITIONS, np.arange(self._read, end, dtype=np.int64)[None])
        self._binding.bind_output(LOGITS, "cpu")
        self._inference.run_with_iobinding(self._binding)
        answers = self._binding.get_outputs()
        logits: NDArray[Any] = answers[self._logits_at].numpy()
        return np.asarray(logits[0][places], np.float32)

    def _grow(self, tokens: int) -> None:
        room = max(FIRST_ROOM, self._room)
        while room < tokens:
            room *= 2
        self._binding = self._inference.io_binding()
        for name, (heads, width) in self._sizes.items():
            wider = np.zeros((1, heads, room, width), self._numbers)
            if self._read:
                wider[:, :, : self._read] = self._cache[name].numpy()[:, :, : self._read]
            held = self._library.OrtValue.ortvalue_from_numpy(wider, self._device, 0)
            self._binding.bind_ortvalue_input(name, held)
            self._binding.bind_ortvalue_output(PRESENT + name.removeprefix(PAST), held)
            self._cache[name] = held
        self._logits_at = len(self._sizes)  # outputs come in the order in which they were bound
        self._room = room

    def close(self) -> None:
        """Release the session and its cache."""
        self._binding = self._inference = None
        self._cache.clear()
