"""Job kind ``plan``: choose the recipes for this computer and their order, with reasons for those left out."""

from pathlib import Path

from workers import registry
from workers.contracts.folder import read_model
from workers.contracts.jobs import PlanParams, PlanResult
from workers.contracts.optional_sets import where_to_install
from workers.contracts.planning import Situation
from workers.contracts.process.context import JobContext
from workers.infer import processor
from workers.jobs.machine import instructions_of
from workers.measure.requests import load_requests
from workers.tune import search as look
from workers.tune.facts import probe_ms, read_facts
from workers.tune.plan import TINY_BYTES, Planner

LOOK_SHARE = 0.15
"""Share of the run's time for the search for useful rewrites; the rest must suffice to try them."""


def run(params: PlanParams, ctx: JobContext) -> PlanResult:
    """Read the model, time a small one once, profile it, and adapt the preset's recipes."""
    folder = Path(params.model_dir)
    facts = read_facts(folder)
    ctx.check_cancelled()
    data_dir = Path(params.data_dir) if params.data_dir else None
    small = facts.weight_bytes < TINY_BYTES and facts.format == "onnx"
    probed = probe_ms(folder, data_dir, ctx.threads) if small else None
    ctx.check_cancelled()
    techniques = registry.techniques()
    situation = Situation(
        model=facts,
        device=params.device,
        runtimes=params.runtimes,
        has_calibration=params.has_calibration,
        fast=processor.fast(params.device.features),
        probe_ms=probed,
        time_budget_s=params.time_budget_s,
        architectures=params.build_for or params.device.architectures,
        unavailable={
            spec.id: where_to_install(spec.installs) for spec in techniques.values() if registry.missing(spec.requires)
        },
    )
    outcome = _look(params, situation, folder, ctx)
    plan = Planner(situation, techniques, registry.runtimes(), outcome).plan(params.preset_steps, params.by_traits)
    for one in plan.dropped:
        ctx.log(f"Not tried: {one.title}. {one.reason.text}")
    return plan.model_copy(update={"instructions": instructions_of(params.device)})


def _look(params: PlanParams, situation: Situation, folder: Path, ctx: JobContext) -> look.SearchResult:
    """Return rewrites and settings that help in the profiled engine.

    The result is empty if no recipe uses that engine or there is no real request.
    """
    wanted = any(recipe.runtime == look.RUNTIME for recipe in params.preset_steps)
    wanted = wanted and situation.model.format == "onnx"
    if not wanted or look.RUNTIME not in params.runtimes or params.data_dir is None:
        return look.SearchResult()
    feeds = load_requests(folder, Path(params.data_dir), limit=1).feed(0)
    precision = "bf16" if "bf16" in situation.fast else "f32"
    ctx.progress("Look where the time goes", 0, 1)
    max_s = None if params.time_budget_s is None else LOOK_SHARE * params.time_budget_s
    rewrites = tuple(registry.techniques().values())
    outcome = look.search(read_model(folder), feeds, precision, situation.model.weight_bytes, rewrites, ctx, max_s)
    for words in outcome.words:
        ctx.log(words)
    return outcome
