"""List the sources of each figure on Compare: raw measurements, n, interval and method."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.domain.variant import Measurement, Variant
from app.domain.words.outcome import range_words
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts
from widgets.parts.cards.source import SourceValue
from widgets.parts.format import UNKNOWN, at_least, cosine, count, memory, ms, percent, percent_of, size_bytes, times
from widgets.parts.nouns import plural
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.specs import P99_NEEDS, Judgement
from workers.contracts.translation import _, localized
from workers.contracts.wording import in_ms

MAX_LINES = 6


def sources_of(facts: RunFacts, variant: Variant, latencies_ms: Sequence[float]) -> tuple[SourceValue, ...]:
    """Return the sources of the measured figures of one version; `latencies_ms` are its timed requests in order."""
    found = [
        _latency(facts, variant, latencies_ms),
        _speedup(facts, variant),
        _memory(facts, variant),
        _size(facts, variant),
        *_answers(facts, variant),
    ]
    return tuple(source for source in found if source is not None)


def _latency(facts: RunFacts, variant: Variant, latencies_ms: Sequence[float]) -> SourceValue | None:
    measured = variant.measurement
    if measured.latency_p50_ms is None:
        return None
    raw = list(latencies_ms)[-measured.n :] if measured.n else []
    ordered = sorted(raw)
    p99_ms = measured.latency_p99_ms if measured.n >= P99_NEEDS else None
    pairs = [
        (_("Requests"), localized(measured.n)),
        *_row(_("Mean"), measured.latency_mean_ms, ms),
        (_("Median (p50)"), ms(measured.latency_p50_ms)),
        *_interval(_("95 % interval"), measured.latency_p50_low_ms, measured.latency_p50_high_ms, in_ms),
        *_row(_("90 of 100 (p90)"), measured.latency_p90_ms, ms),
        *_row(_("99 of 100 (p99)"), p99_ms, ms),
        *_row(_("Answers a second"), measured.throughput_per_s, count),
        *_row(_("Other programs"), measured.busy_share, _of_processor),
        *_on_card(facts.cards.get(variant.id)),
    ]
    ends = (in_ms(ordered[0]), in_ms(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))])) if ordered else ("", "")
    how = _(
        "Timed one request after the other on this computer, in turn with the other versions, each in a process of its"
        " own; nothing was left out."
    )
    return SourceValue(
        "latency", _("Latency"), _title(_("Latency"), variant), ms(measured.latency_p50_ms), how, tuple(pairs),
        tuple(raw), ends, _sets(measured),
    )  # fmt: skip


def _on_card(card: CardFigures | None) -> list[tuple[str, str]]:
    """Return where the time of a request goes on a GPU, by the GPU's own clock."""
    if card is None:
        return []
    pairs = [
        (_("On the card, with copying"), _("{0}, {1:,} requests").format(in_ms(card.latency.p50_ms), card.n)),
        (_("Copying there"), in_ms(card.to_card.p50_ms)),
        (_("Computing alone (CUDA events)"), in_ms(card.compute.p50_ms)),
        (_("Copying back"), in_ms(card.to_host.p50_ms)),
        (_("Handing over (processor)"), in_ms(card.enqueue.p50_ms)),
    ]
    pairs += [
        (_("Answers a second, {0} at once").format(one.streams), count(one.throughput_per_s)) for one in card.tried
    ]
    if card.energy is not None:
        how = _("the card's counter") if card.energy.source == "counter" else _("its power, read 20 times a second")
        text = _("{0} mJ, by {1} over {2:.0f} s").format(count(card.energy.per_request_mj), how, card.energy.seconds)
        pairs.append((_("Energy of one answer"), text))
    return pairs


def _row(name: str, value: float | None, words: Callable[[float], str]) -> list[tuple[str, str]]:
    """Return the row of a figure; no row if it was not measured."""
    return [] if value is None else [(name, words(value))]


def _interval(name: str, low: float | None, high: float | None, words: Callable[[float], str]) -> list[tuple[str, str]]:
    """Return the row of a 95 % interval; no row without one."""
    return [] if low is None or high is None else [(name, _("{0} to {1}").format(words(low), words(high)))]


def _of_processor(share: float) -> str:
    return _("{0} of the processor").format(percent(share))


def _sets(measured: Measurement) -> tuple[str, ...]:
    """Return the median of each set; the sets were measured one after another in fresh processes."""
    if len(measured.set_p50_ms) < 2:
        return ()
    middles = ", ".join(map(in_ms, measured.set_p50_ms))
    return (_("{0} sets in fresh processes, their middles: {1}").format(len(measured.set_p50_ms), middles),)


def _speedup(facts: RunFacts, variant: Variant) -> SourceValue | None:
    measured, base = variant.measurement, facts.baseline.measurement
    if measured.speedup is None or variant.is_baseline:
        return None
    pairs = [
        (_("Original"), _("{0} on average, {1:,} requests").format(ms(base.typical_ms), base.n)),
        (_("This version"), _("{0} on average, {1:,} requests").format(ms(measured.typical_ms), measured.n)),
    ]
    if measured.speedup_low is not None:
        least = _("{0:.2f} times, by {1} sets of fresh processes").format(measured.speedup_low, measured.sets)
        pairs.append((_("At least (95 % confidence)"), least))
    pairs += _row(_("One request in ten (p90)"), measured.p90_speedup, _("{0:.2f} times").format)
    pairs += _row(_("Other programs, original's turns"), base.busy_share, _of_processor)
    pairs += _row(_("This version's turns"), measured.busy_share, _of_processor)
    how = _(
        "The original's mean time divided by this version's, over the same requests, both measured in turn; the bound"
        " is Student's over sets of fresh processes, and holds for all versions together (Holm)."
    )
    if measured.undisturbed:
        how = _(
            "Other programs kept the computer busy, so only requests count whose threads did not wait for the"
            " processor, less the original's waiting; the bound is Student's over sets of fresh processes (Holm)."
        )
        shown = range_words(measured.speedup_low or 0.0, measured.speedup_high or 0.0)
        pairs.append((_("Undisturbed requests"), _("{0:.2f} times ({1})").format(measured.speedup, shown)))
    elif measured.under_load:
        how = _(
            "Other programs kept the computer busy, so this is the least of three ways to compare, block by block: wall"
            " time, processor time, and wall time without the waiting for the processor (t interval)."
        )
        pairs.append((_("By processor time alone"), _("{0:.2f} times").format(measured.cpu_speedup or 0.0)))
    figure = at_least(measured.shown_speedup or 0.0) if measured.under_load else times(measured.speedup)
    return SourceValue(
        "speed", _("Faster"), _title(_("Faster"), variant), figure, how, tuple(pairs),
    )  # fmt: skip


def _memory(facts: RunFacts, variant: Variant) -> SourceValue | None:
    peak = variant.measurement.peak_memory_bytes
    if peak is None:
        return None
    how = _(
        "The most memory that a process with this version alone held while it answered, less what it held before the"
        " model was loaded."
    )
    pairs = ((_("Exactly"), _("{0:,} bytes").format(peak)),)
    return SourceValue(
        "memory", _("Memory"), _title(_("Memory while running"), variant), memory(peak), how, pairs,
    )  # fmt: skip


def _size(facts: RunFacts, variant: Variant) -> SourceValue | None:
    if variant.size_bytes is None:
        return None
    how = _("The files that hold the model, as they lie on the disk and go into a bundle.")
    pairs = [(_("Exactly"), _("{0:,} bytes").format(variant.size_bytes))]
    base = facts.baseline.size_bytes
    if base and not variant.is_baseline:
        pairs.append((_("Original"), size_bytes(base)))
    return SourceValue(
        "size", _("Size"), _title(_("Size"), variant), size_bytes(variant.size_bytes), how, tuple(pairs),
        lines=_files(facts, variant),
    )  # fmt: skip


def _files(facts: RunFacts, variant: Variant) -> tuple[str, ...]:
    """Return the largest files of the model."""
    try:
        folder: Path = facts.model_dir(variant)
        files = sorted(((path.stat().st_size, path.name) for path in folder.iterdir() if path.is_file()), reverse=True)
    except (JobError, OSError):
        return ()
    return tuple(f"{name}: {size_bytes(size)}" for size, name in files[:MAX_LINES])


# --- predictions


def _answers(facts: RunFacts, variant: Variant) -> list[SourceValue | None]:
    judgement = variant.judgement
    if judgement is None or not judgement.n:
        return []
    rightness = _accuracy(facts, variant, judgement)
    return [rightness] if variant.is_baseline else [rightness, _sameness(facts, variant, judgement)]


def _things(facts: RunFacts) -> str:
    return plural(facts.data.kind if facts.data else "images")


def _accuracy(facts: RunFacts, variant: Variant, judgement: Judgement) -> SourceValue | None:
    if judgement.accuracy is None:
        return None
    n = judgement.n_accuracy
    pairs = [(_("Right answers"), _("{0:,} of {1:,}").format(round(judgement.accuracy * n), n))]
    pairs += _interval(_("95 % interval"), judgement.accuracy_low, judgement.accuracy_high, percent)
    pairs += _row(_("Original"), None if variant.is_baseline else judgement.original_accuracy, percent)
    if judgement.negative_flips is not None and judgement.flips is not None and not variant.is_baseline:
        worse = round(judgement.negative_flips * judgement.n_drop)
        pairs.append((_("Right before, wrong now"), localized(worse)))
        pairs.append((_("Wrong before, right now"), localized(round(judgement.flips * judgement.n_drop) - worse)))
    how = _("Answers that equal your label, on {0} that no version was tuned with; the interval is exact.")
    return SourceValue(
        "accuracy", _("Accuracy"), _title(_("Accuracy"), variant), percent(judgement.accuracy),
        how.format(_things(facts)), tuple(pairs),
    )  # fmt: skip


def _sameness(facts: RunFacts, variant: Variant, judgement: Judgement) -> SourceValue | None:
    if judgement.agreement is None:
        return None
    pairs = [
        (_("Examples"), f"{localized(judgement.n)} {_things(facts)}"),
        (_("Changed answers"), localized(judgement.changed_count)),
    ]
    if judgement.similarity is not None and judgement.similarity_min is not None:
        text = _("{0} on average, {1} at least")
        pairs.append((_("Similarity"), text.format(cosine(judgement.similarity), cosine(judgement.similarity_min))))
    pairs += _row(_("Loss"), judgement.drop, lambda drop: percent(max(0.0, drop)))
    if judgement.drop_low is not None and judgement.drop_high is not None:
        text = _("{0} to {1}, each side with 96 %")
        low, high = (max(0.0, bound) for bound in (judgement.drop_low, judgement.drop_high))
        pairs.append((_("Loss may be"), text.format(percent(low), percent(high))))
    pairs.append((_("Your limit"), percent_of(facts.run.goal.max_loss_pct)))
    lines = tuple(
        _("{0}: {1:,} of {2:,} changed").format(part.name, part.changed, part.n)
        for part in judgement.slices[:MAX_LINES]
        if part.changed
    )
    how = _("Both versions answered the same {0}; their answers were compared one by one.")
    figure, name = percent(judgement.agreement), _("Same answers")
    return SourceValue(
        "same", name, _title(name, variant), figure, how.format(_things(facts)), tuple(pairs), lines=lines,
    )  # fmt: skip


def _title(name: str, variant: Variant) -> str:
    return _("{0} of “{1}”").format(name, _(variant.title)) if variant.title else name or UNKNOWN
