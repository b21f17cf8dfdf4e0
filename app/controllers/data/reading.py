"""Format on the page Data how a model's outputs are read."""

from widgets.pages.data.reading import ReadingValue
from workers.contracts.pipeline import BoxesSteps, PipelineSpec
from workers.contracts.proof.results import READ_AS, read_as
from workers.contracts.translation import _


def reading_value(spec: PipelineSpec) -> ReadingValue:
    """Return the current reading of the outputs, the alternatives and the score threshold of boxes."""
    way, steps = read_as(spec), spec.postprocess
    return ReadingValue(
        told=_("Fettle reads the answers as {0}.").format(way.told(spec)),
        ways=tuple((one.id, one.title) for one in READ_AS),
        chosen=way.id,
        threshold=steps.score_threshold if isinstance(steps, BoxesSteps) else None,
    )
