"""Format a project's releases and decisions as the page shows them."""

from app.controllers.export.presenter import file_stem
from app.domain.project import Project
from app.services.after.watching import Change, Figures
from app.services.records.decisions import DecisionLog
from app.services.release.documents import change_words, decision_words, log_words
from app.services.release.record import Current, Release
from app.services.release.releasing import old_releases
from widgets.pages.releases.value import ReleaseState, ReleasesValue, ReleaseValue
from widgets.parts.format import UNKNOWN, memory, ms, percent, size_bytes
from widgets.parts.small import CheckValue
from workers.contracts.translation import _

KEEP_NEWEST = 5
"""Number of newest bundles to keep when old ones are removed, in addition to the current and the previous one."""


def releases_value(
    project: Project, releases: tuple[Release, ...], current: Current | None, log: DecisionLog, titles: dict[str, str]
) -> ReleasesValue:
    """Return the page's value; `titles` are the targets' titles by id."""
    old = old_releases(releases, current, KEEP_NEWEST)
    return ReleasesValue(
        project=project.name,
        releases=tuple(_release(project, one, current, titles) for one in releases),
        decisions=tuple((entry, decision_words(entry)) for entry in reversed(log.entries)),
        log=CheckValue("ok" if log.broken_at is None else "bad", log_words(log)),
        old=len(old),
        old_bytes=sum(one.size_bytes for one in old),
    )


def _release(project: Project, one: Release, current: Current | None, titles: dict[str, str]) -> ReleaseValue:
    change = one.change
    return ReleaseValue(
        number=one.number,
        title=one.title,
        target=titles.get(one.target, one.target),
        state=_state(one, current),
        at=one.released_at,
        size_bytes=one.size_bytes,
        changed=_changed(change),
        change=change_words(change),
        file_name=f"{file_stem(project.name)}-release-{one.number}{one.suffix}",
        sha256=one.sha256,
        suffix=one.suffix,
        signed_by=one.signed_by,
        switch=one.switch_command,
        figures=_figures(change.before if change is not None else None, one.figures),
        figures_note=""
        if change is None or change.in_turn
        else _("These times were not measured side by side, so they cannot be compared fairly."),
    )


def _state(one: Release, current: Current | None) -> ReleaseState:
    if one.pruned_at is not None:
        return "removed"
    if current is not None and one.number == current.number:
        return "current"
    return "previous" if current is not None and one.number == current.previous else "kept"


def _changed(change: Change | None) -> str:
    if change is None:
        return _("the first one")
    judged = change.judgement
    if judged is None:
        return _("not compared")
    if not judged.changed_count:
        return _("all the same")
    return _("{0:,} of {1:,} changed").format(judged.changed_count, judged.n)


def _figures(before: Figures | None, after: Figures) -> tuple[tuple[str, str, str], ...]:
    def per_second(value: float | None) -> str:
        return UNKNOWN if value is None else _("{0:,.0f} a second").format(value)

    rows = (
        (_("Median time"), "latency_p50_ms", ms),
        (_("Throughput"), "throughput_per_s", per_second),
        (_("Model's size"), "size_bytes", size_bytes),
        (_("Memory"), "peak_memory_bytes", memory),
        (_("Accuracy"), "accuracy", percent),
    )
    found = []
    for name, key, words in rows:
        old, new = getattr(before, key, None), getattr(after, key)
        if old is not None or new is not None:
            found.append((name, words(old) if before is not None else "", words(new)))
    return tuple(found)
