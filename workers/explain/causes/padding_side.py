"""Try texts that are filled up on the other side."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from workers.contracts.translation import _
from workers.explain.side import CauseKind, Material, Proposal, Side
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import PipelineSpec, TextSteps
from workers.pipeline.texts import TOKEN_SOURCES, Tokenizer, fit_length

USUAL_LENGTHS = (64, 128, 256, 512)


@dataclass(frozen=True)
class Padded:
    """Fills up rows of tokens to `length` on one side; with `length` None they keep their length."""

    where: Literal["left", "right"]
    length: int | None
    pad_id: int

    def __call__(self, feeds: Arrays, spec: PipelineSpec) -> Arrays:
        """Return the feeds with all rows of tokens filled up."""
        entries = [one for one in spec.inputs if one.source in TOKEN_SOURCES and one.name in feeds]
        values: Arrays = {one.source: feeds[one.name] for one in entries}
        used = self._used(values)
        changed = dict(feeds)
        for entry in entries:
            row = feeds[entry.name]
            pad = self.pad_id if entry.source == "input_ids" else 0
            if self.length is not None and self.length > row.shape[1]:
                row = fit_length(row, self.length, pad)
            # positions count the places of the row, whichever side is filled
            if self.where == "left" and entry.source != "position_ids":
                row = np.roll(row, row.shape[1] - used, axis=1)
            elif entry.source == "position_ids":
                row = np.arange(row.shape[1], dtype=row.dtype)[None]
            changed[entry.name] = np.ascontiguousarray(row)
        return changed

    def _used(self, values: Arrays) -> int:
        """Return the number of tokens before the padding on the right."""
        marks = values.get("attention_mask")
        row = values["input_ids"][0] != self.pad_id if marks is None else marks[0] != 0
        at = np.flatnonzero(row)
        return int(at[-1]) + 1 if len(at) else 0


def propose(side: Side, material: Material) -> Iterable[Proposal]:
    """Yield padding on the left, and for models of any length padding to the longest text and to usual lengths."""
    steps = side.steps
    if not isinstance(steps, TextSteps) or side.spec.chat is not None:
        return
    pad_id = Tokenizer(side.folder, steps, ()).pad_id
    shape = side.main.shape
    if len(shape) > 1 and shape[1] is not None:
        changed = replace(side, feeds=(Padded("left", None, pad_id),))
        yield Proposal(changed, "padding", "right", "left", _("texts that are filled up on the left"))
        return
    longest = max(material.lengths(side), default=0)
    lengths = {longest, *(one for one in USUAL_LENGTHS if longest <= one <= steps.max_length)}
    for length in sorted(lengths):
        for where in ("left", "right"):
            changed = replace(side, feeds=(Padded(where, length, pad_id),))
            words = (
                _("texts that are filled up on the left to {0:,} tokens")
                if where == "left"
                else _("texts that are filled up on the right to {0:,} tokens")
            )
            yield Proposal(changed, "padding", "none", f"{where} to {length}", words.format(length))


CAUSE = CauseKind("padding_side", order=65, propose=propose)
