"""How a model's results are read, in the words of the page Data."""

from app.controllers.words import tr
from widgets.pages.data.reading import ReadingValue
from workers.contracts.pipeline import BoxesSteps, PipelineSpec
from workers.contracts.proof.results import READ_AS, read_as


def reading_value(spec: PipelineSpec) -> ReadingValue:
    """What they are read as, what else could be said, and from which score on things count."""
    way, steps = read_as(spec), spec.postprocess
    return ReadingValue(
        told=tr("Fettle reads the answers as {0}.").format(way.told(spec)),
        ways=tuple((one.id, one.title) for one in READ_AS),
        chosen=way.id,
        threshold=steps.score_threshold if isinstance(steps, BoxesSteps) else None,
    )
