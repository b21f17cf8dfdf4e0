"""Dialogues in which a chat model's answers can be seen, for texts that hold none.

What people write to a model says nothing of how its answers begin: with the word behind which they stand damaged,
SmolLM2-135M-Instruct answered every question with nothing, and no word of plain texts was another one. So some of
Fettle's own dialogues are looked at besides; they are judged by themselves and never count as the person's examples.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.base import Entry
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.pipeline.chats import messages_of

ANSWER_AT = "answer at"
"""The fact of an item that says in which of its places (rows of `thoughts`) the first answer begins."""

FETTLES_OWN = "Fettle's own"
"""The fact of a dialogue that Fettle added."""

WANTED = 49
"""Dialogues with an answer: so many prove that at most one first word in ten is another one, where a single one is."""


def answer_at(text: str, feeds: Mapping[str, NDArray[Any]]) -> int | None:
    """The place where the first answer begins, among the places that count and follow another token; None for a text
    that nobody answers, or whose template joins what is said. `feeds` hold `counted` (1, tokens) of int64."""
    roles = [message["role"] for message in messages_of(text) if message["content"].strip()]
    counted = feeds["counted"][0].astype(bool) if "counted" in feeds else np.zeros(0, np.bool_)
    begins = np.flatnonzero(counted & ~np.concatenate([[False], counted[:-1]]))
    if "assistant" not in roles or len(begins) != len(roles):
        return None
    return int(counted[1 : begins[roles.index("assistant")]].sum())


def own_dialogues(known: int) -> Sequence[Entry]:
    """What is missing to `WANTED` where `known` items hold an answer already."""
    return our_dialogues()[: max(0, WANTED - known)]
