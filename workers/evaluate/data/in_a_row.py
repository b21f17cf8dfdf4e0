"""Make long conversations from the texts that a language model is judged on.

A model may be damaged only far from the beginning (a wrong base of its rotary positions, a cache that forgets). Such a
model reads single sentences as before: on SmolLM2-135M a base of 1e4 instead of 1e5 changed .5 % of the next words of
short texts. So the same texts are read again, one after the other, up to the number of judged tokens.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial

from workers.evaluate.data.base import Entry, digest
from workers.pipeline.chats import messages_of

CHARACTERS_PER_TOKEN = 4
"""Approximate number for English in common vocabularies. A conversation with more tokens than are judged is cut."""

MOST = 8
"""Number of conversations. Reading them takes about as long as reading the single texts."""


def in_a_row(entries: Sequence[Entry], tokens: int) -> list[tuple[int, Entry]]:
    """Return at most `MOST` conversations of about `tokens` tokens, each with the number of its texts.

    There is none if the texts are too few for a conversation twice as long as the longest text, or if they are that
    long themselves. Dialogues are joined to one dialogue. Texts without an answer become messages of one person.
    """
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
    """Return whether another dialogue may follow: the person begins, the model ends, and they alternate."""
    roles = [message["role"] for message in messages_of(entry.text or "") if message["role"] != "system"]
    return bool(roles) and len(roles) % 2 == 0 and roles == ["user", "assistant"] * (len(roles) // 2)


def _as_dialogue(texts: Sequence[str]) -> str:
    """Join dialogues; system messages are kept from the first one only."""
    parts = [messages_of(text) for text in texts]
    later = [message for part in parts[1:] for message in part if message["role"] != "system"]
    return json.dumps([*parts[0], *later], ensure_ascii=False)


def _as_text(texts: Sequence[str]) -> str:
    return "\n\n".join(texts)
