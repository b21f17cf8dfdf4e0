"""What makes a page wider than its window."""

from PySide6.QtWidgets import QWidget


def wide(content: QWidget) -> list[tuple[str, int]]:
    """What asks for more width than the smallest window has."""
    found = [(w, w.minimumSizeHint().width()) for w in content.findChildren(QWidget) if w.minimumWidth() == 0]
    return [(f"{w} {w.property('text')}"[:200], width) for w, width in found if width > 700]
