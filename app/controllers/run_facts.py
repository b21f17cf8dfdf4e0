"""Read the stored facts of the open run for a page."""

from typing import Any

from app.controllers.session import Session
from app.controllers.words import error_value
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts


def open_facts(session: Session, page: Any, page_title: str = "") -> RunFacts | None:
    """Return the stored facts of the open run; None without a run or if unreadable, which `page` shows."""
    if session.run is None:
        page.show_empty()
        return None
    try:
        return read_facts(session.workspace, session.run.id)
    except JobError as error:
        page.show_error(error_value(error.error, page_title=page_title))
        return None
