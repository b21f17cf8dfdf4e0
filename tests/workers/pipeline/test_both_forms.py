"""`pipeline.json` has a checked form for the program and one that bundles read by Python alone: they never part."""

import dataclasses

import pytest
from pydantic_core import PydanticUndefined

from workers.contracts import pipeline
from workers.contracts.base import Frozen
from workers.pipeline import spec

CALLED = {"PipelineInput": "Input", "PipelineOutput": "Output", "PipelineSpec": "Spec"}
ONLY_CHECKED = {"kind", "version"}
"""They choose the class, and are no field of it."""

FORMS = [
    made
    for made in vars(pipeline).values()
    if isinstance(made, type) and issubclass(made, Frozen) and made.__module__ == pipeline.__name__
]


@pytest.mark.parametrize("checked", FORMS, ids=lambda made: made.__name__)
def test_both_have_the_same_fields_and_defaults(checked: type[Frozen]) -> None:
    """Given a part of `pipeline.json`, Then what the window edits and what a bundle reads are the same fields, and where
    one leaves a value out the other means the same."""
    read = getattr(spec, CALLED.get(checked.__name__, checked.__name__))
    fields = {entry.name: entry for entry in dataclasses.fields(read)}
    assert set(fields) == set(checked.model_fields) - ONLY_CHECKED
    for name, entry in fields.items():
        theirs = checked.model_fields[name].get_default(call_default_factory=True)
        ours = entry.default if entry.default_factory is dataclasses.MISSING else entry.default_factory()
        if ours is not dataclasses.MISSING:  # else it has to stand in the file, where the program writes all fields
            assert theirs is not PydanticUndefined and (theirs or None) == (ours or None), name
