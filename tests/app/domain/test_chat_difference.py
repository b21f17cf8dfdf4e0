"""Where two answers begin to differ."""

import pytest

from app.domain.chat_difference import first_difference


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [
        ("It is Paris.", "It is Paris.", None),
        ("It is Paris.", "It is Parma.", 6),
        ("It is Paris", "It is Paris.", 6),
        ("It is", "It is Paris.", 5),
        ("", "Paris", 0),
        ("a\nb", "a b", 1),
    ],
)
def test_the_first_word_that_differs(one: str, other: str, at: int | None) -> None:
    assert first_difference(one, other) == at
    assert first_difference(other, one) == at
