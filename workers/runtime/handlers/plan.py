"""kind ``plan``: what to try on this machine, in which order, and what not to try and why."""

from pathlib import Path

from workers.contracts.context import JobContext
from workers.contracts.jobs import PlanParams, PlanResult
from workers.contracts.techniques import HandlerSpec
from workers.tune.facts import read_facts
from workers.tune.plan import BASELINE, TINY_BYTES, Situation, make_plan
from workers.tune.probe import probe_ms


def run(params: PlanParams, ctx: JobContext) -> PlanResult:
    """Read the model, time a small one once, and fit the preset's recipes."""
    folder = Path(params.model_dir)
    facts = read_facts(folder)
    ctx.check_cancelled()
    data_dir = Path(params.data_dir) if params.data_dir else None
    small = facts.weight_bytes < TINY_BYTES
    situation = Situation(
        model=facts,
        device=params.device,
        runtimes=params.runtimes,
        has_calibration=params.has_calibration,
        probe_ms=probe_ms(folder, data_dir, ctx.threads) if small else None,
    )
    plan = make_plan(params.preset_steps, situation)
    for title, reason in plan.dropped:
        ctx.log(f"Not tried: {title}. {reason}")
    return PlanResult(baseline=BASELINE, candidates=plan.candidates, dropped=plan.dropped)


HANDLER = HandlerSpec(kind="plan", params=PlanParams, result=PlanResult, run=run)
