"""Explain why a version won, and what to expect on another processor, from measured facts only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.choose import TIE_SHARE, is_eligible, is_faster, is_safe, most_cost
from app.domain.variant import Measurement, Variant
from app.domain.words.results import times
from workers.contracts.measured.power import power_words
from workers.contracts.planning import Arithmetic, Instructions
from workers.contracts.specs import DeviceFacts
from workers.contracts.translation import _, joined
from workers.contracts.wording import percent, rounded_down


@dataclass(frozen=True)
class ExplanationFacts:
    """Facts from the workers that explanations use.

    `traits` maps a technique's id to its traits. `instructions` are those of the run's processor, strongest first,
    empty if unknown.
    """

    traits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    instructions: tuple[Instructions, ...] = ()

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
    sentences = [
        _("“{0}” is {1} as fast as the original, measured in turn with it.").format(
            best.title, _factor(best.measurement)
        )
    ]
    if not held:
        if not any(v.measurement.n and is_eligible(v) and not v.is_side_by_side for v in tried if not v.is_baseline):
            sentences.append(_("No other version was both faster than the original and within your limit."))
        return tuple(sentences)
    gap = _shown_ms(held[0]) / _shown_ms(best)
    if gap > 1 + TIE_SHARE:
        sentences.append(
            _(
                "Of {0} versions that are faster and within your limit it is the fastest: “{1}” takes {2:.2f} times as"
                " long."
            ).format(n, held[0].title, gap)
        )
    elif gap < 1 and best.is_portable and not held[0].is_portable:
        sentences.append(
            _(
                "“{0}” takes {1:.2f} times as long, and fits fewer targets: web pages, hub folders, Triton and MLflow"
                " take “{2}” as well, which is preferred up to {3}."
            ).format(held[0].title, gap, best.title, percent(most_cost(best, held[0]) - 1, 0))
        )
    elif gap < 1 - TIE_SHARE:
        sentences.append(
            _("“{0}” takes only {1:.2f} times as long, but {2}.").format(held[0].title, gap, _why_behind(held[0], best))
        )
    else:
        sentences.append(
            _(
                "“{0}” is as fast within {1}, which is noise; of two such the one that changes fewer answers is taken."
            ).format(held[0].title, percent(TIE_SHARE, 0))
        )
    return tuple(sentences)


def _why_behind(faster: Variant, best: Variant) -> str:
    """Return why a version is recommended although another one took less time."""
    if is_safe(best) and not is_safe(faster):
        return _("its answers are not proven to stay alike, and what is proven goes first")
    if faster.measurement.under_load:
        return _("its gain is less certain, because other programs disturbed the comparison")
    return _("your goal puts something else before speed")


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
    where = joined([_("Measured on {0} with {1} cores").format(device.processor, device.cores), power], ", ")
    if not used:
        top = known.titles("fp32")[:1]
        text = _("{0} ({1}); it needs no special instructions.") if top else _("{0}; it needs no special instructions.")
        return (text.format(where, *top),)
    missing = _("{0} or {1}").format(*used) if len(used) == 2 else joined(used, ", ")
    plain = next((v for v in tried if _is_plain(v, best, known)), None)
    speedup = plain.measurement.shown_speedup if plain is not None else None
    if plain is not None and not plain.is_side_by_side:
        expected = _("about as fast as “{0}”").format(plain.title)
    elif plain is None or speedup is None:
        expected = _("about the original's speed")
    elif speedup <= 1.05:
        expected = _("about the original's speed, as “{0}” has here").format(plain.title)
    else:
        expected = _("about {0} times the original's, as “{1}” has here").format(times(speedup), plain.title)
    return (
        _("{0}, using {1}.").format(where, joined(used, ", ")),
        _("Expected, not measured: without {0} {1}.").format(missing, expected),
    )


def _is_plain(variant: Variant, best: Variant, known: ExplanationFacts) -> bool:
    """Return whether it is a 32-bit version of the same runtime."""
    special = known.uses(variant, "bf16", "int8", "fp16")
    return variant.runtime == best.runtime and not special and bool(variant.measurement.n) and not variant.is_baseline


def _factor(measured: Measurement) -> str:
    """Return ``2.4 times``; under load the lower bound, as in the headline."""
    speed = measured.shown_speedup or 0.0
    return (
        _("at least {0} times").format(rounded_down(speed))
        if measured.under_load
        else _("{0} times").format(times(speed))
    )


def _shown_ms(variant: Variant) -> float:
    """Return the time shown in tables, so that sentences on two versions follow from their two times."""
    return variant.measurement.typical_ms or float("inf")
