"""Measure the time of each layer of one version with its engine's own profiler."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contracts.after.changes import Layer
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.infer.base import Arrays, NotRunnable, without_constants
from workers.measure.timing import OtherLoad
from workers.tune.onnxruntime_layers import OnnxRuntimeProfiler
from workers.tune.openvino_layers import OpenVinoProfiler
from workers.tune.tensorrt_layers import TensorRtProfiler
from workers.tune.timing_runs import MOST_RUNS, Profile, Profiler, Target, calm, timed, turns
from workers.tune.torch_layers import TorchProfiler

MOST = 5000
MIN_TURNS, PAIR_S = 5, 8.0
"""Smallest number of turns of each of two models that are compared, and the seconds until which more follow."""

TURN_S, MOST_TIMES = 0.15, 5000
"""Seconds of a turn, and most times of layers in it, because engines keep them all in memory."""


REST_S = 0.05
"""Pause before each turn, in which the threads of the other engine stop to wait actively for its next request."""


def target_of(folder: Path, runtime: str, settings: Mapping[str, Any]) -> Target:
    """Return the program to profile: a cascade's fast model, or the program for this request's size."""
    model = read_model(folder)
    merged = {**model.artifact.settings, **settings}
    plain = {name: value for name, value in merged.items() if name not in ("cascade", "buckets", "parts", "pixels")}
    own = dict(merged.get("cascade") or {})
    if own:
        path = folder / str(own.get("first_main", model.main.name))
        return Target(path, runtime, {**plain, **dict(own.get("first", {}))}, mark("The faster one of its two models."))
    if "parts" in merged:
        inner = dict(dict(merged["parts"])["encoder"].get("settings", {}))
        return Target(model.main, runtime, {**inner, **plain}, mark("The encoder, of its two parts."))
    part = mark("The program for the length of this request.") if "buckets" in merged else ""
    return Target(model.main, runtime, plain, part)


def open_profiler(target: Target, feeds: Arrays, ctx: JobContext, fixed: bool = False) -> Profiler:
    """Open a program with its engine's profiler; `fixed` builds it for the sizes of this request alone.

    Raises:
        InputRefused: the engine has no profiler.
        NotRunnable: the engine cannot run the version with it.
    """
    constants = dict(target.settings.get("constants", {}))
    given = without_constants(feeds, constants) if constants else dict(feeds)
    if target.runtime == "openvino":
        return OpenVinoProfiler(target, given, ctx.threads, fixed)
    if target.runtime in ("onnxruntime-cpu", "onnxruntime-cuda"):
        return OnnxRuntimeProfiler(target, given, ctx, fixed)
    if target.runtime == "tensorrt":
        return TensorRtProfiler(target, given)
    if target.runtime == "torch-cpu" and not target.settings.get("compile"):
        return TorchProfiler(target, given, ctx.threads)
    raise InputRefused(
        "layers_not_told",
        "This engine does not report where its time goes",
        _("{0} runs the model as a whole.").format(target.runtime),
        "Choose a version that runs in ONNX Runtime, OpenVINO, TensorRT or PyTorch (not compiled).",
    )


def layers_of(target: Target, feeds: Arrays, ctx: JobContext) -> tuple[Layer, ...]:
    """Return all layers that took time, in execution order, of a program for the sizes of this request.

    Raises:
        InputRefused: the engine has no profiler, or cannot run the version with it.
    """
    try:
        profiler = open_profiler(target, feeds, ctx, fixed=True)
        for _ in turns(ctx):
            profiler.run(MOST_RUNS)
        return profiler.close().layers[:MOST]
    except NotRunnable as error:
        raise _cannot_run(error) from error


def profile_in_turns(programs: list[tuple[Target, Arrays]], ctx: JobContext) -> tuple[Profile, Profile, Profile | None]:
    """Return the profiles of two programs whose runs take turns.

    If just one of them takes inputs of any size, the third profile is that one, built for the sizes of its request.

    Raises:
        InputRefused: an engine has no profiler, or cannot run its version with it.
    """
    try:
        opened = [open_profiler(target, feeds, ctx) for target, feeds in programs]
        free = [profiler.free_sizes for profiler in opened]
        if free[0] != free[1] and programs[free.index(True)][0].runtime != "torch-cpu":
            opened.append(open_profiler(*programs[free.index(True)], ctx, fixed=True))
        counts = [_runs_a_turn(profiler) for profiler in opened]
        others = OtherLoad()
        for _ in turns(ctx, MIN_TURNS, PAIR_S):
            for profiler, count in zip(opened, counts, strict=True):
                time.sleep(REST_S)
                profiler.run(count)
        is_busy = (others.share() or 0.0) >= BUSY_SHARE
        profiles = calm([profiler.close() for profiler in opened])
        first, second, *fixed = [replace(profile, disturbed=is_busy) for profile in profiles]
    except NotRunnable as error:
        raise _cannot_run(error) from error
    return first, second, fixed[0] if fixed else None


def _runs_a_turn(profiler: Profiler) -> int:
    """Return how many runs make up a turn, so that other programs rarely disturb all of them."""
    request_s = timed(profiler.run) / 1000
    return max(1, min(round(TURN_S / request_s), MOST_RUNS, MOST_TIMES // max(profiler.size, 1)))


def _cannot_run(error: NotRunnable) -> InputRefused:
    return InputRefused(
        "layers_not_told",
        "The layers of this version cannot be measured",
        _("The engine does not run it while it times each layer: {0}.").format(error),
        "Choose another version.",
    )
