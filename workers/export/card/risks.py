"""Write the card's section on risks: facts that may harm users who rely on this version."""

from workers.contracts.after.stress import StressResult
from workers.contracts.bundles import CardFacts
from workers.contracts.wording import percent_of
from workers.export.card.foreign import plain
from workers.export.card.scores import worst_loss
from workers.pipeline.spec import PipelineSpec

PEOPLE = {
    "yes": "The examples show people or private things; whether those people agreed is not stated.",
    "unknown": "Whether the examples show people is not known.",
}
MAY_USE = {
    "no": "The examples may not be used for this purpose, or not commercially.",
    "unknown": "Whether the examples may be used is not known.",
}
"""Risks by the user's answers about the examples."""

NOTHING_FOUND = "The measurements found none. What was not measured may hold some."


def risks(facts: CardFacts, spec: PipelineSpec) -> str:
    """Return the section as Markdown."""
    found = [*_answers(facts), *(_stress(facts.stress) if facts.stress is not None else ()), *_data(facts)]
    if facts.license_verdict is not None and facts.license_verdict.word != "ok":
        found.append(f"The license sets limits: {plain(facts.license_verdict.sentence)}")
    if spec.guessed:
        found.append(f"Guessed, because the model's files do not state it: {', '.join(map(plain, spec.guessed))}.")
    return "## Risks\n\n" + "\n".join(f"- {text}" for text in found or [NOTHING_FOUND]) + "\n"


def _answers(facts: CardFacts) -> list[str]:
    verdict = facts.variant.get("verdict")
    found: list[str] = []
    if facts.is_original:
        return found
    if verdict == "regressed":
        found.append(f"It answers worse than the original by more than {percent_of(facts.limit_pct)}.")
    elif verdict != "safe":
        found.append("It may answer worse than the original; that it does not is not proven.")
    if facts.worst_slice is not None and facts.worst_slice_judged and (lost := worst_loss(facts)):
        found.append(f"It is not equally good everywhere: “{plain(facts.worst_slice)}” lost {lost}.")
    return found


def _stress(stress: StressResult) -> list[str]:
    worse = [
        f"{row.title} (severity {', '.join(str(cell.level) for cell in row.cells if cell.verdict == 'worse')})"
        for row in stress.rows
        if any(cell.verdict == "worse" for cell in row.cells)
    ]
    found = [f"It loses more than the original where inputs change: {', '.join(worse)}."] if worse else []
    strange = [row.title for row in stress.unfamiliar if row.verdict == "worse"]
    if strange:
        found.append(f"It recognizes unfamiliar inputs less often than the original: {', '.join(strange)}.")
    return found


def _data(facts: CardFacts) -> list[str]:
    found = []
    if facts.data is None or facts.data.origin == "made":
        found.append("It was judged without real examples.")
    record = facts.data_record
    if record is not None:
        sentences = (PEOPLE.get(record.people or ""), MAY_USE.get(record.may_use or ""))
        found += [sentence for sentence in sentences if sentence is not None]
    return found
