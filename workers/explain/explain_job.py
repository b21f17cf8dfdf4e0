"""Job kind ``explain``: find why two models, or a model and expected outputs, answer differently."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.changes import Cause, DiffParams, DiffResult, ExplainParams, ExplainResult
from workers.contracts.folder import read_model
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelInfo, RunParams
from workers.contracts.translation import _, mark, ngettext
from workers.evaluate.proof.predictions import answered
from workers.explain.diff import compare
from workers.explain.examples import Examples
from workers.explain.expected import check_shapes, read_expected
from workers.explain.running import Answers, Outcome, Runner, answers_of
from workers.explain.searching import Search
from workers.explain.side import Side
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.model_io.opening import INFO_FILE
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import PipelineInput, PipelineSpec, TextSteps

TOLERANCES = {"fp32": 2e-3, "f32": 2e-3, "fp16": 0.02, "f16": 0.02, "bf16": 0.06, "int4": 0.5}
"""Error of the answers, as a share of their spread, that each precision explains."""
TOLERANCE_OF_INT8 = 0.4
FEW = 8
"""With fewer examples the result is said to be unsure."""
SECOND = mark("The second model expects {0}."), mark("The second model gives {0}.")
EXPECTED = mark("The expected outputs were made from {0}."), mark("The expected outputs hold {0}.")


def explain(params: ExplainParams, ctx: JobContext) -> ExplainResult:
    """Compare both sides on the examples, and search the usual differences where they disagree.

    Raises:
        InputRefused: A model, the examples or the expected outputs cannot be used.
    """
    folder = Path(params.first.model_dir)
    pipeline = load_pipeline(folder)
    examples = Examples(params, pipeline, ctx)
    first = Side(pipeline.spec, folder)
    feeds = [pipeline.feeds_from(sample) for sample in examples.samples(pipeline.spec)]
    with closing(open_session(folder, params.first.runtime, params.first.settings, ctx.threads)) as session:
        if params.expected is None:
            reference = answers_of(first, answered(pipeline, session, feeds, 0, len(feeds)))
        else:
            reference = _expected(params.expected, first, session, feeds, examples)
    side = first if params.second is None else _second(first, Path(params.second.model_dir))
    with closing(Runner(reference, examples, params.second or params.first, ctx)) as runner:
        tolerance = max(tolerance_of(one) for one in (params.first, params.second) if one is not None)
        search, before = Search(runner, tolerance, ctx), runner.outcome(side, runner.all)
        trial = None if before.error <= tolerance and before.agrees else search.run(side, before)
        causes, diff = tuple[Cause, ...](), None
        if trial is not None:
            causes = search.causes(trial, *(EXPECTED if params.second is None else SECOND))
        elif not before.agrees and (diff := _inner_values(params, ctx, first, side, runner)) is not None:
            causes = inner_causes(diff, before)
    return ExplainResult(
        agree=before.agrees, share_differing=before.share, causes=causes, diff=diff, n_items=before.n,
        tried=search.tried, notes=tuple(_notes(examples, before, late=search.late)),
    )  # fmt: skip


def tolerance_of(params: RunParams) -> float:
    """Return the error that the rounding of a model explains."""
    folder = Path(params.model_dir)
    artifact, info = read_model(folder).artifact, folder / INFO_FILE
    if info.is_file() and ModelInfo.model_validate_json(info.read_text(encoding="utf-8")).quantized:
        return TOLERANCE_OF_INT8
    inference = str({**artifact.settings, **params.settings}.get("inference_precision", "fp32"))
    return max(TOLERANCES.get(kind, TOLERANCE_OF_INT8) for kind in (artifact.precision, inference))


def _second(first: Side, folder: Path) -> Side:
    """Return the second model, fed and read as the first one is."""
    own = load_pipeline(folder).spec
    spec = paired(first.spec, own)
    steps = spec.preprocess
    has_tokenizer = isinstance(steps, TextSteps) and (folder / steps.tokenizer).is_file()
    return Side(spec, folder if has_tokenizer or not isinstance(steps, TextSteps) else first.folder)


def paired(first: PipelineSpec, own: PipelineSpec) -> PipelineSpec:
    """Return the second model's description with its own inputs and outputs, and the first one's preparation."""
    answer = next(entry.name for entry in first.outputs if entry.answer)
    names = [entry.name for entry in own.outputs]
    chosen = answer if answer in names else next(entry.name for entry in own.outputs if entry.answer)
    outputs = tuple(replace(entry, answer=entry.name == chosen) for entry in own.outputs)
    same = type(own.preprocess) is type(first.preprocess)
    steps = own.postprocess if type(own.postprocess) is type(first.postprocess) else first.postprocess
    return replace(
        own, inputs=own.inputs if same else tuple(_inputs(first, own)), outputs=outputs, preprocess=first.preprocess,
        answer_kind=first.answer_kind, scores=first.scores, classes=first.classes, pooling=first.pooling,
        normalize=first.normalize, postprocess=steps,
    )  # fmt: skip


def _inputs(first: PipelineSpec, own: PipelineSpec) -> Iterable[PipelineInput]:
    """Yield the second model's inputs with the sources of the first one's, by name, else by position."""
    by_name = {entry.name: entry for entry in first.inputs}
    for at, entry in enumerate(own.inputs):
        like = by_name.get(entry.name) or first.inputs[min(at, len(first.inputs) - 1)]
        yield replace(entry, source=like.source, constant=like.constant, optional=like.optional)


def _expected(path: str, side: Side, session: Session, feeds: Sequence[Arrays], examples: Examples) -> Answers:
    """Return the expected outputs as the answers of a model."""
    spec, pipeline = side.spec, Pipeline(side.spec, side.folder)
    rows = read_expected(from_text(path), spec, examples.sources)
    chosen: list[dict[str, NDArray[Any]]] = [dict(rows[at]) for at in examples.places]
    if spec.links:  # one value for each step; shorter sequences are filled up with NaN
        steps = ({name: _without_padding(value[0]) for name, value in row.items()} for row in chosen)
        return answers_of(side, zip(feeds, steps, strict=True))
    outputs = pipeline.run(session, feeds[0])
    name = next(entry.name for entry in spec.outputs if entry.answer)
    if check_shapes(chosen[0], outputs, (name, pipeline.raw_of(outputs, feeds[0]))):
        side = replace(side, spec=replace(spec, pooling="none", normalize=False))
    return answers_of(side, zip(feeds, chosen, strict=True))


def _without_padding(values: NDArray[Any]) -> NDArray[Any]:
    used = np.flatnonzero(np.isfinite(values.reshape(len(values), -1)).any(axis=1))
    return values[: used[-1] + 1] if len(used) else values


def _notes(examples: Examples, before: Outcome, *, late: bool) -> Iterable[str]:
    """Yield what people should know about the comparison."""
    if before.n < FEW:
        yield ngettext(
            "There is only {0} example: more would make the result surer.",
            "There are only {0} examples: more would make the result surer.",
            before.n,
        ).format(before.n)
    if before.failed:
        yield _("The second model does not take the first one’s inputs as they are.")
    if examples.unread:
        unread = len(examples.unread)
        yield ngettext("{0:,} example could not be read.", "{0:,} examples could not be read.", unread).format(unread)
    if late:
        yield _("The time ended before all alternatives were tried.")


def _inner_values(params: ExplainParams, ctx: JobContext, first: Side, side: Side, runner: Runner) -> DiffResult | None:
    """Return the comparison of inner values on the same prepared examples; None if they cannot be prepared."""
    if params.second is None:
        return None
    models = []
    for name, one, model in (("first", first, params.first), ("second", side, params.second)):
        try:
            write_prepared(ctx.work_dir / name / "test", runner.feeds(one, runner.all))
        except ValueError:
            return None
        models.append(model.model_copy(update={"data_dir": str(ctx.work_dir / name)}))
    return compare(DiffParams(first=models[0], second=models[1], brief=True), ctx)


def inner_causes(diff: DiffResult, before: Outcome) -> tuple[Cause, ...]:
    """Return whether other weights or rounding explain the difference."""
    reason = diff.difference
    if reason is None or reason.code not in ("rounding", "weights"):
        return ()
    node = next(node for node in diff.nodes if reason.nodes[0] in (node.a, node.b))
    is_rounded = reason.code == "rounding"
    cause = Cause(
        code="rounding" if is_rounded else "weights", parameter=reason.nodes[0],
        before=node.dtype_b if is_rounded else node.op_b, after=node.dtype_a if is_rounded else node.op,
        share_differing_after=before.share, text=reason.text,
    )  # fmt: skip
    return (cause,)
