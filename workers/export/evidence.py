"""List a bundle's evidence for NIST AI RMF 1.0 and ISO/IEC 42001:2023 Annex A, and the items that are not recorded.

The text says "aligned evidence": where a reader finds facts for a subcategory or control. It never says "compliant",
which only an assessment of the whole organization can establish.
"""

from collections.abc import Callable

from workers.contracts.bundles import CardFacts
from workers.contracts.decisions import DECISIONS_FILE
from workers.contracts.wording import percent_of
from workers.export.card.foreign import plain

EVIDENCE_FILE = "EVIDENCE.md"
NOT_RECORDED = "not recorded"


def _stated(text: str) -> str:
    return "stated by the person who made it" if text else ""


def _verdict(facts: CardFacts) -> str:
    if facts.is_original:
        return "the original, unchanged"
    words = str(facts.variant.get("verdict") or "").replace("_", " ")
    return f"verdict: {words}" if words and words != "unmeasured" else ""


def _examples(facts: CardFacts) -> str:
    return f"{facts.data.n_test} examples" if facts.data is not None else ""


def _hash(facts: CardFacts) -> str:
    return f"sha256 {facts.original_sha256[:12]}…"


def _slices(facts: CardFacts) -> str:
    return f"worst part: {facts.worst_slice}" if facts.worst_slice is not None else ""


def _source(facts: CardFacts) -> str:
    given = [facts.license or "", "data: answered" if facts.data_record and not facts.data_record.is_empty else ""]
    return ", ".join(word for word in given if word)


def _decided(facts: CardFacts) -> str:
    return "exported against the verdict, with a reason" if facts.override_reason else _verdict(facts)


def _released(facts: CardFacts) -> str:
    released = sum(entry.kind == "released" for entry in facts.decisions)
    back = sum(entry.kind == "rolled_back" for entry in facts.decisions)
    return f"earlier releases: {released}, of which gone back to: {back}" if released else ""


def _logged(facts: CardFacts) -> str:
    count = len(facts.decisions)
    entries = "1 entry" if count == 1 else f"{count} entries"
    return f"{entries}: a log; only the bundle's signature proves who wrote it" if count else ""


def _people(facts: CardFacts) -> str:
    return f"answered: {facts.data_record.people}" if facts.data_record and facts.data_record.people else ""


def _speed(facts: CardFacts) -> str:
    return "latency, throughput, memory, size" if facts.variant.get("latency_p50_ms") is not None else ""


def _energy(facts: CardFacts) -> str:
    return "measured" if facts.load is not None and facts.load.joules is not None else ""


def _watched(facts: CardFacts) -> str:
    has_data = facts.data is not None and facts.data.origin == "person"
    return "a log is compared with the test data" if has_data else "a log is compared with its own beginning"


ROWS: tuple[tuple[str, str, str, str, Callable[[CardFacts], str]], ...] = (
    ("Purpose", "MAP 1.1", "A.9.4", "README.md, What it is for", lambda f: _stated(f.purpose)),
    ("Margins", "MAP 1.5", "A.6.1.2", "README.md, Verdict", lambda f: f"limit {percent_of(f.limit_pct)}"),
    ("Recipe", "MEASURE 2.9", "A.6.2.3", "README.md, How it was made", lambda f: str(f.variant["precision"])),
    ("Test sets", "MEASURE 2.1", "A.6.2.4", "README.md, Test data", _examples),
    ("Accuracy and verdict", "MEASURE 2.3, 2.5", "A.6.2.4", "README.md, Verdict", _verdict),
    ("What was not measured", "MEASURE 1.1", "A.8.2", "README.md, What was not measured", lambda _f: "listed"),
    ("Parts of the data", "MEASURE 2.11", "A.5.4", "README.md, What was measured", _slices),
    ("Robustness", "MEASURE 2.6, 2.7", "A.6.2.4", "README.md, Under stress", lambda f: "measured" if f.stress else ""),
    ("Source of data, licenses", "MAP 4.1, GOVERN 6.1", "A.7.3, A.7.5", "README.md, Origin", _source),
    ("Private data", "MEASURE 2.10", "A.7.4", "README.md, Test data", _people),
    ("Base model and its hash", "MAP 4.1, MANAGE 3.1", "A.10.3", "bom.json", _hash),
    ("Latency, memory, cost", "MAP 3.1, 3.2", "A.4.5", "README.md, What was measured", _speed),
    ("Energy", "MEASURE 2.12", "A.4.5", "README.md, Under load", _energy),
    ("Go or no-go", "MANAGE 1.1", "A.6.2.5", "README.md, Verdict", _decided),
    ("Versions and rollback", "MANAGE 2.3, 2.4", "A.6.2.8", DECISIONS_FILE, _released),
    ("Log of decisions", "MANAGE 4.3", "A.6.2.8", DECISIONS_FILE, _logged),
    ("Monitoring", "MEASURE 2.4, 3.1, MANAGE 4.1", "A.6.2.6", "monitor.py, monitor/reference.json", _watched),
    ("Model card", "MEASURE 2.8", "A.6.2.7", "README.md", lambda _f: "written"),
    ("Contact", "MEASURE 3.3", "A.8.3", "README.md, Origin", lambda f: _stated(f.contact)),
)  # fmt: skip
"""Rows of the table: subject, NIST, ISO, place, and a function that describes the evidence ("" for none)."""


def evidence(facts: CardFacts) -> str:
    """Return `EVIDENCE.md`."""
    lines = [
        "# Aligned evidence\n",
        "Where this bundle holds what NIST AI RMF 1.0 (subcategories) and ISO/IEC 42001:2023 (Annex A controls) ask "
        "about. It is evidence for an assessment and no statement of conformity.\n",
        "| About | NIST AI RMF 1.0 | ISO/IEC 42001 | Where | Found |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {about} | {nist} | {iso} | {where} | {plain(found(facts)) or NOT_RECORDED} |"
        for about, nist, iso, where, found in ROWS
    ]
    return "\n".join(lines) + "\n"
