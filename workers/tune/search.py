"""Find rewrites and settings that make this model faster on this computer.

A rewrite is tried only if the profile shows that the operators it removes take at least `MIN_SHARE` of the time. It is
kept only if a short comparison shows that it is faster.
"""

import contextlib
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from typing import Any

import numpy as np

from workers.contracts.after.changes import Layer
from workers.contracts.errors import WorkerError
from workers.contracts.folder import read_model
from workers.contracts.planning import Dropped, Reason
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import RecipeStep
from workers.contracts.techniques import GraphRewrite, Model, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.convert.graphs import onnx_files
from workers.convert.inference.in_turn import in_turn
from workers.convert.rewriting import removed_by
from workers.infer.base import Arrays, NotRunnable, Session
from workers.tune.layers import layers_of
from workers.tune.timing_runs import Target

MIN_SHARE = 0.1
"""Smallest share of the time; profiles of a product worth a factor of 1.16 showed 13 % or more than 15 %."""
MIN_GAIN = 1.05
MAX_BYTES = 1 << 29
COMPARE_S = 3.0
ROUNDS, MIN_ROUNDS, BLOCK_S = 9, 3, 0.06
WON_SHARE = 0.7
"""Share of rounds that the second model must win; gains caused by other programs show in fewer rounds."""
QUARTER = 25
"""Percentile of a block's times that is used, because other programs make requests slower, never faster."""
LOOK_REQUESTS = 25
"""Approximate number of requests that one rewrite costs: check, compilation, comparison."""

PARTITIONED_UNDER_MS = 20.0
"""Longest request in milliseconds for which the partitioner matters."""

RUNTIME = "openvino"
"""The runtime that is profiled, because it reports the time of each operator."""


@dataclass
class SearchResult:
    """Result: `steps` go before every recipe of `RUNTIME`, `settings` into it; `words` describe each gain."""

    steps: list[RecipeStep] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, spec: TechniqueSpec, code: str, text: str) -> None:
        """Record why a rewrite is not used."""
        self.dropped.append(Dropped(id=spec.id, title=spec.title, reason=Reason(code=code, text=text)))


def search(
    model: Model,
    feeds: Arrays,
    precision: str,
    weight_bytes: int,
    rewrites: Sequence[TechniqueSpec],
    ctx: JobContext,
    max_s: float | None = None,
) -> SearchResult:
    """Profile one model in OpenVINO with one real request and return the rewrites and settings that help.

    `rewrites` are techniques that change the graph; others are skipped. If trying one takes more than `max_s` seconds,
    none is tried. The result is empty where OpenVINO cannot run the model.
    """
    report = SearchResult()
    if weight_bytes > MAX_BYTES or "parts" in model.artifact.settings:
        return report
    settings = {"inference_precision": precision}
    with contextlib.suppress(NotRunnable, WorkerError):
        profile = layers_of(Target(model.main, RUNTIME, settings), feeds, ctx)
        ctx.check_cancelled()
        total_ms = sum(layer.ms for layer in profile)
        if max_s is not None and total_ms * LOOK_REQUESTS > max_s * 1000:
            words = mark("A request takes so long here that trying rewrites would cost too much of your time.")
            reason = Reason(code="no_time", text=words)
            report.dropped.append(Dropped(id="rewrites", title="Rewrites of the graph", reason=reason))
            return report
        changing = [(spec, spec.rewrite) for spec in rewrites if spec.rewrite is not None]
        for spec, what in sorted(changing, key=lambda pair: pair[1].order):
            model = _rewritten(report, spec, what, model, feeds, profile, settings, ctx)
        if ctx.threads > 1 and total_ms < PARTITIONED_UNDER_MS:
            _partitioner(report, model, feeds, settings, ctx)
    shutil.rmtree(ctx.work_dir / "rewrites", ignore_errors=True)
    return report


def _rewritten(
    report: SearchResult,
    spec: TechniqueSpec,
    what: GraphRewrite,
    model: Model,
    feeds: Arrays,
    profile: Sequence[Layer],
    settings: dict[str, Any],
    ctx: JobContext,
) -> Model:
    """Try one rewrite on the result of earlier ones; return the rewritten model if it is faster."""
    ctx.check_cancelled()
    names = removed_by(onnx_files.load(model.main), what.change)
    if not names:
        return model
    share = share_of(profile, what.kinds, names)
    if share < MIN_SHARE:
        words = _("It could save at most {0} of the time here, so it was not tried.").format(percent(share, 0))
        report.drop(spec, "little_time", words)
        return model
    scratch = ctx.work_dir / "rewrites" / spec.id
    scratch.mkdir(parents=True)
    try:
        spec.apply(model, spec.params(), derived(ctx, work_dir=scratch))
    except WorkerError as error:
        report.drop(spec, error.code, error.detail)
        return model
    other = read_model(scratch / "model")
    faster = _compare(model, other, feeds, (settings, settings), ctx)
    if faster < MIN_GAIN:
        words = _("These operators take {0} of the time, but the model was not faster without them.").format(
            percent(share, 0)
        )
        report.drop(spec, "not_faster", words)
        return model
    report.steps.append(RecipeStep(technique=spec.id, version=spec.params.version))
    report.words.append(_("{0}: {1:.2f} times as fast in a short comparison here.").format(_(spec.title), faster))
    return other


def _partitioner(report: SearchResult, model: Model, feeds: Arrays, settings: dict[str, Any], ctx: JobContext) -> None:
    """Use OpenVINO's automatic partitioner if it is faster."""
    faster = _compare(model, model, feeds, (settings, {**settings, "tbb_partitioner": "auto"}), ctx)
    if faster >= MIN_GAIN:
        report.settings["tbb_partitioner"] = "auto"
        report.words.append(_("Work given to each core when it is free: {0:.2f} times as fast here.").format(faster))


def _compare(first: Model, second: Model, feeds: Arrays, settings: tuple[Any, Any], ctx: JobContext) -> float:
    with _opened(first, feeds, settings[0], ctx) as one, _opened(second, feeds, settings[1], ctx) as other:
        return gain(one, other, [feeds], COMPARE_S, ctx.check_cancelled)


def _opened(model: Model, feeds: Arrays, settings: dict[str, Any], ctx: JobContext) -> closing[Session]:
    from workers.infer import openvino

    shapes = {name: list(array.shape) for name, array in feeds.items()}
    return closing(openvino.load(model.main, {**settings, "shapes": shapes}, ctx.threads))


def share_of(layers: Sequence[Layer], kinds: Collection[str], names: Collection[str] = ()) -> float:
    """Return the share of the time, 0..1, of layers of these types or with one of these names."""
    stems = {name.rsplit(":", 1)[0] for name in names} | set(names)
    taken = sum(one.ms for one in layers if one.kind in kinds or one.name.split("/WithoutBiases")[0] in stems)
    return taken / sum(one.ms for one in layers) if taken else 0.0


def gain(first: Session, second: Session, feeds: Sequence[Arrays], max_s: float, check: Callable[[], None]) -> float:
    """Return how many times as fast as `first` the session `second` is: the median over rounds in turn (ABBA).

    The result is 1 where `second` did not win most of the rounds. `check` is called between blocks and may raise.
    """
    rounds = in_turn(
        _requests(first, feeds),
        _requests(second, feeds),
        check,
        lambda spans: float(np.percentile(spans, QUARTER)),
        rounds=ROUNDS,
        least_rounds=MIN_ROUNDS,
        block_s=BLOCK_S,
        max_s=max_s,
    )
    ratios = [before / after for before, after in rounds]
    won = sum(ratio > 1 for ratio in ratios)
    return median(ratios) if won >= WON_SHARE * len(ratios) else 1.0


def _requests(session: Session, feeds: Sequence[Arrays]) -> Callable[[], object]:
    """Return a function that runs one request after the other and starts again after the last."""
    requests = cycle(feeds)
    return lambda: session.run(next(requests))
