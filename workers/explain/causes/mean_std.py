"""Try other means and standard deviations of colors."""

from collections.abc import Iterable

from pydantic import JsonValue

from workers.contracts.translation import _
from workers.evaluate.doctor.pictures import CLIP, COLOR, GRAY, SMALL, family_words, with_families
from workers.explain.causes.scale import range_of
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import ImageSteps


def propose(side: Side, steps: ImageSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield the usual means and standard deviations of the same range, and the one that the model's files state."""
    known = GRAY if steps.channels == "gray" else COLOR | SMALL | {"CLIP": CLIP}
    families = [family for family in known.values() if family[0] == steps.range]
    if isinstance(runner.own, ImageSteps) and runner.own.range == steps.range:
        turn = -1 if runner.own.channels == "bgr" else 1
        families.append((runner.own.range, runner.own.mean[::turn], runner.own.std[::turn]))
    turned = [(values, mean[::-1], std[::-1]) for values, mean, std in families if len(set(mean)) > 1]
    for other in with_families(steps, [*families, *turned]):
        assert isinstance(other, ImageSteps)
        plain = range_of(steps), range_of(other)
        if None not in plain or (other.mean, other.std) == (steps.mean, steps.std):
            continue
        words = _("values from {0}").format(family_words(other))
        yield Proposal(side.with_steps(other), "mean_std", _values(steps), _values(other), words)


def _values(steps: ImageSteps) -> JsonValue:
    return {"mean": [*steps.mean], "std": [*steps.std]}


CAUSE = CauseKind("mean_std", order=40, steps=ImageSteps, propose=propose)
