"""What is expected of one run: said before it, said better once the original was measured, closed with what came."""

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
    """Before anything was opened: from the file's size and the number of ways."""
    size_bytes = size_on_disk(Path(model_path))
    return forecasts.expect(Basis(size_bytes, n_test or USUAL_N_TEST, ways, budget_s))


def note_before(recorder: Recorder, ways: int) -> None:
    """Kept once: a run that goes on was forecast when it was begun."""
    known = recorder.forecasts.of_run(recorder.run.id)
    if known.before is None:
        before = expect_run(recorder.forecasts, recorder.project.model_path, ways, recorder.run.goal.time_budget_s)
        recorder.forecasts.keep(known.model_copy(update={"before": before}))


def refine(recorder: Recorder, basis: Basis) -> None:
    """The original was measured and the plan is made: say it again, better."""
    refined = recorder.forecasts.expect(basis)
    known = recorder.forecasts.of_run(recorder.run.id)
    recorder.forecasts.keep(known.model_copy(update={"refined": refined}))
    recorder.say(f"The whole run will likely take {forecast_words(refined.seconds, refined.memory_bytes)}.")


def note_after(recorder: Recorder, saved_s: float) -> None:
    """What came, beside what was expected. Only whole runs teach anything."""
    run = recorder.run
    came = {
        "seconds": run.seconds,
        "saved_s": saved_s,
        "memory_bytes": recorder.peak_memory_bytes,
        "whole": run.state in LEARNED_STATES and not recorder.has_gone_on,
    }
    recorder.forecasts.keep(recorder.forecasts.of_run(run.id).model_copy(update=came))
