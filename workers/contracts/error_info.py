"""The description of an error as it crosses processes and is stored."""

from pydantic import JsonValue

from workers.contracts.base import Frozen
from workers.contracts.text import Text
from workers.contracts.translation import _, joined


class RequestedShape(Frozen):
    """An input whose sizes the user must give.

    Attributes:
        name: "" means the model's only input.
        sizes: None where any size is valid or the size is unknown.
    """

    name: str = ""
    sizes: tuple[int | None, ...] = ()


class ErrorInfo(Frozen):
    """Description of an error: one sentence for what happened (`detail`) and one for what to do now (`hint`).

    Attributes:
        code: Stable, machine-readable id (``unsupported_operator``).
        title: Short headline.
        traceback: For the log; hidden by default in the window.
        asks: Inputs whose sizes let the job continue.
        facts: Values behind the sentences, for code that decides by them.
        by_command: The hint in the words of the command line.
    """

    code: str
    title: Text
    detail: Text
    hint: Text
    traceback: str = ""
    asks: tuple[RequestedShape, ...] = ()
    facts: dict[str, JsonValue] = {}
    by_command: Text = ""

    @property
    def hint_by_command(self) -> str:
        """Return the hint for users of the command line."""
        return joined([self.hint, _("By command: {0}").format(self.by_command)]) if self.by_command else self.hint
