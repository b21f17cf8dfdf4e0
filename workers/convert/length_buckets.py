"""Use one program for each of a few text lengths, so that short texts need less computation."""

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.pipeline import PipelineSpec, TextSteps, read_pipeline
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark, ngettext
from workers.contracts.wording import percent
from workers.convert.graphs.onnx_files import broken
from workers.convert.output import does_not_fit, new_model, take_files
from workers.convert.rewriting import largest_difference
from workers.infer.base import NotRunnable, Session

ID = "length_buckets"
TITLE = mark("Length buckets")
_refused = partial(does_not_fit, "buckets_do_not_fit", TITLE)
TOKEN_SOURCES = ("input_ids", "attention_mask", "token_type_ids")
CHECKED = 8
"""Number of examples that are run with and without padding before the version is accepted."""

MOST_DIFFERENCE = 1e-3
MOST_DIFFERENCE_16_BIT = 3e-2
"""Largest allowed differences relative to the size of a channel; a model that ignores its mask exceeds them."""

COMMON_SHARE = 0.02
Feeds = Mapping[str, NDArray[Any]]

NO_TEXTS = Reason(code="no_texts", text=mark("It is for models that read texts of any length with a mask."))


class Params(TechniqueParams):
    """Parameters of length buckets: the lengths for which there are programs."""

    lengths: tuple[int, ...] = Field(
        default=(8, 16, 24, 32, 40, 48, 56, 64, 96, 128, 192, 256, 384, 512),
        min_length=1,
        max_length=32,
        description="Lengths in tokens; a text is filled up to the next one. The model's own limit is always one.",
    )
    most_programs: int = Field(
        default=8, ge=1, le=32, description="Programs made at the start, for the lengths that most examples have."
    )
    examples: int = Field(
        default=200, ge=4, le=2000, description="Examples that are looked at to see how long texts are."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Set the programs' lengths in the settings; predictions for texts of any length stay the same."""
    spec = read_pipeline(model.folder)
    names = token_inputs(spec)
    items = [{name: np.array(array) for name, array in feeds.items()} for feeds in ctx.calibration(params.examples)]
    if not items:
        raise _refused(_("It needs examples to see how long texts are, and there are none."), _("Add examples."))
    lengths = usable_lengths(params.lengths, spec)
    common = common_lengths([item[names[0]].shape[1] for item in items], lengths, params.most_programs)
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        plain = {name: value for name, value in model.artifact.settings.items() if name != "shapes"}
        own: dict[str, Any] = {"pads": _pads(spec, model.folder), "lengths": lengths, "outputs": {}, "common": []}
        own["outputs"] = _checked(output.folder / model.artifact.main, plain, own, items, names, ctx)
        output.settings = {"buckets": {**own, "common": common}, "shapes": {}}
        output.runtimes = ("openvino",)
        output.notes = (
            _("Texts are padded to {0} tokens, whichever is next. The padding is masked.").format(
                ", ".join(map(str, lengths))
            ),
            ngettext(
                "{0} program is compiled at the start, others for the first text of their length, which takes longer. "
                "Each program needs its own memory.",
                "{0} programs are compiled at the start, others for the first text of their length, which takes "
                "longer. Each program needs its own memory.",
                len(common),
            ).format(len(common)),
        )
    return output.artifact


def token_inputs(spec: PipelineSpec) -> list[str]:
    """Return the inputs that count tokens along axis 1, the token numbers first.

    Raises:
        InputRefused: the model has no mask, fixes the length, or takes more than a text.
    """
    entries = [entry for entry in spec.inputs if entry.source in TOKEN_SOURCES]
    sources = {entry.source for entry in entries}
    if not {"input_ids", "attention_mask"} <= sources:
        raise _refused(_("It is for models that read texts and take a mask of the tokens that count."))
    if any(len(entry.shape) != 2 or entry.shape[1] is not None for entry in entries):
        raise _refused(_("This model takes texts of one length only."))
    if any(entry.source not in (*TOKEN_SOURCES, "constant") for entry in spec.inputs):
        raise _refused(_("This model takes more than a text."))
    return [entry.name for source in TOKEN_SOURCES for entry in entries if entry.source == source]


def usable_lengths(wanted: Sequence[int], spec: PipelineSpec) -> list[int]:
    """Return the sorted lengths up to the model's own limit, which is included where it is known."""
    limit = spec.preprocess.max_length if isinstance(spec.preprocess, TextSteps) else max(wanted)
    return sorted({length for length in wanted if 1 < length < limit} | {limit})


def common_lengths(tokens: Sequence[int], lengths: Sequence[int], most: int) -> list[int]:
    """Return at most `most` lengths to which at least 2 % of the texts are padded, the most frequent ones."""
    places = (bisect.bisect_left(lengths, count) for count in tokens)
    counts = Counter(lengths[place] for place in places if place < len(lengths))
    return sorted(length for length, count in counts.most_common(most) if count >= COMMON_SHARE * len(tokens))


def _pads(spec: PipelineSpec, folder: Path) -> dict[str, int]:
    """Return the padding value of each token input."""
    from workers.pipeline.spec_file import read_spec
    from workers.pipeline.texts import Tokenizer

    own = read_spec(folder)
    pad = Tokenizer(folder, own.preprocess, own.inputs).pad_id if isinstance(own.preprocess, TextSteps) else 0
    return {
        entry.name: pad if entry.source == "input_ids" else 0 for entry in spec.inputs if entry.source in TOKEN_SOURCES
    }


def _checked(
    main: Path, plain: dict[str, Any], own: dict[str, Any], items: Sequence[Feeds], names: list[str], ctx: JobContext
) -> dict[str, list[int]]:
    """Return the output axes that count tokens, after comparing padded and unpadded predictions.

    Raises:
        InputRefused: padding changes the predictions.
    """
    from workers.measure.opening import find_runtime

    runtime = find_runtime("openvino")
    try:
        exact = runtime.load(main, plain, ctx.threads)
        outputs = token_axes(exact, items[0], names)
        padded = runtime.load(main, {**plain, "buckets": {**own, "outputs": outputs}}, ctx.threads)
    except NotRunnable as error:
        raise broken(TITLE, error) from error
    most = MOST_DIFFERENCE if plain.get("inference_precision", "f32") == "f32" else MOST_DIFFERENCE_16_BIT
    with closing(exact), closing(padded):
        for feeds in items[:CHECKED]:
            ctx.check_cancelled()
            difference = largest_difference(exact.run(feeds), padded.run(feeds))
            if difference > most:
                raise _refused(
                    _("Padding changes this model's answers by {0}: it ignores its mask.").format(percent(difference))
                )
    return outputs


def token_axes(session: Session, feeds: Feeds, names: list[str]) -> dict[str, list[int]]:
    """Return for each output the axes whose size follows the number of tokens, found by runs at two lengths."""
    sizes = []
    for tokens in (5, 7):
        cut = {name: np.resize(array[:1], (1, tokens)) if name in names else array for name, array in feeds.items()}
        sizes.append({name: array.shape for name, array in session.run(cut).items()})
    return {
        name: [axis for axis, size in enumerate(shape) if size != sizes[1][name][axis]]
        for name, shape in sizes[0].items()
        if shape != sizes[1][name]
    }


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models that do not read texts with a mask."""
    return None if situation.model.masked_texts else NO_TEXTS


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Short texts take short programs instead of one for all lengths. Same answers.",
    source="OpenVINO documentation, “Dynamic shapes”, compiling a model for several fixed shapes",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    needs_calibration=True,
    traits=("exact", "speed", "quick"),
    order=28,
    explanation=mark("Short texts are no longer computed at the longest one's size. The numbers stay as they are."),
    why_not=why_not,
    replaces=("fixed_shape",),
    requires=("openvino",),
    runtimes=("openvino",),
    for_inputs=("text", "array"),
)
