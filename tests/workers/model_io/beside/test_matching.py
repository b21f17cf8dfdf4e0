"""Which outputs of a foreign detector stand for which of the original's."""

import pytest

from workers.contracts.errors import InputRefused
from workers.contracts.specs import TensorSpec
from workers.model_io.beside.matching import Match, match
from workers.pipeline.spec import BoxesSteps, ImageSteps, PipelineInput, PipelineOutput, PipelineSpec

SPEC = PipelineSpec(
    task="object-detection",
    inputs=(PipelineInput(name="images", dtype="float32", shape=(None, 3, 64, 64), source="image"),),
    outputs=(
        PipelineOutput(name="boxes", dtype="float32", shape=(None, 100, 4), answer=True),
        PipelineOutput(name="scores", dtype="float32", shape=(None, 100, 20)),
        PipelineOutput(name="aside", dtype="float32", shape=(None, 7)),
    ),
    preprocess=ImageSteps(resize=(64, 64)),
    answer_kind="detection",
    postprocess=BoxesSteps(form="boxes_scores", boxes="boxes", scores="scores"),
)
IMAGE = TensorSpec(name="x", shape=(1, 3, 64, 64), dtype="float32")


def matched(*outputs: TensorSpec) -> Match:
    return match(SPEC, [IMAGE], outputs, {"images": frozenset({(1, 3, 64, 64)})}, {})


def output(name: str, *shape: int | str) -> TensorSpec:
    return TensorSpec(name=name, shape=shape, dtype="float32")


def test_outputs_in_another_order_are_told_apart_by_their_shapes() -> None:
    """Given scores before boxes under other names, then each is what its shape says; what nobody reads may be gone."""
    found = matched(output("a", 1, 100, 20), output("b", 1, 100, 4))
    assert {pair.original: pair.other for pair in found.of("output")} == {"scores": "a", "boxes": "b"}
    assert found.gone == ("aside",)


def test_all_that_boxes_are_made_of_must_be_there() -> None:
    """Given boxes without scores, then nothing is judged; given other classes, neither."""
    for outputs in ([output("b", 1, 100, 4)], [output("b", 1, 100, 4), output("a", 1, 100, 80)]):
        with pytest.raises(InputRefused) as caught:
            matched(*outputs)
        assert "scores" in caught.value.detail


def test_a_name_counts_more_than_a_place() -> None:
    """Given the original's names in another order, then they are taken by their names."""
    found = matched(output("aside", 1, 7), output("scores", 1, 100, 20), output("boxes", 1, 100, 4))
    assert [pair.original for pair in found.adapted] == ["images"]


@pytest.mark.parametrize(
    ("dtype", "shape", "fits"),
    [
        ("float16", (1, 3, 64, 64), True),
        ("float32", (1, 64, 64, 3), True),
        ("uint8", (1, 3, 64, 64), False),
        ("float32", (1, 3, 32, 32), False),
        ("float32", (1, 1, 64, 64), False),
        ("float32", (3, 64, 64), False),
        ("float32", ("n", 3, "h", "w"), True),
    ],
)
def test_what_is_harmless(dtype: str, shape: tuple[int | str, ...], fits: bool) -> None:
    """Given another input, then fewer bits, another layout and free sizes are matched, all else is another interface."""
    other = TensorSpec(name="x", shape=shape, dtype=dtype)
    outputs = [output("boxes", 1, 100, 4), output("scores", 1, 100, 20)]
    seen = {"images": frozenset({(1, 3, 64, 64)})}
    if fits:
        assert match(SPEC, [other], outputs, seen, {}).pairs
        return
    with pytest.raises(InputRefused):
        match(SPEC, [other], outputs, seen, {})
