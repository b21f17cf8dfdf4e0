"""What a card did with a version, as it was measured in turn with the others."""

from collections.abc import Iterable, Mapping, Sequence

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.jobs import MeasureResult
from workers.contracts.measured.card_figures import CardFigures

CARD = RecordKind("card_figures", Owner.VARIANT, CardFigures)


def keep_card(repositories: Repositories, variant_id: str, results: Sequence[MeasureResult]) -> None:
    """The figures of the set that took them, in place of what was there; nothing where none did."""
    found = next((result.card for result in results if result.card is not None), None)
    if found is not None:
        repositories.records.put(CARD, variant_id, found)


def read_cards(repositories: Repositories, variant_ids: Iterable[str]) -> Mapping[str, CardFigures]:
    """By the version's id; {} where nothing ran on a card."""
    return dict(repositories.records.by_owner(CARD, variant_ids).items())
