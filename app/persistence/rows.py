"""Rows ↔ the domain's frozen dataclasses. Where the names agree nothing needs to be said."""

import json
from dataclasses import fields
from typing import Any, Generic, TypeVar

from app.domain.run import Goal, Run, RunState
from app.domain.screening import Screening
from app.domain.variant import Measurement, Variant
from app.persistence.tables import Base, RunRow, VariantRow
from workers.contracts.specs import Judgement, Recipe

D = TypeVar("D")
R = TypeVar("R", bound=Base)
Values = dict[str, Any]


def names_of(kind: type[Any], *without: str) -> tuple[str, ...]:
    """Field names of a dataclass."""
    return tuple(field.name for field in fields(kind) if field.name not in without)


def picked(source: object, names: tuple[str, ...]) -> Values:
    """Attributes by name."""
    return {name: getattr(source, name) for name in names}


class RowMap(Generic[D, R]):
    """Both ways for one dataclass whose fields have columns of their own names."""

    def __init__(self, kind: type[D]) -> None:
        self._kind = kind
        self._names = names_of(kind)

    def values(self, record: D) -> Values:
        """Column name → value."""
        return picked(record, self._names)

    def record(self, row: R) -> D:
        """The dataclass of one row."""
        return self._kind(**picked(row, self._names))


class RunMap(RowMap[Run, RunRow]):
    """The goal's fields lie beside the run's own."""

    own = names_of(Run, "goal", "state")
    goal = names_of(Goal, "runtimes")

    def __init__(self) -> None:
        super().__init__(Run)

    def values(self, record: Run) -> Values:
        special = {"state": record.state.value, "runtimes_json": json.dumps(record.goal.runtimes)}
        return picked(record, self.own) | picked(record.goal, self.goal) | special

    def record(self, row: RunRow) -> Run:
        goal = Goal(runtimes=tuple(json.loads(row.runtimes_json)), **picked(row, self.goal))
        return Run(goal=goal, state=RunState(row.state), **picked(row, self.own))


class VariantMap(RowMap[Variant, VariantRow]):
    """The measurement's fields lie beside the variant's own; recipe, judgement, screening and notes are JSON."""

    own = names_of(Variant, "recipe", "judgement", "screening", "notes", "measurement")
    measurement = names_of(Measurement, "set_p50_ms")

    def __init__(self) -> None:
        super().__init__(Variant)

    def values(self, record: Variant) -> Values:
        special = {
            "recipe_json": record.recipe.model_dump_json(),
            "judgement_json": record.judgement.model_dump_json() if record.judgement else None,
            "screening_json": record.screening.model_dump_json() if record.screening else None,
            "notes_json": json.dumps(record.notes),
            "set_p50_json": json.dumps(record.measurement.set_p50_ms),
        }
        return picked(record, self.own) | picked(record.measurement, self.measurement) | special

    def record(self, row: VariantRow) -> Variant:
        judgement = row.judgement_json
        return Variant(
            recipe=Recipe.model_validate_json(row.recipe_json),
            judgement=Judgement.model_validate_json(judgement) if judgement is not None else None,
            screening=Screening.model_validate_json(row.screening_json) if row.screening_json is not None else None,
            notes=tuple(json.loads(row.notes_json)),
            measurement=Measurement(
                set_p50_ms=tuple(json.loads(row.set_p50_json or "[]")), **picked(row, self.measurement)
            ),
            **picked(row, self.own),
        )
