"""Turn stored facts into the JSON documents of docs/command-line.md, for command line, window, card and manifest."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.domain.choose import is_alike_not_proven, is_regressed
from app.domain.outcome import Ending, Outcome
from app.domain.run import Run
from app.domain.variant import Screening, Variant
from app.services.records.measured import SpeechRecord
from workers.contracts.jobs import Speech
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.specs import Finding

FROM_MEASUREMENT = (
    "latency_mean_ms", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "throughput_per_s", "peak_memory_bytes",
)  # fmt: skip
FROM_COMPARISON = ("under_load", "speedup_low", "speedup_high", "cpu_speedup")
FROM_JUDGEMENT = (
    "accuracy", "accuracy_low", "accuracy_high", "agreement", "changed_share", "changed_high", "similarity", "flips",
    "negative_flips",
)  # fmt: skip
NO_SPEECH: Mapping[str, SpeechRecord] = MappingProxyType({})
NO_CARDS: Mapping[str, CardFigures] = MappingProxyType({})
FROM_SCORES = {"id", "original", "optimized", "low", "high", "n"}


def variant_document(
    variant: Variant, speech: SpeechRecord | None = None, card: CardFigures | None = None
) -> dict[str, Any]:
    """Return a version as document VARIANT; figures that were not measured are None, never 0.

    Times are in ms, sizes in bytes, shares from 0 to 1. `speech` belongs to language models only, `card` to versions
    that ran on a GPU.
    """
    measurement, judgement = variant.measurement, variant.judgement
    measured = measurement.n > 0
    return {
        "id": variant.id,
        "title": variant.title,
        "recipe": [step.model_dump(mode="json") for step in variant.recipe.steps],
        "runtime": variant.runtime,
        "precision": variant.precision,
        **{name: _figure(getattr(measurement, name)) for name in FROM_MEASUREMENT},
        "size_bytes": variant.size_bytes,
        "speedup": 1.0 if variant.is_baseline and measured else _figure(measurement.speedup),
        "size_ratio": _figure(variant.size_ratio),
        **{name: _figure(getattr(measurement, name)) for name in FROM_COMPARISON},
        **{name: _figure(getattr(judgement, name, None)) for name in FROM_JUDGEMENT},
        "task": judgement.task if judgement else None,
        "scores": [score.model_dump(include=FROM_SCORES) for score in judgement.scores] if judgement else [],
        "verdict": verdict(variant),
        "tested": variant.judgement is not None,
        "untested": variant.untested or None if variant.judgement is None else None,
        "calibration": _screening(variant.screening),
        "artifact": variant.artifact_key,
        "notes": list(dict.fromkeys((*variant.notes, *(judgement.notes if judgement else ())))),
        "measured": measured_how(variant),
        **({} if speech is None else _speech_document(speech, measurement.memory_share)),
        **({} if card is None else {"card": card_document(card)}),
    }


def _speech_document(speech: SpeechRecord, memory_share: float | None) -> dict[str, Any]:
    """Return a language model's speeds of speaking and of reading a prompt of medium length, and all its rows."""
    return {
        "tokens_per_s": _figure(speech.tokens_per_s),
        "prompt_tokens_per_s": _figure(speech.medium.prompt_tokens_per_s),
        "memory_share": _figure(memory_share),
        "speech": speech_rows(speech.rows),
    }


def speech_rows(rows: Iterable[Speech]) -> list[dict[str, Any]]:
    """Return the speeds by length of the prompt, with the rate at which each prompt was read."""
    return [{**row.model_dump(), "prompt_tokens_per_s": row.prompt_tokens_per_s} for row in rows]


def card_document(card: CardFigures) -> dict[str, Any]:
    """Return a GPU's own figures; `energy` is null if the card does not report it."""
    energy = None if card.energy is None else {**card.energy.model_dump(), "per_request_mj": card.energy.per_request_mj}
    return {**card.model_dump(mode="json"), "energy": energy}


def measured_how(variant: Variant) -> str | None:
    """Return ``side_by_side`` for a measurement with the original, ``first_look`` for one apart from it, else None."""
    if not variant.measurement.n:
        return None
    return "side_by_side" if variant.is_side_by_side else "first_look"


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return how a run ended; the recommended version is the best of `chosen_from`.

    `open` lists undecided versions that looked better, and `more_s` the approximate seconds to decide them.
    """
    end = outcome.end
    return {
        "ending": outcome.ending.value,
        "chosen_from": outcome.chosen_from,
        "open": [variant.id for variant in outcome.open],
        "untried": end.untried,
        "can_go_on": outcome.can_go_on,
        "more_s": _figure(end.more_s),
        "time_limit_s": _figure(end.limit_s),
        "went_on_s": list(end.went_on_s),
    }


def _screening(screening: Screening | None) -> dict[str, int] | None:
    """Return the changes on the calibration set, which select and order the versions to test."""
    return {"n": screening.n, "changed": screening.changed} if screening is not None and screening.n else None


def verdict(variant: Variant) -> str:
    """Return a version's verdict.

    The original is always safe once compared. A gain that was not tested is not proven. A version that the calibration
    set refuses has regressed.
    """
    if variant.judgement is None:
        if is_regressed(variant):
            return "regressed"
        is_open = variant.untested and variant.state != "dropped"
        return "not_enough_data" if is_open or is_alike_not_proven(variant) else "unmeasured"
    compared = variant.judgement.verdict != "unmeasured"
    return "safe" if variant.is_baseline and compared else variant.judgement.verdict


def _figure(value: float | None) -> float | None:
    """Return a finite number or None, since JSON has no other numbers."""
    return value if value is not None and math.isfinite(value) else None


def run_document(
    run: Run,
    variants: Sequence[Variant],
    outcome: Outcome,
    speech: Mapping[str, SpeechRecord] = NO_SPEECH,
    cards: Mapping[str, CardFigures] = NO_CARDS,
    findings: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Return the document that `fettle optimize` prints."""
    ordered = sorted(variants, key=lambda variant: variant.index)
    baseline = next((variant for variant in ordered if variant.is_baseline), None)
    return {
        "run_id": run.id,
        "project_id": run.project_id,
        "baseline": _with(baseline, speech, cards) if baseline else None,
        "variants": [_with(variant, speech, cards) for variant in ordered if not variant.is_baseline],
        "recommended": run.recommended_variant_id,
        "limit": run.goal.max_loss_pct,
        **({"computer": run.goal.computer} if run.goal.computer else {}),
        "seconds": run.seconds,
        "reason": "busy" if outcome.ending is Ending.BUSY else None,
        "outcome": outcome_document(outcome),
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def _with(variant: Variant, speech: Mapping[str, SpeechRecord], cards: Mapping[str, CardFigures]) -> dict[str, Any]:
    return variant_document(variant, speech.get(variant.id), cards.get(variant.id))


def prove_document(run: Run, variants: Sequence[Variant]) -> dict[str, Any]:
    """Return the document that `fettle prove` prints: both models, the limit in percent, total seconds."""
    original = next(variant for variant in variants if variant.is_baseline)
    optimized = next(variant for variant in variants if not variant.is_baseline)
    return {
        "original": variant_document(original),
        "optimized": variant_document(optimized),
        "limit": run.goal.max_loss_pct,
        "seconds": run.seconds,
    }


def compare_document(
    run: Run,
    variants: Sequence[Variant],
    outcome: Outcome,
    items: Sequence[str] = (),
    cards: Mapping[str, CardFigures] = NO_CARDS,
    findings: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Return the document that `fettle compare` prints: the run, and slices, changed items and scores of each variant.

    `items` are the names of all test examples, which `changed` counts from 0 with the worst first. `judged` is the
    number of first examples on which a version was judged, since its predictions may have been cut short.
    """
    ordered = sorted((v for v in variants if v.judgement and not v.is_baseline), key=lambda variant: variant.index)
    slices: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for variant in ordered:
        judgement = variant.judgement
        assert judgement is not None
        slices += [{"variant": variant.id, **part.model_dump(mode="json")} for part in judgement.slices]
        scores += [{"variant": variant.id, **score.model_dump(mode="json")} for score in judgement.scores]
        changed.append({"variant": variant.id, "count": judgement.changed_count, "items": list(judgement.changed)})
    judged = [{"variant": v.id, "n": v.judgement.n} for v in variants if v.judgement]
    parts = {"slices": slices, "changed": changed, "scores": scores, "judged": judged, "items": list(items)}
    return {**run_document(run, variants, outcome, cards=cards, findings=findings), **parts}
