"""Format a run's stored facts as the values of the page Compare."""

import math
from collections.abc import Iterator
from typing import Literal

from app.controllers.compare.devices import fleet_value
from app.controllers.outcome import BUSY_TRIES, examples_words, go_on_value, saved_subtitle
from app.controllers.words import engine_name
from app.domain.choose import is_safe
from app.domain.cost import cost_per_million
from app.domain.fleet import Fleet
from app.domain.outcome import Ending
from app.domain.proof.examples import fewest_examples, larger_limit
from app.domain.run import RunState
from app.domain.standing import Standing, standing_of
from app.domain.variant import Variant
from app.domain.words.card import ELSEWHERE, figures_words, note_words, processor_wins
from app.domain.words.outcome import recommended_words, sentence
from app.domain.words.results import (
    OTHER_PROGRAMS,
    busy_words,
    same_words,
    score_sentences,
    times,
    value_words,
    verdict_found,
    verdict_words,
)
from app.services.after.watching import Watched, watched_words
from app.services.records.facts import RunFacts
from app.services.records.run_records import saved_objective
from widgets.pages.compare.value import CompareValue, OptionsValue, UndecidedValue, Verdict, VersionValue
from widgets.pages.goal.limit import MAX_PCT
from widgets.parts.format import ms
from widgets.parts.nouns import DataKind, plural
from workers.contracts.jobs import DataResult
from workers.contracts.runtimes import needs_gpu
from workers.contracts.specs import P99_NEEDS, Judgement, TaskScore
from workers.contracts.translation import _, joined, localized
from workers.contracts.wording import percent_of, rounded_down


def compare_value(facts: RunFacts, watched: Watched | None = None, fleet: Fleet | None = None) -> CompareValue:
    """Return headline, figures, table and notes of a run.

    `watched` compares it with the run before, and `fleet` with the same goal on other computers.
    """
    run, best, data = facts.run, facts.recommended, facts.data
    judgement = best.judgement if best else facts.baseline.judgement
    proven = bool(best and best.judgement and best.judgement.verdict == "safe")
    outcome: Literal["safe", "not_proven", "nothing_faster"] = "safe" if proven else "not_proven"
    outcome = outcome if best is not None else "nothing_faster"
    kind: DataKind = data.kind if data else "images"
    # an unproven version has the note about a busy computer among its own notes
    busy = "" if outcome == "not_proven" else busy_words((best or facts.baseline).measurement)
    notes = _added(facts), _in_a_row(facts, judgement), _note(data, outcome), busy
    return CompareValue(
        outcome=outcome,
        headline=_headline(facts, best),
        subtitle=_subtitle(facts, best, judgement),
        versions=tuple(version_value(variant, facts, best) for variant in _in_order(facts, best)),
        recommended=best.id if best else "",
        n_test=judgement.n if judgement else 0,
        n_labelled=judgement.n_accuracy if judgement else 0,
        labelled=bool(judgement and judgement.labelled),
        speaks=facts.baseline.id in facts.speech,
        score_title=_(score.title) if (score := _score(judgement)) is not None else "",
        kind=kind,
        limit_pct=run.goal.max_loss_pct,
        loss_high=judgement.drop_high if judgement else None,
        needed=judgement.n + judgement.missing_examples if judgement and judgement.missing_examples else None,
        options=_options(facts, data) if run.state is RunState.KEPT_ORIGINAL else None,
        note=joined(notes),
        watch=watched_words(watched) if watched is not None else "",
        watch_warns=watched is not None and watched.is_worse,
        go_on=go_on_value(facts.outcome, facts.run.goal.max_loss_pct),
        undecided=_undecided(facts),
        fleet=None if fleet is None else fleet_value(fleet, run.id, saved_objective(run)),
        phones=tuple(_phones(facts, best)),
    )


def _phones(facts: RunFacts, best: Variant | None) -> Iterator[str]:
    """Return what browsers measured, in the order of the versions."""
    text = _("“{0}” in {1}: {2} (median of {3} measurements), {4} of {5} test answers alike.")
    for variant in _in_order(facts, best):
        for row in facts.phones[variant.id].rows if variant.id in facts.phones else ():
            one = row.figures
            where, median = one.browser or _("a browser"), ms(one.median_ms)
            yield text.format(_(variant.title), where, median, one.n_times, one.n_alike, one.n_predictions)


def _headline(facts: RunFacts, best: Variant | None) -> str:
    judgement = best.judgement if best is not None else None
    if best is not None and not is_safe(best):
        if judgement is None or judgement.n_unasked:
            return _("Looks alike, not proven yet")
        if judgement.missing_examples:
            return _("Looks alike, not proven: add about {0:,} examples").format(judgement.missing_examples)
        return _("Looks alike, not proven: add more examples")
    if best is None and facts.judged_other is not None:
        judged = facts.judged_other
        return f"{verdict_words(judged)}: {same_words(judged)}" if is_safe(judged) else verdict_found(judged)
    objective = saved_objective(facts.run)
    limit_pct = facts.run.goal.max_loss_pct
    if best is None:
        return sentence(facts.outcome, objective, limit_pct)
    return recommended_words(best, True, objective, limit_pct)


def _subtitle(facts: RunFacts, best: Variant | None, judgement: Judgement | None) -> str:
    n = judgement.n if judgement else 0
    things = plural(facts.data.kind if facts.data else "images")
    if best is None and facts.judged_other is not None:
        return _judged_subtitle(facts.judged_other, things, facts.run.goal.max_loss_pct)
    if best is None:
        return saved_subtitle(facts.outcome, _tested_on(facts, things), things, facts.run.goal.max_loss_pct)
    if judgement is not None and judgement.verdict != "safe":
        same = _("all {0:,} answers are the same") if not judgement.changed_count else _("{1:,} of {0:,} are the same")
        text = _("{0}: {1}, but {2:,} {3} are too few to be sure{4}.")
        if facts.baseline.id in facts.speech:
            same = (
                _("the next words of all {0:,} texts stayed alike")
                if not judgement.changed_count
                else _("the next words of {1:,} of {0:,} texts stayed alike")
            )
        same = same.format(n, n - judgement.changed_count)
        return text.format(_(best.title), same, n, things, _chosen(facts))
    if judgement is None:
        return _("{0}. Its answers to the test {1} were not checked yet.").format(_(best.title), things)
    text = _("{0}. Measured on {1:,} test {2} on this computer{3}.")
    if facts.run.goal.computer:
        text = _("{0}. Measured on {1:,} test {2} on {4}{3}.")
    text = text.format(_(best.title), n, things, _chosen(facts), facts.run.goal.computer)
    return f"{text} {_(OTHER_PROGRAMS)}" if best.measurement.under_load else text


def _tested_on(facts: RunFacts, things: str) -> str:
    """Return the test examples of the evaluation in words; time may have cut the original's predictions first."""
    judged = [variant.judgement for variant in facts.variants if variant.judgement is not None]
    n = max([one.n for one in judged], default=0)
    n_test = facts.data.n_test if facts.data is not None else n
    unasked = min((one.n_unasked for one in judged), default=0)
    return examples_words(n, max(n, n_test - unasked), things)


def _judged_subtitle(judged: Variant, things: str, limit_pct: float) -> str:
    """Return the subtitle of a verdict on a file that was compared with the original."""
    n = judged.judgement.n if judged.judgement is not None else 0
    text = _("{0} beside the original, on {1:,} test {2}; your limit is {3}.").format(
        _(judged.title), n, things, percent_of(limit_pct)
    )
    speed = judged.measurement.meaningful_speedup
    if not speed:
        return text
    if judged.measurement.under_load:
        return text + " " + _("On average it is at least {0} times as fast.").format(rounded_down(speed))
    return text + " " + _("On average it is {0} times as fast.").format(times(speed))


def _chosen(facts: RunFacts) -> str:
    """Return from how many versions the best one was chosen, because the best of several looks better than it is."""
    count = facts.outcome.chosen_from
    return _("; chosen from {0}").format(count) if count > 1 else ""


def _in_order(facts: RunFacts, best: Variant | None) -> list[Variant]:
    """Return the original, the recommended version, and the others by mean latency."""
    others = [variant for variant in facts.variants if not variant.is_baseline and variant is not best]
    others.sort(key=lambda variant: variant.measurement.typical_ms or math.inf)
    return [facts.baseline, *([best] if best else []), *others]


def _notes(variant: Variant, facts: RunFacts) -> tuple[str, ...]:
    """Return the notes of the file, of the measurement and of the verdict, without duplicates."""
    judged = variant.judgement.notes if variant.judgement is not None and not variant.is_baseline else ()
    card = facts.cards.get(variant.id)
    on_card = map(note_words, card.notes) if card is not None else ()
    return tuple(dict.fromkeys((*map(_, variant.notes), *on_card, *map(_, judged))))


def version_value(variant: Variant, facts: RunFacts, best: Variant | None) -> VersionValue:
    """Return one row of the table."""
    measurement, judgement, speech = variant.measurement, variant.judgement, facts.speech.get(variant.id)
    accuracy = judgement.accuracy if judgement else None
    shown = best.judgement if best is not None else facts.baseline.judgement
    counts = _numbers(judgement) == _numbers(shown)  # otherwise the counts refer to different numbers of examples
    return VersionValue(
        id=variant.id,
        title=_(variant.title),
        verdict=_verdict(variant, facts, best),
        latency_ms=measurement.latency_p50_ms,
        latency_mean_ms=measurement.latency_mean_ms,
        latency_p90_ms=measurement.latency_p90_ms,
        latency_p99_ms=measurement.latency_p99_ms,
        requests=measurement.n,
        requests_for_p99=P99_NEEDS,
        throughput_per_s=measurement.throughput_per_s,
        memory_bytes=measurement.peak_memory_bytes,
        size_bytes=variant.size_bytes,
        accuracy=accuracy,
        score=_score_words(shown if variant.is_baseline else judgement, original=variant.is_baseline),
        right=round(accuracy * judgement.n_accuracy) if accuracy is not None and judgement and counts else None,
        agreement=judgement.agreement if judgement and not variant.is_baseline else None,
        changed=judgement.changed_count if judgement and counts and not variant.is_baseline else None,
        loss=_relative_loss(judgement) if not variant.is_baseline else None,
        runtime=engine_name(variant.runtime),
        speedup=measurement.meaningful_speedup if variant.is_side_by_side and not variant.is_baseline else None,
        speedup_low=measurement.speedup_low if not measurement.under_load else None,
        speedup_high=measurement.speedup_high if not measurement.under_load else None,
        is_bound=bool(measurement.under_load),
        first_look=bool(measurement.n) and not variant.is_side_by_side and not variant.is_baseline,
        notes=_notes(variant, facts),
        scores=score_sentences(judgement) if not variant.is_baseline else (),
        color=variant.index,
        tokens_per_s=speech.tokens_per_s if speech is not None else None,
        first_ms=speech.first_ms if speech is not None else None,
        prompt_tokens_per_s=speech.medium.prompt_tokens_per_s if speech is not None else None,
        memory_share=measurement.memory_share,
        device=_device(variant, facts),
    )


def _device(variant: Variant, facts: RunFacts) -> str:
    """Return the device of a version with its figures and the cost of a million predictions.

    The text is "" in runs without versions for GPUs.
    """
    if not any(needs_gpu(one.runtime) for one in facts.variants):
        return ""
    card = facts.cards.get(variant.id)
    if card is not None:
        where = _("Runs {0}.").format(figures_words(card))
    elif not needs_gpu(variant.runtime):
        where = _("Runs on this processor.")
    else:
        where = _("Runs on a graphics card.") if variant.measurement.n else f"{_(ELSEWHERE)}."
    if needs_gpu(variant.runtime) and (slower := processor_wins(facts.variants)):
        where = f"{where} {slower}"
    cost = _cost(variant, facts)
    return " ".join(filter(None, (where, _("A million answers cost {0}.").format(cost) if cost else "")))


def _cost(variant: Variant, facts: RunFacts) -> str:
    """Return the cost of a million predictions at the user's price; "" without a price or a throughput."""
    card, price = facts.cards.get(variant.id), facts.price
    per_s = card.throughput_per_s if card is not None else variant.measurement.throughput_per_s
    if price is None or not per_s:
        return ""
    return f"{localized(cost_per_million(price.per_hour, per_s, price.utilization), '.3g')} {price.currency}"


def _score(judgement: Judgement | None) -> TaskScore | None:
    """Return the first score that compares with the right answers, for models whose predictions are no classes."""
    if judgement is None or judgement.accuracy is not None:
        return None
    return next((score for score in judgement.scores if score.original is not None), None)


def _score_words(judgement: Judgement | None, *, original: bool) -> str:
    score = _score(judgement)
    value = None if score is None else score.original if original else score.optimized
    return "" if score is None or value is None else value_words(value, score.unit)


def _numbers(judgement: Judgement | None) -> tuple[int, int] | None:
    """Return how many examples were evaluated, and how many of them by their labels."""
    return None if judgement is None else (judgement.n, judgement.n_accuracy)


def _relative_loss(judgement: Judgement | None) -> float | None:
    """Return the loss relative to the original's accuracy with labels, else the share of changed predictions."""
    if judgement is None or judgement.drop is None:
        return None
    base = judgement.original_accuracy
    return judgement.drop / base if judgement.labelled and base else judgement.drop


def _verdict(variant: Variant, facts: RunFacts, best: Variant | None) -> Verdict:
    """Return the standing of a version; the original is to keep only if nothing else is undecided."""
    if variant.is_baseline:
        is_open = facts.outcome.is_undecided or facts.outcome.ending is Ending.NOTHING_TRIED
        return "keep" if best is None and not is_open else "original"
    standing = standing_of(variant, saved_objective(facts.run))
    return "beyond_limit" if best is None and standing is Standing.REGRESSED else standing.value


def _undecided(facts: RunFacts) -> UndecidedValue | None:
    """Return what can decide a run that ended without a verdict; None if it has one."""
    outcome = facts.outcome
    if not outcome.is_undecided or facts.judged_other is not None:
        return None
    if outcome.ending is Ending.UNTESTED:
        return UndecidedValue("prove", outcome.untested[-1].id)
    return UndecidedValue("again" if outcome.needs_new_run else "go_on")


def _options(facts: RunFacts, data: DataResult | None) -> OptionsValue:
    """Return the user's options; a larger limit is offered only if the goal allows it and it changes the result."""
    found = larger_limit(facts.variants, facts.run.goal.max_loss_pct, MAX_PCT)
    return OptionsValue(
        limit_pct=found[0] if found else None,
        limit_title=found[1].title if found else "",
        limit_speedup=found[1].measurement.speedup if found else None,
        n_calibration=data.n_calibration if data else 0,
        is_busy=facts.outcome.ending is Ending.BUSY,
        disturbed_by=facts.search.disturbed_by,
        can_wait=facts.outcome.ending is Ending.BUSY and facts.search.busy_tries >= BUSY_TRIES,
        few=facts.outcome.few_items if facts.outcome.ending is Ending.FEW_EXAMPLES else None,
        takes=fewest_examples(facts.run.goal.max_loss_pct),
    )


def _added(facts: RunFacts) -> str:
    """Return how many examples were added later, and how many of those did not count."""
    proof = facts.proof
    if not proof.parts:
        return ""
    text = _("{0:,} of the examples were added later.")
    if proof.known:
        text = _("{0:,} of the examples were added later; {1:,} more were already there and left out.")
    return text.format(proof.added, proof.known)


def _in_a_row(facts: RunFacts, judgement: Judgement | None) -> str:
    """Return the note that a language model is evaluated on more texts than the page Data counts.

    The number of added texts is not shown, because some of the user's own texts may have proven nothing.
    """
    data = facts.data
    if data is None or not data.n_added or judgement is None or judgement.n <= data.n_of_person:
        return ""
    return _("Among the {0:,} test texts are longer ones, made of yours one after the other.").format(judgement.n)


def _note(data: DataResult | None, outcome: str) -> str:
    if data is not None and data.origin == "made":
        return _("You gave no examples: answers were compared on inputs made by Fettle.")
    if outcome == "not_proven":
        return _("“Export anyway” works. The model card then says: alike, not proven.")
    return ""
