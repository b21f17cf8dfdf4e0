"""Keep the forecast of one run: before it, after the original is measured, and with the outcome."""

from pathlib import Path

from app.domain.forecast import Basis
from app.domain.run import RunState
from app.domain.words.results import forecast_words
from app.services.run.forecasting import USUAL_N_TEST, Expected, Forecasts, size_on_disk
from app.services.run.recorder import Recorder

LEARNED_STATES = (RunState.FINISHED, RunState.KEPT_ORIGINAL)


def expect_run(
    forecasts: Forecasts, model_path: str, ways: int, budget_s: float | None, n_test: int | None = None
) -> Expected:
    """Return a forecast from the file's size and the number of recipes, before anything is opened."""
    size_bytes = size_on_disk(Path(model_path))
    return forecasts.expect(Basis(size_bytes, n_test or USUAL_N_TEST, ways, budget_s))


def save_forecast(recorder: Recorder, ways: int) -> None:
    """Store the forecast before the run; a resumed run keeps its first one."""
    known = recorder.forecasts.of_run(recorder.run.id)
    if known.before is None:
        before = expect_run(recorder.forecasts, recorder.project.model_path, ways, recorder.run.goal.time_budget_s)
        recorder.forecasts.save(known.model_copy(update={"before": before}))


def refine(recorder: Recorder, basis: Basis) -> None:
    """Store and log a better forecast, after the original is measured and the plan is made."""
    refined = recorder.forecasts.expect(basis)
    known = recorder.forecasts.of_run(recorder.run.id)
    recorder.forecasts.save(known.model_copy(update={"refined": refined}))
    recorder.log(f"The whole run will likely take {forecast_words(refined.seconds, refined.memory_bytes)}.")


def save_outcome(recorder: Recorder, saved_s: float) -> None:
    """Store the outcome beside the forecast; only runs that are complete improve later forecasts."""
    run = recorder.run
    came = {
        "seconds": run.seconds,
        "saved_s": saved_s,
        "memory_bytes": recorder.peak_memory_bytes,
        "whole": run.state in LEARNED_STATES and not recorder.has_gone_on,
    }
    recorder.forecasts.save(recorder.forecasts.of_run(run.id).model_copy(update=came))
