"""Errors of jobs on another computer; a job there reports them as `Failed`."""

from collections.abc import Mapping
from typing import Any

from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, mark

OF_COMPUTER = frozenset(
    {"computer_lost", "computer_unprepared", "computer_full", "computer_in_use", "computer_bad_answer"}
)
"""Codes of errors that the next job there would most likely meet as well."""


class LinkLost(Exception):
    """The connection ended or stalled; `last_line` is what its program wrote last."""

    def __init__(self, detail: str = "") -> None:
        """Create the error of one connection."""
        super().__init__(detail)
        self.last_line = detail


class BadAnswer(Exception):
    """The other computer sent what its agent never sends."""


def lost(name: str, detail: str) -> WorkerError:
    """Return the error that a computer cannot be reached any more."""
    return BackendMissing(
        "computer_lost",
        _("“{0}” cannot be reached").format(name),
        _("The connection to “{0}” ended and could not be made again. {1}").format(name, detail),
        mark("Check that it is switched on and connected. What was stored before is safe. Start it again to go on."),
    )


def worker_gone(name: str) -> WorkerError:
    """Return the error that the process on the other computer that kept the job is gone."""
    return BackendMissing(
        "computer_lost",
        _("The job on “{0}” was ended there").format(name),
        _("“{0}” answers, but the processes of this job no longer run there.").format(name),
        mark("What was stored before is safe. Start it again to go on."),
    )


def bad_answer(name: str, detail: str) -> WorkerError:
    """Return the error that the other computer sent what cannot be trusted."""
    return InputRefused(
        "computer_bad_answer",
        _("“{0}” sent something unexpected").format(name),
        _("What came from “{0}” was refused, and nothing of it was kept.").format(name),
        mark("Install Fettle's workers on that computer again. If that does not help, do not trust it."),
        facts={"why": detail},
    )


def printable(fact: object) -> str:
    """Return a stranger's fact as at most 300 letters, without those that a terminal obeys."""
    return "".join(filter(str.isprintable, str(fact)[:300]))


def refused(name: str, facts: Mapping[str, Any]) -> WorkerError:
    """Return the error for a refusal of the agent, by its code."""
    code, detail = printable(facts.get("error"))[:40], printable(facts.get("detail", ""))
    if code == "in_use":
        title = _("“{0}” is in use").format(name)
        words = _("{0} measures on “{1}” now. Two measurements at once would disturb each other.").format(detail, name)
        return BackendMissing("computer_in_use", title, words, mark("Start it again when that measurement is over."))
    if code == "unprepared":
        title = _("“{0}” is not prepared for this version").format(name)
        words = _("Fettle's workers of version {0} are not installed on “{1}”.").format(detail, name)
        return BackendMissing(
            "computer_unprepared", title, words, mark("Open Settings → Other computers, and update it there.")
        )
    if code == "no_room":
        free = facts.get("free")
        size = bytes_words(free) if isinstance(free, int) and 0 <= free < 2**63 else "?"
        title = _("The disk of “{0}” is full").format(name)
        words = _("“{0}” has {1} of free disk space, which is too little for this job.").format(name, size)
        return BackendMissing("computer_full", title, words, mark("Free disk space on that computer and start again."))
    return bad_answer(name, f"{code}: {detail}")
