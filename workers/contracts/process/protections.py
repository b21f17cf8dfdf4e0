"""Names of a worker's protections, and sentences about them for the user."""

from workers.contracts.translation import _

FILES = "files outside the job's folder"
NETWORK = "network"
PROGRAMS = "starting other programs"
SIGNALS = "stopping other programs"
PRIVILEGES = "administrator rights"
NOT_OFFERED = "this system does not offer it"
ALL = (FILES, NETWORK, PROGRAMS, SIGNALS, PRIVILEGES)

HELD = {
    FILES: "could read nothing but the model's own folder and write nothing but a temporary one",
    NETWORK: "could not reach the network",
    PROGRAMS: "could not start other programs",
    SIGNALS: "could not stop other programs",
    PRIVILEGES: "had no administrator rights",
}
LACKING = {
    FILES: "keeps a program away from your other files",
    NETWORK: "keeps a program away from the network",
    PROGRAMS: "keeps a program from starting other programs",
    SIGNALS: "keeps a program from stopping your other programs",
    PRIVILEGES: "takes administrator rights away from a program",
}


def held_in_words(held: tuple[str, ...]) -> str:
    """Return a sentence about the active protections; empty if there is none."""
    parts = [text for name, text in HELD.items() if name in held]
    if not parts:
        return ""
    listed = parts[0] if len(parts) == 1 else _("{0} and {1}").format(", ".join(parts[:-1]), parts[-1])
    return _("It was opened in a separate process that {0}.").format(listed)


def missing_in_words(missing: str) -> str:
    """Return a sentence about a missing protection, given as its name with the reason in brackets."""
    name, _separator, reason = missing.partition(" (")
    lacking = LACKING.get(name)
    if lacking is None:
        return _("This system has no {0}; the file was opened without.").format(missing)
    why = "" if NOT_OFFERED in reason else f" ({reason.rstrip(')')})"
    return _("This system has nothing that {0}{1}; the file was opened without that protection.").format(lacking, why)
