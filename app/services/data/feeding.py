"""Show three examples as they enter the model, for the page Data and `fettle inspect MODEL --data PATH`."""

from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from workers.contracts.data.fed import FedParams, FedResult
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import ModelInfo

TITLE = "Show what the model receives"


def show_fed(model: OpenedModel, data: ReadData) -> Flow[StepResult[FedResult]]:
    """Return three inputs; pictures lie in the result's `folder`. A repeated request gets the cached result.

    Raises:
        JobError: The model cannot run on the examples.
    """
    done: StepResult[FedResult] = yield JobStep(
        kind="fed",
        params=FedParams(model_dir=str(model.folder), data_dir=str(data.folder)),
        result=FedResult,
        title=TITLE,
        read_paths=(model.folder, data.folder),
        cache=True,
        identity={str(model.folder): f"model:{model.key}", str(data.folder): f"data:{data.key}"},
    )
    return done


def inspect_fed(opening: OpenParams, asked: DataParams) -> Flow[tuple[ModelInfo, StepResult[FedResult]]]:
    """Open the model, read the data for it, and show its inputs; raise `JobError` if one of these fails."""
    model = yield from open_model(opening)
    data = yield from read_data(asked.model_copy(update={"model_dir": str(model.folder)}))
    done = yield from show_fed(model, data)
    return model.info, done
