"""Read the stored facts of a run for a page."""

from app.controllers.session import Session
from app.controllers.words import error_value
from app.domain.run import Run
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.parts.page import Page


def facts_or_reported(session: Session, page: Page, run: Run, page_title: str = "") -> RunFacts | None:
    """Return all stored facts of the run; None if they cannot be read, which the page then shows."""
    try:
        return read_facts(session.workspace, run.id)
    except JobError as error:
        page.show_error(error_value(error.error, page_title=page_title))
        return None
