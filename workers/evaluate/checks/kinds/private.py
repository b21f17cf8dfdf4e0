"""Find e-mail addresses, telephone numbers, cards and bank accounts in texts. The report contains none of them."""

from collections import Counter
from collections.abc import Callable

from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _, joined, mark, ngettext
from workers.contracts.wording import counted
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.checks.patterns import private_in

STAGE = mark("Looking for private data")


def run(material: Material, ctx: JobContext) -> Outcome:
    """Check texts; other data are skipped without a finding."""
    if material.kind != "texts":
        return Outcome(counts={"private": None})
    kinds: Counter[str] = Counter()
    names, shown = [], []
    for number, entry in enumerate(in_steps(ctx, STAGE, material.entries, "texts")):
        hits = private_in(entry.text or "")
        kinds.update(kind for kind, _piece in hits)
        if hits:
            names.append(material.name_of(number))
            shown.append(_("{0} ({1}: {2})").format(material.name_of(number), _(hits[0][0]), hits[0][1]))
    if not names:
        return Outcome(counts={"private": 0})
    listed = joined([COUNTED[kind](count) for kind, count in kinds.most_common()], ", ")
    what = ngettext(
        "{0} item holds what looks like private data: {1}. {2}.",
        "{0:,} items hold what looks like private data: {1}. {2}.",
        len(names),
    ).format(len(names), listed, joined(shown[:3], "; "))
    hint = mark("Remove these texts, or make them unrecognizable, before the data or a bundle goes to others.")
    values = {kind: float(count) for kind, count in kinds.items()}
    finding = CHECK.finding("warning", what, hint, names, values=values)
    return Outcome((finding,), {"private": len(names)})


COUNTED: dict[str, Callable[[int], str]] = {
    "e-mail address": lambda count: counted(count, "e-mail address", "e-mail addresses"),
    "bank account (IBAN)": lambda count: counted(count, "bank account (IBAN)", "bank accounts (IBAN)"),
    "card number": lambda count: counted(count, "card number"),
    "telephone number": lambda count: counted(count, "telephone number"),
}

CHECK = Check("private", "No private data", "patterns with checksums: ISO/IEC 7812, ISO 13616, ITU-T E.164", 100, run)
