"""Fettle's versions of a language model against other chat engines, each in a process of its own, in turns.

    python -m tests.benchmarks.chat_peers TOKENIZER_FOLDER CONTENDERS.json [--rounds 7] [--new 48] [--threads 2]

TOKENIZER_FOLDER is a version of Fettle's, whose tokenizer makes the prompts. CONTENDERS.json lists objects with `name`,
`kind` and `where` (see `chat_engine.py`), and perhaps `settings` and `python`, the interpreter of an environment with
that engine alone. A row for each: tokens a second, and prompt tokens a second for prompts of 128 and 512 tokens (medians
over rounds), both also as a share of the best; and the share of tokens that are those of the first contender. One that
does not open is listed with the reason.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.lookup import Speaker
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.pipeline.pipeline import load_pipeline

LENGTHS = (32, 128, 512)


def prompts(folder: Path, number: int) -> dict[int, list[int]]:
    """One prompt of each length for a round, from Fettle's own dialogues."""
    chat = load_pipeline(folder).chat
    texts = [str(entry.text) for entry in our_dialogues()]
    tokens: list[int] = []
    while len(tokens) < 2 * max(LENGTHS):
        tokens += chat.feeds(texts[number % len(texts)])["input_ids"][0].tolist()
        number += 1
    return {length: tokens[length : 2 * length] for length in LENGTHS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("contenders", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--new", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    speakers: dict[str, Speaker] = {}
    for one in json.loads(given.contenders.read_text(encoding="utf-8")):
        python, settings = one.get("python", sys.executable), json.dumps(one.get("settings", {}))
        try:
            speakers[one["name"]] = Speaker(one["kind"], one["where"], given.threads, settings, python=python)
        except (RuntimeError, OSError) as error:
            print(f"{one['name']:36} does not open: {error}")  # noqa: T201
    found: dict[str, list[dict[int, dict[str, Any]]]] = {name: [] for name in speakers}
    for number in range(given.rounds + 1):  # the first round warms up
        asked = prompts(given.folder, 7 * number)
        for name in list(speakers)[:: 1 if number % 2 == 0 else -1]:
            said = {length: speakers[name].ask(ids, given.new) for length, ids in asked.items()}
            if number:
                found[name].append(said)
    for speaker in speakers.values():
        speaker.close()
    print_rows(found, given.new)
    return 0


def print_rows(found: dict[str, list[dict[int, dict[str, Any]]]], new: int) -> None:
    """Speeds of all tools and their shares of the best."""
    figures = {}
    for name, rounds in found.items():
        speaking = median((len(one["tokens"]) - 1) / one["rest_s"] for said in rounds for one in said.values())
        reading = [median(length / said[length]["first_s"] for said in rounds) for length in LENGTHS[1:]]
        figures[name] = [speaking, *reading]
    best = [max(column) for column in zip(*figures.values(), strict=True)]
    first = next(iter(found.values()))
    print(f"{'':36} {'tokens/s':>16} {'prompt of 128':>16} {'prompt of 512':>16}   same tokens")  # noqa: T201
    for name, values in figures.items():
        cells = (f"{value:8.1f} ({value / top:4.2f})" for value, top in zip(values, best, strict=True))
        pairs = [
            (old, own)
            for before, now in zip(first, found[name], strict=True)
            for length in LENGTHS
            for old, own in zip(before[length]["tokens"], now[length]["tokens"], strict=False)
        ]
        same = sum(old == own for old, own in pairs) / (new * len(LENGTHS) * len(first))
        print(f"{name:36} {'  '.join(cells)}   {same:.2f}")  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
