"""Open a model from elsewhere so that it can be compared with an original, as if it were a version of it.

The original's description holds for both, because the evaluated file takes the original's place. The file is tried with
the first items of the user's data. Only the shapes of its predictions must equal those of the original.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import JobCancelled, WorkerError
from workers.contracts.folder import COMPANIONS, copy_companions, write_model
from workers.contracts.jobs import OpenBesideParams, OpenParams, OpenResult
from workers.contracts.paths import from_text
from workers.contracts.pipeline import PipelineSpec, read_pipeline, write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.specs import ModelArtifact
from workers.contracts.translation import _, ngettext
from workers.measure.opening import open_session
from workers.model_io.beside.matching import Match, Shapes, match, other_shape, takes_items
from workers.model_io.beside.renaming import adapt_ir, adapt_onnx
from workers.model_io.budget import trying
from workers.model_io.formats import Draft, read
from workers.model_io.opening import (
    CHECKING_IT,
    INFO_FILE,
    MODEL_DIR,
    ONNX_RUNTIME,
    TRYING_IT,
    content_of,
    describe,
    info_of,
    source_of,
    unpacking,
)
from workers.model_io.runtime import conversion_error, load_session, run_error
from workers.model_io.words import refuse
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared

Feeds = dict[str, NDArray[Any]]

TRIED_ITEMS = 3


def open_beside(params: OpenBesideParams, ctx: JobContext) -> OpenResult:
    """Write the inner form to ``ctx.work_dir / "model"``; leave nothing behind after an error.

    Raises:
        InputRefused: the model cannot be opened, or has another interface than the original.
    """
    with unpacking(ctx, MODEL_DIR) as target:
        return _opened(params, ctx, target)


def _opened(params: OpenBesideParams, ctx: JobContext, target: Path) -> OpenResult:
    path, original = from_text(params.opening.path), Path(params.model_dir)
    spec = read_pipeline(original)
    items = Prepared(Path(params.data_dir) / "test")
    seen = {name: frozenset(item[name].shape for item in items) for name in items.names}
    ctx.progress(CHECKING_IT, 0, 3)
    source = source_of(path, ctx, to_prove=True)
    opening = _with_shapes(params.opening, spec, seen)
    draft, write = read(source, opening, ctx)
    ctx.identified(content_of(path, source, draft, opening))
    draft = write(opening, target)
    ctx.check_cancelled()
    matched = match(spec, draft.graph.inputs, draft.graph.outputs, seen, params.pairs)
    ctx.progress(TRYING_IT, 1, 3)
    first = [{name: np.array(value) for name, value in items[at].items()} for at in range(min(TRIED_ITEMS, len(items)))]
    error = _converted(path, draft, matched, first, target, ctx)
    artifact = _adapted(path, draft, matched, target)
    described = _described(draft, spec, matched)
    for name in COMPANIONS:
        (target / name).unlink(missing_ok=True)
    copy_companions(original, target)
    if described != spec:
        write_pipeline(target, described)
    info = info_of(path, source, draft, described, ())
    (target / INFO_FILE).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    runtime = params.runtime or draft.runtime or ONNX_RUNTIME
    ctx.progress(TRYING_IT, 2, 3)
    _try_out(path, params, spec, target, runtime, first, draft.graph.weight_bytes, ctx)
    ctx.progress(TRYING_IT, 3, 3)
    origin = Elsewhere(
        name=info.name, path=params.opening.path, format=source.kind, sha256=info.sha256, matched=matched.adapted
    )
    return OpenResult(info=info, artifact=artifact, elsewhere=origin, runtime=runtime, conversion_error=error)


def _with_shapes(opening: OpenParams, spec: PipelineSpec, seen: Mapping[str, Shapes]) -> OpenParams:
    """Add the size of the original's items for a program that does not state the size of its only input."""
    main = [entry for entry in spec.inputs if entry.source in ("image", "audio", "array")]
    shapes = seen.get(main[0].name, frozenset()) if len(main) == 1 and len(spec.inputs) == 1 else frozenset()
    if opening.shapes or len(shapes) != 1:
        return opening
    return opening.model_copy(update={"shapes": {"": next(iter(shapes))}})


def _converted(
    path: Path, draft: Draft, matched: Match, items: Iterable[Feeds], target: Path, ctx: JobContext
) -> float | None:
    """Return the difference between a conversion and its source on the user's items.

    Raises:
        InputRefused: the difference is too large.
    """
    if draft.reference is None:
        return None
    feeds = tuple(_as_theirs(item, matched) for item in items)
    with closing(load_session(target / "model.onnx", ctx.threads)) as session, trying(ctx, draft.graph.weight_bytes):
        return conversion_error(path, draft.reference, feeds, session)


def _as_theirs(item: Mapping[str, NDArray[Any]], matched: Match) -> Feeds:
    """Return one item in the names, dtypes and layout of the other model."""
    feeds = {}
    for pair in matched.of("input"):
        if pair.original in item:
            value = item[pair.original]
            value = value if pair.transposed is None else value.transpose(pair.transposed)
            feeds[pair.other] = value if pair.dtypes is None else value.astype(pair.dtypes[1])
    return feeds


def _adapted(path: Path, draft: Draft, matched: Match, target: Path) -> ModelArtifact:
    """Rewrite the model's file with the original's names; leave it untouched if nothing differs."""
    artifact = describe(target, draft)
    changed = bool(matched.adapted or matched.unfed)
    # further files or settings may name the inputs, which then cannot be renamed in one place
    if changed and (draft.facts.generation is not None or not draft.plain):
        raise refuse(
            "other_names",
            "The two models name their inputs and outputs differently",
            _("{0} has parts that name their inputs, so it can replace only a model with the same names.").format(
                path.name
            ),
            "Compare it with the model that it was made from.",
        )
    if changed:
        main = target / artifact.main
        (adapt_ir if artifact.format == "openvino-ir" else adapt_onnx)(main, matched.adapted, matched.unfed)
    return write_model(
        target,
        artifact.main,
        [entry.path for entry in artifact.files],
        model_format=artifact.format,
        precision=artifact.precision,
        settings=artifact.settings,
        runtimes=artifact.runtimes,
        notes=tuple(_notes(matched)),
        torch_program=None if changed else artifact.torch_program,
    )


def _described(draft: Draft, spec: PipelineSpec, matched: Match) -> PipelineSpec:
    """Return the original's description with the other model's fixed batch and its pixel input, if it has them."""
    if matched.batch is not None:
        inputs = []
        for entry in spec.inputs:
            sizes = list(entry.shape)
            if takes_items(entry, sizes):
                sizes[entry.batch_axis] = matched.batch
            inputs.append(replace(entry, shape=tuple(sizes)))
        spec = replace(spec, inputs=tuple(inputs))
    own = draft.pipeline
    if own is not None and own.preprocess.kind == "image" and spec.preprocess.kind == "image":
        spec = replace(spec, preprocess=replace(spec.preprocess, pixels=own.preprocess.pixels))
    return spec


def _try_out(
    path: Path,
    params: OpenBesideParams,
    spec: PipelineSpec,
    target: Path,
    runtime: str,
    items: Iterable[Feeds],
    weight_bytes: int,
    ctx: JobContext,
) -> None:
    """Run both models on the first items and compare the shapes of their outputs.

    Raises:
        InputRefused: the shapes differ, or the model does not run.
    """

    def shapes_of(pipeline: Pipeline, session: Any, item: Feeds) -> dict[str, tuple[int, ...]]:
        return {name: np.shape(value) for name, value in pipeline.run(session, item).items()}

    original = Path(params.model_dir)
    with (
        closing(open_session(original, params.original_runtime, params.original_settings, ctx.threads)) as before,
        closing(open_session(target, runtime, {}, ctx.threads)) as after,
    ):
        first, second = load_pipeline(original), load_pipeline(target)
        for item in items:
            ctx.check_cancelled()
            want = shapes_of(first, before, item)
            try:
                with trying(ctx, weight_bytes):
                    got = shapes_of(second, after, item)
            except (WorkerError, JobCancelled, MemoryError):
                raise
            except Exception as error:  # a runtime's own exceptions share no base but Exception
                raise run_error(path, error) from error
            if (refusal := other_shape(spec, want, got)) is not None:
                raise refusal


def _notes(matched: Match) -> Iterable[str]:
    """Yield sentences about how the model was adapted to the original."""
    yield _("It was made elsewhere, and is judged as it came.")
    renamed = sum(pair.original != pair.other for pair in matched.pairs)
    if renamed:
        yield ngettext(
            "{0} of its inputs and outputs has another name; it was matched by position and shape.",
            "{0} of its inputs and outputs have other names; they were matched by position and shape.",
            renamed,
        ).format(renamed)
    for pair in matched.pairs:
        if pair.dtypes is not None:
            words = (
                _("Its input “{0}” is {1} where the original's is {2}.")
                if pair.side == "input"
                else _("Its output “{0}” is {1} where the original's is {2}.")
            )
            yield words.format(pair.original, pair.dtypes[1], pair.dtypes[0])
        if pair.transposed is not None:
            words = (
                _("Its input “{0}” has its channels along another axis, so they are moved.")
                if pair.side == "input"
                else _("Its output “{0}” has its channels along another axis, so they are moved.")
            )
            yield words.format(pair.original)
    for entry in matched.unfed:
        yield _("It does not take “{0}”, which the original may be given.").format(entry.name)
    if matched.batch is not None:
        yield _("It takes {0} items at once, so a single request costs as much as so many.").format(matched.batch)
