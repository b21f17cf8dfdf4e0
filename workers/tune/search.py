"""What is found out by looking at this model on this machine: rewrites that pay, settings that pay.

A rewrite is tried only where the profile says that what it removes takes 15 % of the time (OPTIMIZE.md), and kept only
where a short comparison says that it is faster.
"""

import contextlib
import importlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from workers.contracts.errors import WorkerError
from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RecipeStep
from workers.contracts.techniques import Model
from workers.contracts.wording import percent
from workers.convert import onnx_files
from workers.convert.rewriting import removed_by
from workers.infer.base import Arrays, NotRunnable, Session
from workers.tune.compare import gain
from workers.tune.profile import Profile, take_profile

MIN_SHARE = 0.15
MIN_GAIN = 1.05
MAX_BYTES = 1 << 29
COMPARE_S = 3.0
LOOK_REQUESTS = 25
"""Requests, about, that trying one rewrite takes: checking its answers, compiling it, comparing."""

PARTITIONED_UNDER_MS = 20.0
"""How the work is shared out is seen in short requests only."""

REWRITES: dict[str, frozenset[str]] = {
    "gather_rewrite": frozenset({"OneHot"}),
    "norm_rewrite": frozenset({"Reorder", "MVN"}),
    "layout_rewrite": frozenset({"Transpose", "Reorder"}),
    "cast_cleanup": frozenset({"Convert"}),
}
"""Technique → OpenVINO's kinds of operators that it is about, beside those that it takes out by name."""


@dataclass(frozen=True)
class Found:
    """`steps` go before every recipe of the engine, `settings` into it; `words` say what each one gave.

    `dropped` holds (title, reason) pairs.
    """

    steps: tuple[RecipeStep, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass
class _Notes:
    """What becomes a `Found`."""

    steps: list[RecipeStep] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)


def search(
    model: Model, feeds: Arrays, precision: str, weight_bytes: int, ctx: JobContext, max_s: float | None = None
) -> Found:
    """Look at one model in OpenVINO with one real request. What cannot be looked at gives nothing.

    Where trying one rewrite would take more than `max_s`, none is tried.
    """
    found = _Notes()
    if weight_bytes > MAX_BYTES or "parts" in model.artifact.settings:
        return Found()
    settings = {"inference_precision": precision}
    with contextlib.suppress(NotRunnable, WorkerError):
        profile = take_profile(model.main, feeds, settings, ctx.threads)
        ctx.check_cancelled()
        if max_s is not None and profile.total_ms * LOOK_REQUESTS > max_s * 1000:
            reason = "A request takes so long here that trying them would cost too much of your time."
            return Found(dropped=(("Rewrites of the graph", reason),))
        model = _rewrites(found, model, feeds, profile, settings, ctx)
        if ctx.threads > 1 and profile.total_ms < PARTITIONED_UNDER_MS:
            _partitioner(found, model, feeds, settings, ctx)
    shutil.rmtree(ctx.work_dir / "rewrites", ignore_errors=True)
    return Found(tuple(found.steps), found.settings, tuple(found.words), tuple(found.dropped))


def _rewrites(
    found: _Notes, model: Model, feeds: Arrays, profile: Profile, settings: dict[str, Any], ctx: JobContext
) -> Model:
    """Try each rewrite on what the ones before have made; the model with all that paid."""
    for technique, kinds in REWRITES.items():
        ctx.check_cancelled()
        module = importlib.import_module(f"workers.convert.{technique}")
        names = removed_by(onnx_files.load(model.main), module.change)
        if not names:
            continue
        share = profile.share(kinds, names)
        if share < MIN_SHARE:
            reason = f"It could save at most {percent(share, 0)} of the time here, so it was not tried."
            found.dropped.append((module.TITLE, reason))
            continue
        scratch = ctx.work_dir / "rewrites" / technique
        scratch.mkdir(parents=True)
        try:
            module.apply(model, module.Params(), cast(JobContext, _Inner(ctx, scratch)))
        except WorkerError as error:
            found.dropped.append((module.TITLE, error.detail))
            continue
        other = read_model(scratch / "model")
        faster = _compare(model, other, feeds, (settings, settings), ctx)
        if faster < MIN_GAIN:
            found.dropped.append(
                (module.TITLE, f"It took {percent(share, 0)} of the time, and without it nothing was faster.")
            )
            continue
        found.steps.append(RecipeStep(technique=technique))
        found.words.append(f"{module.TITLE}: {faster:.2f} times as fast in a short comparison here.")
        model = other
    return model


def _partitioner(found: _Notes, model: Model, feeds: Arrays, settings: dict[str, Any], ctx: JobContext) -> None:
    """Whether the threads share the work out better among themselves."""
    faster = _compare(model, model, feeds, (settings, {**settings, "tbb_partitioner": "auto"}), ctx)
    if faster >= MIN_GAIN:
        found.settings["tbb_partitioner"] = "auto"
        found.words.append(f"Work shared out among the cores as they get free: {faster:.2f} times as fast here.")


def _compare(first: Model, second: Model, feeds: Arrays, settings: tuple[Any, Any], ctx: JobContext) -> float:
    with _opened(first, feeds, settings[0], ctx) as one, _opened(second, feeds, settings[1], ctx) as other:
        return gain(one, other, [feeds], COMPARE_S, ctx.check_cancelled)


@contextlib.contextmanager
def _opened(model: Model, feeds: Arrays, settings: dict[str, Any], ctx: JobContext) -> Iterator[Session]:
    from workers.infer import openvino

    shapes = {name: list(array.shape) for name, array in feeds.items()}
    session = openvino.load(model.main, {**settings, "shapes": shapes}, ctx.threads)
    try:
        yield session
    finally:
        session.close()


class _Inner:
    """The job's context with a folder of its own."""

    def __init__(self, ctx: JobContext, work_dir: Path) -> None:
        self._ctx, self.work_dir = ctx, work_dir

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)
