"""Log of a project's decisions with author and time, in which each entry contains the hash of the previous one.

The hashes show damage and the change of single entries. They do not prove origin: a program that can write the database
can write a whole new log. A bundle carries the log as `DECISIONS_FILE`, one entry per line, checked with sha256 alone
(`workers.pipeline.trust`). In a signed bundle the signature covers the log and proves its author; otherwise the log is
only a diary.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from workers.contracts.base import Frozen
from workers.contracts.text import Text

DECISIONS_FILE = "GOVERNANCE.jsonl"
BEFORE_THE_FIRST = "0" * 64

DecisionKind = Literal[
    "exported_anyway",
    "exported_unproven",
    "limit_raised",
    "labels_changed",
    "released",
    "rolled_back",
    "promoted",
    "pruned",
]


class Decision(Frozen):
    """One entry of the log.

    Attributes:
        number: Position, from 1; entries are ordered by it.
        at: ISO 8601 in UTC by the computer's clock.
        why: The user's own words.
        previous: The `sha256` of the previous entry; 64 zeros for the first one.
        sha256: Hash over everything else in the entry.
    """

    number: int
    at: str
    who: str
    kind: DecisionKind
    run_id: str = ""
    variant_id: str = ""
    facts: dict[str, JsonValue] = {}
    why: Text = ""
    previous: str = BEFORE_THE_FIRST
    sha256: str = ""

    def sealed(self) -> "Decision":
        """Return the entry with the hash over its content."""
        return self.model_copy(update={"sha256": self.digest()})

    def digest(self) -> str:
        """Return the sha256 of the entry's JSON without the hash itself: sorted keys, no blanks, ASCII."""
        content = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_broken(log: Sequence[Decision]) -> int | None:
    """Return the number of the first entry that was changed or moved; None if all are intact."""
    before = BEFORE_THE_FIRST
    for number, entry in enumerate(log, 1):
        if entry.number != number or entry.previous != before or entry.sha256 != entry.digest():
            return number
        before = entry.sha256
    return None


def log_text(log: Sequence[Decision]) -> str:
    """Return the log as a bundle carries it: one JSON document per line."""
    return "".join(json.dumps(entry.model_dump(mode="json"), sort_keys=True) + "\n" for entry in log)
