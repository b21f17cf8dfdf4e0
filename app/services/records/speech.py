"""Store how fast a language model's version produces text, measured side by side with the others."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.jobs import MeasureResult, Speech


class SpeechRecord(Frozen):
    """Text speed of one version, by length of the prompt in ascending order."""

    rows: tuple[Speech, ...]

    @property
    def tokens_per_s(self) -> float | None:
        """Return the median of tokens per second over all prompts."""
        known = [row.tokens_per_s for row in self.rows if row.tokens_per_s is not None]
        return median(known) if known else None

    @property
    def first_ms(self) -> float:
        """Return the milliseconds to the first token after a prompt of medium length, which is the time to read it."""
        return self.rows[len(self.rows) // 2].first_ms

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


def read_speech(repositories: Repositories, variant_ids: Iterable[str]) -> Mapping[str, SpeechRecord]:
    """Return the speeds by version id, {} if the model is not a language model."""
    return dict(repositories.records.by_owner(SPEECH, variant_ids).items())
