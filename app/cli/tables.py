"""Format the versions of a run as lines of text."""

from collections.abc import Iterator, Mapping, Sequence

from app.domain.variant import Variant
from app.domain.words.card import figures_words, note_words, processor_wins
from app.domain.words.outcome import range_words
from app.domain.words.results import OTHER_PROGRAMS, times, verdict_words
from app.services.records.documents import NO_CARDS, NO_SPEECH
from app.services.records.measured import SpeechRecord
from workers.contracts.data.doctor import PREPARED_WRONGLY
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.specs import Finding
from workers.contracts.wording import in_ms, rounded_down


def with_misfit(headline: str, findings: Sequence[Finding]) -> str:
    """Return the headline of a run, followed by the finding that its inputs are probably prepared wrongly."""
    wrong = [finding.what for finding in findings if finding.code == PREPARED_WRONGLY]
    return " ".join([f"{headline.rstrip('.')}.", *wrong]) if wrong else headline


def version_lines(
    variants: Sequence[Variant],
    recommended: str | None,
    speech: Mapping[str, SpeechRecord] = NO_SPEECH,
    cards: Mapping[str, CardFigures] = NO_CARDS,
) -> Iterator[str]:
    """Yield one line per version, with an arrow at the recommended one.

    Language models show tokens per second. Versions on a GPU are followed by its figures and warnings. If the GPU is
    slower than the processor, the last line states that.
    """
    original = next((speech[variant.id] for variant in variants if variant.is_baseline and variant.id in speech), None)
    for variant in sorted(variants, key=lambda variant: variant.index):
        measured = variant.measurement
        time = "not measured" if measured.typical_ms is None else in_ms(measured.typical_ms)
        faster = faster_words(variant)
        mark = "→" if variant.id == recommended else " "
        verdict = "to compare with" if variant.is_baseline else verdict_words(variant)
        is_look = measured.typical_ms is not None and not variant.is_side_by_side
        look = ", measured only once and briefly" if is_look else ""
        spoken = speech.get(variant.id)
        if spoken is not None and spoken.tokens_per_s is not None:
            time = f"{spoken.tokens_per_s:.1f} tokens/s"
            if original is not None and not variant.is_baseline and variant.is_side_by_side:
                look = f"; {speech_words(spoken, original)}"
        yield f" {mark} {variant.id}  {variant.title:<40} {time:>14}  {faster:>20}  {verdict}{look}"
        yield from card_lines(cards.get(variant.id))
    if words := processor_wins(variants):
        yield f"   {words}"


def speech_words(spoken: SpeechRecord, original: SpeechRecord) -> str:
    """Return the two parts of the speedup: reading the prompt, and producing text."""
    speaking = spoken.speaking_times(original)
    speaking_words = "" if speaking is None else f"speaks {times(speaking)} × as fast, "
    return f"{speaking_words}reads a prompt {times(spoken.reading_times(original))} × as fast"


def faster_words(variant: Variant) -> str:
    """Return the speedup with its interval, under load its lower bound; "" for a first measurement."""
    speedup = variant.measurement.meaningful_speedup
    if not speedup or variant.is_baseline or not variant.is_side_by_side:
        return ""
    measured = variant.measurement
    if measured.under_load:
        return f"≥ {rounded_down(speedup)} ×"
    if measured.speedup_low is None or measured.speedup_high is None:
        return f"{times(speedup)} ×"
    return f"{times(speedup)} × ({range_words(measured.speedup_low, measured.speedup_high)})"


def disturbed(recommended: Variant | None) -> tuple[str, ...]:
    """Return the caption of a result whose speed is only a lower bound; nothing where it is more."""
    return (OTHER_PROGRAMS,) if recommended is not None and recommended.measurement.under_load else ()


def card_lines(figures: CardFigures | None) -> Iterator[str]:
    """Yield a GPU's own figures, and one line per warning; nothing without a GPU."""
    if figures is not None:
        yield f"      {figures_words(figures)}"
        for note in figures.notes:
            yield f"      {note_words(note)}"
