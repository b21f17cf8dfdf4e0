"""Compare two texts word by word and mark the words that differ."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from widgets.parts.marked import Marked, MarkedPart

MOST_WORDS = 1500
"""Number of compared words; the words after it are shown without marks."""

_WORD = re.compile(r"\s*\S+")


def marked_pair(before: str, after: str) -> tuple[Marked, Marked]:
    """Return both texts in parts; parts that the other text lacks are marked."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, _keys(old), _keys(new), autojunk=False)
    parts: tuple[list[MarkedPart], list[MarkedPart]] = ([], [])
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        for side, words in zip(parts, (old[old_start:old_end], new[new_start:new_end]), strict=True):
            if words:
                side.append(("".join(words), tag != "equal"))
    for side, words in zip(parts, (old, new), strict=True):
        if len(words) > MOST_WORDS:
            side.append(("".join(words[MOST_WORDS:]), False))
    return tuple(parts[0]), tuple(parts[1])


def _keys(words: list[str]) -> list[str]:
    return [word.strip() for word in words[:MOST_WORDS]]


def marked_lists(before: Sequence[str], after: Sequence[str]) -> tuple[Marked, Marked]:
    """Return both lists with one line per entry; entries that the other list lacks are marked."""
    return _lines(before, after), _lines(after, before)


def _lines(mine: Sequence[str], others: Sequence[str]) -> Marked:
    last = len(mine) - 1
    return tuple(
        (f"{number + 1}. {text}{'' if number == last else chr(10)}", text not in others)
        for number, text in enumerate(mine)
    )
