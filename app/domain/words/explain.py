"""Explain why a version won, why 8 bits lost, and what to expect on another processor, from measured facts only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.choose import PORTABLE_SHARE, TIE_SHARE, is_eligible, is_faster, is_portable, is_safe
from app.domain.variant import Measurement, Variant
from app.domain.words.results import times
from workers.contracts.measured.power import power_words
from workers.contracts.planning import Arithmetic, Instructions
from workers.contracts.specs import DeviceFacts, UnquantizedLayers
from workers.contracts.wording import percent, rounded_down

LITTLE_GAIN = 1.2
"""Speedup below which a version gains little."""


@dataclass(frozen=True)
class ExplanationFacts:
    """Facts from the workers that explanations use.

    `traits` maps a technique's id to its traits. `instructions` are those of the run's processor, strongest first,
    empty if unknown. `layers` are the unchanged layers of versions by id.
    """

    traits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    instructions: tuple[Instructions, ...] = ()
    layers: Mapping[str, UnquantizedLayers] = field(default_factory=dict)

    def uses(self, variant: Variant, *traits: str) -> bool:
        """Return whether one of the version's techniques has one of these traits."""
        return any(self.traits.get(step.technique, frozenset()) & set(traits) for step in variant.recipe.steps)

    def titles(self, arithmetic: Arithmetic) -> list[str]:
        """Return the titles of the instructions for this arithmetic."""
        return [one.title for one in self.instructions if one.arithmetic == arithmetic]


def why_it_won(best: Variant | None, tried: Sequence[Variant]) -> tuple[str, ...]:
    """Return sentences that compare the recommended version with the next one, () without a recommendation."""
    if best is None or best.measurement.speedup is None:
        return ()
    rivals = [v for v in tried if not v.is_baseline and v.id != best.id and v.state == "confirmed"]
    held = sorted((v for v in rivals if is_eligible(v) and is_faster(v)), key=_shown_ms)
    n = 1 + len(held)
    sentences = [f"“{best.title}” is {_factor(best.measurement)} as fast as the original, measured in turn with it."]
    if not held:
        if not any(v.measurement.n and is_eligible(v) and not v.is_side_by_side for v in tried if not v.is_baseline):
            sentences.append("No other version was both faster than the original and within your limit.")
        return tuple(sentences)
    gap = _shown_ms(held[0]) / _shown_ms(best)
    if gap > 1 + TIE_SHARE:
        sentences.append(
            f"Of {n} versions that are faster and within your limit it is the fastest: "
            f"“{held[0].title}” takes {gap:.2f} times as long."
        )
    elif gap < 1 and is_portable(best) and not is_portable(held[0]):
        sentences.append(
            f"“{held[0].title}” takes {gap:.2f} times as long, and fits fewer targets: web pages, hub folders, Triton"
            f" and MLflow take “{best.title}” as well, which is preferred up to {percent(PORTABLE_SHARE - 1, 0)}."
        )
    elif gap < 1 - TIE_SHARE:
        sentences.append(f"“{held[0].title}” takes only {gap:.2f} times as long, but {_why_behind(held[0], best)}.")
    else:
        sentences.append(
            f"“{held[0].title}” is as fast within {percent(TIE_SHARE, 0)}, which is noise; of two such the one that "
            f"changes fewer answers is taken."
        )
    return tuple(sentences)


def _why_behind(faster: Variant, best: Variant) -> str:
    """Return why a version is recommended although another one took less time."""
    if is_safe(best) and not is_safe(faster):
        return "its answers are not proven to stay alike, and what is proven goes first"
    if faster.measurement.under_load:
        return "its gain is less certain, because other programs disturbed the comparison"
    return "your goal puts something else before speed"


def why_int8_lost(best: Variant | None, tried: Sequence[Variant], known: ExplanationFacts) -> tuple[str, ...]:
    """Return why 8 bits are not recommended, () if they are or if none were tried."""
    eights = [v for v in tried if known.uses(v, "int8") and v.measurement.n]
    if not eights or (best is not None and known.uses(best, "int8")):
        return ()
    sentences = []
    fastest = max(v.measurement.speedup or 0.0 for v in eights)
    if known.instructions and not known.titles("int8") and fastest < LITTLE_GAIN:
        sentences.append("This processor has no fast 8-bit instructions, so 8 bits gain little or nothing here.")
    for variant in eights:
        judgement, speed = variant.judgement, variant.measurement.speedup
        parts = []
        if judgement is not None and judgement.agreement is not None and not is_eligible(variant):
            parts.append(f"only {percent(judgement.agreement)} of its answers are like the original's")
        if speed is not None and speed <= 1.0:
            by_clock = f"it takes {1 / speed:.2f} times as long as the original"
            parts.append(by_clock if variant.is_side_by_side else "it was not faster at a first look")
        elif (
            best is not None
            and variant.is_side_by_side
            and is_eligible(variant)
            and _shown_ms(variant) > _shown_ms(best)
        ):
            parts.append(f"it takes {_shown_ms(variant) / _shown_ms(best):.2f} times as long as “{best.title}”")
        if parts:
            kept = _kept_words(known.layers.get(variant.id))
            sentences.append(" ".join(filter(None, (f"“{variant.title}”: {' and '.join(parts)}.", kept))))
    return tuple(sentences)


def _kept_words(layers: UnquantizedLayers | None) -> str:
    if layers is None:
        return ""
    if not layers.kept:
        return f"All {layers.layers} layers are in 8 bits."
    return f"{layers.kept} of {layers.layers} layers keep their numbers, the others are in 8 bits."


def portability(
    best: Variant | None, tried: Sequence[Variant], device: DeviceFacts | None, known: ExplanationFacts
) -> tuple[str, ...]:
    """Return what was measured where, and what is expected on other processors, with the reason.

    On others, a version with 16-bit numbers computes in 32 bits, like the 32-bit version of the same runtime measured
    here.
    """
    if best is None or device is None or not device.features:
        return ()
    kinds: tuple[Arithmetic, ...] = ("bf16", "int8")
    used = [title for kind in kinds if known.uses(best, kind) for title in known.titles(kind)]
    power = power_words(device.power)
    where = f"Measured on {device.processor} with {device.cores} cores{f', {power}' if power else ''}"
    if not used:
        top = known.titles("fp32")[:1]
        return (f"{where}{f' ({top[0]})' if top else ''}; it needs no special instructions.",)
    missing = " or ".join(used)
    plain = next((v for v in tried if _is_plain(v, best, known)), None)
    speedup = plain.measurement.shown_speedup if plain is not None else None
    if plain is not None and not plain.is_side_by_side:
        expected = f"about as fast as “{plain.title}”"
    elif plain is None or speedup is None:
        expected = "about the original's speed"
    elif speedup <= 1.05:
        expected = f"about the original's speed, as “{plain.title}” has here"
    else:
        expected = f"about {times(speedup)} times the original's, as “{plain.title}” has here"
    return (f"{where}, using {', '.join(used)}.", f"Expected, not measured: without {missing} {expected}.")


def _is_plain(variant: Variant, best: Variant, known: ExplanationFacts) -> bool:
    """Return whether it is a 32-bit version of the same runtime."""
    special = known.uses(variant, "bf16", "int8", "fp16")
    return variant.runtime == best.runtime and not special and bool(variant.measurement.n) and not variant.is_baseline


def _factor(measured: Measurement) -> str:
    """Return ``2.4 times``; under load the lower bound, as in the headline."""
    speed = measured.shown_speedup or 0.0
    return f"at least {rounded_down(speed)} times" if measured.under_load else f"{times(speed)} times"


def _shown_ms(variant: Variant) -> float:
    """Return the time shown in tables, so that sentences on two versions follow from their two times."""
    return variant.measurement.typical_ms or float("inf")
