"""The card as a page: every figure is README.md's own, which are the store's; foreign text is only text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from card_facts import SPEC, VARIANT, facts

from workers.contracts.data.record import DataRecord
from workers.export.card.page.page import card_page, state_of
from workers.export.card.text import ROWS, card_text, figure
from workers.export.python_folder import COMMANDS
from workers.pipeline.spec import PipelineSpec

NUMBER = re.compile(r"\d(?:[\d,.-]*\d)?")
MEASURED: dict[str, Any] = {
    **VARIANT, "speedup": 3.219, "speedup_low": 2.741, "speedup_high": 3.608, "accuracy_low": 0.9059, "accuracy_high": 0.937,
}  # fmt: skip


class Words(HTMLParser):
    """What a person reads, the tags that there are, and where links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self._skipped = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._skipped = tag in ("style", "title")
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.anchors += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(spec: PipelineSpec = SPEC, **more: Any) -> Words:
    return Words(card_page(facts(**{"variant": MEASURED, **more}), spec, COMMANDS))


def test_each_figure_is_the_stores() -> None:
    """Given facts, then each measured figure is on the page, and the page has no number that README.md lacks."""
    report, known = page_of(), facts(variant=MEASURED)
    for _title, key, unit in ROWS:
        if known.variant.get(key) is not None:
            assert figure(known.variant[key], unit) in report.text
    assert "3.22 × as fast as the original 2.74 to 3.61 times (95 % confidence)" in report.text
    assert "91.10 % right answers 90.59 % to 93.70 % (95 % confidence); original: 91.20 %" in report.text
    text = card_text(known, SPEC, COMMANDS)
    assert set(NUMBER.findall(report.text)) <= set(NUMBER.findall(text))


def test_rows_name_bounds_as_a_card_does() -> None:
    """Given the rows of figures, then bounds are named in words that stand by themselves."""
    titles = {key: title for title, key, _unit in ROWS}
    assert titles["accuracy_low"] == "Lowest likely accuracy (95 % confidence)"
    assert titles["accuracy_high"] == "Highest likely accuracy (95 % confidence)"


def test_sections_can_be_found_and_nothing_is_fetched() -> None:
    """Given a page, then its links lead to sections that are there, and it requests no other file."""
    report = page_of()
    assert report.links[0] == "data:,"
    assert [link[1:] for link in report.links[1:]] == report.anchors
    assert {"risks", "origin", "test-data", "what-was-not-measured"} <= set(report.anchors)
    assert "script" not in report.tags


def test_foreign_text_is_only_text() -> None:
    """Given names with tags and marks, then they are read as they were written, and are no part of the page."""
    odd = "<img src=x onerror=alert(1)> **bold** [a](b) $title"
    names = ("title", "project", "purpose", "not_for", "contact", "license", "worst_slice")
    report = page_of(**dict.fromkeys(names, odd), worst_slice_drop=0.1)
    assert "img" not in report.tags and "strong" not in report.tags
    assert report.text.count("<img src=x onerror=alert(1)> **bold** [a](b) $title") >= 6


@pytest.mark.parametrize(
    ("verdict", "state", "risk"),
    [
        ("safe", "ok", "The measurements found none"),
        ("regressed", "bad", "answers worse than the original by more than 1 %"),
        ("not_enough_data", "warn", "is not proven"),
    ],
)
def test_the_verdict_colors_and_the_risks_tell(verdict: str, state: str, risk: str) -> None:
    """Given a verdict, then its color and the risk that follows from it are reported; the original has neither."""
    variant = {**MEASURED, "verdict": verdict}
    assert state_of(facts(variant=variant)) == state
    assert risk in page_of(variant=variant).text
    same = facts(variant=facts().original)
    assert state_of(same) == "plain"


def test_risks_of_data_are_listed() -> None:
    """Given answers on the examples that are no good ones, a part that lost, and guesses, then each is a risk."""
    record = DataRecord(people="yes", may_use="unknown")
    spec = replace(SPEC, guessed=("mean",))
    report = page_of(spec, data_record=record, worst_slice="Shirt", worst_slice_drop=0.0083).text
    assert "The examples show people or private things" in report
    assert "Whether the examples may be used is not known" in report
    assert "“Shirt” lost 0.83 %" in report
    assert "Guessed, because the model's files do not state it: mean." in report
