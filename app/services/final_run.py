"""The final run: the finalists and the original measured again in turn, in fresh processes."""

from app.services import candidates as one
from app.services.budget import within
from app.services.candidates import Candidate, Pass
from app.services.measuring import TIME_LIMIT
from app.services.opening import ReadData
from app.services.quiet import MOST_S
from app.services.search import Search
from app.services.steps import Flow, JobError

LAST_STEP = "Final run, side by side"


def final_run(search: Search, step: int, original: Candidate, data: ReadData) -> Flow[None]:
    """Measure those that may be recommended beside the original; what it gives is written into each."""
    recorder, budget, best = search.recorder, search.budget, search.best()
    if not best:
        recorder.step(step, state="skipped", detail="nothing was faster and within your limit")
        return
    recorder.step(step, state="running")
    plan = budget.plan_final([variant.id for variant in best])
    field = [original, *(search.candidates[variant.id] for variant in best[: plan.finalists])]
    how = Pass(
        plan.sets, plan.blocks, search.ask.threads, search.reuse, quiet=search.patience.part(MOST_S, budget.left_s)
    )
    flow = one.measure(field, data, how, title=LAST_STEP, step=step)
    measured = yield from within(flow, lambda: budget.final_left_s)
    if (failure := measured.failures[0]) is not None:
        if failure.code != TIME_LIMIT or budget.left_s is None:
            raise JobError(failure, 1)
        recorder.step(step, state="failed", detail="no time left within your limit")
        search.skipped += 1
        return
    summaries = yield from search.summarize(measured)
    for index, candidate in enumerate(field):
        error = measured.failures[index]
        if error is not None:
            search.put_dropped(candidate.variant, f"{error.title}. {error.detail}")
        else:
            search.take_figures(candidate, measured, index, summaries[index], interleaved=True)
    detail = ", ".join(part for part in (f"{len(field)} versions in turn", search.when(measured)) if part)
    recorder.step(step, state="done", detail=detail)
