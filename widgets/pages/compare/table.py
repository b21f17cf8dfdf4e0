"""Build rows, columns and figures of the page Compare from the measured values."""

from collections.abc import Callable

from widgets.pages.compare.value import CompareValue, VersionValue
from widgets.parts.cards.source import OpenFigure
from widgets.parts.format import (
    UNKNOWN,
    at_least,
    count,
    memory,
    ms,
    percent,
    percent_of,
    percent_up,
    size_bytes,
    times,
)
from widgets.parts.tables.table import Cell, Column, TableRow
from widgets.parts.text import Tone
from widgets.plots.scatter_plot import PointValue
from workers.contracts.translation import _, localized

SMALL_SET = 100
"""Number of examples below which shares are shown as counts, such as "18 of 20"."""


def is_small(value: CompareValue) -> bool:
    """Return whether shares are shown as counts; a language model has many positions in its texts."""
    return not value.speaks and 0 < value.n_test < SMALL_SET


def original_of(value: CompareValue) -> VersionValue | None:
    """Return the version that all others are compared with."""
    return next((version for version in value.versions if version.verdict in ("original", "keep")), None)


def empty_pages(value: CompareValue | None) -> frozenset[str]:
    """Return the ids of detail pages that would be empty: all answers, if no version has predictions."""
    versions = value.versions if value is not None else ()
    has_answers = any(version.agreement is not None for version in versions)
    return frozenset() if has_answers else frozenset({"answers"})


def columns(value: CompareValue) -> list[Column]:
    """Return the six columns and one of links; accuracy or the task's own score needs labels."""
    rightness = value.score_title or (_("Right answers") if is_small(value) else _("Accuracy"))
    third = rightness if value.labelled else _("Memory")
    same = _("Next words kept") if value.speaks else _("Same answers")
    fourth = _("Loss") if value.outcome == "nothing_faster" and value.labelled else same
    last = _("Result") if value.outcome == "nothing_faster" else _("Verdict")
    return [
        Column(_("Version"), stretch=True),
        Column(_("Tokens a second") if value.speaks else _("Latency"), right=True),
        Column(_("Size"), right=True),
        Column(third, right=True),
        Column(fourth, right=True),
        Column(last),
        Column(_("Why"), right=True),
    ]


def source_key(value: CompareValue, column: int) -> str:
    """Return which figure a column of the table shows (a key of `SourceValue`)."""
    return ("latency", "latency", "size", "accuracy" if value.labelled else "memory", "same", "same")[column]


def _of(number: int | None, total: int) -> str:
    return UNKNOWN if number is None else _("{0:,} of {1:,}").format(number, total)


def _third(version: VersionValue, value: CompareValue) -> str:
    if not value.labelled:
        return memory(version.memory_bytes)
    if value.score_title:
        return version.score or UNKNOWN
    if is_small(value):
        return _of(version.right, value.n_labelled)
    return percent(version.accuracy)


def _fourth(version: VersionValue, value: CompareValue) -> str:
    if version.verdict in ("original", "keep"):
        return ""
    if value.outcome == "nothing_faster" and value.labelled:
        return UNKNOWN if version.loss is None else _("none") if version.loss <= 0 else percent(version.loss)
    if is_small(value):
        return _of(None if version.changed is None else value.n_test - version.changed, value.n_test)
    return percent(version.agreement)


def _verdict(version: VersionValue, value: CompareValue) -> Cell:
    limit = percent_of(value.limit_pct)
    cells: dict[str, Cell] = {
        "original": Cell(_("to compare with"), tone="soft"),
        "keep": Cell(_("Keep this one"), tone="ok", icon="check-circle"),
        "safe": Cell(_("Safe to ship"), tag="ok"),
        "alike": Cell(_("Alike, not proven"), tag="warn"),
        "regressed": Cell(_("Silent regression"), tag="bad"),
        "not_enough_data": Cell(_("Not enough data"), tag="none"),
        "not_faster": Cell(_("Not faster here"), tag="none"),
        "not_settled": Cell(_("Speed not settled"), tag="none"),
        "alike_slower": Cell(_("Answers alike, slower"), tag="none"),
        "slow_tail": Cell(_("Slower for one in ten"), tag="none"),
        "beyond_limit": Cell(_("Beyond your limit of {0}").format(limit), tag="bad"),
        "unconfirmed": Cell(_("Answers alike, gain not confirmed"), tag="none"),
        "unmeasured": Cell(_("Not compared"), tag="none"),
        "not_on_card": Cell(_("Not run on a card yet"), tag="none"),
        "not_tested": Cell(_("Not tested"), tag="warn"),
        "dropped": Cell(_("Could not be used"), tag="none"),
        "cut_off": Cell(_("Not ready in time"), tag="none"),
    }
    return cells[version.verdict]


def _why(version: VersionValue) -> Cell:
    """Return the link to what changed in a version; none without a model to compare with the original."""
    if version.verdict in ("original", "keep", "dropped", "cut_off"):
        return Cell("")
    return Cell(_("Why?"), tone="brand")


def _arrow(before: str, now: str) -> str:
    return now if UNKNOWN in (before, now) else f"{before} → {now}"


def _details(version: VersionValue, base: VersionValue | None) -> tuple[tuple[str, str], ...]:
    def pair(show: Callable[[VersionValue], str]) -> str:
        alone = base is None or base.id == version.id or version.first_look
        return show(version) if base is None or alone else _arrow(show(base), show(version))

    runs_on = (
        (_("Memory while running"), pair(lambda v: memory(v.memory_bytes))),
        (_("Runs on"), version.runtime or UNKNOWN),
    )
    if version.tokens_per_s is not None:
        return (*_spoken(pair), *runs_on)
    return (
        (_("Mean"), pair(lambda v: ms(v.latency_mean_ms))),
        (_("Median (p50)"), pair(lambda v: ms(v.latency_ms))),
        (_("90 of 100 (p90)"), pair(lambda v: ms(v.latency_p90_ms))),
        (_("99 of 100 (p99)"), pair(lambda v: ms(v.latency_p99_ms)) if version.latency_p99_ms else _no_p99(version)),
        (_("Answers a second"), pair(lambda v: count(v.throughput_per_s))),
        *runs_on,
    )


def _spoken(pair: Callable[[Callable[[VersionValue], str]], str]) -> tuple[tuple[str, str], ...]:
    """Return the details of a language model, whose tokens matter more than the requests made for timing."""
    return (
        (_("Tokens a second"), pair(lambda v: count(v.tokens_per_s))),
        (_("Of what memory allows"), pair(lambda v: percent(v.memory_share, 0))),
        (_("Prompt tokens a second"), pair(lambda v: count(v.prompt_tokens_per_s))),
        (_("First token after"), pair(lambda v: ms(v.first_ms))),
        (_("A short answer takes"), pair(lambda v: ms(v.latency_mean_ms))),
    )


def _no_p99(version: VersionValue) -> str:
    """Return why there is no p99: the slowest hundredth of few requests is random."""
    if not version.requests:
        return UNKNOWN
    return _("{0:,} of {1:,} requests").format(version.requests, version.requests_for_p99)


def _mean_ms(version: VersionValue) -> float | None:
    """Return the mean latency in ms; the median for results from before means were stored."""
    return version.latency_ms if version.latency_mean_ms is None else version.latency_mean_ms


def _latency(version: VersionValue, strong: bool) -> Cell:
    if version.tokens_per_s is not None and not version.first_look:
        return Cell(count(version.tokens_per_s), strong=strong)
    if not version.first_look:
        return Cell(ms(_mean_ms(version)), strong=strong)
    tip = _("Measured only once and briefly, so it cannot be compared with the others.")
    return Cell(ms(_mean_ms(version)), tone="soft", below=_("first look"), tip=tip)


def rows(value: CompareValue) -> list[TableRow]:
    """Return one row per version, with the recommended one (or the kept original) in bold."""
    base = original_of(value)
    best = value.recommended or (base.id if base is not None and base.verdict == "keep" else "")
    made = []
    for version in value.versions:
        strong = version.id == best
        cells = (
            Cell(version.title, strong=strong),
            _latency(version, strong),
            Cell(size_bytes(version.size_bytes)),
            Cell(_third(version, value)),
            Cell(_fourth(version, value)),
            _verdict(version, value),
            _why(version),
        )
        made.append(TableRow(version.id, cells, _details(version, base)))
    return made


def figures(value: CompareValue) -> list[OpenFigure]:
    """Return the figures of speed, size and predictions, as far as they were measured."""
    base = original_of(value)
    best = next((version for version in value.versions if version.id == value.recommended), None)
    if base is None or best is None:
        return []
    made = []
    before_ms, now_ms = _mean_ms(base), _mean_ms(best)
    if before_ms and now_ms:
        made.append(_spoken_figure(base, best) or _speed_figure(best, before_ms, now_ms))
    if best.size_bytes and base.size_bytes:
        made.append(_size_figure(base.size_bytes, best.size_bytes))
    answers = _answers_figure(value, best)
    return [*made, answers] if answers is not None else made


def _speed_figure(best: VersionValue, before_ms: float, now_ms: float) -> OpenFigure:
    line = _("on average {0} before, {1} now").format(ms(before_ms), ms(now_ms))
    ratio = best.speedup or before_ms / now_ms
    if best.is_bound:
        return OpenFigure("speed", at_least(ratio), _("faster"), line)
    if best.speedup_low is not None and best.speedup_high is not None:
        text = _("{0}; {1} to {2} (95 %)")
        line = text.format(line, localized(best.speedup_low, ".2f"), localized(best.speedup_high, ".2f"))
    return OpenFigure("speed", times(ratio), _("faster"), line)


def _spoken_figure(base: VersionValue, best: VersionValue) -> OpenFigure | None:
    """Return the speedup of a short reply with its parts for a language model; None for other models."""
    if not (base.tokens_per_s and best.tokens_per_s and base.first_ms and best.first_ms) or best.speedup is None:
        return None
    text = _("a short answer; speaks {0} as fast, reads a prompt {1} as fast")
    line = text.format(times(best.tokens_per_s / base.tokens_per_s), times(base.first_ms / best.first_ms))
    ratio = at_least(best.speedup) if best.is_bound else times(best.speedup)
    return OpenFigure("speed", ratio, _("faster"), line)


def _size_figure(before: int, now: int) -> OpenFigure:
    line = _("{0} before, {1} now").format(size_bytes(before), size_bytes(now))
    ratio = before / now
    if 0.98 <= ratio <= 1.02:
        return OpenFigure("size", size_bytes(now), _("same size"), line)
    if ratio > 1:
        return OpenFigure("size", times(ratio), _("smaller"), line)
    return OpenFigure("size", times(1 / ratio), _("larger"), line, "warn")


def _answers_figure(value: CompareValue, best: VersionValue) -> OpenFigure | None:
    if best.agreement is None:
        return None
    tone: Tone = "warn" if value.outcome == "not_proven" else ""
    bound = ""
    if value.loss_high is not None:
        text = _("the loss could still be as high as {0}") if tone else _("loss under {0}")
        bound = text.format(percent_up(value.loss_high))
    if is_small(value) and best.changed is not None:
        return OpenFigure("same", _of(value.n_test - best.changed, value.n_test), _("same answers"), bound, tone)
    if value.speaks:
        return OpenFigure("same", percent(best.agreement), _("next words kept"), bound, tone)
    changed = "" if best.changed is None else _("{0:,} of {1:,} changed").format(best.changed, value.n_test)
    line = ", ".join(part for part in (changed, bound) if part)
    return OpenFigure("same", percent(best.agreement), _("same answers"), line, tone)


def points(value: CompareValue) -> tuple[list[PointValue], float | None, str]:
    """Return the points of the plot, the least allowed share in percent, and the name of the axis."""
    made = []
    for version in value.versions:
        share = version.accuracy if value.labelled else version.agreement
        if share is None and not value.labelled and version.verdict in ("original", "keep"):
            share = 1.0
        if share is not None and (mean_ms := _mean_ms(version)) is not None and not version.first_look:
            best = version.id == value.recommended
            place = mean_ms, share * 100
            worse = version.verdict == "regressed"
            made.append(PointValue(version.id, version.title, *place, version.color, best, worse))
    base = original_of(value)
    whole = base.accuracy if value.labelled and base is not None else 1.0
    limit = None if whole is None else 100 * whole * (1 - value.limit_pct / 100)
    return made, limit, _("Accuracy") if value.labelled else _("Same answers")
