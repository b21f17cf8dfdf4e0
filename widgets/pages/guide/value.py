"""What the page Guide shows of a task."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskValue:
    """One task page: its title, its Markdown, and the PNG files of its pictures by the paths in that text."""

    title: str
    markdown: str
    pictures: Mapping[str, bytes]
