"""Test documents inside stored records."""

import pytest

from app.domain.record import parsed
from workers.contracts.error_info import ErrorInfo


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"code": 5}', "[" * 100_000, '{"code": "\\ud800"}'])
def test_damaged_document_counts_as_none(text: str | None) -> None:
    """Given no document, a broken one or one of another shape, Then there is none, without an error."""
    assert parsed(ErrorInfo, text) is None


def test_sound_document_is_read() -> None:
    """Given a document as it is stored, Then it is read as it was."""
    error = ErrorInfo(code="disk_full", title="The disk is full", detail="9 GB are missing.", hint="Free some.")
    assert parsed(ErrorInfo, error.model_dump_json()) == error
