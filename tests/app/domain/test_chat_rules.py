"""Where two answers begin to differ, and how many bits of a chat fit into memory."""

import pytest

from app.domain.chat import bits_that_fit, first_difference, memory_bytes
from app.domain.words.results import short_of_memory
from workers.contracts.specs import ChatFacts


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


SEVEN_BILLION, CHAT = 7_000_000_000, ChatFacts(context=4096, cache_numbers_per_token=2 * 32 * 8 * 128)


def test_the_first_guess_takes_as_many_bits_as_fit() -> None:
    # Given 7 billion weights and a chat of half a gigabyte
    needs = {bits: memory_bytes(SEVEN_BILLION, bits, CHAT) for bits in (16, 8, 4)}
    assert needs[16] == 14_000_000_000 + 4096 * 65536 * 2
    # Then what just fits is guessed, down to none
    found = [bits_that_fit(SEVEN_BILLION, CHAT, needs[bits]) for bits in (16, 8, 4)]
    assert found == [16, 8, 4]
    assert bits_that_fit(SEVEN_BILLION, CHAT, needs[4] - 1) is None


def test_a_run_that_needs_more_than_is_free_is_told_before() -> None:
    assert short_of_memory(3_000_000_000, 3_000_000_000) == ""
    report = short_of_memory(9_000_000_000, 3_000_000_000)
    assert "3.0 GB of memory that are free now" in report and "finished steps are kept" in report
