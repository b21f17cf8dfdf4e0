"""Put a project's releases and decisions into words and into the documents of `fettle releases`."""

from typing import Any

from app.services.after.watching import Change, Figures, difference_words, judged_document, libraries_words
from app.services.records.decisions import DecisionLog
from app.services.release.record import Current, Release
from workers.contracts.decisions import Decision
from workers.contracts.translation import _, joined, mark, ngettext
from workers.contracts.wording import percent_of

CHANGED = {
    "released": (mark("made release {0}"), mark("made release {0} instead of {1}")),
    "rolled_back": (mark("went back to release {0}"), mark("went back to release {0} instead of {1}")),
    "promoted": (mark("went on to release {0}"), mark("went on to release {0} instead of {1}")),
}
COUNTS = {
    "relabeled": mark("{0} got another label"),
    "labels_put_back": mark("{0} got their own label back"),
    "names_matched": mark("{0} labels were matched to answers"),
    "left_out": mark("{0} left out"),
    "put_back": mark("{0} put back"),
}
FIGURES = ("latency_p50_ms", "throughput_per_s", "size_bytes", "peak_memory_bytes", "accuracy")


def change_words(change: Change | None) -> str:
    """Return the change as text: "Compared with release 1: 2 of 180 answers differ, none worse."."""
    if change is None:
        return mark("The first release of this project.")
    if change.judgement is None:
        text = _("Its answers could not be compared with release {0}.").format(change.against)
        return joined([text, _(change.reason)])
    text = _("Compared with release {0}: {1}").format(change.against, difference_words(change.judgement))
    return joined([text, libraries_words(change.libraries) if change.judgement.changed_count else ""])


def decision_words(entry: Decision) -> str:
    """Return the decision as the predicate of a sentence, without a period."""
    facts = entry.facts
    if entry.kind == "exported_anyway":
        return _("exported “{0}” although it answers worse than the limit allows").format(
            _(str(facts.get("title", "")))
        )
    if entry.kind == "exported_unproven":
        return _("exported “{0}”, which was not proven to answer alike").format(_(str(facts.get("title", ""))))
    if entry.kind == "limit_raised":
        return _("raised the limit from {0} to {1}").format(_pct(facts.get("from_pct")), _pct(facts.get("to_pct")))
    if entry.kind == "labels_changed":
        return _("changed the examples: {0}").format(_counts(entry))
    if entry.kind == "pruned":
        numbers = facts.get("releases")
        report = ", ".join(str(number) for number in numbers) if isinstance(numbers, list) else ""
        return _("removed the bundles of old releases ({0})").format(report)
    instead = facts.get("instead_of")
    return _(CHANGED[entry.kind][instead is not None]).format(facts.get("release"), instead)


def _pct(value: object) -> str:
    return percent_of(value) if isinstance(value, (int, float)) else "?"


def _counts(entry: Decision) -> str:
    return joined((_(text).format(entry.facts[name]) for name, text in COUNTS.items() if entry.facts.get(name)), ", ")


def log_words(log: DecisionLog) -> str:
    """Return a sentence on the state of the log of decisions; it claims no more than the hashes can show."""
    if log.broken_at is not None:
        return _("The log of decisions was changed since it was written: entry {0} is not as it was.").format(
            log.broken_at
        )
    count = len(log.entries)
    return ngettext(
        "A diary of {0} entry, as it was written. Only a bundle's signature proves who made it.",
        "A diary of {0} entries, each as it was written. Only a bundle's signature proves who made it.",
        count,
    ).format(count)


def release_document(release: Release, current: Current | None) -> dict[str, Any]:
    """Return one release as a document; figures as in VARIANT, None if not measured."""
    change = release.change
    return {
        "version": release.number,
        "current": current is not None and current.number == release.number,
        "previous": current is not None and current.previous == release.number,
        "run_id": release.run_id,
        "variant": release.variant_id,
        "title": release.title,
        "target": release.target,
        "sha256": release.sha256,
        "size_bytes": release.size_bytes,
        "released_at": release.released_at.isoformat(timespec="seconds"),
        "signed_by": release.signed_by or None,
        "pruned": release.pruned_at is not None,
        "figures": _figures(release.figures),
        "changed": None
        if change is None
        else {
            "against": change.against,
            "before": _figures(change.before),
            "in_turn": change.in_turn,
            **judged_document(change.judgement),
            "libraries": [one.model_dump() for one in change.libraries],
        },
        "text": change_words(change),
    }


def log_document(log: DecisionLog) -> dict[str, Any]:
    """Return the log and its state as a document."""
    entries = [{**entry.model_dump(mode="json"), "text": decision_words(entry)} for entry in log.entries]
    return {"ok": log.broken_at is None, "broken_at": log.broken_at, "entries": entries}


def _figures(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in FIGURES}
