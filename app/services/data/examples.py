"""Show examples: as they enter the model, and as a list with small pictures."""

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data, runtime_of
from workers.contracts.data.fed import FedParams, FedResult
from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW
from workers.contracts.data.thumbnails import ThumbnailsParams, ThumbnailsResult
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import ModelInfo

TITLE = "Show what the model receives"


def show_fed(model: OpenedModel, data: ReadData) -> Flow[StepResult[FedResult]]:
    """Return three inputs; pictures lie in the result's `folder`. A repeated request gets the cached result.

    Raises:
        JobError: The model cannot run on the examples.
    """
    return (
        yield from JobStep(
            "fed",
            FedParams(model_dir=str(model.folder), data_dir=str(data.folder), runtime=runtime_of(model)),
            FedResult,
            TITLE,
            (model.folder, data.folder),
            cache=True,
            identity={str(model.folder): f"model:{model.key}", str(data.folder): f"data:{data.key}"},
        ).run()
    )


def inspect_fed(opening: OpenParams, params: DataParams) -> Flow[tuple[ModelInfo, StepResult[FedResult]]]:
    """Open the model, read the data for it, and show its inputs; raise `JobError` if one of these fails."""
    model = yield from open_model(opening)
    data = yield from read_data(params.model_copy(update={"model_dir": str(model.folder)}))
    done = yield from show_fed(model, data)
    return model.result.info, done


CHUNK = 128
"""Number of pictures drawn at a time."""


@dataclass(frozen=True)
class DataItem:
    """One example: `source` names it in its set, `label` is "" without one."""

    source: str
    label: str
    text: str
    is_test: bool


SHOWN_CHARS = 300
"""Number of characters of a text that the list of examples gets."""


def _shown(text: str) -> str:
    """Return the beginning of a text; of a dialogue in JSON, its messages as people read them."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):  # any other text is no dialogue in JSON
        text = " – ".join(message["content"] for message in json.loads(text)) or text
    return text[:SHOWN_CHARS]


def read_items(folder: Path) -> tuple[DataItem, ...]:
    """Return the person's examples of a read set, test examples first, in the order of `ThumbnailsParams`.

    Conversations that Fettle added to the test are left out.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is damaged.
    """
    facts = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    classes = list(facts["classes"] or ())
    return tuple(
        DataItem(str(row["source"]), _label(row["labels"], classes), _shown(str(row["text"] or "")), part == "test")
        for part in ("test", "calibration")
        for row in facts[part]
        if not {IN_A_ROW, FETTLES_OWN} & row.get("facts", {}).keys()
    )


def _label(labels: list[int], classes: list[str]) -> str:
    """Return the first accepted class by its name, else by its number."""
    if not labels:
        return ""
    return classes[labels[0]] if labels[0] < len(classes) else str(labels[0])


def draw(params: DataParams, data: ReadData, model_dir: Path, first: int) -> Flow[tuple[bytes, ...]]:
    """Return JPEGs of the examples from `first` to `first + CHUNK`, b"" for items without a picture, cached."""
    if params.path is None:
        raise ValueError("made inputs are not drawn")
    places = [place for place in (params.path, params.calibration_path) if place is not None]
    done = yield from JobStep(
        "thumbnails",
        ThumbnailsParams(
            model_dir=str(model_dir),
            data_dir=str(data.folder),
            **params.model_dump(include={"path", "calibration_path", "text_column", "label_column"}),
            first=first,
            count=CHUNK,
        ),
        ThumbnailsResult,
        "Draw small pictures",
        (model_dir, data.folder, *map(from_text, places)),
        cache=True,
        identity={**dict.fromkeys(places, "data"), str(data.folder): data.key, str(model_dir): "model"},
    ).run()
    content = (done.folder / done.result.file).read_bytes()
    ends = (0, *done.result.ends)
    return tuple(content[start:end] for start, end in itertools.pairwise(ends))
