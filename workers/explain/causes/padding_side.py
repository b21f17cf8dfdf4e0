"""Try texts that are filled up on the other side."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from workers.contracts.translation import _
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import PipelineSpec, TextSteps
from workers.pipeline.texts import TOKEN_SOURCES, Tokenizer, fit_length

USUAL_LENGTHS = (64, 128, 256, 512)
Where = Literal["left", "right"]


def padded(feeds: Arrays, spec: PipelineSpec, where: Where, length: int | None, pad_id: int) -> Arrays:
    """Return the feeds with rows of tokens filled up to `length` on one side; with None they keep their length."""
    entries = [one for one in spec.inputs if one.source in TOKEN_SOURCES and one.name in feeds]
    values: Arrays = {one.source: feeds[one.name] for one in entries}
    marks = values.get("attention_mask")
    used = np.flatnonzero(values["input_ids"][0] != pad_id if marks is None else marks[0] != 0)
    n_used = int(used[-1]) + 1 if len(used) else 0
    changed = dict(feeds)
    for entry in entries:
        row = feeds[entry.name]
        if length is not None and length > row.shape[1]:
            row = fit_length(row, length, pad_id if entry.source == "input_ids" else 0)
        # positions count the places of the row, whichever side is filled
        if entry.source == "position_ids":
            row = np.arange(row.shape[1], dtype=row.dtype)[None]
        elif where == "left":
            row = np.roll(row, row.shape[1] - n_used, axis=1)
        changed[entry.name] = np.ascontiguousarray(row)
    return changed


def propose(side: Side, steps: TextSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield padding on the left, and for models of any length padding to the longest text and to usual lengths."""
    if side.spec.chat is not None:
        return
    pad_id = Tokenizer(side.folder, steps, ()).pad_id
    shape = side.main.shape
    if len(shape) > 1 and shape[1] is not None:
        changed = _padded(side, "left", None, pad_id)
        yield Proposal(changed, "padding", "right", "left", _("texts that are filled up on the left"))
        return
    longest = max(feeds[side.main.name].shape[1] for feeds in runner.feeds(side, runner.all))
    lengths = {longest, *(one for one in USUAL_LENGTHS if longest <= one <= steps.max_length)}
    for length in sorted(lengths):
        for where in ("left", "right"):
            changed = _padded(side, where, length, pad_id)
            words = (
                _("texts that are filled up on the left to {0:,} tokens")
                if where == "left"
                else _("texts that are filled up on the right to {0:,} tokens")
            )
            yield Proposal(changed, "padding", "none", f"{where} to {length}", words.format(length))


def _padded(side: Side, where: Where, length: int | None, pad_id: int) -> Side:
    return replace(side, feeds=(partial(padded, where=where, length=length, pad_id=pad_id),))


CAUSE = CauseKind("padding_side", order=65, steps=TextSteps, propose=propose)
