"""`fettle docs`: list the task pages, or print one."""

from typing import Annotated

import typer

from app.cli.output import OK, Output, usage
from app.help import task_pages

Topic = Annotated[str | None, typer.Argument(metavar="TOPIC", help="A topic of the list.", show_default=False)]


def docs(output: Output, topic: Topic = None) -> int:
    """Print a task page; without TOPIC, list them. Works offline."""
    pages = task_pages()
    if topic is None:
        output.document({"topics": [{"topic": page.topic, "title": page.title} for page in pages.values()]})
        for page in pages.values():
            output.text(f"  {page.topic:<12} {page.title}")
        output.sentence("Print one with 'fettle docs TOPIC'.")
        return OK
    if topic not in pages:
        raise usage(f"There is no task page {topic!r}.", f"Choose one of: {', '.join(pages)}.")
    page = pages[topic]
    output.document({"topic": page.topic, "title": page.title, "text": page.text})
    output.text(page.text)
    return OK
