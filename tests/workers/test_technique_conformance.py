"""What every technique must keep to, whatever it does: found by the registry, run on small real models."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext
from special_models import SUITED
from technique_cases import CASES, OPTIONAL, TECHNIQUES, every_technique, params_here, staged

from workers import registry
from workers.contracts.errors import InputRefused, JobCancelled, WorkerError
from workers.contracts.folder import ARTIFACT_FILE, read_model, sha256_file
from workers.contracts.techniques import TechniqueSpec
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline

HERE = ("onnxruntime-cpu", "openvino")
MAX_CHECKS = 200

KINDS = ("cnn", "transformer", "constants", "stateful")
every_pair = pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param(*case.values, kind, id=f"{case.id}-{kind}", marks=case.marks)
        for case in CASES
        for kind in dict.fromkeys((*KINDS, SUITED.get(case.id, "cnn")))
    ],
)
"""A technique for some models only is tried on such a one besides."""
LOSES_HALF = ("int4_weights", "magnitude_prune", "sparsity_2_4")
"""Techniques that take half of the weights out, by default without learning, or all but 4 bits of
them: layers as small as these answer otherwise then."""
CUTS_OUTPUTS = ("cut_outputs",)
"""Techniques whose result gives only what its pipeline.json lists; what it lists stays."""


def may_refuse(spec: TechniqueSpec, kind: str) -> bool:
    """Whether a refusal in words is a right answer to this kind of model."""
    return spec.id in SUITED and kind != SUITED[spec.id]


def runtimes_of(spec_runtimes: tuple[str, ...] | None) -> list[str]:
    return [runtime for runtime in HERE if spec_runtimes is None or runtime in spec_runtimes]


def leftovers(work_dir: Path) -> list[str]:
    return sorted(path.name for path in work_dir.iterdir())


def test_all_techniques_are_found_and_whole() -> None:
    """Given the techniques' packages, When they are scanned, Then none is broken and each has all texts."""
    assert not TECHNIQUES.broken
    assert len(TECHNIQUES) >= 7
    for spec in TECHNIQUES.values():
        assert spec.title and spec.summary and spec.source and spec.accepts
        assert spec.id in OPTIONAL or not registry.missing(spec.requires), spec.id
        assert spec.install_hint or not spec.requires


@every_technique
def test_parameters_round_trip_and_explain_themselves(spec: TechniqueSpec) -> None:
    """Given default parameters, When they go through JSON, Then they come back; the schema has words for each."""
    params = spec.params()
    again = spec.params.model_validate_json(params.model_dump_json())
    assert again == params
    schema = json.loads(json.dumps(spec.params.model_json_schema()))
    for name, field in schema.get("properties", {}).items():
        assert field.get("description"), f"{spec.id}.{name} has no description"
    with pytest.raises(ValueError):
        spec.params.model_validate({"no_such_parameter": 1})


@every_pair
def test_result_is_described_runs_and_keeps_the_interface(
    spec: TechniqueSpec, kind: str, make_small, tmp_path: Path, tmp_path_factory
) -> None:
    """Given a small model, When a technique runs, Then its folder is whole and each allowed runtime answers.

    A technique for some models only refuses the others in words, and leaves nothing.
    """
    small = make_small(kind)
    ctx = RecordingContext(tmp_path, data_dir=small.data, original=small.folder)
    own = (small.model.artifact.runtimes or ("onnxruntime-cpu",))[0]
    original = open_session(small.folder, own, {}, 1).run(small.feeds())
    params = params_here(spec)
    try:
        artifact = spec.apply(staged(spec, small, tmp_path_factory.mktemp("before")), params, ctx)
    except InputRefused as error:
        assert may_refuse(spec, kind), error
        assert error.detail.endswith(".") and error.hint.endswith(".")
        assert leftovers(tmp_path) == []
        return
    folder = tmp_path / "model"
    assert leftovers(tmp_path) == ["model"]
    assert read_model(folder).artifact == artifact
    assert {"pipeline.json", "info.json", ARTIFACT_FILE} <= {path.name for path in folder.iterdir()}
    for entry in artifact.files:
        assert sha256_file(folder / entry.path) == entry.sha256
        assert (folder / entry.path).stat().st_size == entry.size_bytes
    assert artifact.steps[-1].technique == spec.id
    assert spec.params.model_validate(artifact.steps[-1].params) == params
    assert not any("/" in note or "\\" in note for note in artifact.notes)
    for runtime in runtimes_of(artifact.runtimes):
        session = open_session(folder, runtime, {}, 1)
        answers = session.run(small.feeds())
        if spec.id in CUTS_OUTPUTS:
            listed = [entry.name for entry in load_pipeline(folder).spec.outputs]
            original = {name: values for name, values in original.items() if name in listed}
        assert list(answers) == list(original)
        for name, values in answers.items():
            assert values.dtype == original[name].dtype and values.shape == original[name].shape
            assert np.isfinite(values).all()
            if spec.id not in LOSES_HALF and kind != "chat":  # whose answers name tokens
                np.testing.assert_allclose(values, original[name], atol=0.35 * np.abs(original[name]).max())
        session.close()


@every_technique
@pytest.mark.parametrize(
    "growth", [pytest.param(3, marks=pytest.mark.whole), pytest.param(0, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_cancel_leaves_nothing(growth: int, spec: TechniqueSpec, make_small, tmp_path: Path) -> None:
    """Given a job that is cancelled at its first, second, sixth, thirteenth, … or at each check, Then nothing is left."""
    small = make_small(SUITED.get(spec.id, "cnn"), items=8)
    model = staged(spec, small, tmp_path / "before")
    steps = itertools.count(1, growth)  # between two checks at which it is cancelled
    for checks in itertools.accumulate(steps, initial=0):
        work_dir = tmp_path / str(checks)
        work_dir.mkdir()
        ctx = RecordingContext(work_dir, data_dir=small.data, original=small.folder, cancel_after=checks)
        try:
            spec.apply(model, params_here(spec), ctx)
        except JobCancelled:
            assert leftovers(work_dir) == []
            assert checks < MAX_CHECKS
        else:
            assert checks >= 2, "a technique must look at least twice whether it is cancelled"
            return


@every_technique
def test_unreadable_or_missing_file_leaves_nothing(spec: TechniqueSpec, make_small, tmp_path: Path) -> None:
    """Given a model file of garbage, When a technique reads it, Then it is refused; given none, then it fails; nothing is
    left."""
    small = make_small("cnn")
    model, ctx = small.model, RecordingContext(tmp_path, data_dir=small.data)
    (small.folder / "model.onnx").write_bytes(b"not a model")
    try:
        spec.apply(model, spec.params(), ctx)
    except WorkerError as error:
        assert isinstance(error, InputRefused)
        assert error.detail.endswith(".") and error.hint.endswith(".")
        assert leftovers(tmp_path) == []
    (small.folder / "model.onnx").unlink()
    shutil.rmtree(tmp_path / "model", ignore_errors=True)  # of a technique that does not read the file
    with pytest.raises((WorkerError, OSError)):
        spec.apply(model, spec.params(), ctx)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("spec", [case for case in CASES if "openvino-ir" not in case.values[0].accepts])
def test_other_format_is_refused(spec: TechniqueSpec, make_small, tmp_path: Path) -> None:
    """Given a folder in a format that the technique does not take, Then it is refused."""
    small = make_small("cnn")
    artifact = small.model.artifact.model_copy(update={"format": "openvino-ir"})
    (small.folder / ARTIFACT_FILE).write_text(artifact.model_dump_json(), encoding="utf-8")
    with pytest.raises(InputRefused):
        spec.apply(small.model, spec.params(), RecordingContext(tmp_path, data_dir=small.data))
    assert leftovers(tmp_path) == []
