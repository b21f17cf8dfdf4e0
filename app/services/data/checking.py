"""Check data, as `fettle data check` and the page Data do after reading."""

from dataclasses import dataclass
from pathlib import Path

from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.opening.opening import ReadData
from workers.contracts.data.checks import DataCheckParams, DataCheckResult
from workers.contracts.jobs import DataParams
from workers.contracts.paths import from_text

TITLE = "Check the examples"


def check_data(params: DataCheckParams, seed: int = 0) -> Flow[DataCheckResult]:
    """Check one set, or two compared with each other; raise `JobError` (exit code 3) if one cannot be read."""
    places = (params.path, params.against, params.model_dir, params.data_dir)
    done: StepResult[DataCheckResult] = yield JobStep(
        kind="data_check",
        params=params,
        result=DataCheckResult,
        title=TITLE,
        read_paths=tuple(from_text(place) for place in places if place is not None),
        seed=seed,
    )
    return done.result


@dataclass(frozen=True)
class Checked:
    """The findings, and the stored folder of their pictures."""

    result: DataCheckResult
    folder: Path


def check_read(asked: DataParams, data: ReadData, model_dir: Path) -> Flow[Checked]:
    """Check the two parts of a set that was read; a set that was checked before gets the cached result."""
    if asked.path is None:
        raise ValueError("made inputs are not checked")
    params = DataCheckParams(
        path=asked.path,
        against=asked.calibration_path,
        model_dir=str(model_dir),
        data_dir=str(data.folder),
        text_column=asked.text_column,
        label_column=asked.label_column,
        left_out=asked.left_out,
        relabeled=asked.relabeled,
    )
    places = [asked.path, *([asked.calibration_path] if asked.calibration_path else [])]
    done: StepResult[DataCheckResult] = yield JobStep(
        kind="data_check",
        params=params,
        result=DataCheckResult,
        title=TITLE,
        read_paths=(*map(from_text, places), model_dir, data.folder),
        cache=True,
        identity={**dict.fromkeys(places, "data"), str(data.folder): data.key, str(model_dir): "model"},
    )
    return Checked(done.result, done.folder)
