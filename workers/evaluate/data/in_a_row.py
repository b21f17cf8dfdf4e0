"""Long conversations out of the texts that a language model is judged on.

A model that is damaged only far from the beginning (a wrong base of its rotary positions, a cache that forgets) reads
single sentences as before: on SmolLM2-135M a base of 1e4 instead of 1e5 changed .5 % of the next words of short texts.
So the same texts are read once more, one after the other, up to as many tokens as are judged.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial

from workers.evaluate.data.base import Entry, digest
from workers.pipeline.chats import messages_of

IN_A_ROW = "texts in a row"
"""The fact of an item that says how many texts it was made of."""

CHARACTERS_PER_TOKEN = 4
"""Of English in the usual vocabularies, about; a conversation that has more tokens than are judged is cut."""

MOST = 8
"""Conversations: reading them takes about as long as reading the single texts."""


def in_a_row(entries: Sequence[Entry], tokens: int) -> list[tuple[int, Entry]]:
    """At most `MOST` conversations of about `tokens` tokens, each with how many texts it holds.

    None where the texts are too few for one twice as long as the longest of them, or are that long themselves.
    Dialogues follow each other as one; of texts that nobody answers, a person says one after the other."""
    wanted = tokens * CHARACTERS_PER_TOKEN
    short = [entry for entry in entries if entry.text and len(entry.text) < wanted / 2]
    dialogues = [entry for entry in short if _alternates(entry)]
    plain = [entry for entry in short if not _is_dialogue(entry)]
    made = [*_joined(dialogues, wanted, _as_dialogue), *_joined(plain, wanted, _as_text)]
    return made[:MOST]


def _joined(entries: Sequence[Entry], wanted: int, join: Callable[[Sequence[str]], str]) -> list[tuple[int, Entry]]:
    groups: list[list[Entry]] = [[]]
    size = 0
    for entry in entries:
        groups[-1].append(entry)
        size += len(entry.text or "")
        if size >= wanted:
            groups.append([])
            size = 0
    longest = max((len(entry.text or "") for entry in entries), default=0)
    texts = [(group, join([entry.text or "" for entry in group])) for group in groups if len(group) > 1]
    return [(len(group), _entry(group, text)) for group, text in texts if len(text) > 2 * longest]


def _entry(group: Sequence[Entry], text: str) -> Entry:
    source = f"{group[0].source} to {group[-1].source}, in a row"
    return Entry(source, partial(str, text), partial(digest, text.encode()), text=text)


def _is_dialogue(entry: Entry) -> bool:
    return messages_of(entry.text or "") != [{"role": "user", "content": entry.text}]


def _alternates(entry: Entry) -> bool:
    """Whether another dialogue may follow: a person begins, the model has the last word, and they take turns."""
    roles = [message["role"] for message in messages_of(entry.text or "") if message["role"] != "system"]
    return bool(roles) and len(roles) % 2 == 0 and roles == ["user", "assistant"] * (len(roles) // 2)


def _as_dialogue(texts: Sequence[str]) -> str:
    """What was said to the model before all else is said once, as in the first."""
    parts = [messages_of(text) for text in texts]
    later = [message for part in parts[1:] for message in part if message["role"] != "system"]
    return json.dumps([*parts[0], *later], ensure_ascii=False)


def _as_text(texts: Sequence[str]) -> str:
    return "\n\n".join(texts)
