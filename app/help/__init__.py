"""Task pages: what a user wants to do, step by step, as Markdown files that come with the program."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

TOPICS = ("first-model", "detector", "chat-model", "speech", "use-here", "verdict", "server", "busy", "problem")
"""Names of the files in `tasks`, in the order in which the pages are listed."""

_PICTURE = re.compile(r"!\[[^\]]*\]\((pictures/[\w.-]+)\)\n+")


@dataclass(frozen=True)
class TaskPage:
    """One task page. `body` is the Markdown below its title; its pictures have paths such as `pictures/model.png`."""

    topic: str
    title: str
    body: str

    @property
    def text(self) -> str:
        """The page for a terminal: without pictures and marks of bold letters."""
        return f"{self.title}\n\n{_PICTURE.sub('', self.body).replace('**', '').strip()}"

    def pictures(self) -> Mapping[str, bytes]:
        """Return the PNG files of the page by their paths."""
        return {path: (files(__name__) / "tasks" / path).read_bytes() for path in _PICTURE.findall(self.body)}


@functools.cache
def task_pages() -> Mapping[str, TaskPage]:
    """Return all task pages by topic."""
    return {topic: _read(topic) for topic in TOPICS}


def _read(topic: str) -> TaskPage:
    title, _, body = (files(__name__) / "tasks" / f"{topic}.md").read_text(encoding="utf-8").partition("\n")
    return TaskPage(topic, title.removeprefix("# "), body.strip() + "\n")
