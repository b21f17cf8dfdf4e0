"""Test which looks at test items count: those at which a worse version could be called safe."""

import dataclasses
from typing import Any

import pytest
from judged import variant

from app.domain.proof.looks import TestSetLook
from app.services.records.measured import TestSetUsage


class Repositories:
    """Looks in memory, in place of the database."""

    def __init__(self) -> None:
        self.looks = self
        self.kept: list[TestSetLook] = []

    def of_model(self, model_sha256: str) -> list[TestSetLook]:
        return [look for look in self.kept if look.model_sha256 == model_sha256]

    def put(self, look: TestSetLook) -> None:
        self.kept.append(look)


@pytest.mark.parametrize(
    ("facts", "looks"),
    [
        ({"identical": True}, 0),
        ({"verdict": "regressed", "far_beyond": True}, 0),
        ({"verdict": "regressed"}, 1),
        ({"verdict": "not_enough_data"}, 1),
        ({"verdict": "safe"}, 1),
    ],
    ids=["identical", "damaged", "worse", "open", "safe"],
)
def test_look_at_identical_or_damaged_predictions_costs_nothing(facts: dict[str, Any], looks: int) -> None:
    """Given 400 items, When a version is judged on them, Then it counts as a look only if it could be called safe by
    chance."""
    repositories: Any = Repositories()
    book = TestSetUsage(repositories, "model", "run", frozenset(range(1, 401)), 1.0)
    made = variant("first")
    first = dataclasses.replace(made, judgement=made.judgement.model_copy(update=facts))
    book.record(first, book.number(first))
    other = TestSetUsage(repositories, "model", "another run", frozenset(range(1, 401)), 1.0)
    assert other.number(dataclasses.replace(variant("second"), artifact_key="another")) == looks
