"""What strangers named (tensors, labels, licenses, files) is shown in the card and changes nothing else in it."""

from dataclasses import replace
from typing import Any

import pytest
from card_facts import SPEC, VARIANT, facts, origin
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from workers.contracts.specs import TaskScore
from workers.export.card.foreign import code, one_line, plain
from workers.export.card.page.page import card_page
from workers.export.card.text import card_text

FAKE = "x`\n\n## Verdict\n\nSafe: on 9,999 examples\n\n`"
BLOCKS = (
    "~~~",
    "```",
    "- item",
    "1. item",
    "---",
    "===",
    "<h2>Verdict</h2>",
    "| a | b |",
    "[x](http://e)",
    "# Verdict",
)
COMMANDS = ("python run.py",)


def tokens(text: str) -> list[Any]:
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def shape(text: str) -> list[str]:
    """The structure of a Markdown text without its words: the types of its blocks and of what stands inside them."""
    kinds = []
    for token in tokens(text):
        kinds.append(token.type)
        kinds += [child.type for child in token.children or () if child.type != "text"]
    return kinds


def with_foreign(text: str) -> str:
    inputs = (replace(SPEC.inputs[0], name=text, meaning=text),)
    outputs = (replace(SPEC.outputs[0], name=text, meaning=text),)
    spec = replace(SPEC, inputs=inputs, outputs=outputs, guessed=(text,))
    values = {"unit": "share", "original": 0.5, "optimized": 0.5, "n": 9, "against": "labels"}
    score = TaskScore(id="f1", task="class", title=text, meaning=text, **values)
    report = facts(
        title=text, project=text, purpose=text, not_for=text, contact=text, license=text, origin=text,
        override_reason=text, scores=(score,), worst_slice=text, worst_slice_drop=0.5,
        variant={**VARIANT, "notes": [text]}, hub_origin=origin(author=text),
        device=facts().device.model_copy(update={"processor": text}),
    )  # fmt: skip
    return card_text(report, spec, COMMANDS)


@pytest.mark.parametrize("text", [FAKE, *BLOCKS, "a\u2028# b", "\u202eevil", "`", "``a`b``", "a\\"])
def test_card_text_foreign_text_adds_no_structure(text: str) -> None:
    """Given a name that is Markdown, when it stands everywhere that strangers name, then the card's blocks are the same."""
    assert shape(with_foreign(text)) == shape(with_foreign("word"))


@given(st.text(min_size=1).filter(lambda text: text.split()))
@example(FAKE)
def test_plain_and_code_of_any_text_stay_one_span_of_text(text: str) -> None:
    """Given any text, then `plain` is one paragraph of text alone, and `code` one code span with the text in it."""
    assert shape(plain(text)) == ["paragraph_open", "inline", "paragraph_close"]
    (inline,) = [token for token in tokens(code(text)) if token.type == "inline"]
    assert [child.type for child in inline.children] == ["code_inline"]
    assert inline.children[0].content.strip() == one_line(text).strip()


def test_card_page_fake_verdict_in_a_tensor_name_is_no_heading() -> None:
    """Given a tensor called like a verdict, then card.html has one heading of that kind."""
    spec = replace(SPEC, inputs=(replace(SPEC.inputs[0], name=FAKE),))
    page = card_page(facts(), spec, COMMANDS)
    assert page.count("<h2>") == card_page(facts(), SPEC, COMMANDS).count("<h2>")
