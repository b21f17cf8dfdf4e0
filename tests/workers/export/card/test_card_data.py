"""What a person said about the examples, as the card says it."""

from workers.contracts.data.record import DataRecord
from workers.export.card.text import record_lines


def test_three_answers_in_words() -> None:
    """Given two answers of three, Then the card says them, that one was not given, and that nobody checked."""
    said = record_lines(DataRecord(made_by="me", people="agreed", answered_at="2026-11-25T20:00:00+00:00"))
    assert "on 2026-11-25, not checked" in said
    assert "- Who made the examples? The person who made this bundle, or their team." in said
    assert "- May they be used for this purpose? Not answered." in said
    assert "- Do they show people or private things? Yes, and these people agreed." in said
