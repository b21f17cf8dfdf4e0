"""Build errors of the hub's use cases."""

from app.services.flow.steps import JobError
from workers.contracts.errors import ErrorInfo

REFUSED, MISSING = 3, 6
"""Exit codes: the request is refused, or something that it needs is not there now."""


def hub_error(
    code: str, title: str, detail: str, hint: str, exit_code: int = REFUSED, by_command: str = ""
) -> JobError:
    """Return the error with its words; `by_command` is the hint for the command line."""
    return JobError(ErrorInfo(code=code, title=title, detail=detail, hint=hint, by_command=by_command), exit_code)
