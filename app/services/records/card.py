"""Store what a GPU reported while a version was measured side by side with the others."""

from collections.abc import Iterable, Mapping, Sequence

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.jobs import MeasureResult
from workers.contracts.measured.card_figures import CardFigures

CARD = RecordKind("card_figures", Owner.VARIANT, CardFigures)


def save_card_results(repositories: Repositories, variant_id: str, results: Sequence[MeasureResult]) -> None:
    """Store the figures of the set that read the card, in place of earlier ones; nothing if no set did."""
    found = next((result.card for result in results if result.card is not None), None)
    if found is not None:
        repositories.records.put(CARD, variant_id, found)


def read_cards(repositories: Repositories, variant_ids: Iterable[str]) -> Mapping[str, CardFigures]:
    """Return the figures by version id, {} if nothing ran on a GPU."""
    return dict(repositories.records.by_owner(CARD, variant_ids).items())
