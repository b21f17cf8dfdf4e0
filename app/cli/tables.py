"""Versions of a run as lines of words."""

from collections.abc import Iterator, Mapping, Sequence

from app.domain.variant import Variant
from app.domain.words.card import figures_words, note_words, processor_wins
from app.domain.words.results import times, verdict_words
from app.services.records.documents import NO_CARDS, NO_SPEECH
from app.services.records.speech import SpeechRecord
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.wording import in_ms


def version_lines(
    variants: Sequence[Variant],
    recommended: str | None,
    speech: Mapping[str, SpeechRecord] = NO_SPEECH,
    cards: Mapping[str, CardFigures] = NO_CARDS,
) -> Iterator[str]:
    """One line a version: the arrow marks the recommended one. Language models tell how many tokens a second; what ran
    on a card tells what that did, with its warnings. A card that is slower than the processor is said last."""
    for variant in sorted(variants, key=lambda variant: variant.index):
        p50, speedup = variant.measurement.latency_p50_ms, variant.measurement.speedup
        time = "not measured" if p50 is None else in_ms(p50)
        faster = f"{times(speedup)} ×" if speedup and variant.is_side_by_side and not variant.is_baseline else ""
        mark = "→" if variant.id == recommended else " "
        verdict = "to compare with" if variant.is_baseline else verdict_words(variant)
        look = _look_words(speedup) if p50 is not None and not variant.is_side_by_side else ""
        spoken = speech[variant.id].tokens_per_s if variant.id in speech else None
        if spoken is not None:
            time = f"{spoken:.1f} tokens/s"
        yield f" {mark} {variant.id}  {variant.title:<40} {time:>14}  {faster:>6}  {verdict}{look}"
        yield from card_lines(cards.get(variant.id))
    if words := processor_wins(variants):
        yield f"   {words}"


def _look_words(speedup: float | None) -> str:
    """A first look held the version against an original of that minute, and not against the one in the table."""
    beside = "" if speedup is None else f": {speedup:.2f} times as fast as the original then"
    return f", a first look only{beside}"


def card_lines(figures: CardFigures | None) -> Iterator[str]:
    """What a card's own clock said, and one line for each warning; none without a card."""
    if figures is not None:
        yield f"      {figures_words(figures)}"
        for note in figures.notes:
            yield f"      {note_words(note)}"
