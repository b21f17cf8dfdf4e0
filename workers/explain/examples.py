"""Open the user's examples once, so that many preparations can be tried on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.after.changes import ExplainParams
from workers.contracts.errors import InputRefused
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _
from workers.evaluate.data.base import Collection, Options, names_of
from workers.evaluate.data.sniff import read_collection
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import AudioSteps, ImageSteps, PipelineError, PipelineSpec

STAGE = "Opening the examples"
KEPT_PIXELS = 64 << 20
"""Decoded pictures are kept up to this many pixels; later ones are decoded again each time."""


class Examples:
    """Examples of one path, evenly spaced in its order. The job owns one instance.

    Attributes:
        sources: Name of each entry of the data, used or not.
        places: Position of each used example in `sources`.
        unread: Names of the examples that cannot be read or prepared.
    """

    def __init__(self, params: ExplainParams, pipeline: Pipeline, ctx: JobContext) -> None:
        """Open at most `max_items` examples and leave out those that the first model's preparation refuses.

        Raises:
            InputRefused: None can be read.
        """
        self._path, self._text_column, most = from_text(params.data_path), params.text_column, params.max_items
        self._collections: dict[tuple[int, int], Collection] = {}
        entries = self._read(pipeline.spec).entries
        self.sources = tuple(entry.source for entry in entries)
        wanted = np.unique(np.linspace(0, len(entries) - 1, min(most, len(entries))).round().astype(int)).tolist()
        self.places: list[int] = []
        self._opened: list[Any] = []
        unread, pixels = [], 0
        for at in in_steps(ctx, STAGE, wanted, "examples"):
            try:
                sample: Any = entries[at].open()
                pipeline.feeds_from(sample)
                if isinstance(pipeline.spec.preprocess, ImageSteps) and (picture := pipeline.picture_of(sample)):
                    pixels += picture.width * picture.height
                    sample = picture if pixels <= KEPT_PIXELS else sample
            except (PipelineError, OSError, ValueError):
                unread.append(entries[at].source)
                continue
            self.places.append(at)
            self._opened.append(sample)
        self.unread = tuple(unread)
        if not self.places:
            detail = _("{0:,} examples were tried: {1}.").format(len(wanted), names_of(unread))
            raise InputRefused(
                "nothing_readable", "None of the examples can be read", detail, "Choose data that fit the first model."
            )

    def samples(self, spec: PipelineSpec) -> Sequence[Any]:
        """Return the examples as a description needs them: recordings at its sample rate, others as they are."""
        if not isinstance(spec.preprocess, AudioSteps) or all(isinstance(one, Path) for one in self._opened):
            return self._opened
        entries = self._read(spec).entries
        return [entries[at].open() for at in self.places]

    def _read(self, spec: PipelineSpec) -> Collection:
        """Read the data once for each rate and frame size of sounds."""
        steps = spec.preprocess
        key = (steps.sample_rate_hz, steps.frame_samples) if isinstance(steps, AudioSteps) else (0, 0)
        if key not in self._collections:
            self._collections[key] = read_collection(self._path, Options(spec, self._text_column, None))
        return self._collections[key]
