"""Verdicts on texts by references that cannot show every change."""

import pytest
from zoo import text_answers

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge

N = 400
PLACES = ("market", "station", "harbor", "library", "museum")
WORDS = ("two", "three", "four", "five", "six", "seven")


def judged(right: list[str], old: list[str], new: list[str], kind: str) -> Judgement:
    data = DataSet("texts", "person", test=tuple(Item(f"{i}", group=text) for i, text in enumerate(right)))
    return judge(data, text_answers(old, kind), text_answers(new, kind), 1.0)


def sentence(at: int, number: object) -> str:
    return f"The ferry number {number} leaves from the old {PLACES[at % 5]} behind the house of my {at % 3 + 2}. aunt today."


@pytest.mark.parametrize("kind", ["tokens", "transcript"])
def test_changed_digits_are_lost_despite_spelled_references(kind: str) -> None:
    """Given right texts that spell numbers, an original that writes them in digits, and a version with other digits,
    Then it is not safe, though both are as far from the right ones; the same one is."""
    right = [sentence(i, WORDS[i % 6]) for i in range(N)]
    old = [sentence(i, i % 6 + 2) for i in range(N)]
    new = [sentence(i, i % 6 + 3) for i in range(N)]
    assert judged(right, old, new, kind).verdict == "regressed"
    assert judged(right, old, old, kind).verdict == "safe"


@pytest.mark.parametrize("kind", ["tokens", "transcript"])
def test_other_unicode_forms_lose_nothing(kind: str) -> None:
    """Given a version that writes “fi” as one letter and blanks that do not break, Then nothing is lost by right texts."""
    right = [f"The first office of the {PLACES[i % 5]} was built in 19{i % 90 + 10}." for i in range(N)]
    other = [text.replace("fi", "\ufb01").replace(" ", "\u00a0") for text in right]
    found = judged(right, right, other, kind)
    assert found.verdict == "safe" and found.drop == 0


def test_a_lost_full_stop_loses_nothing() -> None:
    """Given translations without the mark at their end, Then nothing is lost by right ones that have it."""
    right = [f"The first office of the {PLACES[i % 5]} was built in 19{i % 90 + 10}." for i in range(N)]
    found = judged(right, right, [text.removesuffix(".") for text in right], "tokens")
    assert found.verdict == "safe" and found.drop == 0


@pytest.mark.parametrize("kind", ["tokens", "transcript"])
def test_references_of_other_examples_hide_no_change(kind: str) -> None:
    """Given references in another order, and a version that loses the first word, Then it regressed by what changed; the
    same one is safe."""
    old = [sentence(i, WORDS[i % 6]) for i in range(N)]
    right = old[7:] + old[:7]
    assert judged(right, old, [text.split(" ", 1)[1] for text in old], "transcript").verdict == "regressed"
    assert judged(right, old, [f"{text} And then {text}" for text in old], kind).verdict == "regressed"
    assert judged(right, old, old, kind).verdict == "safe"
