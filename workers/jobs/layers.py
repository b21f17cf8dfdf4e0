"""Job kind ``layers``: measure the time of each layer of one version."""

from pathlib import Path

from workers.contracts.after.changes import LayersParams, LayersResult
from workers.contracts.process.context import JobContext
from workers.measure.requests import load_requests
from workers.tune.layers import layers_of, target_of, with_sensitivity


def run(params: LayersParams, ctx: JobContext) -> LayersResult:
    """Run one real request a few times and time every layer with the engine's own clock."""
    folder = Path(params.model_dir)
    target = target_of(folder, params.runtime, params.settings)
    ctx.progress("Look where the time goes", 0, 1)
    feeds = load_requests(folder, Path(params.data_dir), limit=1).feed(0)
    layers = layers_of(target, feeds, ctx)
    sensitivity = Path(params.sensitivity_dir) if params.sensitivity_dir else None
    measured = with_sensitivity(layers, sensitivity)
    return LayersResult(layers=measured, total_ms=sum(layer.ms for layer in measured), part=target.part)
