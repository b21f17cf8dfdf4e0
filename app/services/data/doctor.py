"""Check a person's data, and find the preparation of inputs that fits the model."""

from pathlib import Path

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from app.services.flow.steps import Flow, JobError, JobStep, StepResult
from app.services.opening.opening import OpenedModel, ReadData
from workers.contracts.base import Frozen
from workers.contracts.data.checks import DataCheckParams, DataCheckResult
from workers.contracts.data.doctor import PREPARED_WRONGLY, DoctorParams, DoctorResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams
from workers.contracts.paths import from_text
from workers.contracts.process.messages import Limits
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined, mark

TITLE = "Check the preparation"


class StoredCheck(Frozen):
    """The last check of a project's preparation, with the keys of its model and examples."""

    model_key: str
    data_key: str
    result: DoctorResult


CHECK = RecordKind("preparation-check", Owner.PROJECT, StoredCheck)
FULL_S = 15.0
QUICK_S, QUICK_ITEMS = 2.0, 40
"""Seconds and items before a run: enough to recognize a preparation that is nearly always right."""
LEAST_BUDGET_S = 60.0
WRONGLY = mark("The inputs are probably prepared wrongly")
WALL_S = 20.0
"""Most seconds of the check before a run; a check that takes longer gives no finding."""


def check_preparation(
    model: OpenedModel, params: DataParams, data_key: str | None, *, quick: bool = False
) -> Flow[DoctorResult]:
    """Try the plausible preparations on the person's examples; a repeated check gets the cached result.

    Args:
        model: The opened model.
        params: How the examples are read.
        data_key: Identifies the contents of the examples.
        quick: Whether to do the short check before a run.

    Raises:
        JobError: The examples cannot be read.
    """
    if params.path is None:
        raise ValueError("made inputs are prepared as the model wants them")
    names = {"path", "text_column", "label_column", "label_map", "left_out", "relabeled"}
    done = yield from JobStep(
        "doctor",
        DoctorParams(
            **params.model_dump(include=names),
            model_dir=str(model.folder),
            seconds=QUICK_S if quick else FULL_S,
            max_items=QUICK_ITEMS if quick else 200,
            quick=quick,
        ),
        DoctorResult,
        TITLE,
        (model.folder, from_text(params.path)),
        cache=data_key is not None,
        identity={params.path: f"data:{data_key}", str(model.folder): f"model:{model.key}"},
        limits=Limits(wall_s=WALL_S) if quick else Limits(),
    ).run()
    return done.result


def store_check(repositories: Repositories, project_id: str, check: StoredCheck) -> None:
    """Store a check of a project in place of the earlier one."""
    repositories.records.put(CHECK, project_id, check)


def read_check(repositories: Repositories, project_id: str, model_key: str, data_key: str) -> DoctorResult | None:
    """Return the result of the last check, None if it was of another model or other examples."""
    stored = repositories.records.get(CHECK, project_id)
    if stored is None or (stored.model_key, stored.data_key) != (model_key, data_key):
        return None
    return stored.result


def misfit_before_run(
    model: OpenedModel, params: DataParams, data: ReadData, time_budget_s: float | None = None
) -> Flow[DoctorResult | None]:
    """Return the check's result if another preparation fits far better than the chosen one, else None.

    Runs below a minute skip the check. A check that fails does not stop the run.
    """
    if time_budget_s is not None and time_budget_s < LEAST_BUDGET_S:
        return None
    if data.result.origin == "made" or params.path is None or not from_text(params.path).exists():
        return None
    try:
        result = yield from check_preparation(model, params, data.key, quick=True)
    except JobError:
        return None
    return result if result.verdict == "far_better" and result.best is not None else None


def misfit_finding(misfit: DoctorResult) -> Finding:
    """Return the finding that the inputs are probably prepared wrongly, with its figures."""
    return Finding(
        level="danger",
        what=joined([_("{0}.").format(_(WRONGLY)), _(misfit.what), _(misfit.why)]),
        code=PREPARED_WRONGLY,
    )


def misfit_error(misfit: DoctorResult) -> ErrorInfo:
    """Return the error that stops a run before it measures with inputs that are probably prepared wrongly.

    `facts` holds the SPEC of ``--preprocess`` and the words of both preparations: `best`, `best_words`, `chosen`.
    """
    best, chosen = misfit.best, next((tried.spec for tried in misfit.ways if tried.is_chosen), "")
    assert best is not None, "a misfit has a better preparation"
    command = _("--preprocess {0}, or --preprocess {1} to keep the present one.") if chosen else _("--preprocess {0}.")
    return ErrorInfo(
        code=PREPARED_WRONGLY,
        title=WRONGLY,
        detail=joined([_(misfit.what), _(misfit.why)]),
        hint="Use the preparation that fits, or confirm the present one.",
        facts={"best": best.spec, "best_words": best.words, "chosen": chosen},
        by_command=command.format(best.spec, chosen),
    )


CHECK_TITLE = "Check the examples"


def check_data(params: DataCheckParams, seed: int = 0) -> Flow[DataCheckResult]:
    """Check one set, or two compared with each other; raise `JobError` (exit code 3) if one cannot be read."""
    places = (params.path, params.against, params.model_dir, params.data_dir)
    done = yield from JobStep(
        "data_check",
        params,
        DataCheckResult,
        CHECK_TITLE,
        tuple(from_text(place) for place in places if place is not None),
        seed=seed,
    ).run()
    return done.result


def check_read(params: DataParams, data: ReadData, model_dir: Path) -> Flow[StepResult[DataCheckResult]]:
    """Check the two parts of a set that was read; pictures lie in the result's `folder`. A repeated check is cached."""
    if params.path is None:
        raise ValueError("made inputs are not checked")
    names = {"path", "text_column", "label_column", "left_out", "relabeled"}
    check = DataCheckParams(
        **params.model_dump(include=names),
        against=params.calibration_path,
        model_dir=str(model_dir),
        data_dir=str(data.folder),
    )
    places = [params.path, *([params.calibration_path] if params.calibration_path else [])]
    return (
        yield from JobStep(
            "data_check",
            check,
            DataCheckResult,
            CHECK_TITLE,
            (*map(from_text, places), model_dir, data.folder),
            cache=True,
            identity={**dict.fromkeys(places, "data"), str(data.folder): data.key, str(model_dir): "model"},
        ).run()
    )
