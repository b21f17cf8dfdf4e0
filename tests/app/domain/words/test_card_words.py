"""What a card's warnings and figures sound like: each code has its words, and only what was measured is said."""

from typing import get_args

import pytest

from app.domain.words.card import figures_words, note_words
from workers.contracts.measured.card_figures import AtOnce, CardEnergy, CardFigures, CardNote, NoteCode, Spread

ONE = Spread(p50_ms=1.0, mean_ms=1.0)
PLAIN = CardFigures(
    card="RTX 9", n=9, latency=Spread(p50_ms=1.5, mean_ms=1.5), to_card=ONE, compute=ONE, to_host=ONE, enqueue=ONE
)
WORDS = {
    "launch_bound": "launch-bound): handing a request over takes 150 % of",
    "input_bound": "Copying inputs to the card takes 1.5 times as long",
    "output_bound": "Copying answers back from the card takes 1.5 times as long",
    "unstable": "vary by 150",
    "throttled": "throttled): it reached its power limit and heat.",
    "other_program": "Another program used up to",
}


@pytest.mark.parametrize("code", get_args(NoteCode))
def test_each_warning_has_words_of_its_own(code: NoteCode) -> None:
    """Given every code that there is, Then a sentence with its figure or reasons; two kinds of heat are told once."""
    reasons = ("power_cap", "software_thermal", "hardware_thermal") if code == "throttled" else ()
    value = 0.4 if code == "other_program" else None if code == "throttled" else 1.5
    said = note_words(CardNote(code=code, value=value, reasons=reasons))
    assert WORDS[code] in said and said.endswith(".")


def test_only_what_was_measured_is_said() -> None:
    assert figures_words(PLAIN) == "on RTX 9: 1.5 ms with copying, 1 ms computing alone"
    energy = CardEnergy(joules=30, seconds=3, requests=2000, source="counter")
    full = PLAIN.model_copy(update={"throughput_per_s": 666.7, "streams": 2, "energy": energy})
    assert figures_words(full).endswith("667 answers/s with 2 at once, 15 mJ an answer")
    rates = ((1, 400.0), (2, 660.0), (4, 665.0))
    tried = tuple(AtOnce(streams=streams, throughput_per_s=rate) for streams, rate in rates)
    told = figures_words(full.model_copy(update={"tried": tried}))
    assert "667 answers/s with 2 at once (400 with 1, 665 with 4), 15 mJ" in told
