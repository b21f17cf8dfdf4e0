"""The lines of versions that a terminal shows."""

from dataclasses import replace

from desk import variant

from app.cli.tables import version_lines


def test_a_first_look_has_no_factor() -> None:
    """Given a first look that was no faster than the original of that minute, though its time is below that in the
    table, Then the line says that it is of another moment, and no factor stands beside it."""
    looked = variant(1, p50_ms=4.18, speedup=0.993, judgement=None, state="measured")
    looked = replace(looked, measurement=replace(looked.measurement, sets=1))
    original, line = version_lines([variant(0), looked], None)
    assert "first look" not in original
    assert line.endswith("Not faster here, a first look only, at another moment than the original's")
    assert "×" not in line and "0.99" not in line
