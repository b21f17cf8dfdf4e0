"""Tests of the texts of the page "Try it" for each kind of prediction."""

from typing import Any

import pytest
from records import facts, judgement, variant

from app.controllers.try_it.presenter import (
    example_value,
    headline,
    input_value,
    name_of,
    picture_of,
    seen_words,
    try_value,
)
from app.services.after.trying.trying import TryInput, TryOutcome
from widgets.pages.try_it.answers import details_of, title_of
from workers.contracts.after.trying import ShownPicture, TryAnswer
from workers.contracts.jobs import Example

IMAGE = ShownPicture(kind="image", height_px=224, width_px=320)


def answer(**changes: Any) -> TryAnswer:
    fields: dict[str, Any] = {
        "kind": "class", "rows": (("Bag", 0.9), ("Coat", 0.1)), "latency_ms": 3.0, "n_calls": 9, "seen": IMAGE,
    }  # fmt: skip
    return TryAnswer(**{**fields, **changes})


def tried(before: TryAnswer, after: TryAnswer, given: TryInput = TryInput(path="/p/boot.png")) -> TryOutcome:  # noqa: B008
    return TryOutcome(given, before, after)


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "same", "similarity", "words"),
    [
        (10.0, 3.0, True, None, "Same answer, 3.3 times faster"),
        (3.0, 10.0, False, None, "Another answer, 3.3 times slower"),
        (10.0, 9.8, True, None, "Same answer, equally fast"),
        (10.0, 5.0, None, 0.9998, "Similarity 0.9998, 2.0 times faster"),
    ],
)
def test_headline_has_sameness_and_speed(
    before_ms: float, after_ms: float, same: bool | None, similarity: float | None, words: str
) -> None:
    """Given both answers, then the headline has their sameness and the ratio of their times."""
    after = answer(latency_ms=after_ms, same=same, similarity=similarity, n_calls=5)
    title, about = headline(tried(answer(latency_ms=before_ms), after))
    assert title == words and "Median of 5 calls each" in about
    _, about = headline(tried(answer(latency_ms=before_ms, n_calls=1), after))
    assert about.startswith("One call each")


def test_each_kind_of_answer_has_its_words() -> None:
    """Given answers of all kinds, then each has its words; a similarity is only shown in comparison with the original."""
    score = answer(kind="score", rows=(("score", 0.731),))
    moments = answer(kind="moments", rows=(("mean", 0.2), ("largest", 0.98)), size=63, same=True, similarity=1.0)
    vector = answer(kind="values", rows=(), values=(0.1, -0.25), size=384, similarity=0.99987)
    nothing = answer(kind="nothing", rows=())
    shown = answer(kind="text", rows=(), text="edcba", size=6, same=True)
    assert [title_of(a) for a in (answer(), score, moments, vector, shown, nothing)] == [
        "Bag", "73.1 %", "up to 98.0 %", "384 numbers", "A text of 6 tokens", "No answer",
    ]  # fmt: skip
    about, rows, _ = details_of(moments, is_compared=True)
    assert rows == (("On average", 0.2), ("At its largest", 0.98)) and "63 moments" in about
    assert details_of(shown, is_compared=True)[0] == "edcba"
    about, _, note = details_of(vector, is_compared=True)
    assert about == "0.1, -0.25 …" and "0.9999" in note
    assert details_of(vector, is_compared=False)[2] == ""
    assert "NaN" in details_of(nothing, is_compared=True)[2]


def test_how_the_model_got_it() -> None:
    """Given how the model received an input, then it is described in words."""
    assert seen_words(IMAGE) == "as 320 × 224 pixels"
    assert seen_words(ShownPicture(kind="text", tokens=12)) == "12 tokens"
    assert seen_words(ShownPicture(kind="text", tokens=512, cut=True)) == "512 tokens; the rest was cut off"
    assert seen_words(ShownPicture(kind="audio", seconds=3.21)) == "3.2 s"
    assert seen_words(ShownPicture(kind="array", shapes={"x": (1, 20), "mask": (1,)})) == "x 1 × 20, mask 1"
    assert seen_words(ShownPicture(kind="array", shapes={"x": (1, 20)}, first_of=1103)) == "the first of 1,103 examples"


def test_names_of_inputs() -> None:
    """Given inputs of all kinds, then each has a readable name, and typed text is not repeated."""
    made = facts(variant(0, judgement=judgement(task="class")), variant(1))
    picture = example_value(Example(item=6, picture="/x/6.png", before="Bag", after="Bag"), made)
    text = example_value(Example(item=7, text="a good  film", before="Bag", after="Coat", label="good"), made)
    assert (picture.name, picture.changed, text.name, text.changed) == ("Bag", False, "good", True)
    assert name_of(TryInput(item=6), picture) == "Bag, test example 7"
    assert name_of(TryInput(item=7), text) == "a good film"
    assert name_of(TryInput(item=8), None) == "test example 9"
    assert name_of(TryInput(path="file:///p/a%FF.png"), None) == "a�.png"
    assert name_of(TryInput(png=b"x"), None) == "Pasted picture"
    vectors = facts(variant(0, judgement=judgement(task="numbers")), variant(1))
    unnamed = example_value(Example(item=8, text="a film", before="0.1, 0.2 …", after="0.1, 0.2 …"), vectors)
    assert unnamed.name == "Example 9"

    typed = tried(answer(seen=ShownPicture(kind="text", tokens=2)), answer(), TryInput(text="good film"))
    shown = input_value(typed, "good film", picture_of(typed, "good film", None))
    assert (shown.picture.text, shown.caption) == ("", "2 tokens")


def test_only_made_versions_can_be_tried() -> None:
    """Given dropped and unfinished versions, then they are not offered. Versions without a verdict are, and the
    recommended one is first."""
    made = facts(
        variant(0, artifact_key="k"),
        variant(1, artifact_key="k", judgement=None),
        variant(2, artifact_key="k"),
        variant(3, artifact_key="k", state="dropped"),
        variant(4, artifact_key=None),
        best="v2",
    )
    versions = made.made
    assert [version.id for version in versions] == ["v2", "v1"]
    value = try_value(made, versions, versions[0])
    assert (value.kind, value.chosen) == ("images", "v2")
    assert [version_id for version_id, *_ in value.versions] == ["v2", "v1"]
