"""Texts that keep their templates through records, files and processes."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from workers.contracts.base import Frozen
from workers.contracts.text import MOST_LETTERS, WHOLE, Text
from workers.contracts.translation import Message, _, joined, ngettext, set_language
from workers.contracts.wording import capitalized, counted, duration, in_ms, percent


class Note(Frozen):
    text: Text


@pytest.fixture(autouse=True)
def english() -> Any:
    yield
    set_language("en")


TEXTS = (
    lambda: _("{0} of {1:,} files took {2}.").format("ü{a}", 1234, duration(65)),
    lambda: joined([percent(0.912), counted(1, "item"), in_ms(1234)]),
    lambda: ngettext("{0} file of {name!r}", "{0} files of {name!r}", 3).format(3, name="it's"),
    lambda: capitalized(_("under {0}").format(percent(0.5))),
    lambda: _("{0:,} of {1:.1f}, {2:+g}").format(np.int64(1200), np.float32(0.5), 2.0),
    lambda: joined([_("“{0}”").format(_("{a} title {")), "{1}"]),
    lambda: "a plain text",
)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_text_survives_a_file_and_follows_the_language(number: int) -> None:
    """Given a text with facts, When its record is written and read, Then it is the same text, in English and in German."""
    note = Note(text=TEXTS[number]())
    read = Note.model_validate_json(note.model_dump_json())
    assert read == note and type(read.text) is type(note.text)
    assert Note.model_validate(note.model_dump(mode="json", context=WHOLE)) == note
    assert note.model_dump(mode="json") == {"text": str(note.text)}  # documents for others hold the English words
    set_language("de")
    assert _(read.text) == _(note.text) == (TEXTS[number]() if isinstance(note.text, Message) else note.text)


def test_numbers_within_numbers_follow_the_language() -> None:
    """Given a share within a joined text, When the language is German, Then its decimals are separated by a comma."""
    text = joined([percent(0.912), in_ms(1234)], "; ")
    set_language("de")
    assert (text, _(text)) == ("91.2 %; 1,234 ms", "91,2\xa0%; 1.234 ms")


BAD: tuple[Any, ...] = (
    7,
    {"text": 5},
    {"text": "{"},
    {"text": "{}", "facts": [1]},
    {"text": "{1}", "facts": [1]},
    {"text": "{0.__class__}", "facts": [1]},
    {"text": "{0[0]}", "facts": ["x"]},
    {"text": "{0:>999999999}", "facts": [1]},
    {"text": "{0:.99999f}", "facts": [1]},
    {"text": "{0!s:>10}", "facts": ["x"]},
    {"text": "{0:{1}}", "facts": [1, 2]},
    {"text": "{0:,}", "facts": ["x"]},
    {"text": "{0}", "facts": [None], "more": 1},
    {"text": "{a}", "named": {"a.b": 1}},
    {"text": "x", "many": "y", "number": "z"},
    {"text": "{0}" * 300, "facts": ["x"]},
    {"text": "{0}", "facts": ["x" * (MOST_LETTERS + 1)]},
)


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_made_up_template_is_refused(number: int) -> None:
    """Given the written form of a text from a stranger, When it reads attributes or makes itself large, Then it is
    refused."""
    with pytest.raises(ValidationError):
        Note.model_validate({"text": BAD[number]})


def test_texts_within_texts_do_not_grow_without_bound() -> None:
    """Given a text that repeats a text that repeats a text, Then it is refused before it fills the memory."""
    form: Any = "x" * 1000
    for _depth in range(7):
        form = {"text": "{0}" * 100, "facts": [form]}
    with pytest.raises(ValidationError):
        Note.model_validate({"text": form})


def test_a_text_beyond_the_limits_is_written_plainly() -> None:
    """Given a text with too many facts, an infinite one or a wide field, When it is written, Then it is read as a plain
    text."""
    for text in (joined(["x"] * 300, ", "), _("{0:.1f} s").format(float("inf")), _("{0:>9}").format(1)):
        read = Note.model_validate_json(Note(text=text).model_dump_json())
        assert read.text == text and not isinstance(read.text, Message)
