"""The lines of versions that a terminal shows."""

from dataclasses import replace

from desk import variant

from app.cli.tables import disturbed, version_lines
from app.domain.words.results import OTHER_PROGRAMS
from app.services.records.speech import SpeechRecord
from workers.contracts.jobs import Speech


def test_a_first_look_has_no_factor() -> None:
    """Given a first look that was no faster than the original of that minute, though its time is below that in the
    table, Then the line says that it is of another moment, and no factor stands beside it."""
    looked = variant(1, p50_ms=4.18, speedup=0.993, judgement=None, state="measured")
    looked = replace(looked, measurement=replace(looked.measurement, sets=1))
    original, line = version_lines([variant(0), looked], None)
    assert "first look" not in original
    assert line.endswith("Not faster here, a first look only, at another moment than the original's")
    assert "×" not in line and "0.99" not in line


def test_of_a_language_model_both_factors_are_told() -> None:
    """Given a version that speaks 1.3 times as fast and reads prompts as slowly as the original, so that a short answer
    is 1.1 times as fast, Then the line says what the factor is made of."""
    original = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=100.0, tokens_per_s=53.7, n=9),))
    faster = SpeechRecord(rows=(Speech(prompt_tokens=32, first_ms=102.0, tokens_per_s=70.4, n=9),))
    _, line = version_lines(
        [variant(0), variant(1, p50_ms=1.8, speedup=1.1)], None, speech={"v0": original, "v1": faster}
    )
    assert "70.4 tokens/s" in line and "1.1 ×" in line
    assert line.endswith("; speaks 1.3 × as fast, reads a prompt 1.0 × as fast")


def test_a_factor_under_load_is_a_lower_bound() -> None:
    """Given a version that was measured beside other programs, Then its factor is the bound that all ways to compare agree
    on, rounded down."""
    made = variant(1, p50_ms=1.0, speedup=2.4)
    loaded = replace(made, measurement=replace(made.measurement, under_load=True, agreed_low=1.69))
    _, line = version_lines([variant(0), loaded], None)
    assert "≥ 1.6 ×" in line and "2.4" not in line
    assert disturbed(loaded) == (OTHER_PROGRAMS,) and disturbed(made) == disturbed(None) == ()


def test_a_factor_has_its_interval() -> None:
    """Given a version measured in turn with the original, Then the interval of its factor stands beside it."""
    made = variant(1, p50_ms=1.0, speedup=2.0)
    timed = replace(made, measurement=replace(made.measurement, speedup_low=1.91, speedup_high=2.08))
    _, line = version_lines([variant(0), timed], None)
    assert "2.0 × (1.9 to 2.1)" in line
