"""Names of a worker's protections, and sentences about them for the user."""

from workers.contracts.base import Frozen
from workers.contracts.text import Text
from workers.contracts.translation import _, joined, mark

FILES = "files outside the job's folder"
NETWORK = "network"
PROGRAMS = "starting other programs"
SIGNALS = "stopping other programs"
PRIVILEGES = "administrator rights"
ALL = (FILES, NETWORK, PROGRAMS, SIGNALS, PRIVILEGES)

HELD = {
    FILES: mark("could read nothing but the model's own folder and write nothing but a temporary one"),
    NETWORK: mark("could not reach the network"),
    PROGRAMS: mark("could not start other programs"),
    SIGNALS: mark("could not stop other programs"),
    PRIVILEGES: mark("had no administrator rights"),
}
LACKING = {
    FILES: mark(
        "This system has nothing that keeps a program away from your other files; the file was opened without that "
        "protection."
    ),
    NETWORK: mark(
        "This system has nothing that keeps a program away from the network; the file was opened without that "
        "protection."
    ),
    PROGRAMS: mark(
        "This system has nothing that keeps a program from starting other programs; the file was opened without that "
        "protection."
    ),
    SIGNALS: mark(
        "This system has nothing that keeps a program from stopping your other programs; the file was opened without "
        "that protection."
    ),
    PRIVILEGES: mark(
        "This system has nothing that takes administrator rights away from a program; the file was opened without that "
        "protection."
    ),
}


class MissingProtection(Frozen):
    """A protection or limit that this computer lacks.

    Attributes:
        name: One of `ALL`, or a limit in words.
        reason: A sentence; "" where the system simply does not offer it.
    """

    name: Text
    reason: Text = ""


def held_in_words(held: tuple[str, ...]) -> str:
    """Return a sentence about the active protections; empty if there is none."""
    parts = [_(text) for name, text in HELD.items() if name in held]
    if not parts:
        return ""
    listed = parts[0] if len(parts) == 1 else _("{0} and {1}").format(joined(parts[:-1], ", "), parts[-1])
    return _("It was opened in a separate process that {0}.").format(listed)


def missing_in_words(missing: MissingProtection) -> str:
    """Return a sentence about a missing protection, with the reason."""
    if missing.name not in LACKING:
        return _("This system has no {0}; the file was opened without.").format(_(missing.name))
    return joined([_(LACKING[missing.name]), missing.reason])
