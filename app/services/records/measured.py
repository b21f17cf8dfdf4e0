"""Store further measurements of a version: a GPU's figures, the speed of a chat, and the looks at test items."""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from app.domain.choose import is_safe
from app.domain.proof.looks import TestSetLook, next_number, same_look, version_key
from app.domain.proof.sequence import can_prove
from app.domain.record import Owner, RecordKind
from app.domain.variant import Variant
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.jobs import MeasureResult, Speech
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.proof.proving import LEAST_EFFECT, NOBODYS, level_of_look

CARD = RecordKind("card_figures", Owner.VARIANT, CardFigures)


def save_card_results(repositories: Repositories, variant_id: str, results: Sequence[MeasureResult]) -> None:
    """Store the figures of the set that read the card, in place of earlier ones; nothing if no set did."""
    figures = next((result.card for result in results if result.card is not None), None)
    if figures is not None:
        repositories.records.put(CARD, variant_id, figures)


class SpeechRecord(Frozen):
    """Text speed of one version, by length of the prompt in ascending order."""

    rows: tuple[Speech, ...]

    @property
    def tokens_per_s(self) -> float | None:
        """Return the median of tokens per second over all prompts."""
        known = [row.tokens_per_s for row in self.rows if row.tokens_per_s is not None]
        return median(known) if known else None

    @property
    def medium(self) -> Speech:
        """Return the row of the prompts of medium length."""
        return self.rows[len(self.rows) // 2]

    @property
    def first_ms(self) -> float:
        """Return the milliseconds to the first token after a prompt of medium length, which is the time to read it."""
        return self.medium.first_ms

    def speaking_times(self, original: "SpeechRecord") -> float | None:
        """Return the ratio of its tokens per second to the original's."""
        before, now = original.tokens_per_s, self.tokens_per_s
        return now / before if before and now else None

    def reading_times(self, original: "SpeechRecord") -> float:
        """Return how many times as fast as the original it reads a prompt."""
        return original.first_ms / self.first_ms


SPEECH = RecordKind("speech", Owner.VARIANT, SpeechRecord)


def save_speech(repositories: Repositories, variant_id: str, results: Sequence[MeasureResult]) -> None:
    """Store the medians over sets of processes in place of earlier ones; nothing for other models."""
    lengths = sorted({row.prompt_tokens for result in results for row in result.speech})
    rows = tuple(_joined([r for result in results for r in result.speech if r.prompt_tokens == n]) for n in lengths)
    if rows:
        repositories.records.put(SPEECH, variant_id, SpeechRecord(rows=rows))


def _joined(rows: Sequence[Speech]) -> Speech:
    speeds = [row.tokens_per_s for row in rows if row.tokens_per_s is not None]
    return Speech(
        prompt_tokens=rows[0].prompt_tokens,
        first_ms=median(row.first_ms for row in rows),
        tokens_per_s=median(speeds) if speeds else None,
        n=sum(row.n for row in rows),
    )


class TestSetUsage:
    """Looks of one run at `items` (fingerprints), by versions of one model; made for each verdict.

    Without items nothing is counted, because inputs made by Fettle prove nothing.
    """

    def __init__(
        self, repositories: Repositories, model_sha256: str, run_id: str, items: frozenset[int], limit_pct: float
    ) -> None:
        """Create the count for test items, without the items that every set gets from Fettle (`NOBODYS`)."""
        self._repositories, self._items, self._limit_pct = repositories, items - {NOBODYS}, limit_pct
        self._model_sha256, self._run_id = model_sha256, run_id

    def number(self, version: Variant) -> int:
        """Return how many looks came before one at this version (`JudgeParams.earlier`)."""
        looks = self._repositories.looks.of_model(self._model_sha256)
        known = same_look(looks, self._items, version_key(version), self._run_id)
        return next_number(looks, self._items) if known is None else known.number

    def could_prove(self, number: int, judged: Variant) -> bool:
        """Return whether a look of this number could call any version safe.

        `judged` is any version that was judged on the items; for a language model, places within the items also count.
        """
        units = judged.judgement.units if judged.judgement is not None else None
        count = len(self._items) if units is None else min(len(self._items), int(units / LEAST_EFFECT))
        return can_prove(count, self._limit_pct, level_of_look(number))

    def record(self, judged: Variant, number: int) -> None:
        """Record that a verdict was given, unless it costs nothing.

        A look that could not prove anything cannot err. A version far beyond the limit could not have been called safe.
        A version with identical predictions reveals nothing about others: if it is truly worse, that error is the one
        that the level of this look allows.
        """
        judgement = judged.judgement
        is_free = judgement is not None and (judgement.identical or judgement.far_beyond)
        if not self._items or is_free or not self.could_prove(number, judged):
            return
        key, looks = version_key(judged), self._repositories.looks.of_model(self._model_sha256)
        earlier = same_look(looks, self._items, key, self._run_id)
        if earlier is not None and key in earlier.versions:
            return
        versions = (*earlier.versions, key) if earlier is not None else (key,)
        at = earlier.at if earlier is not None else datetime.now(UTC)
        is_open = is_safe(judged) and (earlier is None or earlier.is_open)
        look = TestSetLook(self._model_sha256, self._run_id, number, versions, self._items, is_open, at)
        self._repositories.looks.put(look)
