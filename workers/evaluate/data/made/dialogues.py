"""Provide short questions and answers, for language models without a person's texts.

They were written for Fettle and are part of it (Apache-2.0, like all of it): plain facts of everyday life, kitchen,
nature, numbers, letters and code, so that both models read words of many kinds.
"""

import json
from functools import partial
from importlib.resources import files

from workers.evaluate.data.base import Entry, digest

FILE = "dialogues.jsonl"


def our_dialogues() -> list[Entry]:
    """Return one entry per dialogue, in the order of the file."""
    text = files("workers.evaluate.data.made").joinpath(FILE).read_text(encoding="utf-8")
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        question, answer = json.loads(line)
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        dialogue = json.dumps(messages, ensure_ascii=False)
        content = partial(digest, dialogue.encode())
        entries.append(Entry(f"dialogue {number}", partial(str, dialogue), content, text=dialogue))
    return entries
