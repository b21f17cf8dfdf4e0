"""The log of decisions of a project: who decided what when, each entry bound to the one before by its hash.

The hashes show damage and the change of single entries. They prove no origin: a program that can write the database
can write a whole new log. A bundle carries the log as `DECISIONS_FILE`, one entry a line, checked with sha256 alone
(`workers.pipeline.trust`). In a signed bundle the signature covers it and proves who made it; else it is a diary.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from workers.contracts.base import Frozen

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
    """One entry, `number` from 1. `at` is ISO 8601 in UTC as the computer's clock said; entries go by their number.

    `why` are the person's own words. `previous` is the `sha256` of the entry before, of the first one 64 zeros;
    `sha256` is over everything else in the entry.
    """

    number: int
    at: str
    who: str
    kind: DecisionKind
    run_id: str = ""
    variant_id: str = ""
    facts: dict[str, JsonValue] = {}
    why: str = ""
    previous: str = BEFORE_THE_FIRST
    sha256: str = ""

    def sealed(self) -> "Decision":
        """With the hash over what it says."""
        return self.model_copy(update={"sha256": self.digest()})

    def digest(self) -> str:
        """sha256 over its JSON without the hash itself: sorted keys, no blanks, ASCII."""
        said = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_broken(log: Sequence[Decision]) -> int | None:
    """The number of the first entry that is not as it was written, or not where it was; None where all are."""
    before = BEFORE_THE_FIRST
    for number, entry in enumerate(log, 1):
        if entry.number != number or entry.previous != before or entry.sha256 != entry.digest():
            return number
        before = entry.sha256
    return None


def log_text(log: Sequence[Decision]) -> str:
    """As a bundle carries it."""
    return "".join(json.dumps(entry.model_dump(mode="json"), sort_keys=True) + "\n" for entry in log)
