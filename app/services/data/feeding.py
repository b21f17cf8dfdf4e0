"""What the model is fed: three examples as they go in, for the page Data and `fettle inspect MODEL --data PATH`."""

from app.services.flow.steps import Done, Flow, JobStep
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from workers.contracts.data.fed import FedInput, FedParams, FedResult
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import ModelInfo

TITLE = "See what the model is fed"


def show_fed(model: OpenedModel, data: ReadData) -> Flow[Done[FedResult]]:
    """Pictures lie in the `folder` of what comes back; answered from the store where the same was asked before.

    Raises `JobError` where the model cannot run on the examples.
    """
    done: Done[FedResult] = yield JobStep(
        kind="fed",
        params=FedParams(model_dir=str(model.folder), data_dir=str(data.folder)),
        result=FedResult,
        title=TITLE,
        read_paths=(model.folder, data.folder),
        cache=True,
        identity={str(model.folder): f"model:{model.key}", str(data.folder): f"data:{data.key}"},
    )
    return done


def inspect_fed(opening: OpenParams, asked: DataParams) -> Flow[tuple[ModelInfo, Done[FedResult]]]:
    """Open the model, read the data for it, and see what goes in. Raises `JobError` where one of it cannot be done."""
    model = yield from open_model(opening)
    data = yield from read_data(asked.model_copy(update={"model_dir": str(model.folder)}))
    done = yield from show_fed(model, data)
    return model.info, done


def shape_words(entry: FedInput) -> str:
    """ "1 × 3 × 224 × 224"; "one number" for none."""
    return " × ".join(f"{size:,}" for size in entry.shape) or "one number"


def range_words(entry: FedInput) -> str:
    """ "−2.12 to 2.64, mean −0.03": from the lowest to the highest number; the mean stays with its word."""
    if entry.low is None or entry.high is None or entry.mean is None:
        return "no finite numbers"
    if entry.low == entry.high:
        return f"all {number_words(entry.low)}"
    return f"{number_words(entry.low)} to {number_words(entry.high)}, mean\u00a0{number_words(entry.mean)}"


def number_words(value: float) -> str:
    """Whole from a thousand on, two decimals between 1 and that, below and far above two digits that count."""
    size = abs(value)
    if size >= 1e7 or 0 < size < 1:
        text = f"{size:.2g}"
    else:
        text = f"{size:,.0f}" if size >= 1000 or size == int(size) else f"{size:.2f}"
    return f"−{text}" if value < 0 else text
