"""What the page of the GPU doctor says where packages could not be installed."""

from app.controllers.words import first_line, tr
from widgets.parts.cards.error import ErrorValue
from workers.contracts.errors import ErrorInfo


def is_working(title: str) -> ErrorValue:
    """Something else would lose its packages in the middle of its work."""
    return ErrorValue(
        title=tr("Nothing can be installed while something runs"),
        happened=tr("“{0}” is at work, and needs the packages that would change.").format(title),
        is_safe=tr("Yes. Nothing was changed, and the work goes on."),
        next_step=tr("Install it when that is done, or stop it on the page Jobs."),
        tone="warn",
        icon="warning",
    )


def was_stopped() -> ErrorValue:
    """A person stopped it."""
    return ErrorValue(
        title=tr("The installation was stopped"),
        happened=tr("Some packages are there already, others not yet: until it has gone on, models may not run here."),
        is_safe=tr("Yes. Models, data and results were not touched."),
        next_step=tr("Install it here again, or run the line: it goes on where it was. So does Fettle's next start."),
        tone="warn",
        icon="warning",
    )


def setup_failed(error: ErrorInfo) -> ErrorValue:
    """The installer's own reason."""
    return ErrorValue(
        title=error.title,
        happened=first_line(error.detail),
        is_safe=tr("Yes. Nothing but Fettle's own packages was touched; models, data and results are as they were."),
        next_step=tr("{0} You may also run the line in a terminal, in Fettle's folder.").format(error.hint),
        details=error.traceback,
    )
