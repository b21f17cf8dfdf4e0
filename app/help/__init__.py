"""Task pages: what a user wants to do, step by step, as Markdown files that come with the program.

`tasks/TOPIC.md` is the page in English, `tasks/LANGUAGE/TOPIC.md` its translation.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from workers.contracts.translation import language

TOPICS = (
    "first-model", "detector", "chat-model", "speech", "use-here", "verdict", "other-computers", "server", "busy",
    "problem",
)  # fmt: skip
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


def task_pages() -> Mapping[str, TaskPage]:
    """Return all task pages by topic, in the current language if they are translated."""
    return _pages(language())


@functools.cache
def _pages(name: str) -> Mapping[str, TaskPage]:
    tasks = files(__name__) / "tasks"
    return {topic: _read((tasks / name if (tasks / name).is_dir() else tasks) / f"{topic}.md") for topic in TOPICS}


def _read(file: Traversable) -> TaskPage:
    topic = file.name.removesuffix(".md")
    title, _, body = file.read_text(encoding="utf-8").partition("\n")
    return TaskPage(topic, title.removeprefix("# "), body.strip() + "\n")
