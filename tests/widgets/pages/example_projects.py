"""Example values of the page Projects."""

from datetime import UTC, datetime

from widgets.pages.projects.page import ProjectRowValue, Projects

WHEN = datetime(2026, 3, 4, 9, 12, tzinfo=UTC)


def projects() -> Projects:
    """Three, one of them open, and two in the trash."""
    return (
        (
            ProjectRowValue("a", "Clothes classifier", "clothes.onnx", 3, WHEN, is_open=True),
            ProjectRowValue("b", "Reviews, good or bad", "distilbert-base-uncased-finetuned-sst-2-english", 1, WHEN),
            ProjectRowValue("c", "Sounds of machines in the hall of the northern plant", "yamnet.onnx", 0, WHEN),
        ),
        (("d", "First try", WHEN), ("e", "First try, once more with other data", WHEN)),
    )
