"""Report why a verb was refused, to the Fettle that requested it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

EXIT_CODE = 3


class Refused(Exception):
    """Error: a request was refused; the agent writes its code and detail as one line of JSON to stderr."""

    def __init__(self, code: str, detail: str = "", **facts: object) -> None:
        """Create an error; `code` names the reason for the program, `detail` is for logs."""
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.facts = code, detail, facts


def exit_code_of(action: Callable[[], int]) -> int:
    """Run an action and return its exit code; write a refusal as one line of JSON to stderr."""
    try:
        return action()
    except Refused as refused:
        line = json.dumps({"code": refused.code, "detail": refused.detail, **refused.facts})
        sys.stderr.write(line + "\n")
        return EXIT_CODE
