"""Provide dialogues with answers for test sets of a chat model whose texts contain none.

Texts that people write to a model do not show how its answers begin. SmolLM2-135M-Instruct with a damaged token before
the answer gave an empty answer to every question, while no word of plain texts changed. So some of Fettle's own
dialogues are evaluated in addition. They are judged separately and never count as the person's examples.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.chats import messages_of

ANSWER_AT = "answer at"
"""Name of the fact that holds the place of an item (the row of `thoughts`) at which the first answer begins."""

WANTED = 49
"""Wanted number of dialogues with an answer. If a single first word among them changed, this number proves that at most
one in ten changes.
"""


def answer_at(text: str, feeds: Mapping[str, NDArray[Any]]) -> int | None:
    """Return the place where the first answer begins, among the counted places that follow another token.

    Returns None for a text without an answer, and for a template that joins the messages. `feeds` holds `counted` (1,
    tokens) of int64.
    """
    roles = [message["role"] for message in messages_of(text) if message["content"].strip()]
    counted = feeds["counted"][0].astype(bool) if "counted" in feeds else np.zeros(0, np.bool_)
    begins = np.flatnonzero(counted & ~np.concatenate([[False], counted[:-1]]))
    if "assistant" not in roles or len(begins) != len(roles):
        return None
    return int(counted[1 : begins[roles.index("assistant")]].sum())
