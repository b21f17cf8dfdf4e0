"""Count the looks at test items: what a verdict has to prove, and that it was given."""

from datetime import UTC, datetime

from app.domain.choose import is_safe
from app.domain.proof.looks import TestSetLook, next_number, same_look, version_key
from app.domain.proof.sequence import can_prove
from app.domain.variant import Variant
from app.persistence import Repositories
from workers.contracts.proof.proving import LEAST_EFFECT, NOBODYS, level_of_look


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
        A version with identical predictions says nothing about others: if it is truly worse, that error is the one that
        the level of this look allows.
        """
        found = judged.judgement
        is_free = found is not None and (found.identical or found.far_beyond)
        if not self._items or is_free or not self.could_prove(number, judged):
            return
        key, looks = version_key(judged), self._repositories.looks.of_model(self._model_sha256)
        known = same_look(looks, self._items, key, self._run_id)
        if known is not None and key in known.versions:
            return
        versions = (*known.versions, key) if known is not None else (key,)
        at = known.at if known is not None else datetime.now(UTC)
        is_open = is_safe(judged) and (known is None or known.is_open)
        look = TestSetLook(self._model_sha256, self._run_id, number, versions, self._items, is_open, at)
        self._repositories.looks.put(look)
