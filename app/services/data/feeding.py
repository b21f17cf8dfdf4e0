"""Show three examples as they enter the model, for the page Data and `fettle inspect MODEL --data PATH`."""

from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from workers.contracts.data.fed import FedInput, FedParams, FedResult
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


def shape_words(entry: FedInput) -> str:
    """Return the shape as text ("1 × 3 × 224 × 224"), "one number" for a scalar."""
    return " × ".join(f"{size:,}" for size in entry.shape) or "one number"


def range_words(entry: FedInput) -> str:
    """Return lowest, highest and mean value as text, e.g. "−2.12 to 2.64, mean −0.03"; "mean" stays with its number."""
    if entry.low is None or entry.high is None or entry.mean is None:
        return "no finite numbers"
    if entry.low == entry.high:
        return f"all {number_words(entry.low)}"
    return f"{number_words(entry.low)} to {number_words(entry.high)}, mean\u00a0{number_words(entry.mean)}"


def number_words(value: float) -> str:
    """Return a number as text: whole from 1000 on, two decimals from 1 on, else two significant digits."""
    size = abs(value)
    if size >= 1e7 or 0 < size < 1:
        text = f"{size:.2g}"
    else:
        text = f"{size:,.0f}" if size >= 1000 or size == int(size) else f"{size:.2f}"
    return f"−{text}" if value < 0 else text
