"""Texts that keep their templates through records, files and processes."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from installer.catalogs import record_texts
from workers.contracts.base import Frozen
from workers.contracts.text import MOST_LETTERS, WHOLE, Text
from workers.contracts.translation import LANGUAGES, Message, _, joined, language, message_of, ngettext, set_language
from workers.contracts.wording import capitalized, counted, duration, in_ms, percent
from workers.infer.base import NotRunnable
from workers.pipeline.array_files import ArrayFileError
from workers.pipeline.spec import PipelineError
from workers.pipeline.words import Words


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


@pytest.mark.parametrize("text", ["\udcff.png", Message.made("{0} is damaged.", ("\udcff.png",))])
def test_a_name_that_is_no_text_can_be_written(text: str) -> None:
    """Given the name of a file with a byte that is no text, as Linux allows it, Then its record can be written."""
    note = Note(text=text)
    assert Note.model_validate_json(note.model_dump_json()).text == text.replace("\udcff", "?")
    assert note.model_dump(mode="json") == {"text": text.replace("\udcff", "?")}


def test_documents_are_in_english_whatever_the_window_speaks() -> None:
    """Given a record that is read in German, When it becomes a document or the parameters of a job, such as that of the
    model card, Then its texts are in English, and the window's language stays."""
    record = Note(text=joined([percent(0.912), counted(1, "item")], "; ")).model_dump_json()
    set_language("de")
    read = Note.model_validate_json(record)
    assert read.model_dump(mode="json") == {"text": "91.2 %; 1 item"}
    assert str(read.text) == "91,2\xa0%; 1 Element" and language() == "de"


def test_numbers_within_numbers_follow_the_language() -> None:
    """Given a share within a joined text, When the language is German, Then its decimals are separated by a comma."""
    text = joined([percent(0.912), in_ms(1234)], "; ")
    set_language("de")
    assert (text, _(text)) == ("91.2 %; 1,234 ms", "91,2\xa0%; 1.234 ms")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", range(2, 8))
def test_sentences_stay_in_their_order(language: str, count: int) -> None:
    """Given several sentences as one text, When it is shown in any language, Then no catalog takes it for a template of
    its own, such as that of a date."""
    set_language(language)
    assert joined([f"S{number}." for number in range(count)]) == " ".join(f"S{number}." for number in range(count))


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


def test_errors_of_copied_rooms_keep_their_template() -> None:
    """Given an error whose fact is another error, and a text that counts, Then fields and facts hold them as messages,
    which survive a file."""
    error = PipelineError("{0} cannot be read. {1}", "a.npz", ArrayFileError("It holds {0:,} MB.", 1234, code="size"))
    assert str(error) == "a.npz cannot be read. It holds 1,234 MB."
    for said in (
        message_of(error),
        message_of(Words.of_number(2, "{0} file of {1}", "{0} files of {1}", 5)),
        _("{0}").format(error),
    ):
        read = Note.model_validate_json(Note(text=said).model_dump_json()).text
        assert isinstance(read, Message) and read == said
    set_language("de")
    assert "1.234" in _(message_of(error)) and message_of(NotRunnable(ValueError("a\n{b}"))) == "a {b}"
    assert isinstance(Note(text=Words("{0} is missing.", "x")).text, Message)


def test_templates_and_nouns_of_copied_rooms_are_extracted() -> None:
    """Given calls of errors, texts and `counted`, Then templates are found, also their plurals, and no bare fields."""
    source = """
PipelineError("{0} is odd.", x), Words("{0} {1}", a, b), Words.of_number(n, "{0} a", "{0} b"), Words(x)
counted(n, "file"), counted(n, "copy", "copies"), counted(n, noun)
"""
    assert [*record_texts(source)] == [
        "{0} is odd.", ("{0} a", "{0} b"), ("{0:,} file", "{0:,} files"), ("{0:,} copy", "{0:,} copies"),
    ]  # fmt: skip
