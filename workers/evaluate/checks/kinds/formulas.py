"""Find cells that a spreadsheet would treat as a formula. Here they are plain texts, and nothing is ever executed.

Source: OWASP, "CSV Injection".
"""

import re

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark, ngettext
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.data.base import names_of

FORMULA = re.compile(r"^\s*(?:=\s*[A-Za-z+\-@(\"]|@[A-Z]{2,}\(|[+-][A-Za-z@(]+\()|^\s*=[^=\s].*[()!|]")
"""Matches an equals sign, or the beginning of a function call."""


def run(material: Material, ctx: JobContext) -> Outcome:
    """Check texts; other data are skipped."""
    if material.kind != "texts":
        return Outcome(counts={"formulas": None})
    names = [material.name_of(i) for i, entry in enumerate(material.entries) if FORMULA.match(entry.text or "")]
    count = len(names)
    if not names:
        return Outcome(counts={"formulas": count})
    what = ngettext(
        "{0} item is what a spreadsheet would take for a formula ({1}); here it stays a plain text.",
        "{0:,} items are what a spreadsheet would take for a formula ({1}); here they stay plain texts.",
        count,
    ).format(count, names_of(names))
    hint = mark("If they came from a spreadsheet, save the values instead of the formulas.")
    return Outcome((CHECK.finding("info", what, hint, names),), {"formulas": count})


CHECK = Check("formulas", "Cells are plain texts", "OWASP, CSV Injection", 95, run)
