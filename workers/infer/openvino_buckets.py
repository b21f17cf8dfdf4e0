"""Run one OpenVINO program for each of a few text lengths, so that short texts need no long computation.

The model is read once. A program is compiled when the first text of its length comes, or at the start for common
lengths. The programs share the weights that they use unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable, check_entries, join_batch, split_batch, without_constants
from .openvino_program import Program, compile_program, input_name, options_of, read_model, reshape

KNOWN: dict[str, tuple[type, ...]] = {"pads": (dict,), "outputs": (dict,), "lengths": (list,), "common": (list,)}

TOKENS = 1
"""Axis of every padded input that counts tokens; axis 0 counts texts."""


class BucketSession:
    """One model with a program for each length; it accepts any number of texts of any length.

    Predictions are cut back to the length of the text. The setting ``buckets`` holds `pads` {input: padding value},
    `outputs` {output: axes that count tokens}, the `lengths` of the programs, and the `common` ones to compile at the
    start. Texts beyond the longest length get a program with free sizes.
    """

    device_ran = "cpu"

    def __init__(self, openvino: Any, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        """Read the model and compile the programs of common lengths.

        Args:
            openvino: the imported library.
            path: the model file.
            settings: the settings of the version, with ``buckets``.
            threads: number of threads unless the settings give one.

        Raises:
            NotRunnable: the library refuses the model.
            ValueError: a setting is unknown or incomplete.
        """
        self._core = openvino.Core()
        own = checked(settings["buckets"])
        self._options, self.fallbacks = options_of(self._core, settings, threads)
        self._constants = dict(settings.get("constants", {}))
        self._pads: dict[str, Any] = own["pads"]
        self._axes = {name: tuple(axes) for name, axes in own["outputs"].items()}
        self._lengths = sorted(int(length) for length in own["lengths"])
        try:
            self._model = read_model(self._core, path, {})
        except RuntimeError as error:
            raise NotRunnable(error) from error
        self._programs: dict[int | None, Program] = {}
        for length in own.get("common", []):
            self._program(self._bucket(int(length)))

    def _bucket(self, tokens: int) -> int | None:
        return next((length for length in self._lengths if length >= tokens), None)

    def _program(self, length: int | None) -> Program:
        """Return the program of this length, compiled on first use; None means free sizes."""
        program = self._programs.get(length)
        if program is None:
            sizes = [-1, -1] if length is None else [1, length]
            shapes = {input_name(port): sizes for port in self._model.inputs if input_name(port) in self._pads}
            try:
                reshape(self._model, shapes)
            except RuntimeError as error:
                raise NotRunnable(error) from error
            program = self._programs[length] = compile_program(self._core, self._model, self._options)
        return program

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch of texts."""
        if self._constants:
            feeds = without_constants(feeds, self._constants)
        rows, tokens = self._sizes(feeds)
        length = self._bucket(tokens)
        if length is None:
            return self._program(None).run(feeds)
        if rows == 1:
            return self._one(feeds, length, tokens)
        parts = split_batch(feeds, frozenset(self._pads))
        return join_batch([self._one(part, length, tokens) for part in parts])

    def _sizes(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[int, int]:
        """Return the numbers of (texts, tokens) of a request.

        Raises:
            ValueError: inputs are missing or differ in size.
        """
        sizes = {feeds[name].shape for name in self._pads if name in feeds}
        if len(sizes) != 1 or not self._pads.keys() <= feeds.keys() or len(size := sizes.pop()) != 2:
            raise ValueError(f"the model takes the inputs {', '.join(self._pads)}, all of one shape (texts, tokens)")
        return int(size[0]), int(size[1])

    def _one(self, feeds: Mapping[str, NDArray[np.generic]], length: int, tokens: int) -> Arrays:
        if tokens == length:
            return self._program(length).run(feeds)
        feeds = {
            name: self._filled(array, length, self._pads[name]) if name in self._pads else array
            for name, array in feeds.items()
        }
        return {name: self._cut(name, array, tokens) for name, array in self._program(length).run(feeds).items()}

    @staticmethod
    def _filled(array: NDArray[Any], length: int, pad: Any) -> NDArray[Any]:
        filled = np.full((1, length), pad, array.dtype)
        filled[:, : array.shape[TOKENS]] = array
        return filled

    def _cut(self, name: str, array: NDArray[Any], tokens: int) -> NDArray[Any]:
        axes = self._axes.get(name, ())
        if not axes:
            return array
        return np.ascontiguousarray(
            array[tuple(slice(tokens) if axis in axes else slice(None) for axis in range(array.ndim))]
        )

    def close(self) -> None:
        """Release all programs and the model."""
        self._programs.clear()
        del self._model


def checked(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting ``buckets`` after checking it.

    Raises:
        ValueError: an entry is missing or unknown.
    """
    check_entries("buckets", own, KNOWN, ("pads", "lengths", "outputs"))
    if not own["pads"] or not own["lengths"]:
        raise ValueError("setting 'buckets' needs pads and lengths")
    return dict(own)
