"""Read `pipeline.json` with the standard library, as bundles do, and with all checks of the program."""

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from workers.contracts.pipeline import parse_pipeline, pipeline_document, read_pipeline, write_pipeline
from workers.pipeline import spec
from workers.pipeline.spec_file import parse_spec, read_spec

PARTS = [made for made in vars(spec).values() if isinstance(made, type) and issubclass(made, spec.Part)]

GENERATION = {
    "start": 1, "end": 2, "longest": 9, "states": "s", "hidden": "h", "ids": "i", "scores": "s", "begin": [3, 4],
    "cache": {"carried": {"past": "present"}, "ids": "i", "scores": "s"}, "mel": {"input": "x"},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "task": "arrays",
    "inputs": [{"name": "x", "dtype": "float32", "shape": [None, 3], "source": "array"}],
    "outputs": [{"name": "y", "dtype": "float32", "answer": True}],
    "preprocess": {"kind": "image", "resize": [3, 4]},
    "answer_kind": "class",
    "classes": ["dog", "cat"],
    "postprocess": {"kind": "boxes", "form": "detr", "boxes": "y"},
    "chat": {"context": 5, "ends": [1]},
    "sampling": {"sample": "x", "level": "l", "levels": [2.0, 1.0]},
    "generation": GENERATION,
}
FED = ({"kind": "text"}, {"kind": "audio"}, {"kind": "array", "swap": [1.0, 2.0]})
READ = ({"kind": "mask", "output": "y"}, {"kind": "transcript", "output": "y"}, None)
DOCUMENTS = [WHOLE, *({**WHOLE, "preprocess": fed, "postprocess": read} for fed, read in zip(FED, READ, strict=True))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_bundle_and_program_read_the_same(document: dict[str, Any], tmp_path: Any) -> None:
    """Given a description, When it is read, written and read again, Then both readers return equal values."""
    checked = parse_pipeline(json.dumps(document))
    assert parse_spec(document) == checked
    write_pipeline(tmp_path, checked)
    assert read_spec(tmp_path) == read_pipeline(tmp_path) == checked


def test_written_description_holds_all_fields_in_their_order() -> None:
    """Given parts of every kind, Then each field is in the file, as older programs expect."""
    document = pipeline_document(parse_pipeline(json.dumps(WHOLE)))
    parts = {spec.PipelineSpec: document, spec.PipelineInput: document["inputs"][0]}
    parts |= {spec.Generation: document["generation"], spec.Cache: document["generation"]["cache"]}
    parts |= {spec.ImageSteps: document["preprocess"], spec.BoxesSteps: document["postprocess"]}
    for part, values in parts.items():
        assert list(values) == [field.name for field in fields(part)]


@pytest.mark.parametrize("part", PARTS, ids=lambda made: made.__name__)
def test_every_part_refuses_unknown_fields_and_infinite_numbers(part: type[spec.Part]) -> None:
    assert part.__pydantic_config__ == {"extra": "forbid", "allow_inf_nan": False}


@pytest.mark.parametrize(
    "changed",
    [
        {"unknown": 1},
        {"preprocess": {"kind": "image", "unknown": 1}},
        {"task": "cooking"},
        {"links": None},
        {"preprocess": {"kind": "image", "resize": "large"}},
        {"sampling": {"sample": "x", "level": "l", "levels": []}},
        {"chat": {"context": 1}},
    ],
)
def test_program_refuses_faults_that_bundles_ignore(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parse_pipeline(json.dumps({**WHOLE, **changed}))
    parse_spec({**WHOLE, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"preprocess": {"resize": 3}},
        {"preprocess": {"kind": "smell"}},
        {"preprocess": {}},
        {"preprocess": 5},
        {"inputs": 5},
        {"inputs": [{"name": "x"}]},
        {"inputs": [{**WHOLE["inputs"][0], "batch_axis": 2}]},
        {"postprocess": {"kind": "smell"}},
        {"version": 2},
    ],
)
def test_bundle_and_program_refuse_the_same_faults(changed: dict[str, Any], tmp_path: Any) -> None:
    with pytest.raises(ValidationError):
        parse_pipeline(json.dumps({**WHOLE, **changed}))
    (tmp_path / "pipeline.json").write_text(json.dumps({**WHOLE, **changed}), encoding="utf-8")
    with pytest.raises(spec.PipelineError):
        read_spec(tmp_path)
