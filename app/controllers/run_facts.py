"""What is stored about a run, for a page that shows it."""

from app.controllers.session import Session
from app.controllers.words import error_value
from app.domain.run import Run
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.parts.page import Page


def facts_or_told(session: Session, page: Page, run: Run, page_title: str = "") -> RunFacts | None:
    """All that is stored about the run; None where that cannot be read, which the page says."""
    try:
        return read_facts(session.workspace, run.id)
    except JobError as error:
        page.show_error(error_value(error.error, page_title=page_title))
        return None
