"""Which way of preparing inputs fits the model: asked on the page Data, by `fettle data doctor`, before each run."""

from app.services.flow.steps import Done, Flow, JobError, JobStep
from app.services.opening.opening import OpenedModel, ReadData
from workers.contracts.data.doctor import DoctorParams, DoctorResult
from workers.contracts.jobs import DataParams
from workers.contracts.paths import from_text
from workers.contracts.process.messages import Limits

TITLE = "Check the preparation"
FULL_S = 15.0
QUICK_S, QUICK_ITEMS = 1.5, 40
"""Before a run: enough to see a way that is right nearly each time where the chosen one nearly never is."""
LEAST_BUDGET_S = 60.0
WALL_S = 10.0
"""The look before a run ends after this, whatever keeps the model busy; then nothing is said."""


def check_preparation(
    model: OpenedModel, asked: DataParams, data_key: str | None, *, quick: bool = False
) -> Flow[DoctorResult]:
    """Try the plausible ways on the person's examples; answered from the store where the same was asked before.

    Raises `JobError` where the examples cannot be read. `data_key` stands for what the examples hold.
    """
    if asked.path is None:
        raise ValueError("made inputs are prepared as the model wants them")
    place = from_text(asked.path)
    done: Done[DoctorResult] = yield JobStep(
        kind="doctor",
        params=DoctorParams(
            model_dir=str(model.folder),
            path=asked.path,
            text_column=asked.text_column,
            label_column=asked.label_column,
            label_map=asked.label_map,
            left_out=asked.left_out,
            relabeled=asked.relabeled,
            seconds=QUICK_S if quick else FULL_S,
            max_items=QUICK_ITEMS if quick else 200,
            quick=quick,
        ),
        result=DoctorResult,
        title=TITLE,
        read_paths=(model.folder, place),
        cache=data_key is not None,
        identity={asked.path: f"data:{data_key}", str(model.folder): f"model:{model.key}"},
        limits=Limits(wall_s=WALL_S) if quick else Limits(),
    )
    return done.result


def warning_before_run(
    model: OpenedModel, asked: DataParams, data: ReadData, time_budget_s: float | None = None
) -> Flow[str | None]:
    """A sentence where another way fits far better than the chosen one; None where not, or where it cannot be told.

    A run of less than a minute is not kept waiting for it.

    A check beside the run: what keeps it from being made does not keep the run from going on.
    """
    if time_budget_s is not None and time_budget_s < LEAST_BUDGET_S:
        return None
    if data.result.origin == "made" or asked.path is None or not from_text(asked.path).exists():
        return None
    try:
        found = yield from check_preparation(model, asked, data.key, quick=True)
    except JobError:
        return None
    return doctor_warning(found)


def doctor_warning(found: DoctorResult) -> str | None:
    """In words, with the figures, and what to do."""
    if found.verdict != "far_better" or found.best is None:
        return None
    return f"The inputs are probably prepared wrongly. {found.what} {found.why}"
